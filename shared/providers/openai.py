"""OpenAI's dialect, and everybody's who speaks it: chat, completions and embeddings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import orjson

from shared.domain import Endpoint, HttpRequest
from shared.errors import ProviderFailed
from shared.providers.additions import plain_chat
from shared.providers.dialect import Reply, StreamEvent
from shared.providers.failures import failure, failure_inside, malformed
from shared.providers.openai_media import PATHS as MEDIA_PATHS
from shared.providers.openai_media import media_body, media_reply
from shared.providers.reasoning import reasons_at_openai
from shared.providers.responses.native import ResponsesDecoder, read_count, read_response
from shared.providers.sse import LineTooLong, SseEvent, SseParser
from shared.providers.usage import searches_in, text_bytes, usage_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment, Json, JsonObject
    from shared.providers.dialect import Decoder

_PATHS: Final[Mapping[Endpoint, str]] = {
    Endpoint.CHAT: "/chat/completions",
    Endpoint.COMPLETION: "/completions",
    Endpoint.EMBEDDING: "/embeddings",
    Endpoint.RESPONSES: "/responses",
    Endpoint.RESPONSE_TOKENS: "/responses/input_tokens",
    Endpoint.COMPACT: "/responses/compact",
}
_CONTENT: Final[Mapping[Endpoint, str]] = {
    Endpoint.CHAT: "choices",
    Endpoint.COMPLETION: "choices",
    Endpoint.EMBEDDING: "data",
}
_NEW_LIMIT: Final = re.compile(r"(?:^|/)(?:o[1-9](-|$)|gpt-(?:[5-9]|\d\d))")
"""Models that refuse `max_tokens`: it does not say whether reasoning counts."""
_NOT_WHILE_THINKING: Final[Mapping[str, Json]] = {
    **dict.fromkeys(["temperature", "top_p"], 1),
    **dict.fromkeys(["presence_penalty", "frequency_penalty"], 0),
    **dict.fromkeys(["logprobs", "top_logprobs", "logit_bias", "stop"]),
}
"""What models that think answer 400 to, but for this value (guides/reasoning, read 2026-11)."""
_STRICT: Final = frozenset({"openai", "azure"})
"""Who answers 400 to another vendor's thoughts, and for some models to the old limit."""
_DONE: Final = b"[DONE]"
_OF_RESPONSES: Final = frozenset({Endpoint.RESPONSES, Endpoint.COMPACT})


@dataclass(frozen=True, slots=True)
class OpenAI:
    """The dialect; its fields are the ways in which vendors stray from OpenAI itself.

    Without `takes_stream_options` a vendor tells the usage of streams unasked, and refuses to be
    asked. Where `takes_max_completion_tokens` is false that limit would be ignored, so it is sent
    under its old name. `base_path` is what the vendor's usual base URL lacks. `names_host_last`
    where who runs the model is named behind it, and LiteLLM names it first.
    """

    takes_stream_options: bool = True
    takes_max_completion_tokens: bool = True
    base_path: str = ""
    knows_additions: bool = False
    names_host_last: bool = False

    def request(self, call: Call, to: Deployment) -> HttpRequest:
        """Put the caller's body to the deployment, under the deployment's name for the model."""
        if call.endpoint in MEDIA_PATHS:
            kind, content = media_body(call, to.model)
            url = self.url(to, MEDIA_PATHS[call.endpoint])
            headers = {**call.extra_headers, "content-type": kind, **self.headers(to)}
            return HttpRequest("POST", url, headers, content)
        model = _host_last(to.model) if self.names_host_last else to.model
        body: JsonObject = {**call.body, "model": model}
        if call.endpoint is Endpoint.CHAT and not self.knows_additions:
            plain_chat(body, is_strict=to.provider in _STRICT)
        if call.is_stream:
            body["stream"] = True
            if call.endpoint is not Endpoint.RESPONSES:
                self._ask_for_usage(body)
        limit = body.get("max_completion_tokens")
        if limit is not None and not self.takes_max_completion_tokens:
            del body["max_completion_tokens"]
            body["max_tokens"] = limit
        url = self.url(to, _PATHS[call.endpoint])
        if to.provider in _STRICT:
            _fit_to_thinking(body, call, to)
        headers = {
            **call.extra_headers,
            "content-type": "application/json",
            **self.headers(to),
        }
        return HttpRequest("POST", url, headers, orjson.dumps(body))

    def url(self, to: Deployment, path: str) -> str:
        """Return where a path of the API is at a deployment."""
        base, question, query = to.api_base.partition("?")
        return base.rstrip("/") + self.base_path + path + question + query

    def headers(self, to: Deployment) -> dict[str, str]:
        """Return what opens a deployment."""
        key = {"authorization": f"Bearer {to.api_key}"} if to.api_key else {}
        return {**key, **to.extra_headers}

    def reply(self, call: Call, body: bytes) -> Reply:
        """Read a whole answer."""
        if call.endpoint in MEDIA_PATHS:
            return media_reply(call, body)
        parsed = _parsed(body)
        if parsed.get("error"):
            raise failure_inside(parsed)
        if call.endpoint in _OF_RESPONSES:
            return read_response(parsed)
        if call.endpoint is Endpoint.RESPONSE_TOKENS:
            return read_count(parsed)
        content = parsed.get(_CONTENT[call.endpoint])
        if not isinstance(content, list):
            raise malformed(f"has no `{_CONTENT[call.endpoint]}`")
        return Reply(
            body=parsed,
            usage=usage_of(parsed),
            response_id=_response_id(parsed),
            text_bytes=text_bytes(parsed.get("choices")),
        )

    def decoder(self, call: Call) -> Decoder:
        """Begin to read a streamed answer."""
        if call.endpoint is Endpoint.RESPONSES:
            return ResponsesDecoder()
        return OpenAIDecoder(wants_usage_chunk=call.wants_usage_chunk)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
        """Read a refusal or a breakdown."""
        return failure(status, headers, body)

    def _ask_for_usage(self, body: JsonObject) -> None:
        asked = body.pop("stream_options", None)
        if self.takes_stream_options:
            options = asked if isinstance(asked, dict) else {}
            body["stream_options"] = {**options, "include_usage": True}


