from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import Json, JsonObject, Usage
from shared.providers.anthropic.usage import message_usage
from shared.providers.gemini.usage import content_usage
from shared.providers.usage import MAX_TOKENS, text_bytes, usage_of

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    [
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "reasoning_tokens",
        "cached_tokens",
        "cache_creation_input_tokens",
        "prompt_cache_hit_tokens",
        "input_tokens",
        "output_tokens",
    ]
)
DETAILS = st.dictionaries(
    st.sampled_from(["cached_tokens", "reasoning_tokens", "cache_creation_tokens"]),
    ANY_JSON | st.integers(-5, 100),
)
USAGES = st.dictionaries(FIELDS, ANY_JSON | st.integers(-5, 100)) | st.fixed_dictionaries(
    {"prompt_tokens": st.integers(0, 50), "completion_tokens": st.integers(0, 50)},
    optional={
        "total_tokens": st.integers(0, 200),
        "prompt_tokens_details": DETAILS | ANY_JSON,
        "completion_tokens_details": DETAILS | ANY_JSON,
    },
)


@given(USAGES | ANY_JSON)
def test_whatever_is_sent_parts_lie_within_their_wholes(sent: object) -> None:
    usage = usage_of({"usage": sent}) or Usage()  # pyright: ignore[reportArgumentType] - any JSON

    assert 0 <= usage.cached_tokens + usage.cache_creation_tokens <= usage.prompt_tokens
    assert 0 <= usage.reasoning_tokens <= usage.completion_tokens <= MAX_TOKENS
    assert 0 <= usage.audio_tokens + usage.image_tokens <= usage.prompt_tokens
    assert 0 <= usage.spoken_tokens + usage.drawn_tokens <= usage.completion_tokens
    assert usage.prompt_tokens <= MAX_TOKENS


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 2}, Usage(3, 2)),
        ({"prompt_tokens": 3.0, "completion_tokens": None}, Usage(3, 0)),
        ({"input_tokens": 3, "output_tokens": 2}, Usage(3, 2)),
        ({"total_tokens": 3}, Usage(3, 0)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 8,
                "total_tokens": 17,
                "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
                "completion_tokens_details": {"reasoning_tokens": 5},
            },
            Usage(9, 8, cached_tokens=4, cache_creation_tokens=3, reasoning_tokens=5),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 1, "prompt_cache_hit_tokens": 4},
            Usage(9, 1, cached_tokens=4),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 1, "cached_tokens": 4},
            Usage(9, 1, cached_tokens=4),
        ),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 8,
                "prompt_tokens_details": {"audio_tokens": 4, "image_tokens": 3},
                "completion_tokens_details": {"audio_tokens": 5, "image_tokens": 9},
            },
            Usage(9, 8, audio_tokens=4, image_tokens=3, spoken_tokens=5, drawn_tokens=3),
        ),
        (
            {"input_tokens": 9, "output_tokens": 1, "input_token_details": {"audio_tokens": 7}},
            Usage(9, 1, audio_tokens=7),
        ),
        (
            {
                "input_tokens": 9,
                "input_tokens_details": {
                    "audio_tokens": 5,
                    "cached_tokens": 4,
                    "cached_tokens_details": {"audio_tokens": 3, "text_tokens": 1},
                    "cache_write_tokens": 2,
                    "cache_write_tokens_details": {"ttl_30m_tokens": 1, "ttl_12h_tokens": 1},
                },
            },
            Usage(
                9,
                cached_tokens=4,
                cache_creation_tokens=2,
                hour_cache_tokens=1,
                audio_tokens=5,
                cached_audio_tokens=3,
            ),
        ),
        ({"prompt_tokens": 9, "num_search_queries": 2}, Usage(9, searches=2)),
        (
            {"prompt_tokens": 9, "server_side_tool_usage_details": {"web_search_calls": 2}},
            Usage(9, searches=2),
        ),
        ({"prompt_tokens": True, "completion_tokens": "2"}, None),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, None),
        ({"prompt_tokens": -3, "completion_tokens": float("nan")}, None),
        ({"prompt_tokens": 10**30, "completion_tokens": 0}, Usage(MAX_TOKENS, 0)),
        (None, None),
        ([], None),
    ],
)
def test_usage_is_read_in_every_vendors_words(sent: object, read: Usage | None) -> None:
    assert read == usage_of({"usage": sent})  # pyright: ignore[reportArgumentType] - any JSON


def test_reasoning_beside_the_completion_is_billed_with_it() -> None:
    sent: JsonObject = {
        "prompt_tokens": 10,
        "completion_tokens": 2,
        "total_tokens": 42,
        "completion_tokens_details": {"reasoning_tokens": 30},
    }

    assert Usage(10, 32, reasoning_tokens=30) == usage_of({"usage": sent})


