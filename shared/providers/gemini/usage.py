"""How Gemini counts tokens.

Cached tokens lie within the prompt; thoughts are counted beside the candidates, and what Google's
own tools read beside the prompt (ai.google.dev/api/generate-content#UsageMetadata, read 2026-11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain import Usage
from shared.providers.reading import mapping
from shared.providers.usage import count

if TYPE_CHECKING:
    from shared.domain import JsonObject


def content_usage(body: JsonObject) -> Usage | None:
    """Read a response's `usageMetadata`; None when it tells nothing."""
    told = mapping(body.get("usageMetadata"))
    prompt = count(told.get("promptTokenCount")) + count(told.get("toolUsePromptTokenCount"))
    thoughts = count(told.get("thoughtsTokenCount"))
    completion = count(told.get("candidatesTokenCount")) + thoughts
    if prompt == completion == 0:
        return None
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=min(count(told.get("cachedContentTokenCount")), prompt),
        reasoning_tokens=thoughts,
    )
