"""What every dialect can do: build the request, read the reply, decode the stream, read an error.

Rule: a dialect is pure. It is told what was received and says what it means; `Decoder` alone has
a state, and that is the bytes of an unfinished event.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment, HttpRequest, JsonObject, Usage
    from shared.errors import ProviderFailed
    from shared.providers.heads import Head


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, in OpenAI's shape; `model` still has the provider's name for it.

    `usage` is None when the provider did not say; then `text_bytes`, the bytes of generated text,
    are there to estimate from. What is no JSON (sound) is `raw`, of that media type.
    """

    body: JsonObject
    usage: Usage | None
    response_id: str | None
    text_bytes: int = 0
    raw: bytes | None = None
    media_type: str = "application/json"
    head: Head | None = None


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of a stream.

    `data` is a chunk for the caller, None when there is nothing to send; `raw` goes out as it is.
    Of several usages the last is the true one. After an event with `error` or `is_done` no other
    comes.
    """

    data: JsonObject | None = None
    usage: Usage | None = None
    text_bytes: int = 0
    response_id: str | None = None
    is_done: bool = False
    raw: bytes | None = None
    error: ProviderFailed | None = None


class Decoder(Protocol):
    """Turns the bytes of one stream into events; any cut of the bytes gives the same events."""

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """Return the events that `chunk` completes."""
        ...

    def end(self) -> list[StreamEvent]:
        """Return what is left when the provider has closed: an error if it was too early."""
        ...


class Dialect(Protocol):
    """How one kind of provider is spoken to."""

    def request(self, call: Call, to: Deployment) -> HttpRequest:
        """Build the request that puts `call` to the deployment."""
        ...

    def reply(self, call: Call, body: bytes) -> Reply:
        """Read a whole answer; raise ProviderFailed when it is not one."""
        ...

    def decoder(self, call: Call) -> Decoder:
        """Begin to read a streamed answer."""
        ...

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
        """Read a refusal or a breakdown; headers have lower-case names."""
        ...
