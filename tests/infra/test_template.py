"""What a stage is made of on AWS, asserted in the template that CloudFormation gets."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from starlette.routing import Route

from functions.admin import app as admin
from functions.proxy import app as proxy
from shared.observability import UNITS
from tests.infra.packaging import Template, package
from tests.outside import python_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

EVERYTHING = {
    "tracing": "on",
    "firewall": "on",
    "firewallRate": "700",
    "domain": "custom",
    "domainName": "llm.example.com",
    "certificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/"
    "12345678-1234-1234-1234-123456789012",
    "secretsKey": "own",
    "secretsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012",
    "alarmsTo": "email",
    "alarmEmail": "operator@example.com",
}
ALARMS_OF_ALL = {
    *("ledger-backlog", "ledger-parked", "ledger-drift", "ledger-steps-fail", "calls-lost"),
    *("rows-without-partition", "schedule-given-up", "resets-errors", "ledger-errors"),
    *("resets-throttles", "ledger-throttles", "gateway-failures", "gateway-overhead"),
    *("cold-starts", "config-refused", "config-not-loaded"),
}
ALARMS_OF_FUNCTIONS = {
    *("proxy-errors", "admin-errors", "proxy-throttles", "admin-throttles", "admin-slow"),
}


@pytest.fixture(scope="module", params=["dev", "prod"])
def template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template("prod", tmp_path_factory.mktemp("everything"), EVERYTHING)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template("prod", tmp_path_factory.mktemp("web"), {"frontDoor": "web-function"})


def function_of(path: str, routes: dict[str, tuple[str, str, int]]) -> str:
    """Find a path's function as API Gateway does: its own route, else the longest open one."""
    if path in routes:
        return routes[path][0]
    opens = [route.removesuffix("{proxy+}") for route in routes if route.endswith("{proxy+}")]
    return routes[max((o for o in opens if path.startswith(o)), key=len) + "{proxy+}"][0]


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


def test_management_and_schedules_have_a_bound_on_how_many_run(template: Template) -> None:
    functions = template.of("AWS::Lambda::Function")

    assert {"Proxy": None, "Admin": 10, "Resets": 1, "Ledger": 1} == {
        name.removesuffix("LambdaFunction"): function.get("ReservedConcurrentExecutions")
        for name, function in functions.items()
    }


def test_calls_of_models_are_streamed_and_the_rest_is_not(template: Template) -> None:
    routes = template.routes()

    streamed = {path for path, kind in routes.items() if kind == ("proxy", "STREAM", 900_000)}
    buffered = {path for path, kind in routes.items() if kind == ("admin", "BUFFERED", 29_000)}
    assert routes.keys() == streamed | buffered
    assert {"/{proxy+}", "/v1/model/{proxy+}"} == buffered
    assert streamed >= {"/", "/v1/{proxy+}", "/chat/{proxy+}", "/embeddings", "/openai/{proxy+}"}


def test_every_route_of_an_app_reaches_that_app(template: Template) -> None:
    routes = template.routes()

    of_proxy = [route.path for route in proxy.make_app().routes if isinstance(route, Route)]
    of_admin = [
        route.path
        for subject in admin.SUBJECTS
        for route in subject.router.routes
        if isinstance(route, Route) or hasattr(route, "path")
    ]
    fixed = [path for path in of_proxy if not path.startswith("/{provider")]
    assert {"proxy"} == {function_of(path, routes) for path in fixed}
    assert {"admin"} == {function_of(path, routes) for path in of_admin}


def test_the_endpoint_is_regional_and_the_proxy_starts_our_loop(template: Template) -> None:
    [api] = template.of("AWS::ApiGateway::RestApi").values()
    function = template.of("AWS::Lambda::Function")["ProxyLambdaFunction"]

    assert ["REGIONAL"] == api["EndpointConfiguration"]["Types"]
    assert (900, "/var/task/infra/bootstrap-stream") == (
        function["Timeout"],
        function["Environment"]["Variables"]["AWS_LAMBDA_EXEC_WRAPPER"],
    )


def test_the_whole_api_is_throttled_on_a_stage_that_shows_the_newest_deployment(
    template: Template,
) -> None:
    [(deployment, made)] = template.of("AWS::ApiGateway::Deployment").items()
    stage = template.of("AWS::ApiGateway::Stage")["ApiStage"]

    [settings] = stage["MethodSettings"]
    assert {"dev": (200, 400), "prod": (1000, 2000)}[template.stage] == (
        settings["ThrottlingRateLimit"],
        settings["ThrottlingBurstLimit"],
    )
    assert ({"Ref": deployment}, False) == (stage["DeploymentId"], "StageName" in made)


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


