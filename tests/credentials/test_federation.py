"""Google's tokens for who is known at AWS: what is proved, to whom, and what nobody is asked."""

from __future__ import annotations

import asyncio
import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

import orjson
import pytest

from shared.domain import HttpRequest, Json, Millis
from shared.errors import ProviderFailed
from tests.credentials.test_keyring import (
    ASKED,
    AWS,
    HOUR,
    NOW,
    ROLE,
    Answer,
    Outside,
    keyring,
    signature_of,
)
from tests.outside import python_of
from tests.providers.calls import deployment

if TYPE_CHECKING:
    from shared.credentials.keyring import Keyring
    from shared.domain import Deployment, Timeouts

POOL = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/aws"
LENDER = (
    "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
    "a@mine.iam.gserviceaccount.com:generateAccessToken"
)
QUESTION = "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
# What `gcloud iam workload-identity-pools create-cred-config --aws` writes.
FEDERATED: dict[str, Any] = {
    "type": "external_account",
    "audience": POOL,
    "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
    "token_url": "https://sts.googleapis.com/v1/token",
    "service_account_impersonation_url": LENDER,
    "credential_source": {
        "environment_id": "aws1",
        "region_url": "http://169.254.169.254/latest/meta-data/placement/availability-zone",
        "url": "http://169.254.169.254/latest/meta-data/iam/security-credentials",
        "regional_cred_verification_url": QUESTION,
    },
}
EXCHANGED = {"access_token": "federated", "expires_in": 3599, "token_type": "Bearer"}
LENT = {"accessToken": "ya29.lent", "expireTime": "2027-01-15T09:00:00Z"}
ORACLE = Path(__file__).with_name("google_federation.py")


@dataclass
class Google(Outside):
    """Google's token service, its lender of service accounts, and AWS's STS beside them."""

    answers: dict[str, object] = field(
        default_factory=lambda: {"sts.googleapis": EXCHANGED, "iamcredentials": LENT, "sts.": ROLE}
    )

    async def send(self, request: HttpRequest, _: Timeouts) -> Answer:
        self.body = next(told for part, told in self.answers.items() if part in request.url)
        return await super().send(request, _)


def at_vertex(credentials: dict[str, Any], **account: Json) -> Deployment:
    given = {**AWS, **account, "vertex_credentials": json.dumps(credentials)}
    return deployment("vertex_ai", api_key="", account=given)


def proof_in(asked: HttpRequest) -> HttpRequest:
    """Read back the question to AWS that Google is shown."""
    (token,) = parse_qs(asked.body.decode())["subject_token"]
    told = orjson.loads(unquote(token))
    headers = {one["key"]: one["value"] for one in told["headers"]}
    return HttpRequest(told["method"], told["url"], headers)


async def opened(ring: Keyring, to: Deployment, now: Millis = NOW) -> str:
    sent = await ring.opened(ASKED, to, now)
    return sent.headers["authorization"]


async def test_a_service_account_is_lent_to_whom_aws_vouches_for() -> None:
    outside = Google()

    authorization = await opened(keyring(outside), at_vertex(FEDERATED))

    exchange, lending = outside.received
    assert "Bearer ya29.lent" == authorization
    assert ["https://sts.googleapis.com/v1/token", LENDER] == [exchange.url, lending.url]
    assert "Bearer federated" == lending.headers["authorization"]
    assert {
        "scope": ["https://www.googleapis.com/auth/cloud-platform"],
        "lifetime": "3600s",
    } == orjson.loads(lending.body)


async def test_the_proof_is_a_signed_question_for_this_audience_that_nobody_puts_to_aws() -> None:
    outside = Google()

    await opened(keyring(outside), at_vertex(FEDERATED, aws_session_token="t0ken"))

    proof = proof_in(outside.received[0])
    assert QUESTION.replace("{region}", "eu-central-1") == proof.url
    assert ("POST", POOL, "t0ken") == (
        proof.method,
        proof.headers["x-goog-cloud-target-resource"],
        proof.headers["x-amz-security-token"],
    )
    expected = signature_of(proof, "wJalrXUtnFEMI", "eu-central-1", "sts")
    assert proof.headers["authorization"].endswith(expected)
    assert "x-goog-cloud-target-resource" in proof.headers["authorization"]
    assert ["googleapis.com"] * 2 == [
        ".".join(r.url.split("/")[2].split(".")[-2:]) for r in outside.received
    ]


async def test_without_a_service_account_the_first_token_opens() -> None:
    outside = Google()
    direct = {k: v for k, v in FEDERATED.items() if k != "service_account_impersonation_url"}

    assert "Bearer federated" == await opened(keyring(outside), at_vertex(direct))
    assert 1 == len(outside.received)


