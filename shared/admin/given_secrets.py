"""What an administrator gives us to keep: which values are plain, which are sealed, which refused.

Pure. A value that is not known to be plain is a secret. References to the environment could make
the gateway show or send away what the operator keeps there, so only a few are taken.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shared.config.sections import REFERENCE, is_parameter
from shared.config.vendors import VENDORS
from shared.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from shared.domain import Json

PLAIN: Final = frozenset(
    {
        *("model", "custom_llm_provider", "api_base", "base_url", "api_version", "organization"),
        *("region_name", "aws_region_name", "vertex_project", "vertex_location", "base_model"),
        *("litellm_credential_name", "tags", "mode", "model_info", "fallbacks"),
        *("input_cost_per_token", "output_cost_per_token", "input_cost_per_request"),
        *("cache_read_input_token_cost", "cache_creation_input_token_cost"),
        "output_cost_per_reasoning_token",
        # Defaults of a call, and how it is handled: tools that write them want to read them back.
        *("reasoning_effort", "thinking", "verbosity", "service_tier", "response_format", "stop"),
        *("modalities", "tool_choice", "cache_control_injection_points", "allowed_openai_params"),
        *("additional_drop_params", "aws_role_name", "aws_session_name", "budget_duration"),
    }
)
"""Parameters of a model that hold no secret."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_RESERVED: Final = re.compile(
    r"(TOLLGATE|LITELLM|AWS|LAMBDA|UPSTASH|CACHE_REDIS|DATABASE|PYTHON|LD|SSL|REQUESTS)_.*"
    r"|.*_(API_BASE|BASE_URL|PROXY)|PATH|HOME|STAGE|DATABASE_URL",
    re.IGNORECASE,
)
_KEY_VARIABLES: Final = frozenset(
    variable for vendor in VENDORS.values() for variable in vendor.key_variables
)


def check_references(values: Json, variables: Collection[str]) -> None:
    """Refuse a reference to any variable but those that the database has."""
    for text in _texts(values):
        if is_parameter(text):
            raise BadRequest(
                "A parameter of AWS's Parameter Store may be named in the file only.",
                param="litellm_params",
            )
        if text.startswith(REFERENCE) and text.removeprefix(REFERENCE) not in variables:
            raise BadRequest(
                f"{REFERENCE}… may name here a variable of environment_variables only.",
                param="environment_variables",
            )


def check_params(params: Mapping[str, Json], variables: Collection[str]) -> None:
    """Refuse parameters that refer to the environment, but for the key of a known vendor."""
    for name, value in params.items():
        is_key = name == "api_key" and isinstance(value, str)
        check_references(value, _KEY_VARIABLES | set(variables) if is_key else variables)


def check_variables(values: Mapping[str, Json]) -> None:
    """Refuse variables that would change how the gateway itself runs, or whom it calls."""
    for name, value in values.items():
        if not _NAME.fullmatch(name) or _RESERVED.fullmatch(name):
            raise BadRequest(
                f"{name[:64]!r} cannot be set over the API; set it where the gateway runs.",
                param="environment_variables",
            )
        if value is not None and not isinstance(value, str):
            raise BadRequest("A variable must be text.", param=f"environment_variables.{name}")


def _texts(value: Json) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for item in value.values():
                yield from _texts(item)
        case _:
            return