def test_logs_are_kept_as_long_as_the_stage_says(template: Template) -> None:
    days = {"dev": 14, "prod": 90}[template.stage]

    groups = template.of("AWS::Logs::LogGroup").values()
    assert [days] * 4 == [group["RetentionInDays"] for group in groups]


def test_each_role_may_do_what_its_function_does_and_no_more(template: Template) -> None:
    def log(name: str) -> set[tuple[str, str]]:
        return {
            (f"logs:{action}", f"{name}LogGroup") for action in ("CreateLogStream", "PutLogEvents")
        }

    path = f"parameter/tollgate/{template.stage}"
    gateway = {("ssm:GetParametersByPath", f"{path}/gateway")}
    # By path at a start, by name where the configuration names a secret manager's.
    providers = {
        (f"ssm:{action}", f"{path}/{where}")
        for action in ("GetParametersByPath", "GetParameters")
        for where in ("gateway", "providers", "providers/*")
    }
    failed = {("sqs:SendMessage", "FailedSchedules")}
    keys = {("ssm:PutParameter", f"{path}/keys/*")}
    # Which of its models are called is for the configuration to say.
    bedrock = {
        (f"bedrock:{action}", f"{kind}/*")
        for action in ("InvokeModel", "InvokeModelWithResponseStream")
        for kind in ("foundation-model", "inference-profile", "application-inference-profile")
    }
    assert {
        "ProxyRole": log("Proxy") | gateway | providers | bedrock,
        "AdminRole": log("Admin") | gateway | providers | bedrock,
        "ResetsRole": log("Resets") | gateway | failed | keys,
        "LedgerRole": log("Ledger") | gateway | failed,
    } == {role: template.statements(role) for role in template.of("AWS::IAM::Role")}


def test_functions_are_told_where_secrets_are_and_none_of_them(template: Template) -> None:
    told = {
        name.removesuffix("LambdaFunction"): function["Environment"]["Variables"]
        for name, function in template.of("AWS::Lambda::Function").items()
    }

    gateway = f"/tollgate/{template.stage}/gateway"
    both = f"{gateway},/tollgate/{template.stage}/providers"
    assert {"Proxy": both, "Admin": both, "Resets": gateway, "Ledger": gateway} == {
        name: variables["TOLLGATE_SECRETS"] for name, variables in told.items()
    }
    assert {"STAGE", "TOLLGATE_CONFIG", "TOLLGATE_SECRETS", "TOLLGATE_DEPLOYMENT"} == set(
        told["Ledger"]
    )
    assert f"ssm:/tollgate/{template.stage}/keys" == told["Resets"]["TOLLGATE_ROTATED_KEYS"]
    assert "{{resolve:" not in template.path.read_text(encoding="utf-8")


def test_there_is_an_alarm_for_whatever_needs_a_person(template: Template) -> None:
    alarms = template.of("AWS::CloudWatch::Alarm").values()

    assert {
        f"tollgate-{template.stage}-{name}" for name in ALARMS_OF_ALL | ALARMS_OF_FUNCTIONS
    } == {alarm["AlarmName"] for alarm in alarms}
    assert [[{"Ref": "Alarms"}]] * len(alarms) == [alarm["AlarmActions"] for alarm in alarms]


