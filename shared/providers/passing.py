"""A vendor's own API, passed through: bytes up, bytes down, usage read on the way.

Of the caller's headers go up those that are for the vendor: not what opened the gateway, not what
is of the connection to it, and nothing that says where the caller is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import orjson

from shared.domain import HttpRequest, Usage
from shared.errors import BadRequest, VendorRefused
from shared.providers.anthropic.usage import message_usage
from shared.providers.clean import without_keys
from shared.providers.dialect import Reply, StreamEvent
from shared.providers.failures import failure
from shared.providers.gemini.usage import content_usage
from shared.providers.heads import shown_headers
from shared.providers.sse import LineTooLong, SseEvent, SseParser
from shared.providers.usage import larger, usage_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment, Json, JsonObject
    from shared.errors import ProviderFailed

_ABOUT_US: Final = frozenset({401, 402, 403})
"""Refusals of the gateway's own key or account: none of the caller's business."""

_KEPT_BACK: Final = frozenset(
    {
        *("authorization", "api-key", "x-api-key", "x-goog-api-key", "ocp-apim-subscription-key"),
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect"),
        *("proxy-authorization", "proxy-connection", "host", "content-length", "accept-encoding"),
        *("cookie", "forwarded", "via", "x-real-ip", "origin", "referer", "user-agent"),
    }
)
_KEPT_BACK_PREFIXES: Final = ("x-forwarded-", "x-amzn-", "x-litellm-", "cf-", "openai-org")
_VERSIONS: Final = ("/v1", "/v1beta", "/openai/v1")
_KEYS: Final[Mapping[str, str]] = {
    "anthropic": "x-api-key",
    "gemini": "x-goog-api-key",
    "azure": "api-key",
}


@dataclass(frozen=True, slots=True)
class PassThrough:
    """Any path of a vendor's API, below the address of a deployment."""

    def request(self, call: Call, to: Deployment) -> HttpRequest:
        """Send what the caller sent, opened with the deployment's key."""
        passing = call.passing
        if passing is None:
            raise BadRequest("There is nothing to pass through.")
        headers = {name: text for name, text in passing.headers.items() if _is_for_vendor(name)}
        if to.api_key:
            own = _KEYS.get(to.provider)
            headers |= {own: to.api_key} if own else {"authorization": f"Bearer {to.api_key}"}
        url = _below(to.api_base, passing.path) + (f"?{passing.query}" if passing.query else "")
        return HttpRequest(passing.method, url, {**headers, **to.extra_headers}, passing.content)

    def reply(self, call: Call, body: bytes) -> Reply:  # noqa: ARG002 - a dialect's signature
        """Pass a whole answer on."""
        parsed = _parsed(body)
        usage = None if parsed is None else told_usage(parsed, None)
        return Reply({}, usage or Usage(), None, raw=body)

    def decoder(self, call: Call) -> PassingDecoder:  # noqa: ARG002 - a dialect's signature
        """Begin to pass a stream on."""
        return PassingDecoder()

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
        """Read a refusal or a breakdown; what it says of the caller's request is passed on."""
        told = failure(status, headers, body)
        if status in _ABOUT_US:
            return told
        told.status = status
        return VendorRefused(told, without_keys(body), shown_headers(headers))


@dataclass(slots=True)
class PassingDecoder:
    """Passes the bytes on as they come; reads usage where they are events."""

    _parser: SseParser | None = field(default_factory=SseParser)
    _usage: Usage | None = None

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """Return the chunk, with what it tells of usage."""
        for event in self._events(chunk):
            data = _parsed(event.data)
            if data is not None:
                self._usage = told_usage(data, self._usage) or self._usage
        return [StreamEvent(raw=chunk, usage=self._usage)]

    def end(self) -> list[StreamEvent]:
        """Return that it is over: only the vendor knows whether it was complete."""
        return [StreamEvent(usage=self._usage, is_done=True)]

    def _events(self, chunk: bytes) -> list[SseEvent]:
        events: list[SseEvent] = []
        if self._parser is not None:
            try:
                self._parser.feed(chunk, events)
            except LineTooLong:
                self._parser = None  # passing on is what matters; usage is estimated then
        return events


def told_usage(body: JsonObject, before: Usage | None) -> Usage | None:
    """Return what an answer or event of any vendor tells of usage, added to what came before."""
    for place in (body, body.get("response"), body.get("message")):
        if not isinstance(place, dict):
            continue
        told = place.get("usage")
        if isinstance(told, dict) and "output_tokens" in told and "total_tokens" not in told:
            return _joined(message_usage(told), before)
        if "usageMetadata" in place:
            return _joined(content_usage(place), before)
        if (usage := usage_of(place)) is not None:
            return usage
    return None


def _joined(told: Usage | None, before: Usage | None) -> Usage | None:
    """Join what is told in several events: by Anthropic the prompt first, the answer at the end."""
    if told is None or before is None:
        return told or before
    return larger(told, before)


def _is_for_vendor(name: str) -> bool:
    return name not in _KEPT_BACK and not name.startswith(_KEPT_BACK_PREFIXES)


def _below(base: str, path: str) -> str:
    """Put a path below a base URL; a version that both name is named once."""
    base = base.partition("?")[0].rstrip("/")
    for version in _VERSIONS:
        if base.endswith(version) and path.startswith(f"{version}/"):
            return base.removesuffix(version) + path
    return base + path


def _parsed(body: bytes) -> JsonObject | None:
    try:
        parsed: Json = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return parsed if isinstance(parsed, dict) else None
