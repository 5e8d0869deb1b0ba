"""Google's generateContent by way of chat completions, there and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.controls import Handling
from shared.domain import Endpoint, Usage
from shared.errors import BadRequest
from shared.providers.content.schema import json_schema
from shared.providers.registry import dialect_of
from tests.providers.calls import call, decoded, delta, deployment, last_delta, sse
from tests.providers.wires import ARGUMENTS, WIRES, spoken

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject
    from shared.providers.dialect import StreamEvent

ASKED: JsonObject = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
DECLARED: JsonObject = {
    "name": "weather",
    "description": "Tells it.",
    "parameters": {
        "type": "OBJECT",
        "properties": {"city": {"type": "STRING", "nullable": True}},
        "required": ["city"],
    },
}
BRIDGED = sorted(set(WIRES) - {"gemini", "vertex_ai"})


def sent(body: JsonObject, provider: str = "openai", **changed: object) -> dict[str, Any]:
    request = spoken(provider, Endpoint.CONTENT).request(
        call({**ASKED, **body}, Endpoint.CONTENT), deployment(provider, **changed)
    )
    return orjson.loads(request.body)


def streamed(provider: str, *pieces: bytes) -> list[StreamEvent]:
    asked = call(ASKED, Endpoint.CONTENT, is_stream=True)
    return decoded(spoken(provider, Endpoint.CONTENT).decoder(asked), *pieces)


def parts_of(events: list[StreamEvent]) -> list[Any]:
    bodies: list[Any] = [event.data for event in events if event.data]
    return [
        part
        for body in bodies
        for candidate in body["candidates"]
        for part in candidate["content"]["parts"]
    ]


def test_a_conversation_with_a_tool_becomes_messages() -> None:
    called: JsonObject = {"functionCall": {"name": "weather", "args": {"city": "Bern"}}}
    result: JsonObject = {"name": "weather", "response": {"result": "sunny"}}

    body = sent(
        {
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [
                {"role": "user", "parts": [{"text": "Weather?"}]},
                {"role": "model", "parts": [{"text": "Let me see."}, called]},
                {"role": "user", "parts": [{"functionResponse": result}]},
            ],
            "tools": [{"functionDeclarations": [DECLARED]}],
        }
    )

    assert [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": ARGUMENTS},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ] == body["messages"]
    assert {
        "type": "object",
        "properties": {"city": {"type": ["string", "null"]}},
        "required": ["city"],
    } == body["tools"][0]["function"]["parameters"]


def test_attachments_keep_their_kind() -> None:
    image: JsonObject = {"inlineData": {"mimeType": "image/png", "data": "-_A="}}
    sound: JsonObject = {"inline_data": {"mime_type": "audio/mpeg", "data": "AA=="}}
    paper: JsonObject = {"inlineData": {"mimeType": "application/pdf", "data": "AA=="}}
    linked: JsonObject = {"fileData": {"mimeType": "image/png", "fileUri": "https://e.com/a.png"}}

    body = sent({"contents": [{"parts": [{"text": "Look"}, image, sound, paper, linked]}]})

    (message,) = body["messages"]
    assert [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,+/A="}},
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}},
        {
            "type": "file",
            "file": {
                "filename": "document.pdf",
                "file_data": "data:application/pdf;base64,AA==",
            },
        },
        {"type": "image_url", "image_url": {"url": "https://e.com/a.png"}},
    ] == message["content"]


def test_what_shapes_the_answer_has_a_chats_names() -> None:
    body = sent(
        {
            "generation_config": {
                "temperature": 0.5,
                "top_p": 0.9,
                "candidateCount": 2,
                "maxOutputTokens": 50,
                "stopSequences": ["END"],
                "seed": 7,
                "responseLogprobs": True,
                "logprobs": 3,
                "responseMimeType": "application/json",
                "responseSchema": {"type": "ARRAY", "items": {"type": "STRING"}, "maxItems": "3"},
            },
            "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
        }
    )

    schema = {"type": "array", "items": {"type": "string"}, "maxItems": 3}
    body.pop("messages")
    assert {
        "model": "gpt-4o",
        "temperature": 0.5,
        "top_p": 0.9,
        "n": 2,
        "max_completion_tokens": 50,
        "stop": ["END"],
        "seed": 7,
        "logprobs": True,
        "top_logprobs": 3,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema},
        },
    } == body


@pytest.mark.parametrize(
    ("config", "choice", "names"),
    [
        ({"mode": "AUTO"}, None, ["weather", "time"]),
        ({"mode": "NONE"}, "none", ["weather", "time"]),
        ({"mode": "ANY"}, "required", ["weather", "time"]),
        (
            {"mode": "ANY", "allowedFunctionNames": ["time"]},
            {"type": "function", "function": {"name": "time"}},
            ["time"],
        ),
    ],
)
def test_which_functions_may_be_called_is_kept(
    config: JsonObject, choice: Json, names: list[str]
) -> None:
    tools: Json = [{"functionDeclarations": [DECLARED, {"name": "time"}]}]

    body = sent({"tools": tools, "toolConfig": {"functionCallingConfig": config}})

    assert choice == body.get("tool_choice")
    assert names == [tool["function"]["name"] for tool in body["tools"]]


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [{"googleSearch": {}}]},
        {"cachedContent": "cachedContents/1"},
        {"generationConfig": {"responseModalities": ["IMAGE"]}},
        {"contents": [{"parts": [{"executableCode": {"code": "1"}}]}]},
    ],
)
def test_what_a_chat_cannot_say_is_refused_or_left_out_on_request(body: JsonObject) -> None:
    with pytest.raises(BadRequest, match="drop_params"):
        sent(body)

    assert sent(body, handling=Handling(drop_params=True))["messages"]


def test_a_result_without_its_call_is_refused() -> None:
    result: JsonObject = {"functionResponse": {"name": "weather", "response": {}}}

    with pytest.raises(BadRequest, match="functionResponse"):
        sent({"contents": [{"role": "user", "parts": [result]}]})


@pytest.mark.parametrize("provider", BRIDGED)
def test_a_reply_is_googles(provider: str) -> None:
    wire = WIRES[provider]

    reply = spoken(provider, Endpoint.CONTENT).reply(call(ASKED, Endpoint.CONTENT), wire.reply)

    body: Any = reply.body
    (candidate,) = body["candidates"]
    texts = [part["text"] for part in candidate["content"]["parts"] if "text" in part]
    called = candidate["content"]["parts"][-1]["functionCall"]
    assert ("Hello €", "STOP") == ("".join(texts), candidate["finishReason"])
    assert ("weather", {"city": "Bern"}) == (called["name"], called["args"])
    assert (wire.usage, 38) == (reply.usage, body["usageMetadata"]["totalTokenCount"])


@pytest.mark.parametrize("provider", BRIDGED)
def test_a_stream_says_what_the_reply_says(provider: str) -> None:
    wire = WIRES[provider]

    events = streamed(provider, wire.stream)

    parts = parts_of(events)
    assert "Hello €" == "".join(p.get("text", "") for p in parts if not p.get("thought"))
    (called,) = [part["functionCall"] for part in parts if "functionCall" in part]
    assert ("weather", {"city": "Bern"}) == (called["name"], called["args"])
    last: Any = [event for event in events if event.data][-1]
    assert last.is_done
    assert "STOP" == last.data["candidates"][0]["finishReason"]
    assert 38 == last.data["usageMetadata"]["totalTokenCount"]
    assert wire.usage == [event.usage for event in events if event.usage][-1]


def test_text_goes_out_before_the_stream_has_ended() -> None:
    decoder = dialect_of("openai", Endpoint.CONTENT).decoder(
        call(ASKED, Endpoint.CONTENT, is_stream=True)
    )

    events = decoder.feed(sse(delta("Hel"), done=False))

    assert [{"text": "Hel"}] == parts_of(events)


@given(st.lists(st.integers(1, 400), max_size=6).map(sorted))
def test_any_cut_of_the_bytes_gives_the_same_responses(cuts: list[int]) -> None:
    stream = WIRES["openai"].stream
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True)]

    assert parts_of(streamed("openai", stream)) == parts_of(streamed("openai", *pieces))


def test_a_length_and_a_filter_have_googles_names() -> None:
    cut: JsonObject = {**last_delta(), "choices": [{"index": 0, "finish_reason": "length"}]}

    events = streamed("openai", sse(delta("Hel"), cut))

    last: Any = events[-1].data
    assert "MAX_TOKENS" == last["candidates"][0]["finishReason"]


def test_signed_thoughts_come_back_to_the_model_that_had_them() -> None:
    thought: JsonObject = {"text": "Hm.", "thought": True, "thoughtSignature": "c2ln"}
    contents: Json = [
        {"role": "user", "parts": [{"text": "Hello"}]},
        {"role": "model", "parts": [thought, {"text": "Hi"}]},
        {"role": "user", "parts": [{"text": "And?"}]},
    ]

    body = sent({"contents": contents}, "anthropic", api_base="https://api.anthropic.example.com")

    assert {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"} in body["messages"][1][
        "content"
    ]


def test_the_native_dialect_passes_a_body_on_unchanged() -> None:
    body: JsonObject = {**ASKED, "some_new_field": [1], "model": "fast", "stream": True}
    asked = call(body, Endpoint.CONTENT, is_stream=True)

    request = dialect_of("gemini", Endpoint.CONTENT).request(asked, deployment("gemini"))

    assert {**ASKED, "some_new_field": [1]} == orjson.loads(request.body)
    assert request.url.endswith("/models/gpt-4o:streamGenerateContent?alt=sse")


def test_the_native_dialect_reads_what_is_billed() -> None:
    wire = WIRES["gemini"]
    dialect = dialect_of("gemini", Endpoint.CONTENT)

    reply = dialect.reply(call(ASKED, Endpoint.CONTENT), wire.reply)
    events = streamed("gemini", wire.stream)

    assert wire.usage == reply.usage
    assert orjson.loads(wire.reply) == reply.body
    assert wire.usage == [event.usage for event in events if event.usage][-1]
    assert events[-1].is_done


def test_a_blocked_prompt_is_an_answer_to_googles_own_callers() -> None:
    blocked = orjson.dumps({"promptFeedback": {"blockReason": "SAFETY"}})

    reply = dialect_of("gemini", Endpoint.CONTENT).reply(call(ASKED, Endpoint.CONTENT), blocked)

    assert ({"promptFeedback": {"blockReason": "SAFETY"}}, None) == (reply.body, reply.usage)


def test_a_count_is_free() -> None:
    counted = dialect_of("gemini", Endpoint.CONTENT_TOKENS).reply(
        call(ASKED, Endpoint.CONTENT_TOKENS), b'{"totalTokens":31}'
    )

    assert ({"totalTokens": 31}, Usage()) == (counted.body, counted.usage)


def test_a_schema_within_a_schema_is_translated() -> None:
    made = json_schema(
        {
            "type": "OBJECT",
            "properties": {"type": {"type": "STRING"}, "n": {"anyOf": [{"type": "INTEGER"}]}},
            "propertyOrdering": ["type", "n"],
        }
    )

    assert {
        "type": "object",
        "properties": {"type": {"type": "string"}, "n": {"anyOf": [{"type": "integer"}]}},
    } == made
