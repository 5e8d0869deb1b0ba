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
    by_life = mapping(told.get("cache_creation"))
    thinking = count(mapping(told.get("output_tokens_details")).get("thinking_tokens"))
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached,
        cache_creation_tokens=written,
        reasoning_tokens=min(thinking, completion),
        hour_cache_tokens=min(count(by_life.get("ephemeral_1h_input_tokens")), written),
        searches=count(mapping(told.get("server_tool_use")).get("web_search_requests")),
    )