async def test_a_role_may_vouch_as_in_litellm() -> None:
    outside = Google()
    with_role = {
        **FEDERATED,
        "aws_role_name": "arn:aws:iam::1:role/a",
        "aws_region_name": "eu-west-1",
    }

    await opened(keyring(outside), at_vertex(with_role))

    assumed, exchange, _ = outside.received
    assert "https://sts.eu-west-1.amazonaws.com/" == assumed.url
    assert "Credential=ASIAROLE/" in proof_in(exchange).headers["authorization"]


async def test_keys_in_the_credentials_are_not_mixed_with_the_functions_own() -> None:
    outside = Google()
    with_keys = {**FEDERATED, "aws_access_key_id": "AKIA2", "aws_secret_access_key": "s"}

    await opened(keyring(outside), at_vertex(with_keys, aws_session_token="the functions"))

    proof = proof_in(outside.received[0])
    assert "Credential=AKIA2/" in proof.headers["authorization"]
    assert "x-amz-security-token" not in proof.headers


async def test_a_lent_token_is_kept_until_shortly_before_it_expires() -> None:
    outside = Google()
    ring, to = keyring(outside), at_vertex(FEDERATED)

    for later in (0, HOUR - 301_000, HOUR - 300_000):
        await opened(ring, to, Millis(NOW + later))

    assert 4 == len(outside.received)


def but(**changed: object) -> dict[str, Any]:
    return {**FEDERATED, **changed}


def from_source(**changed: object) -> dict[str, Any]:
    return but(credential_source={**FEDERATED["credential_source"], **changed})


@pytest.mark.parametrize(
    "credentials",
    [
        but(token_url="http://sts.googleapis.com/v1/token"),
        but(token_url="https://sts.googleapis.com.evil.example/v1/token"),
        but(token_url="https://evil.example/sts.googleapis.com/v1/token"),
        but(token_url="https://evil.example#.sts.googleapis.com/v1/token"),
        but(token_url="https://u@sts.googleapis.com/v1/token"),
        but(service_account_impersonation_url="http://169.254.169.254/"),
        but(service_account_impersonation_url="https://storage.googleapis.com/a/b"),
        but(service_account_impersonation_url=LENDER + "?a=b"),
        but(service_account_impersonation_url=["a"]),
        but(audience="a\r\nhost: b"),
        but(audience=None),
        but(subject_token_type="urn:ietf:params:oauth:token-type:jwt"),
        but(credential_source={"url": "http://169.254.169.254/token"}),
        but(credential_source={"file": "/etc/passwd"}),
        but(credential_source={"executable": {"command": "id"}}),
        from_source(environment_id="aws2"),
        from_source(regional_cred_verification_url=QUESTION.replace("amazonaws.com", "evil.org")),
        from_source(
            regional_cred_verification_url=QUESTION.replace("GetCallerIdentity", "AssumeRole")
        ),
        {"type": "external_account"},
    ],
)
async def test_nobody_else_is_asked_and_nothing_else_is_signed(credentials: dict[str, Any]) -> None:
    outside = Google()

    with pytest.raises(ProviderFailed) as caught:
        await opened(keyring(outside), at_vertex(credentials))

    assert ([], 401) == (outside.received, caught.value.status)


async def test_without_a_region_the_sentence_says_what_is_missing() -> None:
    to = deployment("vertex_ai", api_key="", account={"vertex_credentials": json.dumps(FEDERATED)})

    with pytest.raises(ProviderFailed) as caught:
        await opened(keyring(Google()), to)

    assert "AWS_REGION" in caught.value.message


@pytest.mark.slow
async def test_google_is_asked_as_its_own_library_asks() -> None:
    outside = Google()
    await opened(keyring(outside), at_vertex(FEDERATED, aws_session_token="t0ken"))

    told = await asyncio.to_thread(_asked_by_googles_library)

    theirs = [HttpRequest(**{**one, "body": one["body"].encode()}) for one in told]
    assert [_compared(one) for one in theirs] == [_compared(one) for one in outside.received]


def _asked_by_googles_library() -> list[dict[str, Any]]:
    done = subprocess.run(
        [str(python_of("google")), str(ORACLE)],
        input=json.dumps(FEDERATED),
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr[-2000:]
    return json.loads(done.stdout)


def _compared(asked: HttpRequest) -> list[Any]:
    """Leave of a request what does not depend on the moment it was made at."""
    if asked.body.startswith(b"{"):
        told = {k: v for k, v in orjson.loads(asked.body).items() if v is not None}
        return [asked.method, asked.url, told, asked.headers["authorization"]]
    proof = proof_in(asked)
    form = {k: v for k, v in parse_qs(asked.body.decode()).items() if k != "subject_token"}
    headers = {k.lower(): v for k, v in proof.headers.items() if k.lower() != "x-amz-date"}
    signed = headers.pop("authorization")
    names = signed.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    return [asked.method, asked.url, form, proof.method, proof.url, headers, "host" in names]
