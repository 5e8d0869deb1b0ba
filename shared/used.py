"""What one call used at its provider, by kind: what is billed. Taken from shared.domain."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """What a provider says it consumed, in tokens.

    Cached, cache-creation, audio and image tokens lie within `prompt_tokens`, those written for
    long (an hour at Anthropic, twelve at OpenAI) within the cache-creation ones, cached audio and
    images within their kind and the cached ones; reasoning, spoken and drawn ones within
    `completion_tokens`. What is not billed in tokens is counted in its own unit: searches of the
    web, in files and on maps by a vendor's own tools, and `containers` that ran code for it.
    `is_estimated` marks counts of ours.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_creation_tokens: int = 0
    reasoning_tokens: int = 0
    image_tokens: int = 0
    queries: int = 0
    images: int = 0
    characters: int = 0
    milliseconds: int = 0
    is_estimated: bool = False
    hour_cache_tokens: int = 0
    audio_tokens: int = 0
    spoken_tokens: int = 0
    drawn_tokens: int = 0
    searches: int = 0
    file_searches: int = 0
    map_searches: int = 0
    containers: int = 0
    cached_audio_tokens: int = 0
    cached_image_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens
