"""What a caller may ask of the gateway itself, beside the answer: frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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


Fails = Literal["any", "context_window", "content_policy"]
"""How a call fails, for those who test their fallbacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mock:
    """What a caller wants to be played instead of asking a provider.

    `text` is the answer (LiteLLM's names of its errors raise them), `fails` how the model that was
    asked for fails, so that its fallbacks answer.
    """

    text: str | None = None
    fails: Fails | None = None
    is_timeout: bool = False