def test_every_metric_of_ours_in_alarms_and_dashboard_is_one_that_is_measured(
    template: Template,
) -> None:
    watched = {
        alarm["MetricName"]
        for alarm in template.of("AWS::CloudWatch::Alarm").values()
        if alarm["Namespace"] == "Tollgate"
    }
    body = template.of("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]["Fn::Sub"]
    shown = {
        metric[1]
        for widget in json.loads(body)["widgets"]
        for metric in widget["properties"]["metrics"]
        if metric[0] in {"Tollgate", "."}
    }

    assert set() == (watched | shown) - set(UNITS)
    assert shown >= {"requests", "overhead_ms", "cost", "drain_waiting", "drift", "cold_starts"}


def test_options_are_off_unless_a_stage_asks_for_them(template: Template) -> None:
    kinds = {resource["Type"] for resource in template.resources.values()}

    assert set() == kinds & {
        *("AWS::WAFv2::WebACL", "AWS::ApiGateway::DomainName", "AWS::SNS::Subscription"),
        *("AWS::IAM::Policy", "AWS::Lambda::WebFunction"),
    }
    assert {"PassThrough"} == {
        function["TracingConfig"]["Mode"]
        for function in template.of("AWS::Lambda::Function").values()
    }


def test_tracing_firewall_domain_key_and_email_are_there_when_asked_for(
    everything: Template,
) -> None:
    modes = [f["TracingConfig"]["Mode"] for f in everything.of("AWS::Lambda::Function").values()]
    firewall = everything.of("AWS::WAFv2::WebACL")["Firewall"]

    assert (["Active"] * 4, True) == (
        modes,
        everything.of("AWS::ApiGateway::Stage")["ApiStage"]["TracingEnabled"],
    )
    assert everything.statements("LedgerRole") >= {
        ("xray:PutTraceSegments", "*"),
        ("kms:Decrypt", EVERYTHING["secretsKeyArn"]),
    }
    assert "700" == str(firewall["Rules"][0]["Statement"]["RateBasedStatement"]["Limit"])
    assert "llm.example.com" == everything.of("AWS::ApiGateway::DomainName")["Domain"]["DomainName"]
    assert "DomainTarget" in everything.outputs
    [subscription] = everything.of("AWS::SNS::Subscription").values()
    assert "operator@example.com" == subscription["Endpoint"]


def test_a_web_function_takes_the_place_of_the_api_and_its_two_functions(web: Template) -> None:
    revision = web.of("AWS::Lambda::WebFunctionRevision")["GatewayRevision"]
    endpoint = web.of("AWS::Lambda::WebFunctionEndpoint")["GatewayEndpoint"]
    service = revision["ServiceConfig"]

    assert {"ResetsLambdaFunction", "LedgerLambdaFunction"} == set(web.of("AWS::Lambda::Function"))
    assert {} == web.of("AWS::ApiGateway::RestApi")
    assert (900, 64, "asgi:functions.web.main:app") == (
        service["TimeoutSeconds"],
        service["MaxConcurrencyPerEnvironment"],
        service["EnvironmentVariables"]["AWS_LAMBDA_PYTHON_ENTRYPOINT"],
    )
    assert ("ApplicationManaged", 10, 1000) == (
        endpoint["AuthType"],
        endpoint["ScalingConfig"]["MaxEnvironments"],
        endpoint["ThrottleConfig"]["RateLimit"],
    )
    assert {f"tollgate-prod-{name}" for name in ALARMS_OF_ALL} == {
        alarm["AlarmName"] for alarm in web.of("AWS::CloudWatch::Alarm").values()
    }


def test_a_web_function_runs_the_bundle_that_its_bucket_lets_it_read(web: Template) -> None:
    code = web.of("AWS::Lambda::Function")["LedgerLambdaFunction"]["Code"]
    revision = web.of("AWS::Lambda::WebFunctionRevision")["GatewayRevision"]
    bucket = web.of("AWS::S3::Bucket")["ServerlessDeploymentBucket"]
    policy = web.of("AWS::S3::BucketPolicy")["ServerlessDeploymentBucketPolicy"]["PolicyDocument"]

    assert {"Bucket": code["S3Bucket"], "Key": code["S3Key"]} == revision["BuildConfig"][
        "CodeConfig"
    ]["S3Object"]
    assert "Enabled" == bucket["VersioningConfiguration"]["Status"]
    assert ["s3:GetObject", "s3:GetObjectVersion"] in [s["Action"] for s in policy["Statement"]]


@pytest.mark.parametrize("which", ["template", "everything", "web"])
def test_cfn_lint_finds_nothing(which: str, request: pytest.FixtureRequest) -> None:
    compiled: Template = (
        Template("dev", request.getfixturevalue("tmp_path"))
        if which == "template"
        else request.getfixturevalue(which)
    )
    run = "import sys; from cfnlint.runner import main; sys.exit(main())"
    linter = [str(python_of("aws")), "-c", run]

    done = subprocess.run(
        [*linter, "--regions", "eu-west-1", "--template", str(compiled.path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stdout)


@pytest.mark.parametrize(
    ("stage", "params", "named"),
    [
        ("nosuch", {}, "logRetention"),
        ("dev", {"frontDoor": "front-gate"}, 'Value not found at "file"'),
        ("dev", {"firewall": "maybe"}, 'Value not found at "file"'),
    ],
    ids=["stage", "front door", "option"],
)
def test_a_mistyped_word_fails(
    stage: str, params: dict[str, str], named: str, tmp_path: Path
) -> None:
    done = package(stage, tmp_path, **params)

    assert 0 != done.returncode
    assert named in done.stdout + done.stderr
