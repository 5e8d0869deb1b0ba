"""The kinds of field the admin API takes: strictly typed, capped, free of control characters.

A JSON string never becomes a number here and a boolean never a budget; what a field refuses is
told as a 400 that names the field and never repeats its value, which may be a secret.
Money is Decimal dollars with nine places: the numeric columns of Postgres, exact both ways.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Annotated, Literal, TypeGuard, TypeVar

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    WithJsonSchema,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Stored = TypeVar("Stored", bound=JsonValue)

MAX_TEXT = 255
MAX_METADATA_BYTES = 64 * 1024
MAX_ENTRIES = 1_000
MAX_AT_ONCE = 500
MAX_CHAIN = 5
MAX_RATE = 2**53 - 1
MAX_PARALLEL = 2**31 - 1
# In nanodollars still an exact double (2^53): what Lua can count to the last digit.
MAX_DOLLARS = 9_000_000
NANODOLLAR = Decimal("1e-9")

LLM_GROUPS = frozenset({"llm_api_routes", "openai_routes", "anthropic_routes"})
ROUTE_GROUPS = LLM_GROUPS | {"management_routes", "info_routes", "mcp_routes"}

_MODEL_BUDGET = frozenset(
    {"budget_limit", "max_budget", "time_period", "budget_duration", "rpm_limit", "tpm_limit"}
)
_FIRST_YEAR, _LAST_YEAR = 1970, 9000

_BEYOND_64_BITS = 2.0**63

# C0, DEL, C1, the two separators that end a line in JavaScript and logs, and lone surrogates.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")


def is_printable(text: str) -> bool:
    """Say whether a text is free of control characters and lone surrogates."""
    return _CONTROL.search(text) is None


def _printable(text: str) -> str:
    if not is_printable(text):
        raise ValueError("must not contain control characters")
    return text


def _visible_ascii(text: str) -> str:
    if not _VISIBLE_ASCII.fullmatch(text):
        raise ValueError("must be visible ASCII characters only")
    return text


def _custom_key(text: str) -> str:
    if not text.startswith("sk-"):
        raise ValueError("must start with 'sk-'")
    return _visible_ascii(text)


def _dollars(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("must be a number of US dollars")
    if value < 0:
        raise ValueError("must not be negative")
    if value > MAX_DOLLARS:
        raise ValueError(f"must be at most {MAX_DOLLARS}")
    # repr gives a float's shortest decimal, which is what the caller wrote.
    return Decimal(repr(value)).quantize(NANODOLLAR, rounding=ROUND_FLOOR)


def _dated(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
        # What has no offset is meant in UTC.
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("must be a date and time: YYYY-MM-DDTHH:MM:SSZ") from error
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"must be between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    return moment


def _model_budgets(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Check `{model: dollars}` and `{model: {"budget_limit": dollars, "time_period": "1d", …}}`."""
    for model, budget in value.items():
        fields = budget if isinstance(budget, dict) else {"budget_limit": budget}
        if not (model and is_printable(model) and fields.keys() <= _MODEL_BUDGET):
            raise ValueError("must be {model: {budget_limit, time_period, rpm_limit, tpm_limit}}")
        for name in ("budget_limit", "max_budget"):
            if fields.get(name) is not None:
                _dollars(fields[name])
        for name in ("rpm_limit", "tpm_limit"):
            limit = fields.get(name)
            if limit is not None and not (_is_whole(limit) and 0 <= limit <= MAX_RATE):
                raise ValueError(f"{name} must be a whole number from 0 to {MAX_RATE}")
    return value


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _route(text: str) -> str:
    if not (text.startswith("/") or text in ROUTE_GROUPS):
        raise ValueError(f"must begin with / or be one of {', '.join(sorted(ROUTE_GROUPS))}")
    return text