@dataclass(slots=True)
class OpenAIDecoder:
    """A stream of chunks that ends in [DONE]."""

    wants_usage_chunk: bool
    _parser: SseParser = field(default_factory=SseParser)
    _is_over: bool = False
    _has_finish_reason: bool = False
    _searches: int = 0

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """Return the events that `chunk` completes."""
        found: list[SseEvent] = []
        failed: StreamEvent | None = None
        try:
            self._parser.feed(chunk, found)
        except LineTooLong:
            failed = StreamEvent(error=malformed("has a line that is too long"))
        events: list[StreamEvent] = []
        for event in [*map(self._read, found), failed]:
            if event is None or self._is_over:
                continue
            events.append(event)
            self._is_over = event.is_done or event.error is not None
        return events

    def end(self) -> list[StreamEvent]:
        """Return what is left when the provider has closed."""
        events = self.feed(b"\n\n")
        if self._is_over:
            return events
        self._is_over = True
        if self._has_finish_reason:
            return [*events, StreamEvent(is_done=True)]
        return [*events, StreamEvent(error=malformed("ended before it was complete"))]

    def _read(self, event: SseEvent) -> StreamEvent | None:
        if not event.data.strip():
            return None
        if event.data.strip() == _DONE:
            return StreamEvent(is_done=True)
        try:
            chunk = _parsed(event.data)
        except ProviderFailed as error:
            return StreamEvent(error=error)
        if event.name == "error" or chunk.get("error"):
            return StreamEvent(error=failure_inside(chunk))
        return self._chunk(chunk)

    def _chunk(self, chunk: JsonObject) -> StreamEvent:
        choices = chunk.get("choices")
        usage = usage_of(chunk)
        self._searches = self._searches or searches_in(chunk)  # cited before the usage comes
        if usage is not None:
            usage = replace(usage, searches=usage.searches or self._searches)
        is_for_the_caller = True
        if not self.wants_usage_chunk:
            is_for_the_caller = bool(choices) or not isinstance(chunk.get("usage"), dict)
            chunk.pop("usage", None)
        self._has_finish_reason = self._has_finish_reason or _has_finish_reason(choices)
        return StreamEvent(
            data=chunk if is_for_the_caller else None,
            usage=usage,
            text_bytes=text_bytes(choices),
            response_id=_response_id(chunk),
        )


def _parsed(body: bytes) -> JsonObject:
    try:
        parsed: Json = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed("is not JSON") from error
    if not isinstance(parsed, dict):
        raise malformed("is not a JSON object")
    return parsed


def _response_id(body: JsonObject) -> str | None:
    found = body.get("id")
    return found if isinstance(found, str) and found else None


def _host_last(model: str) -> str:
    """Write HOST/ORG/MODEL as ORG/MODEL:HOST."""
    host, _, rest = model.partition("/")
    return f"{rest}:{host}" if "/" in rest else model


def _fit_to_thinking(body: JsonObject, call: Call, to: Deployment) -> None:
    """Write for a model that thinks, and leave out what it refuses where that is allowed."""
    model = to.base_model or to.model
    if _NEW_LIMIT.search(model):
        _rename_limit(body)
    may_drop = (call.handling | to.handling).drop_params and call.endpoint is Endpoint.CHAT
    if may_drop and reasons_at_openai(model) and body.get("reasoning_effort") != "none":
        for name, neutral in _NOT_WHILE_THINKING.items():
            if body.get(name) != neutral:
                body.pop(name, None)


def _rename_limit(body: JsonObject) -> None:
    limit = body.pop("max_tokens", None)
    if limit is not None:
        body.setdefault("max_completion_tokens", limit)


def _has_finish_reason(choices: Json) -> bool:
    if not isinstance(choices, list):
        return False
    return any(isinstance(choice, dict) and choice.get("finish_reason") for choice in choices)
