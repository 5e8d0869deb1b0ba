"""Gemini's signed thoughts: with every client back to Gemini, and to nobody else."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import Endpoint
from shared.providers.registry import request_for
from shared.providers.signed_calls import bare_id, signature_in, signed_id
from tests.providers.calls import call, decoded, deployment, sse
from tests.providers.conversations import TOOLS
from tests.providers.wires import gemini_part, spoken, there

if TYPE_CHECKING:
    from shared.domain import Deployment, Json, JsonObject

SIGNED = "call_1__thought__a-_A"
CALL: JsonObject = {"functionCall": {"name": "weather", "args": {}}, "thoughtSignature": "a+/A"}
WORDS: JsonObject = {"text": "Hm.", "thoughtSignature": "d29yZHM="}


def third(model: str = "gemini-3-flash-preview") -> Deployment:
    return deployment("gemini", model=model, api_base="https://g.example.com/v1beta")


def said(*parts: Json) -> Any:  # noqa: ANN401 - a message
    told = orjson.dumps(gemini_part(*parts, finishReason="STOP"))
    body: Any = spoken("gemini").reply(call(), told).body
    return body["choices"][0]["message"]


def sent(to: Deployment, *messages: JsonObject, **more: Json) -> Any:  # noqa: ANN401 - a vendor's
    body: JsonObject = {"model": "m", "messages": [*messages], **more}
    return orjson.loads(request_for(call(body), to).body)


def called(id_: str, **more: Json) -> tuple[JsonObject, JsonObject]:
    """A call of a tool and its result, as every client keeps them: by the id."""
    made: JsonObject = {
        "id": id_,
        "type": "function",
        "function": {"name": "weather", "arguments": "{}"},
    }
    return (
        {"role": "assistant", "content": None, "tool_calls": [made], **more},
        {"role": "tool", "tool_call_id": id_, "content": "sunny"},
    )


@given(signature=st.binary(max_size=9).map(lambda b: b64encode(b).decode()))
def test_a_signature_comes_back_out_of_an_id(signature: str) -> None:
    id_ = signed_id("call_1", signature)

    assert ("call_1", signature) == (bare_id(id_), signature_in(id_))
    assert not set(id_) & set("+/=")


def test_a_calls_signature_is_in_its_id_and_beside_it() -> None:
    message = said({**CALL, "functionCall": {"id": "call_1", "name": "weather", "args": {}}})

    (made,) = message["tool_calls"]
    assert (SIGNED, {"thought_signature": "a+/A"}) == (made["id"], made["provider_specific_fields"])
    assert {"thought_signatures": ["a+/A"]} == message["provider_specific_fields"]


def test_an_id_alone_brings_the_signature_back() -> None:
    _, model, result = sent(third(), {"role": "user", "content": "a"}, *called(SIGNED))["contents"]

    (part,) = model["parts"]
    assert ("a+/A", "call_1") == (part["thoughtSignature"], part["functionCall"]["id"])
    assert "call_1" == result["parts"][0]["functionResponse"]["id"]


def test_models_that_refuse_ids_get_none() -> None:
    body = sent(third("gemini-2.5-flash"), *called(SIGNED))

    parts = [part for content in body["contents"] for part in content["parts"]]
    assert [{"name", "args"}, {"name", "response"}] == [
        (part.get("functionCall") or part["functionResponse"]).keys() for part in parts
    ]
    assert "a+/A" == parts[0]["thoughtSignature"]


def test_the_signature_of_words_travels_beside_them_and_back() -> None:
    message = said(WORDS)
    specific = message["provider_specific_fields"]

    body = sent(
        third(), {"role": "assistant", "content": "Hm.", "provider_specific_fields": specific}
    )

    assert {"thought_signatures": ["d29yZHM="]} == specific
    assert [WORDS] == body["contents"][0]["parts"]


def test_a_signature_that_a_call_has_is_not_sent_twice() -> None:
    message = said({"text": "Hm."}, CALL)

    body = sent(third(), message, called(message["tool_calls"][0]["id"])[1])

    parts = body["contents"][0]["parts"]
    assert [None, "a+/A"] == [part.get("thoughtSignature") for part in parts]


def test_words_and_a_call_each_keep_their_own_signature() -> None:
    message = said(WORDS, CALL)

    body = sent(third(), message, called(message["tool_calls"][0]["id"])[1])

    parts = body["contents"][0]["parts"]
    assert ["d29yZHM=", "a+/A"] == [part.get("thoughtSignature") for part in parts]


def test_sources_and_signatures_of_one_answer_are_both_told() -> None:
    grounding: JsonObject = {"webSearchQueries": ["a"]}
    told = gemini_part(WORDS, finishReason="STOP", groundingMetadata=grounding)

    body: Any = spoken("gemini").reply(call(), orjson.dumps(told)).body

    specific = body["choices"][0]["message"]["provider_specific_fields"]
    assert {"thought_signatures", "grounding_metadata"} == specific.keys()


def test_a_streams_last_signature_comes_without_words() -> None:
    stream = sse(
        gemini_part({"text": "Hm."}),
        gemini_part({"text": "", "thoughtSignature": "d29yZHM="}, finishReason="STOP"),
        done=False,
    )

    events = decoded(spoken("gemini").decoder(call(is_stream=True)), stream)

    told: list[Any] = [e.data["choices"] for e in events if e.data and e.data["choices"]]
    assert {"thought_signatures": ["d29yZHM="]} == told[-1][0]["delta"]["provider_specific_fields"]


@pytest.mark.parametrize(
    "provider", ["openai", "azure", "groq", "anthropic", "bedrock", "cohere", "mistral"]
)
def test_nobody_else_gets_a_signature(provider: str) -> None:
    fields: JsonObject = {"provider_specific_fields": {"thought_signatures": ["a+/A"]}}

    body = sent(
        there(provider), {"role": "user", "content": "a"}, *called(SIGNED, **fields), tools=TOOLS
    )

    assert b"call_1" in orjson.dumps(body)
    assert b"thought" not in orjson.dumps(body)


def test_a_responses_input_goes_to_openai_without_signatures() -> None:
    items: list[Json] = [
        {"type": "function_call", "call_id": SIGNED, "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": SIGNED, "output": "sunny"},
    ]
    asked = call({"model": "m", "input": items}, Endpoint.RESPONSES)

    body: Any = orjson.loads(request_for(asked, there("openai")).body)

    assert ["call_1", "call_1"] == [item["call_id"] for item in body["input"]]


def test_a_call_made_through_anthropics_entrance_is_signed_when_it_comes_back() -> None:
    use: JsonObject = {"type": "tool_use", "id": SIGNED, "name": "weather", "input": {}}
    result: JsonObject = {"type": "tool_result", "tool_use_id": SIGNED, "content": "sunny"}
    messages: list[Json] = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [result]},
    ]
    asked = call({"model": "m", "messages": messages, "max_tokens": 9}, Endpoint.MESSAGES)

    body: Any = orjson.loads(request_for(asked, third()).body)

    assert "a+/A" == body["contents"][1]["parts"][0]["thoughtSignature"]


@pytest.mark.parametrize(
    ("model", "effort", "level"),
    [
        ("gemini-3-flash-preview", "none", "minimal"),
        ("gemini-3.5-flash-lite", "minimal", "minimal"),
        ("gemini-3.8-flash", "minimal", "low"),
        ("gemini-3.1-pro-preview", "none", "low"),
        ("gemini-pro-latest", "xhigh", "high"),
        ("gemini-3.1-pro-preview", "max", "high"),
    ],
)
def test_how_hard_to_think_is_told_in_levels_that_the_model_has(
    model: str, effort: str, level: str
) -> None:
    body = sent(third(model), {"role": "user", "content": "a"}, reasoning_effort=effort)

    told = body["generationConfig"]["thinkingConfig"]
    assert {"thinkingLevel": level, "includeThoughts": effort != "none"} == told
