"""What a provider's refusal or breakdown means: the status decides, the words only refine it.

Types are OpenAI's as LiteLLM shows them. The provider's sentence is passed on, cleaned.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

import orjson

from shared.errors import ContentPolicyViolated, ContextWindowExceeded, ProviderFailed
from shared.providers.clean import MAX_MESSAGE, clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Json

MAX_PARAM: Final = 255
MAX_RETRY_AFTER: Final = 24 * 60 * 60

_BREAKDOWNS: Final = 500
_BREAKDOWN: Final = "internal_server_error"
_TYPES: Final[Mapping[int, str]] = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    429: "throttling_error",
    503: "service_unavailable",
    504: "timeout_error",
}
_RETRYABLE: Final = frozenset({401, 402, 403, 408, 409, 429})
"""Beside breakdowns. Of 401 to 403 only another deployment may do better, with another key."""

_STATUS_WORDS: Final = (
    ("rate_limit", 429),
    ("rate limit", 429),
    ("overloaded", 503),
    ("context_length_exceeded", 400),
    ("content_policy", 400),
    ("content_filter", 400),
    ("invalid_request_error", 400),
)
"""Without a status the words decide; what is told in none of them is a breakdown."""

_ABOUT_THE_INPUT: Final = frozenset({400, 403, 413, 422})

_CONTEXT_WINDOW: Final = re.compile(
    r"context[_ ]length[_ ]exceeded|maximum context length|context (?:window|limit|size)"
    r"|longer than the model's context|prompt is too long|input is too long"
    r"|input tokens exceed|exceeds? the maximum number of tokens|maximum input length"
    r"|current length is \d+ while limit is|`max_new_tokens` must be|too many (?:input )?tokens"
    r"|expected maxlength|prompt: length|input too long|input text length should not exceed"
    r"|length limit exceeded|string too long\. expected a string with maximum length",
)
"""With LiteLLM's own words (litellm_core_utils/exception_mapping_utils.py, 1.109, read 2026-11)."""
_NOT_THE_CONTEXT: Final = re.compile(r"string_above_max_length|invalid 'user'")
_CONTENT_POLICY: Final = re.compile(
    r"content[_ ]policy|content_filter|responsibleaipolicyviolation|usage polic(?:y|ies)"
    r"|safety system|content management policy|content filtering policy|cyber_policy"
    r"|requires moderation|model produced invalid content|the response was blocked"
    r"|data_inspection_failed|blocked by (?:content|our|the) (?:filter|safety|moderation)",
)


@dataclass(frozen=True, slots=True)
class _Told:
    """What an error body says, as far as it says anything."""

    message: str = ""
    type: str = ""
    code: str = ""
    param: str | None = None

    @property
    def words(self) -> str:
        """Everything to search for meaning, in lower case."""
        return f"{self.message} {self.type} {self.code}".lower()


def failure(status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
    """Say what an answer with an error status means."""
    return _failure(status, _told(_parsed(body)), _retry_after(headers))


def failure_inside(body: Mapping[str, Json]) -> ProviderFailed:
    """Say what an error means that came with status 200: in a body, or in a stream."""
    told = _told(dict(body))
    status = int(told.code) if re.fullmatch(r"[45]\d\d", told.code) else _status_in_words(told)
    return _failure(status, told, None)


def malformed(what: str) -> ProviderFailed:
    """Say that the provider's answer is none."""
    return ProviderFailed(
        f"The provider's answer {what}.", status=502, type="internal_server_error", retryable=True
    )


def _failure(status: int, told: _Told, retry_after: int | None) -> ProviderFailed:
    if status in _ABOUT_THE_INPUT:
        for kind, pattern in (
            (ContextWindowExceeded, _CONTEXT_WINDOW),
            (ContentPolicyViolated, _CONTENT_POLICY),
        ):
            if pattern.search(told.words) and not _NOT_THE_CONTEXT.search(told.words):
                return kind(
                    _sentence(400, told),
                    status=400,
                    type="invalid_request_error",
                    param=told.param,
                    retryable=False,
                )
    if not 400 <= status <= 599:  # noqa: PLR2004 - the range of error statuses
        status = 502
    return ProviderFailed(
        _sentence(status, told),
        status=status,
        type=_TYPES.get(status, _BREAKDOWN if status >= _BREAKDOWNS else "invalid_request_error"),
        param=told.param,
        retryable=status in _RETRYABLE or status >= _BREAKDOWNS,
        retry_after=retry_after,
    )


def _sentence(status: int, told: _Told) -> str:
    # The message of a refused key quotes the key; of an unpaid account, the account.
    if status == 401:  # noqa: PLR2004 - as in RFC 9110
        return "The provider did not accept the gateway's credentials for this deployment."
    if status == 402:  # noqa: PLR2004
        return "The gateway's account with the provider has no credit for this call."
    return clean(told.message) or f"The provider answered {status} without saying why."


def _status_in_words(told: _Told) -> int:
    for pattern, status in _STATUS_WORDS:
        if pattern in told.words:
            return status
    return 502


def _parsed(body: bytes) -> Json:
    try:
        parsed: Json = orjson.loads(body)
    except orjson.JSONDecodeError:
        text = body[: 4 * MAX_MESSAGE].decode("utf-8", "replace").strip()
        return None if text.startswith("<") else text
    return parsed


def _told(body: Json) -> _Told:
    """Find the message in any of the shapes in which it comes, outermost first."""
    match body:
        case str():
            return _Told(message=body)
        case [first, *_]:
            return _told(first)
        case {"error": (dict() | str() | list()) as inner}:
            return _told(inner)
        case {"message": (dict() | list()) as inner}:  # Mistral
            return _told(inner)
        case {"detail": (dict() | list() | str()) as inner}:  # FastAPI: vLLM, NIM
            return _told(inner)
        case dict():
            message, param = body.get("message", body.get("msg")), body.get("param")
            return _Told(
                message=message if isinstance(message, str) else "",
                type=str(body.get("type") or ""),
                code=str(body.get("code") or ""),
                param=clean(param)[:MAX_PARAM] if isinstance(param, str) else None,
            )
        case _:
            return _Told()


def _retry_after(headers: Mapping[str, str]) -> int | None:
    """Read how long to wait, in seconds; a date counts from the answer's own."""
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return _bounded(float(milliseconds) / 1000)
        said = headers.get("retry-after")
        if said is None:
            return None
        if re.fullmatch(r"\d+(?:\.\d+)?", said):
            return _bounded(float(said))
        then = parsedate_to_datetime(said) - parsedate_to_datetime(headers.get("date", ""))
        return _bounded(then.total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _bounded(seconds: float) -> int | None:
    return min(max(math.ceil(seconds), 0), MAX_RETRY_AFTER) if math.isfinite(seconds) else None
