"""Accounts at platforms that a key alone does not open: parameters of AWS, Google and Azure.

Names of parameters and variables are LiteLLM's (llms/bedrock/base_aws_llm.py,
llms/vertex_ai/vertex_llm_base.py, llms/azure/common_utils.py of its version 1.109, read 2026-11).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import orjson

from shared.config.sections import Wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.config.sections import Section
    from shared.config.vendors import Vendor
    from shared.domain import Json, JsonObject

SECRETS: Final = (
    *("aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_external_id"),
    *("vertex_credentials", "vertex_ai_credentials", "azure_ad_token", "client_secret"),
)
ADDRESSES: Final = ("aws_bedrock_runtime_endpoint",)

_AWS_KEYS: Final[Mapping[str, str]] = {
    "aws_access_key_id": "AWS_ACCESS_KEY_ID",
    "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "aws_session_token": "AWS_SESSION_TOKEN",
}
# Where a SnapStart function, a container or a pod fetches its role's keys
# (docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html, read 2026-11).
_AWS_CONTAINER: Final[Mapping[str, str]] = {
    "credentials_uri": "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "credentials_token": "AWS_CONTAINER_AUTHORIZATION_TOKEN",
}
_AZURE: Final[Mapping[str, str]] = {
    "azure_ad_token": "AZURE_AD_TOKEN",
    "tenant_id": "AZURE_TENANT_ID",
    "client_id": "AZURE_CLIENT_ID",
    "client_secret": "AZURE_CLIENT_SECRET",
    "azure_scope": "AZURE_SCOPE",
}
_AWS_ROLE: Final = ("aws_role_name", "aws_session_name", "aws_external_id")
_REGION: Final = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")
_ROUTES: Final = ("converse", "invoke")
_CREDENTIALS: Final = ("vertex_credentials", "vertex_ai_credentials")
_GOOGLES: Final = re.compile(r"https://(?:[a-z0-9-]+\.)*googleapis\.com/[a-z0-9/._-]*")
_FEDERATED: Final = "external_account"
_ANYWHERE: Final = "global"
_LOCATION: Final = re.compile(r"[a-z0-9-]{2,32}")


def account_of(params: Section, vendor: Vendor, model: str) -> JsonObject:
    """Read what opens an account of a platform beside the key, which wins where there is one."""
    match vendor.dialect:
        case "bedrock":
            return _aws(params, model)
        case "gemini" if vendor.provider == "vertex_ai":
            return _google(params)
        case "azure" | "azure_ai":
            return _azure(params)
        case _:
            return {}


def address_of(params: Section, vendor: Vendor, model: str) -> str:
    """Tell where a platform is that has an address for each region; empty where it has not."""
    match vendor.dialect:
        case "bedrock":
            return params.text("aws_bedrock_runtime_endpoint") or _bedrock(_region(params, model))
        case "gemini" if vendor.provider == "vertex_ai":
            return _vertex_address(params)
        case _:
            return ""


def without_region(model: str) -> str:
    """Take a region out of LiteLLM's `REGION/MODEL` and `invoke/REGION/MODEL`."""
    return "/".join(part for part in model.split("/") if not _REGION.fullmatch(part))


def check_given_over_api(params: Section) -> None:
    """Note credentials that name a file of the machine, or whom to ask for tokens but Google."""
    for name in _CREDENTIALS:
        value = params.values.get(name)
        if isinstance(value, str) and not value.lstrip().startswith("{"):
            params.problem(name, "given over the API must be JSON, not a path")
        elif value is not None and not _asks_google(value):
            params.problem(name, "given over the API must have a token_uri of googleapis.com")


def _aws(params: Section, model: str) -> JsonObject:
    given = {name: params.secret(name) for name in _AWS_KEYS}
    if not given["aws_access_key_id"]:
        environment = params.environment or {}
        variables = {**_AWS_KEYS, **_AWS_CONTAINER}
        given = {name: environment.get(variable, "") for name, variable in variables.items()}
    elif not given["aws_secret_access_key"]:
        params.problem("aws_secret_access_key", "is missing beside aws_access_key_id")
    role = {name: params.text(name) for name in _AWS_ROLE}
    found = {**given, **role, "aws_region_name": _region(params, model)}
    return {name: value for name, value in found.items() if value}


