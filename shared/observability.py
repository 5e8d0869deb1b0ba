"""What a process tells its operators: JSON log lines, and metrics inside them (CloudWatch EMF).

A line is an event with fields: never a prompt, an answer or a key. Nothing here is state of one
request, so any number of them may run in one process; what a request's lines have in common is
bound to its task by `bind`.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TextIO, cast

import orjson

from shared.errors import StoreDown

if TYPE_CHECKING:
    from collections.abc import Mapping

Metric = Literal[
    "requests",
    "refusals",
    "failures",
    "overhead_ms",
    "cost",
    "cold_starts",
    "holds",
    "drift",
    "failed_steps",
    "drain_waiting",
    "drain_parked",
    "drain_standing",
    "sweep_lost",
    "keep_partitions_strays",
    "config_refused",
    "config_not_loaded",
]

UNITS: Final[Mapping[Metric, str]] = {
    "requests": "Count",
    "refusals": "Count",
    "failures": "Count",
    "overhead_ms": "Milliseconds",
    "cost": "None",  # US dollars
    "cold_starts": "Count",
    "holds": "Count",
    "drift": "None",  # US dollars
    "failed_steps": "Count",
    "drain_waiting": "Count",  # rows of the ledger on their way to Postgres
    "drain_parked": "Count",  # rows that Postgres does not take
    "drain_standing": "Count",  # of those, how many somebody has yet to look at
    "sweep_lost": "Count",  # holds of functions that died
    "keep_partitions_strays": "Count",  # rows outside every month's partition
    "config_refused": "Count",  # overlays that are not valid: the last good one stays
    "config_not_loaded": "Count",  # times when no store told the configuration
}

COUNTED_BY_KIND: Final = frozenset[Metric]({"refusals", "failures", "failed_steps"})
NAMESPACE: Final = "Tollgate"
_NANODOLLARS_PER_DOLLAR: Final = 1_000_000_000
_FIRST_SERVER_ERROR: Final = 500
_REDACTED: Final = "[redacted]"
_LONGEST_MESSAGE: Final = 500

_SECRET_NAME: Final = re.compile(
    r"(^|[_-])(authorization|api[_-]?key|master[_-]?key|token|secret|password|cookie|credential"
    r"|prompt|messages|content|completion|answer|body)$",
    re.IGNORECASE,
)
# What betrays a secret wherever it stands: keys, bearer tokens, passwords within URLs. A key's
# name as LiteLLM shows it, "sk-...abcd", is none. Each is searched for by its literal beginning,
# which costs a tenth of one pattern for all.
_SECRET_VALUES: Final[Mapping[str, re.Pattern[str]]] = {
    "sk-": re.compile(r"sk-(?<![A-Za-z0-9]sk-)[A-Za-z0-9_-]{8,}"),
    "Bearer ": re.compile(r"Bearer [^\s\"\\]+"),
    "://": re.compile(r"://[^\s/@\"\\]+(?=@)"),
}

# Only of these is the message in the log: code wrote it. A ValueError's may quote a request, a
# database's the row.
_TELLING: Final = (
    StoreDown,
    OSError,
    AttributeError,
    TypeError,
    NameError,
    ImportError,
    RuntimeError,
)

_NO_FIELDS: Final[Mapping[str, object]] = MappingProxyType({})
_bound: ContextVar[Mapping[str, object]] = ContextVar("bound", default=_NO_FIELDS)


@dataclass(frozen=True, slots=True)
class _Scope:
    service: str = "tollgate"
    stage: str = "local"
    with_metrics: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLine:
    """One request as its one log line tells it; times in milliseconds.

    `overhead_ms` is the gateway's own part of `total_ms`, `steps` the time of each step by name,
    `key_id` the key's public id, `refusal` the error's type when the caller was refused, `fields`
    what else the line should say (the ledger row's fields, should the ledger lose it).
    """

    route: str
    status: int
    total_ms: float
    overhead_ms: float
    request_id: str = ""
    key_id: str | None = None
    model: str | None = None
    nanodollars: int = 0
    refusal: str | None = None
    steps: Mapping[str, float] = field(default_factory=dict[str, float])
    fields: Mapping[str, object] = field(default_factory=lambda: _NO_FIELDS)


class Log:
    """Write events with fields, one JSON line each; a line can be lost, never raise."""

    def debug(self, event: str, /, **fields: object) -> None:
        """Tell what only a developer wants to know."""
        _write(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: object) -> None:
        """Tell what happened."""
        _write(logging.INFO, event, fields)

    def warning(self, event: str, /, **fields: object) -> None:
        """Tell what went wrong and was handled."""
        _write(logging.WARNING, event, fields)

    def error(self, event: str, /, **fields: object) -> None:
        """Tell what somebody has to look at."""
        _write(logging.ERROR, event, fields)

    def exception(self, event: str, /, error: BaseException, **fields: object) -> None:
        """Tell where `error` came from, and its message only if no caller's data can be in it."""
        _write(logging.ERROR, event, {**_story(error), **fields})


log = Log()


def configure(*, service: str, stage: str, with_metrics: bool) -> None:
    """Name this process in every line; `with_metrics` makes CloudWatch read metrics from them."""
    global _scope  # noqa: PLW0603 - a process has one name, given once at its start
    _scope = _Scope(service, stage, with_metrics)
    _template.cache_clear()


def has_metrics() -> bool:
    """Tell whether somebody reads metrics from this process's lines."""
    return _scope.with_metrics


def log_everything() -> None:
    """Write what libraries warn of as our lines too, where no runtime does it."""
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    root.addHandler(_logger().handlers[0])


def bind(**fields: object) -> None:
    """Put `fields` into every later line of the running task and of those it starts."""
    _bound.set({**_bound.get(), **fields})


def measure(
    event: str,
    values: Mapping[Metric, float],
    /,
    *,
    kind: str | None = None,
    **fields: object,
) -> None:
    """Log an event whose `values` are metrics too; `kind` counts refusals and failures by kind."""
    line = {**fields, **values}
    if kind is not None:
        line["kind"] = kind
    described = None
    if _scope.with_metrics and values:
        line["stage"] = _scope.stage
        described = _template(tuple(values), has_kind=kind is not None)
    _write(logging.INFO, event, line, described)


def request_line(line: RequestLine) -> None:
    """Log one request: who, what, how it ended, what it cost, how long each step took."""
    values: dict[Metric, float] = {
        "requests": 1,
        "overhead_ms": line.overhead_ms,
        "cost": line.nanodollars / _NANODOLLARS_PER_DOLLAR,
    }
    if line.refusal is not None:
        values["refusals"] = 1
    elif line.status >= _FIRST_SERVER_ERROR:
        values["failures"] = 1
    measure(
        "request",
        values,
        kind=line.refusal,
        request_id=line.request_id,
        route=line.route,
        status=line.status,
        model=line.model,
        key_id=line.key_id,
        nanodollars=line.nanodollars,
        total_ms=line.total_ms,
        **{f"{step}_ms": spent for step, spent in line.steps.items()},
        **line.fields,
    )


_scope = _Scope()


def _write(
    level: int,
    event: str,
    fields: Mapping[str, object],
    described: Mapping[str, object] | None = None,
) -> None:
    logger = _logger()
    if logger.isEnabledFor(level):
        logger.log(level, event, extra={"fields": fields, "described": described})


@cache
def _logger() -> logging.Logger:
    # Imported at the first line: 25 to 50 ms that importing a room should not cost.
    from aws_lambda_powertools.logging import Logger  # noqa: PLC0415
    from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter  # noqa: PLC0415

    class EventFormatter(LambdaPowertoolsFormatter):
        """Powertools' line with our fields, at a fifth of its price."""

        def format(self, record: logging.LogRecord) -> str:
            return _render(record, self.formatTime(record))

    powertools = Logger(
        service="tollgate",
        logger_handler=_StdoutHandler(),
        logger_formatter=EventFormatter(utc=True, use_rfc3339=True),
    )
    logger = logging.getLogger(powertools.name)
    logger.propagate = False  # a runtime's root handlers would write every line again
    return logger


class _StdoutHandler(logging.StreamHandler[TextIO]):
    """Write to what is standard output now, not at import: runtimes and tests replace it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # pyright: ignore[reportIncompatibleVariableOverride] - as logging does it for stderr
        return sys.stdout


def _render(record: logging.LogRecord, timestamp: str) -> str:
    fields = cast("Mapping[str, object]", getattr(record, "fields", _NO_FIELDS))
    line: dict[str, object] = {
        "level": record.levelname,
        "message": record.getMessage(),
        "timestamp": timestamp,
        "service": _scope.service,
        **_without_secret_names(_bound.get()),
        **_without_secret_names(fields),
    }
    if record.exc_info and record.exc_info[1] is not None:
        line |= _story(record.exc_info[1])
    described = cast("Mapping[str, object] | None", getattr(record, "described", None))
    if described is not None:
        line["_aws"] = {"Timestamp": int(record.created * 1000), **described}
    return _without_secret_values(_json(line))


def _json(line: Mapping[str, object]) -> str:
    try:
        return orjson.dumps(line, default=_type_name, option=orjson.OPT_NON_STR_KEYS).decode()
    except (
        TypeError
    ):  # a lone surrogate, a huge integer: orjson refuses, the standard library bears
        return json.dumps(line, default=_type_name)


def _type_name(value: object) -> str:
    # An object's repr may hold anything.
    return f"<{type(value).__name__}>"


def _without_secret_names(fields: Mapping[str, object]) -> dict[str, object]:
    return {
        name: _without_secret_names(cast("Mapping[str, object]", value))
        if isinstance(value, dict)
        else value
        for name, value in fields.items()
        if value is not None and not _is_secret(str(name))
    }


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _without_secret_values(line: str) -> str:
    for beginning, pattern in _SECRET_VALUES.items():
        if beginning in line:
            line = pattern.sub(beginning + _REDACTED, line)
    return line


def _story(error: BaseException) -> dict[str, object]:
    story: dict[str, object] = {
        "exception_name": type(error).__name__,
        "stack": [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ],
        "sqlstate": getattr(error, "sqlstate", None),
    }
    if isinstance(error, _TELLING):
        story["exception"] = str(error)[:_LONGEST_MESSAGE]
    if error.__cause__ is not None:
        story["cause"] = _story(error.__cause__)
    return story


@cache
def _template(names: tuple[Metric, ...], *, has_kind: bool) -> Mapping[str, object]:
    """Let Powertools check and describe these metrics once; later events only fill in values."""
    from aws_lambda_powertools.metrics import EphemeralMetrics  # noqa: PLC0415 - as the logger

    metrics = EphemeralMetrics(
        namespace=NAMESPACE,
        service=_scope.service,
        default_dimensions={"stage": _scope.stage},
    )
    for name in names:
        metrics.add_metric(name=name, unit=UNITS[name], value=0)
    described = metrics.serialize_metric_set()["_aws"]["CloudWatchMetrics"][0]  # pyright: ignore[reportUnknownMemberType] - its parameters are untyped
    by_kind = [metric for metric in described["Metrics"] if metric["Name"] in COUNTED_BY_KIND]
    if not (has_kind and by_kind):
        return {"CloudWatchMetrics": [described]}
    dimensions = [[*described["Dimensions"][0], "kind"]]
    return {
        "CloudWatchMetrics": [
            described,
            {**described, "Dimensions": dimensions, "Metrics": by_kind},
        ],
    }
