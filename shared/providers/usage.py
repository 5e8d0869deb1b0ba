"""Read how many tokens were used, from vendors that put it in different places and words.

Every count is an integer from 0 to MAX_TOKENS, and parts lie within their wholes, whatever was
sent: usage is billed.
"""

from __future__ import annotations

from dataclasses import fields, replace
from math import isfinite
from typing import TYPE_CHECKING, Final

from shared.domain import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.domain import Json, JsonObject

MAX_TOKENS: Final = 1_000_000_000

_CACHED: Final = (
    ("prompt_tokens_details", "cached_tokens"),
    ("input_tokens_details", "cached_tokens"),
    ("prompt_cache_hit_tokens",),  # DeepSeek
    ("cached_tokens",),  # Moonshot, Together
    ("cache_read_input_tokens",),  # gateways before Anthropic
)
_CACHE_CREATION: Final = (
    ("prompt_tokens_details", "cache_creation_tokens"),
    ("prompt_tokens_details", "cache_write_tokens"),  # OpenRouter
    ("input_tokens_details", "cache_write_tokens"),  # OpenAI's Responses
    ("cache_creation_input_tokens",),
)
_REASONING: Final = (
    ("completion_tokens_details", "reasoning_tokens"),
    ("output_tokens_details", "reasoning_tokens"),
    ("reasoning_tokens",),  # Perplexity
)

_AUDIO: Final = (
    ("prompt_tokens_details", "audio_tokens"),
    ("input_tokens_details", "audio_tokens"),
    ("input_token_details", "audio_tokens"),  # OpenAI's transcripts
)
_IMAGE: Final = (
    ("prompt_tokens_details", "image_tokens"),
    ("input_tokens_details", "image_tokens"),
)
_SPOKEN: Final = (
    ("completion_tokens_details", "audio_tokens"),
    ("output_tokens_details", "audio_tokens"),
)
_DRAWN: Final = (
    ("completion_tokens_details", "image_tokens"),
    ("output_tokens_details", "image_tokens"),
)
_CACHED_AUDIO: Final = (
    ("prompt_tokens_details", "cached_tokens_details", "audio_tokens"),
    ("input_tokens_details", "cached_tokens_details", "audio_tokens"),
)
_CACHED_IMAGE: Final = (
    ("prompt_tokens_details", "cached_tokens_details", "image_tokens"),
    ("input_tokens_details", "cached_tokens_details", "image_tokens"),
)
_WRITTEN_FOR_LONG: Final = (
    ("prompt_tokens_details", "cache_write_tokens_details", "ttl_12h_tokens"),
    ("input_tokens_details", "cache_write_tokens_details", "ttl_12h_tokens"),
    ("prompt_tokens_details", "cache_creation_token_details", "ephemeral_1h_input_tokens"),
    ("prompt_tokens_details", "cache_creation_token_details", "ephemeral_12h_input_tokens"),
)
_SEARCHES: Final = (
    ("server_tool_use", "web_search_requests"),  # Anthropic's, told through gateways
    ("server_side_tool_usage_details", "web_search_calls"),  # xAI
    ("num_search_queries",),  # Perplexity
)

_TEXTS: Final = frozenset(
    {
        *("delta", "message", "text", "content", "refusal"),
        *("reasoning_content", "reasoning", "thinking"),
        *("tool_calls", "function_call", "function", "name", "arguments"),
    }
)
_DEEPEST_TEXT: Final = 8


def usage_of(body: Mapping[str, Json]) -> Usage | None:
    """Return the usage that a reply or a chunk tells; None when it tells none, or only zeros."""
    for place in _places(body):
        usage = _read(place)
        if usage is not None:
            return replace(
                usage,
                searches=usage.searches or searches_in(body),
                file_searches=len(_items(body, "file_search_call")),
                containers=_containers_in(body),
            )
    return None


def searches_in(body: Mapping[str, Json]) -> int:
    """Count the web searches that an answer shows: OpenAI tells them in no usage.

    A response lists its calls; a chat has at least one where it cites what was found (LiteLLM).
    """
    choices = body.get("choices")
    if isinstance(body.get("output"), list):
        return len(_items(body, "web_search_call"))
    for choice in choices if isinstance(choices, list) else ():
        message = choice.get("message") or choice.get("delta") if isinstance(choice, dict) else None
        if isinstance(message, dict) and message.get("annotations"):
            return 1
    return 0


