"""AWS's and Google's parameters of a deployment: its address, and what opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from shared.config.loading import read_config

if TYPE_CHECKING:
    from shared.domain import Deployment, Json, JsonObject

KEYS: JsonObject = {"aws_access_key_id": "AKIA1", "aws_secret_access_key": "s3cret"}
SERVICE_ACCOUNT: JsonObject = {
    "type": "service_account",
    "project_id": "mine",
    "private_key": "x",
    "client_email": "a@mine.iam.gserviceaccount.com",
}


def made(environment: dict[str, str] | None = None, **params: Json) -> tuple[Deployment, list[str]]:
    data: Json = {"model_list": [{"model_name": "m", "litellm_params": params}]}
    config, findings = read_config(data, environment or {})
    return config.deployments[0], [str(problem) for problem in findings.problems]


@pytest.mark.parametrize(
    ("params", "environment", "base"),
    [
        ({"aws_region_name": "eu-central-1"}, {"AWS_REGION": "us-east-1"}, "eu-central-1"),
        ({}, {"AWS_REGION": "us-east-1"}, "us-east-1"),
        ({}, {"AWS_REGION": "us-east-1", "AWS_REGION_NAME": "us-west-2"}, "us-west-2"),
    ],
)
def test_bedrock_is_in_the_region_that_is_named(
    params: JsonObject, environment: dict[str, str], base: str
) -> None:
    deployment, _ = made(environment, model="bedrock/anthropic.claude", **params)

    assert f"https://bedrock-runtime.{base}.amazonaws.com" == deployment.api_base
    assert base == deployment.account["aws_region_name"]


def test_a_region_may_be_part_of_the_model() -> None:
    deployment, _ = made(model="bedrock/invoke/us-gov-west-1/anthropic.claude-3")

    assert "invoke/anthropic.claude-3" == deployment.model
    assert "us-gov-west-1" in deployment.api_base


def test_the_functions_own_keys_open_what_has_none() -> None:
    environment = {
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "ASIA1",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_SESSION_TOKEN": "t",
    }

    theirs, _ = made(environment, model="bedrock/m")
    ours, _ = made(environment, model="bedrock/m", **KEYS)

    assert ("ASIA1", "t") == (
        theirs.account["aws_access_key_id"],
        theirs.account["aws_session_token"],
    )
    assert "AKIA1" == ours.account["aws_access_key_id"]
    assert "aws_session_token" not in ours.account


def test_half_a_pair_of_keys_is_a_problem() -> None:
    _, problems = made(model="bedrock/m", aws_region_name="us-east-1", aws_access_key_id="A")

    assert any("aws_secret_access_key: is missing" in problem for problem in problems)


@pytest.mark.parametrize("region", ["evil.example.com/", "us_east", "a"])
def test_a_region_is_a_word_and_no_address(region: str) -> None:
    _, problems = made(model="bedrock/m", aws_region_name=region)

    assert any("aws_region_name" in problem for problem in problems)


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("global", "aiplatform.googleapis.com"),
        ("europe-west1", "europe-west1-aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ],
)
def test_vertex_is_at_the_location_that_is_named(location: str, host: str) -> None:
    deployment, _ = made(
        model="vertex_ai/gemini-2.5-pro", vertex_project="mine", vertex_location=location
    )

    place = f"projects/mine/locations/{location}/publishers/google"
    assert f"https://{host}/v1/{place}" == deployment.api_base


@pytest.mark.parametrize("given", [SERVICE_ACCOUNT, orjson.dumps(SERVICE_ACCOUNT).decode()])
def test_a_service_account_tells_its_project(given: Json) -> None:
    deployment, problems = made({}, model="vertex_ai/gemini-2.5-pro", vertex_credentials=given)

    assert [] == problems
    assert "/projects/mine/locations/global/" in deployment.api_base
    assert SERVICE_ACCOUNT == orjson.loads(str(deployment.account["vertex_credentials"]))
    assert "private_key" not in repr(deployment)


@pytest.mark.parametrize("given", [{"type": "external_account"}, "/etc/credentials.json"])
def test_the_functions_own_keys_may_vouch_at_google(given: Json) -> None:
    environment = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "ASIA1"}

    deployment, _ = made(
        environment, model="vertex_ai/gemini-2.5-pro", vertex_project="p", vertex_credentials=given
    )

    assert ("us-east-1", "ASIA1") == (
        deployment.account["aws_region_name"],
        deployment.account["aws_access_key_id"],
    )


def test_the_functions_own_keys_are_not_laid_beside_a_service_accounts() -> None:
    environment = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "ASIA1"}

    deployment, _ = made(
        environment, model="vertex_ai/gemini-2.5-pro", vertex_credentials=SERVICE_ACCOUNT
    )

    assert {"vertex_credentials"} == deployment.account.keys()


def test_a_secret_does_not_change_who_a_deployment_is() -> None:
    first, _ = made({}, model="bedrock/m", aws_region_name="us-east-1", **KEYS)
    second, _ = made(
        {},
        model="bedrock/m",
        aws_region_name="us-east-1",
        **{**KEYS, "aws_secret_access_key": "new"},
    )

    assert first.id == second.id


def test_parameters_of_a_chat_are_defaults_of_its_deployment() -> None:
    deployment, problems = made(
        model="openai/gpt-4o", temperature=0.2, extra_body={"top_k": 5}, max_tokens=9
    )

    assert [] == problems
    assert {"temperature": 0.2, "top_k": 5, "max_tokens": 9} == dict(deployment.defaults)


def test_what_is_done_with_parameters_is_read() -> None:
    deployment, _ = made(
        model="openai/gpt-4o",
        allowed_openai_params=["tools"],
        additional_drop_params=["tools[*].a"],
        modify_params=True,
    )

    assert (("tools",), ("tools[*].a",), True) == (
        deployment.handling.allowed_openai_params,
        deployment.handling.additional_drop_params,
        deployment.handling.modify_params,
    )


@pytest.mark.parametrize(
    ("credentials", "problem"),
    [
        ("/etc/passwd", "not a path"),
        ({**SERVICE_ACCOUNT, "token_uri": "http://169.254.169.254/"}, "token_uri"),
        ({**SERVICE_ACCOUNT, "token_uri": "https://googleapis.com.evil.example/"}, "token_uri"),
        ({**SERVICE_ACCOUNT, "token_uri": "https://oauth2.googleapis.com/token"}, ""),
        (SERVICE_ACCOUNT, ""),
    ],
)
def test_credentials_over_the_api_lead_to_google_and_to_no_file(
    credentials: Json, problem: str
) -> None:
    entry: Json = {
        "model_name": "m",
        "litellm_params": {
            "model": "vertex_ai/gemini-2.5-pro",
            "vertex_credentials": credentials,
        },
        "model_info": {"id": "a", "db_model": True},
    }

    _, findings = read_config({"model_list": [entry]}, {})

    assert bool(problem) is bool(findings.problems)
    assert all(problem in str(found) for found in findings.problems)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"azure_ad_token": "eyJ"}, {"azure_ad_token"}),
        (
            {"tenant_id": "t", "client_id": "c", "client_secret": "s"},
            {"tenant_id", "client_id", "client_secret"},
        ),
        ({"client_id": "c"}, set()),
        ({}, set()),
    ],
)
def test_azure_is_opened_by_a_token_or_a_whole_application(
    params: JsonObject, expected: set[str]
) -> None:
    deployment, _ = made({}, model="azure/gpt", api_base="https://a.openai.azure.com", **params)

    assert expected == deployment.account.keys()
