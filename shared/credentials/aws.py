"""AWS: requests signed with version 4, with given keys, a container's or an assumed role's.

The signer is botocore's, which Lambda's Python brings along (docs/decisions/0026). By
docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html and
docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html, read 2026-11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import orjson

from shared.credentials.fetched import Grant, grant_until, refused
from shared.domain import HttpRequest, Json, Millis

if TYPE_CHECKING:
    from collections.abc import Mapping

_SESSION: Final = "tollgate"
_CREDENTIAL: Final = re.compile(
    r"<(AccessKeyId|SecretAccessKey|SessionToken|Expiration)>([^<]+)</\1>"
)


@dataclass(frozen=True, slots=True)
class Keys:
    """An access key; those of a role come with a token."""

    access_key: str
    secret_key: str
    token: str = ""


def keys_in(account: Mapping[str, Json]) -> Keys | None:
    """Return the keys that an account was given."""
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    access, secret, token = (str(account.get(name) or "") for name in names)
    return Keys(access, secret, token) if access and secret else None


def signed(request: HttpRequest, keys: Keys, region: str, service: str) -> HttpRequest:
    """Sign a request as it will be sent; the signature holds for five minutes."""
    try:
        # 0.3 s, once, where it is needed; botocore has no types of its own.
        from botocore.auth import SigV4Auth  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs] - above
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs] - above
        from botocore.credentials import Credentials  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs] - above
    except ImportError as error:
        raise refused("AWS keys need the package botocore where the gateway runs.") from error
    held = AWSRequest(request.method, request.url, dict(request.headers), request.body)
    signer = SigV4Auth(
        Credentials(keys.access_key, keys.secret_key, keys.token or None), service, region
    )
    signer.add_auth(held)  # pyright: ignore[reportUnknownMemberType] - no types
    headers = {str(name).lower(): str(value) for name, value in held.headers.items()}
    return replace(request, headers=headers)


def container_request(account: Mapping[str, Json]) -> HttpRequest | None:
    """Ask the container for its role's keys, as a function after SnapStart must."""
    uri, token = account.get("credentials_uri"), account.get("credentials_token")
    if not isinstance(uri, str) or not uri:
        return None
    return HttpRequest("GET", uri, {"authorization": str(token)} if token else {})


def container_grant(body: bytes, now: Millis) -> Grant[Keys] | None:  # noqa: ARG001 - as others
    """Read a container's answer."""
    try:
        found: Json = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    match found:
        case {
            "AccessKeyId": str(access),
            "SecretAccessKey": str(secret),
            "Token": str(token),
            "Expiration": str(expires),
        }:
            return grant_until(expires, Keys(access, secret, token))
        case _:
            return None


def role_request(account: Mapping[str, Json]) -> HttpRequest | None:
    """Ask for the keys of the role that the account names; still to be signed."""
    role, region = account.get("aws_role_name"), account["aws_region_name"]
    if not isinstance(role, str) or not role:
        return None
    form = {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": role,
        "RoleSessionName": str(account.get("aws_session_name") or _SESSION),
    }
    if external := account.get("aws_external_id"):
        form["ExternalId"] = str(external)
    url = str(account.get("aws_sts_endpoint") or f"https://sts.{region}.amazonaws.com/")
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return HttpRequest("POST", url, headers, urlencode(form).encode())


def role_grant(body: bytes, now: Millis) -> Grant[Keys] | None:  # noqa: ARG001 - as others
    """Read STS's answer, which is XML of four plain words."""
    found = dict(_CREDENTIAL.findall(body.decode("utf-8", "replace")))
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
    if not all(found.get(name) for name in names):
        return None
    access, secret, token, expires = (found[name] for name in names)
    return grant_until(expires, Keys(access, secret, token))
