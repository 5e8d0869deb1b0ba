"""Secrets by SSM path take the place of variables, and a start says what it could not read."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from shared.credentials.aws import Keys
from shared.runtime.parameter_store import ParametersNotRead, ParameterStore
from shared.runtime.secrets import add_secrets
from shared.settings import Settings, SettingsError
from tests.functions.parameter_server import ParameterServer, serving
from tests.functions.runtime_api_emulator import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

MASTER_KEY = "sk-a-master-key-of-more-than-20"
GATEWAY, PROVIDERS = "/tollgate/dev/gateway", "/tollgate/dev/providers"
PARAMETERS = {
    f"{GATEWAY}/TOLLGATE_MASTER_KEY": MASTER_KEY,
    f"{GATEWAY}/DATABASE_URL": "postgresql://of-the-stage",
    **{f"{PROVIDERS}/KEY_{number:02}": f"sk-{number}" for number in range(23)},
    f"{PROVIDERS}/nested/OPENAI_API_KEY": "sk-openai",
    "/tollgate/dev/gateway-of-another/DATABASE_URL": "postgresql://other",
}


@pytest.fixture
def server() -> Iterator[ParameterServer]:
    with serving(PARAMETERS) as server:
        yield server


def variables(server: ParameterServer, paths: str, **more: str) -> dict[str, str]:
    return {
        "TOLLGATE_SECRETS": paths,
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_SSM": server.url,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        **more,
    }


def test_each_parameter_is_the_variable_of_its_name(server: ParameterServer) -> None:
    environment = variables(server, f"{GATEWAY}, {PROVIDERS}")

    add_secrets(environment)

    assert MASTER_KEY == Settings.from_environment(environment).master_key
    assert ("postgresql://of-the-stage", "sk-openai", "sk-22") == (
        environment["DATABASE_URL"],
        environment["OPENAI_API_KEY"],
        environment["KEY_22"],  # on the third page
    )


def test_a_variable_that_is_set_already_stays(server: ParameterServer) -> None:
    environment = variables(server, GATEWAY, DATABASE_URL="postgresql://own")

    add_secrets(environment)

    assert "postgresql://own" == environment["DATABASE_URL"]


def test_requests_are_signed_as_the_function_with_its_token(server: ParameterServer) -> None:
    add_secrets(variables(server, GATEWAY, AWS_SESSION_TOKEN="of-the-role"))

    [asked] = server.asked
    signed = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"
    assert "of-the-role" == asked["x-amz-security-token"]
    assert asked["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert f"/eu-west-1/ssm/aws4_request, SignedHeaders={signed}," in asked["authorization"]


def test_a_refusal_ends_the_start_with_a_sentence(server: ParameterServer) -> None:
    server.fail("AccessDeniedException", message="not authorized to perform")

    with pytest.raises(
        SettingsError,
        match=r"under /tollgate/dev/gateway could not be read: AccessDeniedException: not "
        r"authorized to perform; the function's role must allow ssm:GetParametersByPath",
    ):
        add_secrets(variables(server, f"{GATEWAY},{PROVIDERS}"))

    assert 1 == len(server.asked)


def test_without_a_region_the_sentence_names_the_variable(server: ParameterServer) -> None:
    environment = variables(server, GATEWAY, AWS_REGION="")

    with pytest.raises(SettingsError, match="AWS_REGION is not set"):
        add_secrets(environment)


class Patience:
    """A clock that only pauses move."""

    def __init__(self) -> None:
        self.now = 0.0

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def store(self, url: str) -> ParameterStore:
        keys = Keys("AKIDEXAMPLE", "not-a-secret")
        return ParameterStore(f"{url}/", "eu-west-1", keys, self.pause, lambda: self.now)


@pytest.mark.parametrize(
    ("kind", "status"),
    [("ThrottlingException", 400), ("InternalServerError", 500), ("ServiceUnavailable", 503)],
)
def test_what_passes_is_tried_again(server: ParameterServer, kind: str, status: int) -> None:
    for _ in range(3):
        server.fail(kind, status)

    with closing(Patience().store(server.url)) as store:
        found = store.under(GATEWAY)

    assert (MASTER_KEY, 4) == (found[f"{GATEWAY}/TOLLGATE_MASTER_KEY"], len(server.asked))


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}"])
def test_an_answer_that_is_none_is_tried_again(server: ParameterServer, body: bytes) -> None:
    server.failures.append((200, body))

    with closing(Patience().store(server.url)) as store:
        store.under(GATEWAY)

    assert 2 == len(server.asked)


def test_throttling_that_does_not_end_is_told_within_a_starts_time(server: ParameterServer) -> None:
    for _ in range(100):
        server.fail("ThrottlingException", message="Rate exceeded")
    patience = Patience()

    with (
        closing(patience.store(server.url)) as store,
        pytest.raises(ParametersNotRead, match="ThrottlingException: Rate exceeded"),
    ):
        store.under(GATEWAY)

    assert 4 < patience.now <= 8


def test_an_endpoint_that_does_not_answer_is_told_with_what_a_vpc_needs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"

    with (
        closing(Patience().store(url)) as store,
        pytest.raises(ParametersNotRead, match=r"does not answer.*com\.amazonaws\.eu-west-1\.ssm"),
    ):
        store.under(GATEWAY)


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("eu-west-1", "https://ssm.eu-west-1.amazonaws.com/"),
        ("cn-north-1", "https://ssm.cn-north-1.amazonaws.com.cn/"),
    ],
)
def test_a_region_has_its_endpoint(region: str, url: str) -> None:
    environment = {
        "AWS_REGION": region,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
    }

    with closing(ParameterStore.of(environment)) as store:
        assert url == store.url


def modules_of_a_start(environment: dict[str, str]) -> set[str]:
    told = "import sys; from shared.runtime.secrets import add_secrets; add_secrets(); "
    argv = [sys.executable, "-c", told + "print(*sys.modules)"]
    done = subprocess.run(
        argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_without_paths_nothing_is_imported() -> None:
    loaded = modules_of_a_start({})

    assert set() == {"aws_lambda_powertools", "botocore", "http.client"} & loaded


def test_with_paths_the_signer_is_imported_and_not_the_sdk(server: ParameterServer) -> None:
    loaded = modules_of_a_start(variables(server, GATEWAY))

    assert "botocore.auth" in loaded
    assert set() == {"aws_lambda_powertools", "boto3", "botocore.client"} & loaded
