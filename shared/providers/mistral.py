"""Mistral: OpenAI's chat with other words for a few things, and thoughts within the content.

By docs.mistral.ai/api (chat), /capabilities/reasoning and the type ChatCompletionRequest of
mistralai 3.7, read 2026-11. Fields it does not know are a 422 there, so what it would refuse
without need is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from shared.domain import Endpoint
from shared.providers.functions import NO_PARAMETERS, plain_call
from shared.providers.reading import mapping, mappings, text, without_nulls
from shared.providers.reasoning import effort_of
from shared.providers.unsupported import Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment, HttpRequest, Json, JsonObject
    from shared.errors import ProviderFailed
    from shared.providers.dialect import Decoder, Dialect, Reply, StreamEvent

_UNKNOWN: Final = (
    *("logit_bias", "audio", "web_search_options", "functions", "function_call", "verbosity"),
    "modalities",
)
_MEANINGLESS: Final = frozenset(
    {
        *("user", "store", "safety_identifier", "prompt_cache_retention", "stream_options"),
        *("thinking", "tools"),  # written below
    }
)
_OF_FUNCTIONS: Final = ("name", "description", "parameters", "strict")
_FINISH_REASONS: Final = {"model_length": "length", "error": "stop"}
_OF_MESSAGES: Final = ("role", "content", "tool_calls", "tool_call_id", "prefix")


@dataclass(frozen=True, slots=True)
class Mistral:
    """Around OpenAI's dialect; other endpoints than the chat are as there."""

    openai: Dialect

    def request(self, call: Call, to: Deployment) -> HttpRequest:
        """Translate a chat, then build OpenAI's request."""
        if call.endpoint is Endpoint.CHAT:
            call = replace(call, body=_body(call, to))
        return self.openai.request(call, to)

    def reply(self, call: Call, body: bytes) -> Reply:
        """Read a whole answer."""
        reply = self.openai.reply(call, body)
        return replace(reply, body=_rewritten(reply.body, "message"))

    def decoder(self, call: Call) -> Decoder:
        """Begin to read a streamed answer."""
        return _Rewriting(self.openai.decoder(call))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
        """Read a refusal or a breakdown."""
        return self.openai.error(status, headers, body)


@dataclass(slots=True)
class _Rewriting:
    """The chunks of OpenAI's decoder with thoughts in their own place."""

    inner: Decoder

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """Return the events that `chunk` completes."""
        return list(map(_rewritten_event, self.inner.feed(chunk)))

    def end(self) -> list[StreamEvent]:
        """Return what is left when the provider has closed."""
        return list(map(_rewritten_event, self.inner.end()))


def _body(call: Call, to: Deployment) -> JsonObject:
    given = call.body
    limits = Unsupported.by(call, to)
    limits.refuse_unless_neutral(given, _UNKNOWN)
    body = limits.passed_on(given, _MEANINGLESS, _UNKNOWN)
    body["messages"] = [_written(message, limits) for message in mappings(given.get("messages"))]
    if given.get("tools"):
        body["tools"] = _tools(given["tools"])
    # Only some models take an effort, so it is sent only if one is asked for.
    if effort := effort_of(mapping(given.get("thinking")).get("budget_tokens")):
        body.setdefault("reasoning_effort", effort)
    if "seed" in body:
        body["random_seed"] = body.pop("seed")
    if body.get("tool_choice") == "required":
        body["tool_choice"] = "any"
    return body


def _tools(given: Json) -> list[Json]:
    """Write functions; Mistral's own tools, which have no `function`, go out as they came."""
    found: list[Json] = []
    for tool in mappings(given):
        if "function" not in tool:
            found.append(tool)
            continue
        function = mapping(tool["function"])
        kept = {name: function[name] for name in _OF_FUNCTIONS if function.get(name) is not None}
        found.append({"type": "function", "function": {"parameters": NO_PARAMETERS, **kept}})
    return found


def _written(message: JsonObject, limits: Unsupported) -> JsonObject:
    role = "system" if message.get("role") == "developer" else message.get("role")
    kept = {name: message[name] for name in _OF_MESSAGES if message.get(name) is not None}
    if isinstance(kept.get("content"), list):
        kept["content"] = [*filter(None, (_part(p, limits) for p in mappings(kept["content"])))]
    if calls := mappings(kept.get("tool_calls")):
        kept["tool_calls"] = [*map(plain_call, calls)]
    return {**kept, "role": role}


def _part(part: JsonObject, limits: Unsupported) -> JsonObject | None:
    """Write a part by the types TextChunk, ImageURLChunk, DocumentURLChunk, AudioChunk."""
    kind = text(part.get("type"))
    match kind:
        case "text" | "input_text" | "output_text":
            return {"type": "text", "text": part.get("text")}
        case "image_url":
            return {"type": "image_url", "image_url": part.get("image_url")}
        case "input_audio":
            return {"type": kind, "input_audio": mapping(part.get("input_audio")).get("data")}
        case "file":
            return _document(mapping(part.get("file")))
        case _:
            limits.refuse("messages.content", f"content of type '{kind}'")
            return None


def _document(file: JsonObject) -> JsonObject:
    held, name = text(file.get("file_data")), text(file.get("file_id"))
    url = held or (name if name.startswith(("https://", "http://")) else "")
    if not url:
        return {"type": "file", "file_id": name}
    return without_nulls(
        {"type": "document_url", "document_url": url, "document_name": file.get("filename")}
    )


def _rewritten_event(event: StreamEvent) -> StreamEvent:
    return event if event.data is None else replace(event, data=_rewritten(event.data, "delta"))


def _rewritten(body: JsonObject, holder: str) -> JsonObject:
    if "choices" not in body:
        return body
    choices: list[Json] = [_choice(choice, holder) for choice in mappings(body["choices"])]
    return {**body, "choices": choices}


def _choice(choice: JsonObject, holder: str) -> JsonObject:
    held = mapping(choice.get(holder))
    if isinstance(held.get("content"), list):
        parts = mappings(held["content"])
        said = "".join(text(part.get("text")) for part in parts)
        thoughts = "".join(
            text(inner.get("text")) for part in parts for inner in mappings(part.get("thinking"))
        )
        held = {**held, "content": said or None}
        if thoughts:
            held["reasoning_content"] = thoughts
        choice = {**choice, holder: held}
    reason = text(choice.get("finish_reason"))
    return (
        {**choice, "finish_reason": _FINISH_REASONS[reason]}
        if reason in _FINISH_REASONS
        else choice
    )