TOLD: JsonObject = {"prompt_tokens": 3, "completion_tokens": 2}


@pytest.mark.parametrize(
    ("body", "searches"),
    [
        ({"output": [{"type": "web_search_call"}, {"type": "message"}] * 2}, 2),
        ({"output": [{"type": "message"}]}, 0),
        ({"choices": [{"message": {"annotations": [{"type": "url_citation"}] * 3}}]}, 1),
        ({"choices": [{"message": {"annotations": []}}]}, 0),
        ({"choices": "none", "output": None}, 0),
    ],
)
def test_searches_that_no_usage_tells_are_read_off_the_answer(
    body: JsonObject, searches: int
) -> None:
    assert Usage(3, 2, searches=searches) == usage_of({**body, "usage": TOLD})


@pytest.mark.parametrize(
    ("tools", "containers"),
    [
        ([{"type": "code_interpreter", "container": {"type": "auto"}}], 2),
        ([{"type": "code_interpreter", "container": "b"}], 1),
        (None, 2),
    ],
)
def test_searches_in_files_and_new_containers_are_read_off_a_response(
    tools: Json, containers: int
) -> None:
    ran: list[Json] = [
        {"type": "code_interpreter_call", "container_id": each}
        for each in ("a", "b", "a", None, [])
    ]
    output: list[Json] = [*ran, {"type": "file_search_call"}, {"type": "file_search_call"}]

    used = usage_of({"output": output, "tools": tools, "usage": TOLD})

    assert Usage(3, 2, file_searches=2, containers=containers) == used


def test_anthropic_tells_its_hours_cache_and_its_searches() -> None:
    told: JsonObject = {
        "input_tokens": 1,
        "output_tokens": 2,
        "cache_creation_input_tokens": 9,
        "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 5},
        "server_tool_use": {"web_search_requests": 3},
    }

    expected = Usage(10, 2, cache_creation_tokens=9, hour_cache_tokens=5, searches=3)
    assert expected == message_usage(told)


def test_gemini_tells_tokens_by_kind_and_its_searches() -> None:
    told: JsonObject = {
        "promptTokenCount": 9,
        "candidatesTokenCount": 8,
        "thoughtsTokenCount": 1,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 2},
            {"modality": "AUDIO", "tokenCount": 4},
            {"modality": "IMAGE", "tokenCount": 3},
        ],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 7}],
    }
    ground: JsonObject = {"groundingMetadata": {"webSearchQueries": ["a", "b"]}}

    expected = Usage(
        9, 9, reasoning_tokens=1, audio_tokens=4, image_tokens=3, drawn_tokens=7, searches=2
    )
    assert expected == content_usage({"usageMetadata": told, "candidates": [ground]})


@pytest.mark.parametrize(
    ("chunks", "queries", "searches", "map_searches"),
    [
        (["maps"], ["a", "b"], 0, 2),
        (["maps"], [], 0, 1),
        (["maps", "web"], ["a", "b"], 2, 1),
        (["web"], ["a"], 1, 0),
    ],
)
def test_gemini_tells_what_it_asked_of_maps(
    chunks: list[str], queries: list[Json], searches: int, map_searches: int
) -> None:
    found: list[Json] = [{kind: {"uri": "u"}} for kind in chunks]
    ground: JsonObject = {
        "groundingMetadata": {"groundingChunks": found, "webSearchQueries": queries}
    }
    told: JsonObject = {"promptTokenCount": 3}

    used = content_usage({"usageMetadata": told, "candidates": [ground]})

    assert Usage(3, searches=searches, map_searches=map_searches) == used


def test_gemini_tells_which_of_its_cache_was_sound() -> None:
    told: JsonObject = {
        "promptTokenCount": 9,
        "cachedContentTokenCount": 6,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 7}],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}],
    }

    expected = Usage(9, cached_tokens=6, audio_tokens=7, cached_audio_tokens=5)
    assert expected == content_usage({"usageMetadata": told})


def test_groq_and_moonshot_put_it_elsewhere() -> None:
    sent: JsonObject = {"prompt_tokens": 3, "completion_tokens": 2}

    assert Usage(3, 2) == usage_of({"usage": None, "x_groq": {"id": "1", "usage": sent}})
    assert Usage(3, 2) == usage_of({"choices": [{"delta": {}, "usage": sent}]})


@given(ANY_JSON)
def test_any_choices_have_a_size(choices: object) -> None:
    assert text_bytes(choices) >= 0  # pyright: ignore[reportArgumentType] - any JSON
