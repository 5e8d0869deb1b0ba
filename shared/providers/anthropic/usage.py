"""How Anthropic counts tokens.

Cache reads and writes are counted beside `input_tokens`, not in it; `output_tokens` has the
thinking in it (the type `Usage` of its Python SDK 2.12, read 2026-11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain import Usage
from shared.providers.reading import mapping
from shared.providers.usage import count

if TYPE_CHECKING:
    from shared.domain import JsonObject


def message_usage(told: JsonObject) -> Usage | None:
    """Read a `usage` object; None when it tells nothing."""
    cached = count(told.get("cache_read_input_tokens"))
    written = count(told.get("cache_creation_input_tokens"))
    prompt = count(told.get("input_tokens")) + cached + written
    completion = count(told.get("output_tokens"))
    if prompt == completion == 0:
        return None
    thinking = count(mapping(told.get("output_tokens_details")).get("thinking_tokens"))
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached,
        cache_creation_tokens=written,
        reasoning_tokens=min(thinking, completion),
    )
