"""Cohere's chat, version 2: near to OpenAI's in its messages, its own in parameters and events.

By docs.cohere.com/reference/chat, /reference/chat-stream and /v2/docs/streaming, read 2026-11.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import orjson

from shared.domain import HttpRequest, Usage
from shared.providers.chunks import ChunkWriter, completion
from shared.providers.decoding import JsonDecoder
from shared.providers.dialect import Reply, StreamEvent
from shared.providers.failures import failure, failure_inside, malformed
from shared.providers.reading import mapping, mappings, parsed, text, without_nulls
from shared.providers.unsupported import Unsupported
from shared.providers.usage import count, text_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment, Json, JsonObject
    from shared.errors import ProviderFailed
    from shared.providers.dialect import Decoder

_TRANSLATED: Final = frozenset(
    {
        *("model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens"),
        *("stop", "top_p", "top_k", "tools", "tool_choice", "parallel_tool_calls"),
        *("response_format", "reasoning_effort", "thinking"),
        # These change nothing in the answer.
        *("user", "store", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"),
    }
)
_UNKNOWN: Final = (
    *("n", "top_logprobs", "logit_bias", "prediction", "audio", "web_search_options"),
    *("functions", "function_call", "service_tier", "verbosity", "modalities"),
)
_OF_MESSAGES: Final = ("role", "content", "tool_calls", "tool_call_id", "tool_plan", "citations")
_FINISH_REASONS: Final[Mapping[str, str]] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
}


@dataclass(frozen=True, slots=True)
class Cohere:
    """The dialect of `/v2/chat`."""

    def request(self, call: Call, to: Deployment) -> HttpRequest:
        """Put a chat to the deployment; LiteLLM's base URL is the host alone."""
        base = to.api_base.rstrip("/").removesuffix("/v2/chat").removesuffix("/v2")
        headers = {"content-type": "application/json"}
        if to.api_key:
            headers["authorization"] = f"Bearer {to.api_key}"
        body = orjson.dumps(_body(call, to))
        return HttpRequest("POST", f"{base}/v2/chat", {**headers, **to.extra_headers}, body)

    def reply(self, call: Call, body: bytes) -> Reply:
        """Read a whole answer."""
        told = parsed(body)
        message = told.get("message")
        if not isinstance(message, dict):
            raise malformed("has no `message`")
        usage, response_id = _usage(told.get("usage")), text(told.get("id"))
        choice: JsonObject = {
            "index": 0,
            "message": _message(message),
            "finish_reason": _FINISH_REASONS.get(text(told.get("finish_reason")), "stop"),
            "logprobs": None,
        }
        return Reply(
            body=completion(call, response_id, [choice], usage),
            usage=usage,
            response_id=response_id or None,
            text_bytes=text_bytes([choice]),
        )

    def decoder(self, call: Call) -> Decoder:
        """Begin to read a streamed answer."""
        return JsonDecoder(_ChatMeaning(ChunkWriter.of(call)))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
        """Read a refusal or a breakdown."""
        return failure(status, headers, body)


def _body(call: Call, to: Deployment) -> JsonObject:
    given, limits = call.body, Unsupported.by(call, to)
    limits.refuse_unless_neutral(given, _UNKNOWN)
    if given.get("parallel_tool_calls") is False and given.get("tools"):
        limits.refuse("parallel_tool_calls")
    stop, limit = given.get("stop"), given.get("max_completion_tokens")
    body: JsonObject = {
        **limits.passed_on(given, _TRANSLATED, _UNKNOWN),
        "model": to.model,
        "messages": [_written(message) for message in mappings(given.get("messages"))],
        "stream": call.is_stream or None,
        "max_tokens": given.get("max_tokens") if limit is None else limit,
        "stop_sequences": [stop] if isinstance(stop, str) else stop,
        "p": given.get("top_p"),
        "k": given.get("top_k"),
        "response_format": _format(mapping(given.get("response_format"))),
        "thinking": _thinking(mapping(given.get("thinking")), given.get("reasoning_effort")),
        **_tools(given, limits),
    }
    return without_nulls(body)


def _written(message: JsonObject) -> JsonObject:
    """Write a message without what Cohere does not know."""
    role = "system" if message.get("role") == "developer" else message.get("role")
    kept = {name: message[name] for name in _OF_MESSAGES if message.get(name) is not None}
    return {**kept, "role": role}


def _format(asked: JsonObject) -> JsonObject | None:
    match asked:
        case {"type": "json_schema", "json_schema": {"schema": dict() as schema}}:
            return {"type": "json_object", "json_schema": schema}
        case {"type": "json_object"}:
            return {"type": "json_object"}
        case _:
            return None


