"""Google: a token for a workload that AWS vouches for (workload identity federation).

By google.aip.dev/auth/4117 and …/auth/4118 (External Account Credentials, AWS), read 2026-11: a
signed question to AWS, which is never put to AWS, proves to Google who asks; Google's token service
gives a token for it, and that one for a service account. The JSON of `gcloud iam
workload-identity-pools create-cred-config --aws` holds no secret, but addresses: none but Google's
is asked, and nothing but the question who one is is signed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

import orjson

from shared.credentials.aws import signed
from shared.domain import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.credentials.aws import Keys
    from shared.domain import Json, JsonObject

_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_LENDING: Final = "https://www.googleapis.com/auth/iam"
_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS: Final = "urn:ietf:params:oauth:token-type:access_token"
_PROOF: Final = "urn:ietf:params:aws:token-type:aws4_request"
_TOKENS: Final = "https://sts.googleapis.com/v1/token"
_QUESTION: Final = "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
_LABEL: Final = r"[a-z0-9-]+"
_TOKEN_URL: Final = re.compile(
    rf"https://(?:{_LABEL}\.)?sts(?:\.{_LABEL}(?:\.rep)?)?\.googleapis\.com/v1/token"
)
_SERVICE_ACCOUNT_URL: Final = re.compile(
    rf"https://iamcredentials(?:\.{_LABEL}(?:\.rep)?)?\.googleapis\.com"
    r"/v1/projects/-/serviceAccounts/[\w.@-]+:generateAccessToken"
)
_AT_AWS: Final = (
    *("aws_access_key_id", "aws_secret_access_key", "aws_session_token"),
    *("aws_region_name", "aws_role_name", "aws_session_name", "aws_external_id"),
)
_HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class Federation:
    """What the JSON says. `at_aws` are LiteLLM's additions to it: with which account to prove."""

    audience: str
    token_url: str
    service_account_url: str
    seconds: int
    at_aws: Mapping[str, Json]


def read_federation(found: JsonObject) -> Federation | None:
    """Read credentials; None where they are not of this kind, or name somebody else's address."""
    source = found.get("credential_source")
    asked = source if isinstance(source, dict) else {}
    audience = found.get("audience")
    token_url = found.get("token_url", _TOKENS)
    account_url = found.get("service_account_impersonation_url", "")
    if not (isinstance(audience, str) and audience.isprintable() and audience):
        return None
    if found.get("subject_token_type") != _PROOF or asked.get("environment_id") != "aws1":
        return None
    if asked.get("regional_cred_verification_url", _QUESTION) != _QUESTION:
        return None
    if not (isinstance(token_url, str) and _TOKEN_URL.fullmatch(token_url)):
        return None
    if not isinstance(account_url, str):
        return None
    if account_url and not _SERVICE_ACCOUNT_URL.fullmatch(account_url):
        return None
    at_aws = {name: found[name] for name in _AT_AWS if isinstance(found.get(name), str)}
    return Federation(audience, token_url, account_url, _seconds(found), at_aws)


def aws_account(federation: Federation, account: Mapping[str, Json]) -> JsonObject:
    """Lay what the JSON says of AWS over what the deployment says; keys are taken together."""
    theirs = federation.at_aws
    is_ours = "aws_access_key_id" not in theirs
    kept = {name: v for name, v in account.items() if is_ours or name not in _AT_AWS[:3]}
    return {**kept, **theirs}


def exchange_request(federation: Federation, keys: Keys, region: str) -> HttpRequest:
    """Ask Google's token service for a token of whoever has these keys at AWS."""
    form = {
        "grant_type": _EXCHANGE,
        "audience": federation.audience,
        # What only borrows a service account needs no more, as Google's own library has it.
        "scope": _LENDING if federation.service_account_url else _SCOPE,
        "requested_token_type": _ACCESS,
        "subject_token": _proof(federation, keys, region),
        "subject_token_type": _PROOF,
    }
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return HttpRequest("POST", federation.token_url, headers, urlencode(form).encode())


def service_account_request(federation: Federation, token: str) -> HttpRequest:
    """Ask for a token of the service account that the first token may act for."""
    asked: JsonObject = {"scope": [_SCOPE], "lifetime": f"{federation.seconds}s"}
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    return HttpRequest("POST", federation.service_account_url, headers, orjson.dumps(asked))


def _proof(federation: Federation, keys: Keys, region: str) -> str:
    """Write down a signed question to AWS; only this audience may use it."""
    url = _QUESTION.replace("{region}", region)
    headers = {
        "host": f"sts.{region}.amazonaws.com",
        "x-goog-cloud-target-resource": federation.audience,
    }
    asking = signed(HttpRequest("POST", url, headers), keys, region, "sts")
    told: JsonObject = {
        "url": url,
        "method": "POST",
        "headers": [{"key": name, "value": value} for name, value in asking.headers.items()],
    }
    return quote(orjson.dumps(told).decode())


def _seconds(found: JsonObject) -> int:
    match found.get("service_account_impersonation"):
        case {"token_lifetime_seconds": int(seconds)} if seconds > 0:
            return seconds
        case _:
            return _HOUR