def _region(params: Section, model: str) -> str:
    environment = params.environment or {}
    in_model = next((part for part in model.split("/") if _REGION.fullmatch(part)), "")
    region = (
        params.text("aws_region_name")
        or in_model
        or environment.get("AWS_REGION_NAME", "")
        or environment.get("AWS_REGION", "")
    )
    if region and not _REGION.fullmatch(region):
        params.problem("aws_region_name", "must be the name of a region, such as eu-central-1")
        return ""
    return region


def _bedrock(region: str) -> str:
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://bedrock-runtime.{region}.{domain}" if region else ""


def _google(params: Section) -> JsonObject:
    credentials = _googles(params)
    if not credentials:
        return {}
    # A service account's key needs nobody to vouch for it; what a file says is read when it is.
    is_key = credentials.startswith("{") and _FEDERATED not in credentials
    return {"vertex_credentials": credentials, **({} if is_key else _aws(params, ""))}


def _googles(params: Section) -> str:
    environment = params.environment or {}
    return (
        _either(params, *_CREDENTIALS, _credentials)
        or environment.get("VERTEXAI_CREDENTIALS", "")
        or environment.get("GOOGLE_APPLICATION_CREDENTIALS", "")
    )


def _azure(params: Section) -> JsonObject:
    """Read a token of Entra's, or the application that gets one."""
    environment = params.environment or {}
    found = {
        name: params.secret(name) or environment.get(variable, "")
        for name, variable in _AZURE.items()
    }
    given: JsonObject = {name: value for name, value in found.items() if value}
    application = {"tenant_id", "client_id", "client_secret"}
    return given if "azure_ad_token" in given or application <= given.keys() else {}


def _vertex_address(params: Section) -> str:
    """Address a project where one is named, else the one that its credentials are of."""
    environment = params.environment or {}
    project = _either(params, "vertex_project", "vertex_ai_project", _word)
    location = _either(params, "vertex_location", "vertex_ai_location", _location)
    project = project or environment.get("VERTEXAI_PROJECT", "") or _own_project(params)
    if not project:
        return ""
    location = location or environment.get("VERTEXAI_LOCATION", "") or _ANYWHERE
    place = f"projects/{quote(project, safe='')}/locations/{location}/publishers/google"
    return f"https://{_vertex_host(location)}/v1/{place}"


def _vertex_host(location: str) -> str:
    if location == _ANYWHERE:
        return "aiplatform.googleapis.com"
    if "-" not in location:  # several regions: us, eu
        return f"aiplatform.{location}.rep.googleapis.com"
    return f"{location}-aiplatform.googleapis.com"


def _own_project(params: Section) -> str:
    credentials = _googles(params)
    if not credentials.startswith("{"):
        return ""
    try:
        found: Json = orjson.loads(credentials)
    except orjson.JSONDecodeError:
        return ""
    project = found.get("project_id") if isinstance(found, dict) else None
    return project if isinstance(project, str) else ""


def _asks_google(value: Json) -> bool:
    try:
        found: Json = orjson.loads(value) if isinstance(value, str) else value
    except orjson.JSONDecodeError:
        return True  # which is told elsewhere
    uri = found.get("token_uri") if isinstance(found, dict) else None
    return uri is None or (isinstance(uri, str) and _GOOGLES.fullmatch(uri) is not None)


def _either(params: Section, name: str, other: str, parse: Callable[[Json], str]) -> str:
    """Read a parameter under either of LiteLLM's names."""
    return params.read(name, "", parse) or params.read(other, "", parse)


def _word(value: Json) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise Wrong("must be text")
    return value


def _location(value: Json) -> str:
    if not isinstance(value, str) or not _LOCATION.fullmatch(value):
        raise Wrong("must be the name of a location, such as europe-west1 or global")
    return value


def _credentials(value: Json) -> str:
    """Take a service account's key: as JSON, as a mapping, or the path of its file."""
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    if not isinstance(value, str) or "\0" in value:
        raise Wrong("must be the JSON of a service account's key, or the path of its file")
    text = value.strip()
    if text.startswith("{"):
        try:
            orjson.loads(text)
        except orjson.JSONDecodeError:
            raise Wrong("is not valid JSON") from None
    return text
