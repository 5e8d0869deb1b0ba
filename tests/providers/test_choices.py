"""What a caller chooses, in each vendor's words: which tool, how many at once, where to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from shared.domain import Endpoint
from shared.errors import BadRequest
from shared.providers.registry import request_for
from tests.providers.calls import call, sse
from tests.providers.conversations import TOOLS
from tests.providers.wires import cohere_event, frame, gemini_part, spoken, there

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject

WEATHER: JsonObject = {"type": "function", "function": {"name": "weather"}}


def sent(provider: str, **asked: Json) -> Any:  # noqa: ANN401 - a vendor's own JSON
    messages: list[Json] = [{"role": "user", "content": "Hello"}]
    body: JsonObject = {"model": "m", "messages": messages, "max_tokens": 9, **asked}
    return orjson.loads(request_for(call(body), there(provider)).body)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        (WEATHER, {"mode": "ANY", "allowedFunctionNames": ["weather"]}),
    ],
)
def test_gemini_is_told_which_tool(choice: Json, expected: JsonObject) -> None:
    body = sent("gemini", tools=TOOLS, tool_choice=choice)

    assert {"functionCallingConfig": expected} == body["toolConfig"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {"auto": {}}),
        ("required", {"any": {}}),
        (WEATHER, {"tool": {"name": "weather"}}),
    ],
)
def test_bedrock_is_told_which_tool(choice: Json, expected: JsonObject) -> None:
    assert expected == sent("bedrock", tools=TOOLS, tool_choice=choice)["toolConfig"]["toolChoice"]


def test_bedrock_has_no_tools_where_none_may_be_called() -> None:
    assert "toolConfig" not in sent("bedrock", tools=TOOLS, tool_choice="none")


@pytest.mark.parametrize(
    ("choice", "expected", "names"),
    [
        ("none", "NONE", ["weather", "search"]),
        ("required", "REQUIRED", ["weather", "search"]),
        (WEATHER, "REQUIRED", ["weather"]),
    ],
)
def test_cohere_is_told_which_tool(choice: Json, expected: str, names: list[str]) -> None:
    body = sent("cohere", tools=TOOLS, tool_choice=choice)

    assert (expected, names) == (
        body["tool_choice"],
        [tool["function"]["name"] for tool in body["tools"]],
    )


@pytest.mark.parametrize(
    ("choice", "expected"), [("required", "any"), ("none", "none"), (WEATHER, WEATHER)]
)
def test_mistral_is_told_which_tool(choice: Json, expected: Json) -> None:
    assert expected == sent("mistral", tools=TOOLS, tool_choice=choice)["tool_choice"]


@pytest.mark.parametrize("provider", ["cohere"])
def test_who_cannot_keep_calls_apart_says_so(provider: str) -> None:
    with pytest.raises(BadRequest, match="parallel_tool_calls"):
        sent(provider, tools=TOOLS, parallel_tool_calls=False)


@pytest.mark.parametrize(
    ("provider", "path"),
    [
        ("anthropic", "stop_sequences"),
        ("gemini", "generationConfig.stopSequences"),
        ("bedrock", "inferenceConfig.stopSequences"),
        ("cohere", "stop_sequences"),
    ],
)
@pytest.mark.parametrize(("stop", "expected"), [("a", ["a"]), (["a", "b"], ["a", "b"])])
def test_one_place_to_stop_is_a_list_of_one(
    provider: str, path: str, stop: Json, expected: list[str]
) -> None:
    found = sent(provider, stop=stop)
    for name in path.split("."):
        found = found[name]

    assert expected == found


@pytest.mark.parametrize(
    ("told", "expected"),
    [("COMPLETE", "stop"), ("STOP_SEQUENCE", "stop"), ("MAX_TOKENS", "length")],
)
def test_coheres_words_for_an_end_are_openais(told: str, expected: str) -> None:
    message: JsonObject = {"role": "assistant", "content": [{"type": "text", "text": "Hm."}]}
    answer = orjson.dumps({"id": "c", "finish_reason": told, "message": message})

    body: Any = spoken("cohere").reply(call(), answer).body

    assert expected == body["choices"][0]["finish_reason"]


def begun(position: int) -> JsonObject:
    made: JsonObject = {"id": f"c{position}", "type": "function", "function": {"name": "weather"}}
    return cohere_event("tool-call-start", {"tool_calls": made}, index=position)


@pytest.mark.parametrize(
    ("provider", "stream"),
    [
        ("cohere", sse(begun(0), begun(1), done=False)),
        (
            "gemini",
            sse(
                *(gemini_part({"functionCall": {"name": "weather", "args": {}}}) for _ in "ab"),
                done=False,
            ),
        ),
    ],
)
def test_calls_of_one_stream_are_numbered(provider: str, stream: bytes) -> None:
    events = spoken(provider).decoder(call(is_stream=True)).feed(stream)

    told: list[Any] = [event.data for event in events if event.data]
    made = [one for chunk in told for one in chunk["choices"][0]["delta"].get("tool_calls", [])]
    assert [0, 1] == [one["index"] for one in made]


def test_pieces_of_two_calls_on_bedrock_go_to_their_own_call() -> None:
    use: list[JsonObject] = [{"toolUse": {"toolUseId": f"c{i}", "name": "weather"}} for i in (0, 1)]
    piece: JsonObject = {"toolUse": {"input": "{}"}}
    stream = b"".join(
        (
            frame("contentBlockStart", {"contentBlockIndex": 0, "start": use[0]}),
            frame("contentBlockStart", {"contentBlockIndex": 1, "start": use[1]}),
            frame("contentBlockDelta", {"contentBlockIndex": 1, "delta": piece}),
            frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": piece}),
        )
    )

    events = spoken("bedrock").decoder(call(is_stream=True)).feed(stream)

    told: list[Any] = [event.data for event in events if event.data]
    made = [one for chunk in told for one in chunk["choices"][0]["delta"].get("tool_calls", [])]
    assert [0, 1, 1, 0] == [one["index"] for one in made]


def test_pieces_of_two_calls_go_to_their_own_block_at_anthropics_entrance() -> None:
    def piece(index: int, **more: Json) -> JsonObject:
        made: JsonObject = {"index": index, "function": {"name": "f", "arguments": "{}"}, **more}
        return {"id": "a", "choices": [{"index": 0, "delta": {"tool_calls": [made]}}]}

    stream = sse(piece(0, id="a"), piece(1, id="b"), piece(0), done=False)
    asked = call(is_stream=True, endpoint=Endpoint.MESSAGES)

    events = spoken("openai", Endpoint.MESSAGES).decoder(asked).feed(stream)

    told: list[Any] = [event.data for event in events if event.data]
    assert [0, 1, 0] == [one["index"] for one in told if one["type"] == "content_block_delta"]
