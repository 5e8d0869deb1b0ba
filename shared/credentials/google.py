"""Google: an hour's token for a service account's key, or for a person's who logged in.

By developers.google.com/identity/protocols/oauth2/service-account (the assertion) and RFC 6749 §6
(the refreshing), read 2026-11. Signed by `cryptography`, which is there for the vault.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import orjson

from shared.credentials.fetched import Grant, grant_until, refused
from shared.domain import HttpRequest, Json, JsonObject, Millis

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOKENS: Final = "https://oauth2.googleapis.com/token"
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_ASSERTION: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_HOUR: Final = 3600
_NEEDED: Final[Mapping[str, frozenset[str]]] = {
    "service_account": frozenset({"client_email", "private_key"}),
    "authorized_user": frozenset({"client_id", "client_secret", "refresh_token"}),
}


@dataclass(frozen=True, slots=True)
class Account:
    """What the JSON of Google's credentials says."""

    kind: str
    token_uri: str
    fields: Mapping[str, str]


def read_credentials(given: str) -> JsonObject:
    """Read credentials: their JSON, or the path of a file that holds it; else nothing."""
    try:
        text = given if given.startswith("{") else Path(given).read_text("utf-8")
        found: Json = orjson.loads(text)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def account_in(found: JsonObject) -> Account | None:
    """Read the account of a service or of a person."""
    fields = {name: value for name, value in found.items() if isinstance(value, str)}
    kind = fields.get("type", "")
    needed = _NEEDED.get(kind)
    if needed is None or not needed <= fields.keys():
        return None
    return Account(kind, fields.get("token_uri", _TOKENS), fields)


def token_request(account: Account, now: Millis) -> HttpRequest:
    """Ask for a token."""
    if account.kind == "service_account":
        form = {"grant_type": _ASSERTION, "assertion": _assertion(account, now // 1000)}
    else:
        names = ("client_id", "client_secret", "refresh_token")
        form = {"grant_type": "refresh_token", **{name: account.fields[name] for name in names}}
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return HttpRequest("POST", account.token_uri, headers, urlencode(form).encode())


def token_grant(body: bytes, now: Millis) -> Grant[str] | None:
    """Read the answer, or that of a service account that lends itself."""
    try:
        found: Json = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    match found:
        case {"access_token": str(token), "expires_in": int(seconds)} if token:
            return Grant(token, Millis(now + seconds * 1000))
        case {"accessToken": str(token), "expireTime": str(expires)} if token:
            return grant_until(expires, token)
        case _:
            return None


def _assertion(account: Account, seconds: int) -> str:
    """Write the claim of a service account and sign it with its key (RS256)."""
    # 40 ms of imports, where a token is fetched: once an hour.
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_pem_private_key,
    )

    head: Json = {"alg": "RS256", "typ": "JWT", "kid": account.fields.get("private_key_id", "")}
    claim: Json = {
        "iss": account.fields["client_email"],
        "scope": _SCOPE,
        "aud": account.token_uri,
        "iat": seconds,
        "exp": seconds + _HOUR,
    }
    try:
        key = load_pem_private_key(account.fields["private_key"].encode(), password=None)
    except ValueError as error:
        raise refused("The private key of the deployment's service account is none.") from error
    if not isinstance(key, RSAPrivateKey):
        raise refused("The private key of the deployment's service account is not of RSA.")
    content = b".".join(map(_encoded, (orjson.dumps(head), orjson.dumps(claim))))
    signature = key.sign(content, PKCS1v15(), SHA256())
    return b".".join((content, _encoded(signature))).decode()


def _encoded(part: bytes) -> bytes:
    return urlsafe_b64encode(part).rstrip(b"=")
