"""OpenAI's old completions by way of a chat: a dialect around the dialect of a vendor.

A prompt becomes one message of a user, as in LiteLLM (`text_completion` of its main.py, version
1.109, read 2026-11). Shapes by platform.openai.com/docs/api-reference/completions, read 2026-11.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from shared.domain import Endpoint
from shared.providers.parameters import prepared
from shared.providers.reading import mapping, mappings, text
from shared.providers.unsupported import Unsupported, unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment, HttpRequest, Json, JsonObject
    from shared.errors import ProviderFailed
    from shared.providers.dialect import Decoder, Dialect, Reply, StreamEvent

_OF_COMPLETIONS: Final = ("prompt", "suffix", "echo", "best_of", "logprobs")


@dataclass(frozen=True, slots=True)
class CompletionsBridge:
    """Puts a completion to a model that knows chats only."""

    chat: Dialect

    def request(self, call: Call, to: Deployment) -> HttpRequest:
        """Put the prompt as a chat."""
        body = _chat_body(call, Unsupported.by(call, to))
        return self.chat.request(prepared(replace(_as_chat(call), body=body), to), to)

    def reply(self, call: Call, body: bytes) -> Reply:
        """Read a whole chat answer as a completion."""
        reply = self.chat.reply(_as_chat(call), body)
        return replace(reply, body=_completion(reply.body, "message"))

    def decoder(self, call: Call) -> Decoder:
        """Begin to read the chunks of a chat as a completion's."""
        return _Rewriting(self.chat.decoder(_as_chat(call)))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
        """Read a refusal or a breakdown."""
        return self.chat.error(status, headers, body)


@dataclass(slots=True)
class _Rewriting:
    """Events of the chat, each rewritten as it comes."""

    inner: Decoder

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """Return the events that `chunk` completes."""
        return [_written(event) for event in self.inner.feed(chunk)]

    def end(self) -> list[StreamEvent]:
        """Return what is left when the provider has closed."""
        return [_written(event) for event in self.inner.end()]


def _as_chat(call: Call) -> Call:
    return replace(call, endpoint=Endpoint.CHAT)


def _chat_body(call: Call, limits: Unsupported) -> JsonObject:
    given = call.body
    limits.refuse_unless_neutral(given, ("suffix", "echo"))
    best_of = given.get("best_of")
    if best_of is not None and best_of != given.get("n", 1):
        limits.refuse("best_of")
    asked = given.get("logprobs")
    top = int(asked) if isinstance(asked, int) else 0
    logprobs: JsonObject = {"logprobs": True, "top_logprobs": top} if top else {}
    kept = {name: value for name, value in given.items() if name not in _OF_COMPLETIONS}
    message: JsonObject = {"role": "user", "content": _prompt(given.get("prompt"))}
    return {**kept, "messages": [message], **logprobs}


def _prompt(value: Json) -> str:
    match value:
        case str() | [str()]:
            return value if isinstance(value, str) else text(value[0])
        case [str(), *_]:
            raise unfit("prompt", "must be one text for this model; send one call for each")
        case _:
            raise unfit("prompt", "must be text for this model, not tokens")


def _written(event: StreamEvent) -> StreamEvent:
    return event if event.data is None else replace(event, data=_completion(event.data, "delta"))


def _completion(chat: JsonObject, holder: str) -> JsonObject:
    choices: list[Json] = [_choice(choice, holder) for choice in mappings(chat.get("choices"))]
    kept = {name: value for name, value in chat.items() if name != "choices"}
    return {**kept, "object": "text_completion", "choices": choices}


def _choice(choice: JsonObject, holder: str) -> JsonObject:
    return {
        "index": choice.get("index", 0),
        "text": text(mapping(choice.get(holder)).get("content")),
        "logprobs": _logprobs(mapping(choice.get("logprobs"))),
        "finish_reason": _finish_reason(choice.get("finish_reason")),
    }


def _finish_reason(told: Json) -> Json:
    # A completion of the old kind knows no other.
    return told if told in (None, "stop", "length", "content_filter") else "stop"


def _logprobs(told: JsonObject) -> JsonObject | None:
    """Write the tokens of a chat as the parallel lists that a completion has."""
    tokens = mappings(told.get("content"))
    if not tokens:
        return None
    top: list[Json] = [
        {text(each.get("token")): each.get("logprob") for each in mappings(t.get("top_logprobs"))}
        for t in tokens
    ]
    return {
        "tokens": [token.get("token") for token in tokens],
        "token_logprobs": [token.get("logprob") for token in tokens],
        "top_logprobs": top,
        "text_offset": _offsets([text(token.get("token")) for token in tokens]),
    }


def _offsets(tokens: list[str]) -> list[Json]:
    offsets: list[Json] = []
    at = 0
    for token in tokens:
        offsets.append(at)
        at += len(token)
    return offsets
