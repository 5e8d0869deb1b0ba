"""What a caller may ask of the gateway itself, beside the answer: frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOTHING: Final[Mapping[str, bytes]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheControl:
    """What a caller says about the response cache (`cache: {…}`); times in seconds.

    `max_age` is the oldest answer it takes (`s-maxage`), `asked` the controls it named.
    """

    no_cache: bool = False
    no_store: bool = False
    use_cache: bool = False
    ttl: float | None = None
    max_age: float | None = None
    namespace: str | None = None
    asked: tuple[str, ...] = ()


NO_CONTROL = CacheControl()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What a caller wants a call to be found by.

    `reported_id` is its own name for it, shown again and trusted for nothing; `session_id` is which
    session of the caller it belongs to, `notes` (JSON) what else it says (`spend_logs_metadata`).
    """

    reported_id: str | None = None
    session_id: str | None = None
    notes: bytes = b"{}"


NO_TRACE = Trace()


Fails = Literal["any", "context_window", "content_policy", "rate_limit"]
"""How a call fails, for those who test their fallbacks and (rate_limit, once) their retries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mock:
    """What a caller wants to be played instead of asking a provider.

    `text` is the answer (LiteLLM's names of its errors raise them), `fails` how the model that was
    asked for fails, so that its fallbacks answer. The answer takes `delay` seconds.
    """

    text: str | None = None
    fails: Fails | None = None
    is_timeout: bool = False
    delay: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFallbacks:
    """What a caller says about its fallbacks beside their names.

    The models to ask after one kind of error take the place of the configured ones, unless None.
    `messages` (JSON) are what a fallback of that name is asked in the place of the call's own.
    """

    context_window: tuple[str, ...] | None = None
    content_policy: tuple[str, ...] | None = None
    messages: Mapping[str, bytes] = field(default_factory=lambda: _NOTHING)


NO_FALLBACKS: Final = OwnFallbacks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """What is done with a call's parameters on their way to a vendor; words are LiteLLM's.

    What a vendor cannot take is left out with `drop_params`, and sent all the same where it is one
    of `allowed_openai_params`. `additional_drop_params` are paths that never go out. With
    `modify_params` a conversation that a vendor would refuse is mended.
    """

    drop_params: bool = False
    modify_params: bool = False
    allowed_openai_params: tuple[str, ...] = ()
    additional_drop_params: tuple[str, ...] = ()

    def __or__(self, other: Handling) -> Handling:
        """Join what two say."""
        return Handling(
            drop_params=self.drop_params or other.drop_params,
            modify_params=self.modify_params or other.modify_params,
            allowed_openai_params=(*self.allowed_openai_params, *other.allowed_openai_params),
            additional_drop_params=(*self.additional_drop_params, *other.additional_drop_params),
        )


UNHANDLED = Handling()
