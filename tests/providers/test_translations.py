"""What one vendor has and another has not: passed on where it can be said, else a clear 400."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from openai.types.chat import ChatCompletion

from shared.errors import BadRequest
from shared.providers.registry import request_for
from tests.providers.calls import HELLO, call, decoded, sse
from tests.providers.wires import frame, spoken, there

if TYPE_CHECKING:
    from shared.domain import JsonObject

AUDIO: JsonObject = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
PDF: JsonObject = {
    "type": "file",
    "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
}
TOOL: JsonObject = {"type": "function", "function": {"name": "f"}}
MARK: JsonObject = {"type": "ephemeral", "ttl": "1h"}


def sent(provider: str, *parts: Any, **more: Any) -> str:  # noqa: ANN401 - any JSON
    message = {"role": "user", "content": [{"type": "text", "text": "Hello"}, *parts]}
    body = {"model": "fast", "messages": [message], **more}
    return request_for(call(body), there(provider)).body.decode()


def replied(provider: str, told: JsonObject) -> ChatCompletion:
    body = spoken(provider).reply(call(), orjson.dumps(told)).body
    return ChatCompletion.model_validate({**body, "model": "m"})


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        ("openai", '"input_audio":{"data":"UklGRg==","format":"wav"}'),
        ("azure", '"input_audio":{"data":"UklGRg==","format":"wav"}'),
        ("mistral", '"input_audio":"UklGRg=="'),
        ("gemini", '"inlineData":{"mimeType":"audio/wav","data":"UklGRg=="}'),
        ("bedrock", '"audio":{"format":"wav","source":{"bytes":"UklGRg=="}}'),
    ],
)
def test_sound_goes_where_it_is_understood(provider: str, said: str) -> None:
    assert said in sent(provider, AUDIO)


@pytest.mark.parametrize("provider", ["anthropic", "bedrock/invoke", "vertex_ai/claude", "cohere"])
def test_sound_is_refused_where_it_is_not(provider: str) -> None:
    with pytest.raises(BadRequest, match="input_audio"):
        sent(provider, AUDIO)


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        ("openai", '"file_data":"data:application/pdf;base64,JVBERi0="'),
        ("anthropic", '"media_type":"application/pdf","data":"JVBERi0="'),
        ("vertex_ai/claude", '"media_type":"application/pdf","data":"JVBERi0="'),
        ("mistral", '"document_url":"data:application/pdf;base64,JVBERi0="'),
        ("gemini", '"inlineData":{"mimeType":"application/pdf","data":"JVBERi0="}'),
        ("bedrock", '"document":{"format":"pdf","source":{"bytes":"JVBERi0="},"name":"a"}'),
    ],
)
def test_a_pdf_goes_where_it_is_understood(provider: str, said: str) -> None:
    assert said in sent(provider, PDF)


def test_a_pdf_is_refused_where_it_is_not() -> None:
    with pytest.raises(BadRequest, match="file"):
        sent("cohere", PDF)


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        ("anthropic", '"cache_control":{"type":"ephemeral","ttl":"1h"}'),
        ("vertex_ai/claude", '"cache_control":{"type":"ephemeral","ttl":"1h"}'),
        ("bedrock", '{"cachePoint":{"type":"default","ttl":"1h"}}'),
        ("openrouter", '"cache_control":{"type":"ephemeral","ttl":"1h"}'),
    ],
)
def test_a_mark_for_caching_goes_where_it_is_understood(provider: str, said: str) -> None:
    assert said in sent(provider, {"type": "text", "text": "Much.", "cache_control": MARK})


@pytest.mark.parametrize("provider", ["openai", "azure", "groq", "gemini", "mistral", "cohere"])
def test_a_mark_for_caching_never_breaks_a_call_elsewhere(provider: str) -> None:
    body = sent(provider, {"type": "text", "text": "Much.", "cache_control": MARK})

    assert "Much." in body
    assert "cache_control" not in body


@pytest.mark.parametrize(("provider", "keeps"), [("openai", False), ("deepseek", True)])
def test_thoughts_go_back_only_to_who_may_want_them(provider: str, *, keeps: bool) -> None:
    said = {
        "role": "assistant",
        "content": "Yes.",
        "reasoning_content": "Hm.",
        "thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "s"}],
    }
    body = {"model": "fast", "messages": [*HELLO["messages"], said]}  # type: ignore[misc]

    request = request_for(call(body), there(provider))

    assert keeps is (b"reasoning_content" in request.body)
    assert b"thinking_blocks" not in request.body


def test_gemini_tells_probabilities_and_sources_as_openai_does() -> None:
    chosen = {"token": "Zürich", "logProbability": -0.1}
    candidate: JsonObject = {
        "content": {"role": "model", "parts": [{"text": "Zürich is near."}]},
        "finishReason": "STOP",
        "logprobsResult": {
            "chosenCandidates": [chosen],
            "topCandidates": [{"candidates": [chosen]}],
        },
        "groundingMetadata": {
            "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
            "groundingSupports": [
                {"segment": {"startIndex": 0, "endIndex": 7}, "groundingChunkIndices": [0, 9]}
            ],
        },
    }

    (choice,) = replied("gemini", {"candidates": [candidate], "responseId": "r"}).choices

    assert choice.logprobs
    (token,) = choice.logprobs.content or []
    assert ("Zürich", -0.1, 1) == (token.token, token.logprob, len(token.top_logprobs))
    (annotation,) = choice.message.annotations or []
    cited = annotation.url_citation
    assert ("https://a.example", 0, 6) == (cited.url, cited.start_index, cited.end_index)


def test_gemini_takes_an_image_of_a_tool_beside_its_result() -> None:
    made: JsonObject = {"id": "a", "type": "function", "function": {"name": "see"}}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    messages: list[Any] = [
        {"role": "assistant", "content": None, "tool_calls": [made]},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "ok"}, image]},
    ]

    sent_body = request_for(call({"model": "m", "messages": messages}), there("gemini")).body

    assert b'"functionResponse":{"name":"see","response":{"result":"ok"}}' in sent_body
    assert b'"inlineData":{"mimeType":"image/png","data":"AA=="}' in sent_body


def test_bedrocks_citations_keep_their_words() -> None:
    cited: JsonObject = {"content": [{"text": "Rain."}], "citations": [{"title": "A"}]}
    told: JsonObject = {
        "output": {"message": {"role": "assistant", "content": [{"citationsContent": cited}]}},
        "stopReason": "end_turn",
    }

    (choice,) = replied("bedrock", told).choices

    assert "Rain." == choice.message.content
    assert {"citations": [{"title": "A"}]} == choice.message.model_extra[  # type: ignore[index]
        "provider_specific_fields"
    ]


def test_bedrocks_citations_come_in_streams_too() -> None:
    stream = frame("contentBlockDelta", {"delta": {"citation": {"title": "A"}}})

    events = decoded(spoken("bedrock").decoder(call(is_stream=True)), stream)

    assert b'"citation":{"title":"A"}' in orjson.dumps(events[0].data)


@pytest.mark.parametrize("uri", ["s3://bucket/a.png", "s3://bucket/a.JPG"])
def test_bedrock_takes_what_lies_in_s3(uri: str) -> None:
    body = sent("bedrock", {"type": "image_url", "image_url": {"url": uri}})

    assert f'"s3Location":{{"uri":"{uri}"}}' in body


def test_cohere_tells_probabilities_as_openai_does() -> None:
    told: JsonObject = {
        "id": "a",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]},
        "finish_reason": "COMPLETE",
        "logprobs": [{"text": "Hi", "token_ids": [1], "logprobs": [-0.5]}],
    }

    (choice,) = replied("cohere", told).choices

    assert choice.logprobs
    assert [("Hi", -0.5)] == [(t.token, t.logprob) for t in choice.logprobs.content or []]


def test_mistral_takes_what_its_api_lists() -> None:
    more = {"logprobs": True, "top_logprobs": 2, "seed": 3, "n": 2, "prompt_cache_key": "a"}

    body = orjson.loads(sent("mistral", **more, user="u", store=True))

    assert (True, 2, 3, 2, "a") == (
        body["logprobs"],
        body["top_logprobs"],
        body["random_seed"],
        body["n"],
        body["prompt_cache_key"],
    )
    assert body.keys().isdisjoint({"user", "store", "seed"})


def test_what_google_told_of_sources_comes_in_streams_too() -> None:
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
        "groundingSupports": [{"segment": {"endIndex": 3}, "groundingChunkIndices": [0]}],
    }
    content: JsonObject = {"role": "model", "parts": [{"text": "Yes"}]}
    last = {"content": {"parts": []}, "finishReason": "STOP", "groundingMetadata": grounding}
    stream = sse({"candidates": [{"content": content}]}, {"candidates": [last]}, done=False)

    events = decoded(spoken("gemini").decoder(call(is_stream=True)), stream)

    told = orjson.dumps([event.data for event in events])
    assert b'"end_index":3' in told


@pytest.mark.parametrize("provider", ["gemini", "bedrock"])
def test_agents_may_say_to_everybody_that_tools_come_one_at_a_time(provider: str) -> None:
    assert "arallel" not in sent(provider, tools=[TOOL, TOOL], parallel_tool_calls=False)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, {"type": "auto", "disable_parallel_tool_use": True}),
        ("required", {"disable_parallel_tool_use": True}),
        ("none", None),
    ],
)
def test_claude_on_bedrock_obeys_that_tools_come_one_at_a_time(
    choice: str | None, expected: JsonObject | None
) -> None:
    claude = replace(there("bedrock"), model="eu.anthropic.claude-sonnet-4-5-20250929-v1:0")
    asked = {**HELLO, "tools": [TOOL], "parallel_tool_calls": False, "tool_choice": choice}

    body = orjson.loads(request_for(call(asked), claude).body)

    assert expected == body.get("additionalModelRequestFields", {}).get("tool_choice")