def _within_cap(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if len(orjson.dumps(value)) > MAX_METADATA_BYTES:
        raise ValueError(f"must be at most {MAX_METADATA_BYTES} bytes of JSON")
    return _storable(value)


def _says_nothing(value: JsonValue) -> None:
    inner = value.values() if isinstance(value, dict) else [value]
    if any(inner):
        raise ValueError(
            "is not supported: there are no projects, agents, tools, vector stores or guardrails "
            "here that could limit its calls; leave it out"
        )


def _storable(value: Stored) -> Stored:
    # Postgres would give back such a float as a whole number, which orjson does not write.
    if any(abs(number) >= _BEYOND_64_BITS for number in _floats(value)):
        raise ValueError("must not hold numbers beyond 64 bits")
    return value


def _floats(value: JsonValue) -> Iterator[float]:
    match value:
        case float():
            yield value
        case list():
            for item in value:
                yield from _floats(item)
        case dict():
            for item in value.values():
                yield from _floats(item)
        case _:
            return


Identifier = Annotated[str, Field(min_length=1, max_length=MAX_TEXT), AfterValidator(_printable)]
"""An id, alias or name: 1 to 255 characters, none of them a control character."""

Identifiers = Annotated[str, Field(max_length=10_000), AfterValidator(_printable)]
"""Ids, aliases or names, separated by commas."""

CustomKey = Annotated[str, Field(min_length=16, max_length=MAX_TEXT), AfterValidator(_custom_key)]
"""A virtual key chosen by the caller."""

KeyReference = Annotated[
    str, Field(min_length=1, max_length=MAX_TEXT), AfterValidator(_visible_ascii)
]
"""A key named by its plaintext or by its hash."""

Dollars = Annotated[
    Decimal,
    BeforeValidator(_dollars),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": MAX_DOLLARS}),
]
"""An amount of money, exact to the nanodollar; what is finer is rounded down."""

Rate = Annotated[int, Field(ge=0, le=MAX_RATE)]
"""Requests or tokens a minute."""

Parallel = Annotated[int, Field(ge=0, le=MAX_PARALLEL)]
"""Calls at once."""

Duration = Annotated[str, Field(min_length=1, max_length=32), AfterValidator(_printable)]
"""LiteLLM's words for a span of time (`30s`, `2h`, `30d`, `1mo`); parsed by limits/periods.py."""

Names = Annotated[list[Identifier], Field(max_length=MAX_ENTRIES)]
"""Models or tags."""

Routes = Annotated[
    list[Annotated[Identifier, AfterValidator(_route)]], Field(max_length=MAX_ENTRIES)
]
"""Paths, prefixes of paths (`/key`, `/key/*`), or words that stand for many of them."""

Aliases = Annotated[dict[Identifier, Identifier], Field(max_length=MAX_ENTRIES)]
"""Model names and what they stand for."""

Chains = Annotated[
    dict[Identifier, Annotated[list[Identifier], Field(max_length=MAX_CHAIN)]],
    Field(max_length=MAX_ENTRIES),
]
"""Model names and those that stand in for them, in their order."""

Unsupported = Annotated[JsonValue, AfterValidator(_says_nothing), WithJsonSchema({"type": "null"})]
"""What would limit calls by something that is not here: empty, or refused, never left aside."""

AnyValue = Annotated[JsonValue, AfterValidator(_storable)]
"""Any JSON that can be stored."""

Document = Annotated[dict[str, JsonValue], AfterValidator(_within_cap)]
"""Any JSON object of at most 64 KB."""

ModelBudgets = Annotated[
    dict[str, JsonValue], AfterValidator(_within_cap), AfterValidator(_model_budgets)
]
"""Budgets by model: an amount for ever, or an amount and the span it is for."""

ModelRates = Annotated[dict[Identifier, Rate], Field(max_length=MAX_ENTRIES)]
"""Limits a minute by model or tag."""

Moment = Annotated[
    datetime, BeforeValidator(_dated), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""A moment as ISO 8601 text."""

UserRole = Literal["proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer"]
"""What a user may do beside calling models (domain.Role)."""

LimitType = Literal["guaranteed_throughput", "best_effort_throughput", "dynamic"]
"""LiteLLM's words for when a limit holds."""

KeyType = Literal["default", "llm_api", "management", "read_only"]
"""LiteLLM's shorthand for the routes a key may use."""


class AdminModel(BaseModel):
    """What a body of the admin API is parsed into, or rendered from.

    Its schema is made when the first of its kind is: a process meets few of them before it goes.
    Queries are plain models, since FastAPI takes their fields apart when it makes a route.
    """

    model_config = ConfigDict(defer_build=True)


class AdminRequest(AdminModel):
    """A body of the admin API: unknown fields are ignored, as LiteLLM does, wrong types refused.

    A field of LiteLLM's that would only allow more (`access_group_ids`) is such an unknown one; one
    that would limit, by something that is not here, is named in its body and `Unsupported`.
    """

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="ignore",
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )
