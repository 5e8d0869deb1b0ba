"""What `sls package` makes of serverless.yml, stage by stage, and what is in the bundle."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from starlette.routing import Route

from functions.admin import app as admin
from functions.proxy import app as proxy
from tests.functions.runtime_api_emulator import ROOT

if TYPE_CHECKING:
    from pathlib import Path

Resource = dict[str, Any]


def package(stage: str, into: Path) -> subprocess.CompletedProcess[str]:
    npx = shutil.which("npx")
    assert npx is not None, "packaging needs Node.js 20 or newer"
    if not (ROOT / "node_modules/.bin/sls").exists():
        npm = shutil.which("npm")
        assert npm is not None
        subprocess.run([npm, "ci"], cwd=ROOT, check=True)
    return subprocess.run(
        [npx, "sls", "package", "--stage", stage, "--package", str(into)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


class Template:
    """The compiled CloudFormation template of one stage."""

    def __init__(self, stage: str, folder: Path) -> None:
        self.stage = stage
        done = package(stage, folder)
        assert 0 == done.returncode, done.stdout + done.stderr
        text = (folder / "cloudformation-template-update-stack.json").read_text(encoding="utf-8")
        self.resources: dict[str, Resource] = json.loads(text)["Resources"]

    def of(self, kind: str) -> dict[str, Resource]:
        return {
            name: resource["Properties"]
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def path_of(self, resource_id: Resource) -> str:
        if "Fn::GetAtt" in resource_id:
            return ""
        resource = self.resources[resource_id["Ref"]]["Properties"]
        return f"{self.path_of(resource['ParentId'])}/{resource['PathPart']}"

    def routes(self) -> dict[str, tuple[str, str, int]]:
        """Each path with its function, transfer mode and timeout."""
        found: dict[str, tuple[str, str, int]] = {}
        for method in self.of("AWS::ApiGateway::Method").values():
            integration = method["Integration"]
            [function] = [
                part["Fn::GetAtt"][0].removesuffix("LambdaFunction").lower()
                for part in integration["Uri"]["Fn::Join"][1]
                if isinstance(part, dict) and "Fn::GetAtt" in part
            ]
            assert "ANY" == method["HttpMethod"]
            found[self.path_of(method["ResourceId"]) or "/"] = (
                function,
                integration.get("ResponseTransferMode", "BUFFERED"),
                integration.get("TimeoutInMillis", 29_000),
            )
        return found


def function_of(path: str, routes: dict[str, tuple[str, str, int]]) -> str:
    """Find a path's function as API Gateway does: its own route, else the longest open one."""
    if path in routes:
        return routes[path][0]
    opens = [route.removesuffix("{proxy+}") for route in routes if route.endswith("{proxy+}")]
    return routes[max((o for o in opens if path.startswith(o)), key=len) + "{proxy+}"][0]


@pytest.fixture(scope="module", params=["dev", "prod"])
def template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template(request.param, tmp_path_factory.mktemp(request.param))


@pytest.mark.slow
def test_there_are_four_functions_each_with_its_own_role(template: Template) -> None:
    functions = template.of("AWS::Lambda::Function")

    assert {
        f"{name}LambdaFunction": (
            f"functions/{name.lower()}/handler.handler",
            f"tollgate-{template.stage}-{name.lower()}",
            {"Fn::GetAtt": [f"{name}Role", "Arn"]},
        )
        for name in ("Proxy", "Admin", "Resets", "Ledger")
    } == {name: (f["Handler"], f["FunctionName"], f["Role"]) for name, f in functions.items()}
    assert {("python3.13", "arm64")} == {
        (function["Runtime"], *function["Architectures"]) for function in functions.values()
    }


@pytest.mark.slow
def test_calls_of_models_are_streamed_and_the_rest_is_not(template: Template) -> None:
    streamed = ("proxy", "STREAM", 900_000)
    buffered = ("admin", "BUFFERED", 29_000)

    assert {
        "/v1/{proxy+}": streamed,
        "/chat/{proxy+}": streamed,
        "/completions": streamed,
        "/embeddings": streamed,
        "/models": streamed,
        "/models/{proxy+}": streamed,
        "/engines/{proxy+}": streamed,
        "/openai/{proxy+}": streamed,
        "/v1/model/{proxy+}": buffered,
        "/": streamed,
        "/{proxy+}": buffered,
    } == template.routes()


@pytest.mark.slow
def test_every_route_of_an_app_reaches_that_app(template: Template) -> None:
    routes = template.routes()

    of_proxy = [route.path for route in proxy.make_app().routes if isinstance(route, Route)]
    assert {"proxy"} == {function_of(path, routes) for path in of_proxy}
    assert {"admin"} == {function_of(path, routes) for path in admin.make_app().openapi()["paths"]}


@pytest.mark.slow
def test_the_endpoint_is_regional_and_the_proxy_starts_our_loop(template: Template) -> None:
    [api] = template.of("AWS::ApiGateway::RestApi").values()
    proxy = template.of("AWS::Lambda::Function")["ProxyLambdaFunction"]

    assert ["REGIONAL"] == api["EndpointConfiguration"]["Types"]
    assert (900, "/var/task/infra/bootstrap-stream") == (
        proxy["Timeout"],
        proxy["Environment"]["Variables"]["AWS_LAMBDA_EXEC_WRAPPER"],
    )


@pytest.mark.slow
def test_schedules_run_by_their_rates_and_give_up_into_a_queue(template: Template) -> None:
    rules = template.of("AWS::Events::Rule").values()
    retries = template.of("AWS::Lambda::EventInvokeConfig").values()

    assert {
        ("rate(5 minutes)", "ResetsLambdaFunction"),
        ("rate(1 minute)", "LedgerLambdaFunction"),
    } == {
        (rule["ScheduleExpression"], rule["Targets"][0]["Arn"]["Fn::GetAtt"][0]) for rule in rules
    }
    assert [(1, 300, {"Fn::GetAtt": ["FailedSchedules", "Arn"]})] * 2 == [
        (
            retry["MaximumRetryAttempts"],
            retry["MaximumEventAgeInSeconds"],
            retry["DestinationConfig"]["OnFailure"]["Destination"],
        )
        for retry in retries
    ]


@pytest.mark.slow
def test_logs_are_kept_as_long_as_the_stage_says(template: Template) -> None:
    days = {"dev": 14, "prod": 90}[template.stage]

    groups = template.of("AWS::Logs::LogGroup").values()
    assert [days] * 4 == [group["RetentionInDays"] for group in groups]


@pytest.mark.slow
def test_no_role_may_do_anything_to_everything(template: Template) -> None:
    statements = [
        statement
        for role in template.of("AWS::IAM::Role").values()
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]

    assert {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"} == {
        action
        for statement in statements
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    }
    assert all("Fn::GetAtt" in statement["Resource"] for statement in statements)


@pytest.mark.slow
def test_no_secret_is_in_the_template(template: Template) -> None:
    variables = template.of("AWS::Lambda::Function")["AdminLambdaFunction"]["Environment"]

    secrets = ("TOLLGATE_MASTER_KEY", "DATABASE_URL", "UPSTASH_REDIS_REST_TOKEN")
    assert {f"{{{{resolve:ssm:/tollgate/{template.stage}/"} == {
        variables["Variables"][name].rpartition("/")[0] + "/" for name in secrets
    }


@pytest.mark.slow
def test_a_mistyped_stage_fails(tmp_path: Path) -> None:
    done = package("prdo", tmp_path)

    assert (False, True) == (done.returncode == 0, "logRetention" in done.stdout + done.stderr)


@pytest.mark.slow
def test_the_bundle_holds_what_runs_and_nothing_else(template: Template) -> None:
    del template  # packaging built it

    with zipfile.ZipFile(ROOT / "build/lambda.zip") as bundle:
        names = set(bundle.namelist())
        starter = bundle.getinfo("infra/bootstrap-stream")
    tops = {name.partition("/")[0] for name in names}
    ours = {
        str(path.relative_to(ROOT))
        for room in ("functions", "shared")
        for suffix in ("py", "sql", "lua", "json")
        for path in (ROOT / room).rglob(f"*.{suffix}")
    }
    assert set() == (ours | {"config.json", "orjson/__init__.py"}) - names
    assert set() == {"tests", "local", "awslambdaric", "yaml", "typer", "uvicorn"} & tops
    assert 0o755 == (starter.external_attr >> 16) & 0o777
    assert {"aarch64"} == {
        name.partition("cpython-313-")[2].partition("-")[0]
        for name in names
        if name.endswith("-linux-gnu.so")
    }
