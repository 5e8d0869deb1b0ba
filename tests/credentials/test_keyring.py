"""Accounts at AWS and Google: what is signed, what is fetched, and how often."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from shared.credentials.keyring import Keyring
from shared.domain import HttpRequest, Json, Millis
from shared.errors import ProviderFailed
from tests.providers.calls import deployment

if TYPE_CHECKING:
    from pathlib import Path

    from shared.domain import Deployment, Timeouts

NOW = Millis(1_800_000_000_000)
HOUR = 3_600_000
AWS: dict[str, Json] = {
    "aws_region_name": "eu-central-1",
    "aws_access_key_id": "AKIDEXAMPLE",
    "aws_secret_access_key": "wJalrXUtnFEMI",
}
RSA = generate_private_key(65537, 2048)
PEM = RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
SERVICE_ACCOUNT = {
    "type": "service_account",
    "project_id": "mine",
    "private_key_id": "k1",
    "private_key": PEM,
    "client_email": "a@mine.iam.gserviceaccount.com",
    "token_uri": "https://oauth2.example.com/token",
}


@dataclass
class Answer:
    status: int
    body: bytes

    async def read(self, cap: int) -> bytes:
        return self.body[:cap]


@dataclass
class Outside:
    """Answers every request alike, and keeps what came."""

    body: object = b""
    status: int = 200
    received: list[HttpRequest] = field(default_factory=list)

    async def send(self, request: HttpRequest, _: Timeouts) -> Answer:
        self.received.append(request)
        await asyncio.sleep(0)
        body = self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)
        return Answer(self.status, body)


def keyring(outside: Outside) -> Keyring:
    return Keyring(outside)  # pyright: ignore[reportArgumentType] - it only sends


def at_bedrock(**account: Json) -> Deployment:
    return deployment("bedrock", api_key="", account={**AWS, **account})


def at_vertex(credentials: object = SERVICE_ACCOUNT) -> Deployment:
    given = credentials if isinstance(credentials, str) else json.dumps(credentials)
    return deployment("vertex_ai", api_key="", account={"vertex_credentials": given})


ASKED = HttpRequest(
    "POST",
    "https://bedrock-runtime.eu-central-1.amazonaws.com/model/eu.anthropic.a-v1:0/converse",
    {"content-type": "application/json", "x-team": "a  b"},
    b'{"a":1}',
)


def signature_of(request: HttpRequest, secret: str, region: str, service: str) -> str:
    """Version 4 once more, from what is sent (docs.aws.amazon.com/IAM, signed requests)."""
    url = urlsplit(request.url)
    date = request.headers["x-amz-date"]
    names = request.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0]
    held = {**request.headers, "host": url.netloc}
    lines = [f"{name}:{' '.join(held[name].split())}" for name in names.split(";")]
    body = hashlib.sha256(request.body).hexdigest()
    path = quote(url.path or "/", safe="/~")
    canonical = "\n".join([request.method, path, url.query, *lines, "", names, body])
    scope = f"{date[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in (*scope.split("/")[:3], "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    told = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{digest}"
    return hmac.new(key, told.encode(), hashlib.sha256).hexdigest()


async def test_a_request_is_signed_as_it_is_sent() -> None:
    outside = Outside()

    sent = await keyring(outside).opened(ASKED, at_bedrock(), NOW)

    expected = signature_of(sent, "wJalrXUtnFEMI", "eu-central-1", "bedrock")
    assert sent.headers["authorization"].endswith(f"Signature={expected}")
    assert "Credential=AKIDEXAMPLE/" in sent.headers["authorization"]
    assert (ASKED.url, ASKED.body, []) == (sent.url, sent.body, outside.received)


async def test_a_session_token_is_sent_and_signed() -> None:
    sent = await keyring(Outside()).opened(ASKED, at_bedrock(aws_session_token="t0ken"), NOW)

    assert "t0ken" == sent.headers["x-amz-security-token"]
    assert "x-amz-security-token" in sent.headers["authorization"]


async def test_a_deployment_with_a_key_of_its_own_is_left_alone() -> None:
    to = deployment("bedrock", account=AWS)

    assert ASKED == await keyring(Outside()).opened(ASKED, to, NOW)


ROLE = b"""<AssumeRoleResponse><AssumeRoleResult><Credentials>
<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>r0le</SecretAccessKey>
<SessionToken>of/the+role==</SessionToken><Expiration>2027-01-15T09:00:00Z</Expiration>
</Credentials></AssumeRoleResult></AssumeRoleResponse>"""


async def test_a_role_is_assumed_and_signs() -> None:
    outside = Outside(ROLE)
    to = at_bedrock(aws_role_name="arn:aws:iam::1:role/a", aws_external_id="x")

    sent = await keyring(outside).opened(ASKED, to, NOW)

    (asked,) = outside.received
    form = parse_qs(asked.body.decode())
    assert "https://sts.eu-central-1.amazonaws.com/" == asked.url
    assert (["AssumeRole"], ["arn:aws:iam::1:role/a"], ["x"], ["tollgate"]) == (
        form["Action"],
        form["RoleArn"],
        form["ExternalId"],
        form["RoleSessionName"],
    )
    expected = signature_of(asked, "wJalrXUtnFEMI", "eu-central-1", "sts")
    assert asked.headers["authorization"].endswith(expected)
    assert ("of/the+role==", True) == (
        sent.headers["x-amz-security-token"],
        "ASIAROLE" in sent.headers["authorization"],
    )


async def test_a_container_gives_its_roles_keys() -> None:
    outside = Outside(
        {
            "AccessKeyId": "ASIASNAP",
            "SecretAccessKey": "s",
            "Token": "t",
            "Expiration": "2027-01-15T09:00:00Z",
        }
    )
    account: dict[str, Json] = {
        "aws_region_name": "eu-central-1",
        "credentials_uri": "http://127.0.0.1:9001/credentials",
        "credentials_token": "allowed",
    }
    to = deployment("bedrock", api_key="", account=account)

    sent = await keyring(outside).opened(ASKED, to, NOW)

    (asked,) = outside.received
    assert ("GET", "allowed") == (asked.method, asked.headers["authorization"])
    assert "ASIASNAP" in sent.headers["authorization"]


async def test_a_service_accounts_claim_is_signed_and_gives_a_token() -> None:
    outside = Outside({"access_token": "ya29.t", "expires_in": 3599, "token_type": "Bearer"})

    sent = await keyring(outside).opened(ASKED, at_vertex(), NOW)

    (asked,) = outside.received
    (assertion,) = parse_qs(asked.body.decode())["assertion"]
    head, claim, signature = (
        urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in assertion.split(".")
    )
    signed = assertion.rpartition(".")[0].encode()
    RSA.public_key().verify(signature, signed, PKCS1v15(), SHA256())
    assert {"alg": "RS256", "typ": "JWT", "kid": "k1"} == orjson.loads(head)
    told = orjson.loads(claim)
    assert (SERVICE_ACCOUNT["client_email"], SERVICE_ACCOUNT["token_uri"]) == (
        told["iss"],
        told["aud"],
    )
    assert (NOW // 1000, 3600) == (told["iat"], told["exp"] - told["iat"])
    assert "Bearer ya29.t" == sent.headers["authorization"]


async def test_a_token_is_fetched_once_by_many_and_again_before_it_expires() -> None:
    outside = Outside({"access_token": "a", "expires_in": 3600})
    ring = keyring(outside)

    await asyncio.gather(*(ring.opened(ASKED, at_vertex(), NOW) for _ in range(20)))
    await ring.opened(ASKED, at_vertex(), Millis(NOW + HOUR - 301_000))
    assert 1 == len(outside.received)
    await ring.opened(ASKED, at_vertex(), Millis(NOW + HOUR - 300_000))

    assert 2 == len(outside.received)


async def test_a_file_of_credentials_is_read(tmp_path: Path) -> None:
    person = {
        "type": "authorized_user",
        "client_id": "c",
        "client_secret": "s",
        "refresh_token": "r",
    }
    (tmp_path / "adc.json").write_text(json.dumps(person))
    outside = Outside({"access_token": "a", "expires_in": 3600})

    await keyring(outside).opened(ASKED, at_vertex(str(tmp_path / "adc.json")), NOW)

    (asked,) = outside.received
    assert "https://oauth2.googleapis.com/token" == asked.url
    assert b"grant_type=refresh_token" in asked.body


async def test_a_token_that_is_held_costs_no_reading_and_no_signing(tmp_path: Path) -> None:
    held = tmp_path / "key.json"
    held.write_text(json.dumps(SERVICE_ACCOUNT))
    ring = keyring(Outside({"access_token": "a", "expires_in": 3600}))
    await ring.opened(ASKED, at_vertex(str(held)), NOW)
    held.unlink()

    sent = await ring.opened(ASKED, at_vertex(str(held)), NOW)

    assert "Bearer a" == sent.headers["authorization"]


@pytest.mark.parametrize(
    ("to", "outside"),
    [
        (at_vertex(), Outside({"error": "invalid_grant"}, 400)),
        (at_vertex(), Outside(b"<html>")),
        (at_vertex(), Outside({"access_token": ""})),
        (at_vertex({**SERVICE_ACCOUNT, "private_key": "x"}), Outside()),
        (at_vertex("/nowhere/a.json"), Outside()),
        (at_vertex("[1]"), Outside()),
        (at_bedrock(aws_role_name="arn:aws:iam::1:role/a"), Outside(b"<Error/>", 403)),
        (at_bedrock(aws_secret_access_key=None), Outside()),
    ],
)
async def test_an_account_that_does_not_open_is_anothers_turn_and_tells_no_secret(
    to: Deployment, outside: Outside
) -> None:
    with pytest.raises(ProviderFailed) as caught:
        await keyring(outside).opened(ASKED, to, NOW)

    assert (401, "authentication_error", True) == (
        caught.value.status,
        caught.value.type,
        caught.value.retryable,
    )
    assert "PRIVATE" not in caught.value.message


AZURE: dict[str, Json] = {"tenant_id": "t/1", "client_id": "c", "client_secret": "s"}


async def test_an_application_at_azure_gets_a_token() -> None:
    outside = Outside({"access_token": "eyJ", "expires_in": 3599, "token_type": "Bearer"})
    to = deployment("azure", api_key="", account=AZURE)

    sent = await keyring(outside).opened(ASKED, to, NOW)

    (asked,) = outside.received
    assert "https://login.microsoftonline.com/t%2F1/oauth2/v2.0/token" == asked.url
    assert ["client_credentials"] == parse_qs(asked.body.decode())["grant_type"]
    assert "Bearer eyJ" == sent.headers["authorization"]


async def test_a_token_of_azures_that_was_given_is_sent_as_it_is() -> None:
    to = deployment("azure", api_key="", account={"azure_ad_token": "eyJ"})

    sent = await keyring(Outside()).opened(ASKED, to, NOW)

    assert "Bearer eyJ" == sent.headers["authorization"]