def _containers_in(body: Mapping[str, Json]) -> int:
    """Count the containers that a response ran code in, but for those that its call named.

    Whoever named one had it made before, and it was billed then.
    """
    tools = body.get("tools")
    named = (
        [tool.get("container") for tool in tools or () if isinstance(tool, dict)]
        if isinstance(tools, list)
        else []
    )
    ids = [item.get("container_id") for item in _items(body, "code_interpreter_call")]
    return len({each for each in ids if isinstance(each, str) and each not in named})


def _items(body: Mapping[str, Json], kind: str) -> list[JsonObject]:
    output = body.get("output")
    listed = output if isinstance(output, list) else []
    return [item for item in listed if isinstance(item, dict) and item.get("type") == kind]


def _places(body: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    candidates: list[Json] = [dict(body), body.get("x_groq")]
    choices = body.get("choices")
    if isinstance(choices, list):
        candidates += choices  # Moonshot (github.com/earendil-works/pi issue 2017, read 2026-11)
    for candidate in candidates:
        usage = candidate.get("usage") if isinstance(candidate, dict) else None
        if isinstance(usage, dict):
            yield usage


def _read(found: Mapping[str, Json]) -> Usage | None:
    prompt = _first_count(found, (("prompt_tokens",), ("input_tokens",)))
    completion = _first_count(found, (("completion_tokens",), ("output_tokens",)))
    total = count(found.get("total_tokens"))
    reasoning = _first_count(found, _REASONING)
    if prompt == 0:
        prompt = max(total - completion, 0)
    if reasoning and total == prompt + completion + reasoning:
        completion += reasoning  # xAI and Gemini count reasoning beside the completion, not in it
    if prompt == completion == 0:
        return None
    cached = min(_first_count(found, _CACHED), prompt)
    created = min(_first_count(found, _CACHE_CREATION), prompt - cached)
    audio = min(_first_count(found, _AUDIO), prompt)
    image = min(_first_count(found, _IMAGE), prompt - audio)
    spoken = min(_first_count(found, _SPOKEN), completion)
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=min(completion, MAX_TOKENS),
        cached_tokens=cached,
        cache_creation_tokens=created,
        hour_cache_tokens=min(_first_count(found, _WRITTEN_FOR_LONG), created),
        reasoning_tokens=min(reasoning, completion),
        audio_tokens=audio,
        image_tokens=image,
        cached_audio_tokens=min(_first_count(found, _CACHED_AUDIO), audio, cached),
        cached_image_tokens=min(_first_count(found, _CACHED_IMAGE), image, cached),
        spoken_tokens=spoken,
        drawn_tokens=min(_first_count(found, _DRAWN), completion - spoken),
        searches=_first_count(found, _SEARCHES),
    )


def larger(one: Usage, other: Usage) -> Usage:
    """Join what is told in several events: of every count the larger."""
    counts = [field.name for field in fields(Usage) if field.name != "is_estimated"]
    return replace(one, **{name: max(getattr(one, name), getattr(other, name)) for name in counts})


def _first_count(found: Mapping[str, Json], paths: tuple[tuple[str, ...], ...]) -> int:
    """Return the first count of these places that is not 0."""
    for path in paths:
        value: Json = dict(found)
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if found_there := count(value):
            return found_there
    return 0


def count(value: Json) -> int:
    """Read one count; 0 where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    if isinstance(value, float) and not isfinite(value):
        return 0
    return min(max(int(value), 0), MAX_TOKENS)


def chat_usage(usage: Usage | None) -> JsonObject | None:
    """Write usage as OpenAI does, with Anthropic's own two counts beside it, as LiteLLM does."""
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_creation_tokens": usage.cache_creation_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "cache_read_input_tokens": usage.cached_tokens,
        "cache_creation_input_tokens": usage.cache_creation_tokens,
    }


def text_bytes(value: Json, depth: int = 0) -> int:
    """Count the bytes of generated text in `choices`: what may stand for a missing usage."""
    if isinstance(value, str):
        return len(value.encode())
    if depth > _DEEPEST_TEXT:
        return 0
    if isinstance(value, list):
        return sum(text_bytes(item, depth + 1) for item in value)
    if isinstance(value, dict):
        told_twice = "reasoning_content" in value and "reasoning" in value  # by vLLM
        return sum(
            text_bytes(value[name], depth + 1)
            for name in _TEXTS & value.keys()
            if not (told_twice and name == "reasoning")
        )
    return 0
