"""A real `sls deploy` of three stages into a moto server, then an update and a removal."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.build import ARTIFACT
from tests.infra.packaging import ROOT, sls
from tests.outside import python_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
FRONTED = {
    "memory": "768",
    "firewall": "on",
    "domain": "custom",
    "domainName": "llm.example.com",
    "certificateArn": CERTIFICATE,
}
SECONDS = {"proxy": 900, "admin": 29, "resets": 120, "ledger": 120}


def params(given: dict[str, str]) -> list[str]:
    return [word for name, value in given.items() for word in ("--param", f"{name}={value}")]


class Cloud:
    """AWS as far as moto goes."""

    def __init__(self, url: str) -> None:
        self.url = url

    def sls(self, command: str, stage: str, *arguments: str) -> None:
        done = sls(
            *(command, "--stage", stage, *arguments),
            AWS_ENDPOINT_URL=self.url,
            AWS_ACCESS_KEY_ID="x",
            AWS_SECRET_ACCESS_KEY="x",
            AWS_EC2_METADATA_DISABLED="true",
        )
        assert 0 == done.returncode, done.stdout + done.stderr

    def has(self, stage: str) -> dict[str, Any]:
        argv = [str(python_of("aws")), str(HERE / "ask_aws.py"), self.url, stage]
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
        assert 0 == done.returncode, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    argv = [str(python_of("aws")), str(HERE / "moto_server.py")]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        cloud = Cloud(f"http://127.0.0.1:{int(process.stdout.readline())}")
        for stage in ("dev", "prod"):
            cloud.sls("deploy", stage)
        yield cloud
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.mark.parametrize(("stage", "days", "memory"), [("dev", 14, 512), ("prod", 90, 1024)])
def test_a_stage_is_there(cloud: Cloud, stage: str, days: int, memory: int) -> None:
    found = cloud.has(stage)

    assert {
        f"tollgate-{stage}-{name}": ["python3.13", memory, seconds]
        for name, seconds in SECONDS.items()
    } == found["functions"]
    assert {f"/aws/lambda/tollgate-{stage}-{name}": days for name in SECONDS} == found["retention"]
    assert ([stage], ["rate(1 minute)", "rate(5 minutes)"]) == (found["stages"], found["rules"])
    assert (21, 4, 1, [f"tollgate-{stage}"]) == (
        len(found["alarms"]),
        found["roles"],
        len(found["queues"]),
        found["dashboards"],
    )


def test_no_secret_is_in_a_functions_configuration(cloud: Cloud) -> None:
    variables = cloud.has("dev")["variables"]["tollgate-dev-proxy"]

    assert "/tollgate/dev/gateway,/tollgate/dev/providers" == variables["TOLLGATE_SECRETS"]
    assert set() == {"TOLLGATE_MASTER_KEY", "DATABASE_URL"} & variables.keys()


def test_an_update_changes_the_stage_and_starts_new_processes(cloud: Cloud) -> None:
    before = cloud.has("dev")["variables"]["tollgate-dev-admin"]["TOLLGATE_DEPLOYMENT"]

    cloud.sls("deploy", "dev", *params(FRONTED))

    after = cloud.has("dev")
    assert ["python3.13", 768, 900] == after["functions"]["tollgate-dev-proxy"]
    assert before != after["variables"]["tollgate-dev-admin"]["TOLLGATE_DEPLOYMENT"]


def test_a_firewall_stands_before_the_updated_stage_and_no_other(cloud: Cloud) -> None:
    assert [["tollgate-dev", "too-often", "ill-repute"]] == cloud.has("dev")["firewalls"]
    assert [[]] == cloud.has("prod")["firewalls"]


def test_a_domain_leads_to_the_updated_stage(cloud: Cloud) -> None:
    found = cloud.has("dev")

    assert {"llm.example.com": [[*found["apis"], "dev"]]} == found["domains"]
    assert found["outputs"]["DomainTarget"].endswith(".execute-api.eu-west-1.amazonaws.com")


def test_a_web_function_has_all_traffic_of_its_stage(cloud: Cloud) -> None:
    cloud.sls("deploy", "web", *params({"frontDoor": "web-function", "logRetention": "7"}))

    found = cloud.has("web")
    web = found["web function"]
    assert (100, "ApplicationManaged", 10) == (web["weight"], web["auth"], web["environments"])
    assert ("python3.13", 900, 64) == (web["runtime"], web["seconds"], web["at once"])
    assert ARTIFACT.stat().st_size == web["code"]
    assert "/tollgate/web/gateway,/tollgate/web/providers" == web["variables"]["TOLLGATE_SECRETS"]
    assert 7 == found["retention"][web["log"]]
    assert web["url"] == found["outputs"]["ServiceEndpoint"]
    assert ({"tollgate-web-resets", "tollgate-web-ledger"}, []) == (
        set(found["functions"]),
        found["apis"],
    )


def test_an_update_makes_another_revision_of_a_web_function_and_keeps_the_last(
    cloud: Cloud,
) -> None:
    given = {"frontDoor": "web-function", "logRetention": "7", "webConcurrency": "32"}

    cloud.sls("deploy", "web", *params(given))

    # CloudFormation then moves the traffic; moto does not see that the endpoint's changes too.
    assert ["1", "2"] == cloud.has("web")["web function"]["revisions"]


def test_a_removed_stage_leaves_the_other_alone(cloud: Cloud) -> None:
    cloud.sls("remove", "dev")

    left = cloud.has("dev")
    # moto keeps REST APIs that its stacks have lost.
    assert ({}, [], 0, []) == (left["functions"], left["rules"], left["roles"], left["queues"])
    assert ([], {}) == (left["all firewalls"], left["domains"])
    assert 4 == len(cloud.has("prod")["functions"])