def _thinking(asked: JsonObject, effort: Json) -> JsonObject | None:
    if asked:
        return without_nulls(
            {"type": asked.get("type"), "token_budget": asked.get("budget_tokens")}
        )
    if not isinstance(effort, str):
        return None
    return {"type": "disabled" if effort == "none" else "enabled"}


def _tools(given: Mapping[str, Json], limits: Unsupported) -> JsonObject:
    """Translate tools; a choice of one tool leaves only that to be called."""
    tools = mappings(given.get("tools"))
    match given.get("tool_choice"):
        case "required":
            choice = "REQUIRED"
        case "none":
            choice = "NONE"
        case {"type": "function", "function": {"name": str(name)}}:
            choice = "REQUIRED"
            tools = [t for t in tools if mapping(t.get("function")).get("name") == name]
        case None | "auto":
            choice = None
        case _:
            limits.refuse("tool_choice", "this kind of tool_choice")
            choice = None
    if not tools:
        return {}
    is_strict = all(mapping(t.get("function")).get("strict") is True for t in tools)
    plain: list[Json] = [
        {**t, "function": _without_strict(mapping(t.get("function")))} for t in tools
    ]
    return {"tools": plain, "tool_choice": choice, "strict_tools": is_strict or None}


def _without_strict(function: JsonObject) -> JsonObject:
    return {name: value for name, value in function.items() if name != "strict"}


def _message(message: JsonObject) -> JsonObject:
    parts = mappings(message.get("content"))
    said = "".join(text(part.get("text")) for part in parts if part.get("type") == "text")
    thoughts = "".join(text(part.get("thinking")) for part in parts)
    calls = mappings(message.get("tool_calls"))
    plan = text(message.get("tool_plan"))
    found: JsonObject = {"role": "assistant", "content": said or plan or None, "refusal": None}
    if calls:
        found["tool_calls"] = [*calls]
    if thoughts:
        found["reasoning_content"] = thoughts
    if citations := message.get("citations"):
        found["provider_specific_fields"] = {"citations": citations}
    return found


def _usage(told: Json) -> Usage | None:
    """Read what is billed, else what was counted."""
    found = mapping(told)
    for name in ("billed_units", "tokens"):
        counts = mapping(found.get(name))
        prompt, written = count(counts.get("input_tokens")), count(counts.get("output_tokens"))
        if prompt or written:
            cached = min(count(found.get("cached_tokens")), prompt)
            return Usage(prompt, written, cached_tokens=cached)
    return None


@dataclass(slots=True)
class _ChatMeaning:
    """What Cohere's events mean in a chat's stream."""

    chunks: ChunkWriter
    _positions: dict[int, int] = field(default_factory=dict[int, int])

    def read(self, data: JsonObject) -> list[StreamEvent]:
        """Translate one event."""
        delta = mapping(data.get("delta"))
        message = mapping(delta.get("message"))
        content = mapping(message.get("content"))
        match data.get("type"):
            case "message-start":
                self.chunks.id = text(data.get("id"))
                return [self.chunks.delta({"role": "assistant", "content": ""})]
            case "content-start" | "content-delta":
                return self._said(content)
            case "tool-plan-delta" if plan := text(message.get("tool_plan")):
                return [self.chunks.delta({"content": plan})]
            case "tool-call-start" | "tool-call-delta":
                return [self._call(data.get("index"), mapping(message.get("tool_calls")))]
            case "citation-start":
                citation = message.get("citations")
                return [self.chunks.delta({"provider_specific_fields": {"citation": citation}})]
            case "message-end":
                return self._end(delta)
            case _:
                return []

    def close(self) -> list[StreamEvent]:
        """Take no stream as whole that lacks its last event."""
        return []

    def _said(self, content: JsonObject) -> list[StreamEvent]:
        if said := text(content.get("text")):
            return [self.chunks.delta({"content": said})]
        if thought := text(content.get("thinking")):
            return [self.chunks.delta({"reasoning_content": thought})]
        return []

    def _call(self, index: Json, call: JsonObject) -> StreamEvent:
        found = index if isinstance(index, int) else 0
        position = self._positions.setdefault(found, len(self._positions))
        return self.chunks.delta({"tool_calls": [{"index": position, **call}]})

    def _end(self, delta: JsonObject) -> list[StreamEvent]:
        if error := text(delta.get("error")):
            return [StreamEvent(error=failure_inside({"message": error}))]
        usage = _usage(delta.get("usage"))
        reason = _FINISH_REASONS.get(text(delta.get("finish_reason")), "stop")
        stopped = self.chunks.delta({}, reason, usage=usage)
        return [stopped, *self.chunks.done(usage)]
