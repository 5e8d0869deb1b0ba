"""OpenAI → vendor → OpenAI keeps the meaning, of conversations and of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion

from shared.controls import UNHANDLED
from shared.domain import Usage
from shared.providers.content.from_chat import content_of
from shared.providers.content.to_chat import chat_body as chat_of_content
from shared.providers.messages.from_chat import message_of
from shared.providers.messages.to_chat import chat_body as chat_of_messages
from shared.providers.registry import request_for
from shared.providers.unsupported import Unsupported
from tests.providers.calls import call, deployment
from tests.providers.conversations import (
    TOOLS,
    arguments,
    conversations,
    meaning,
    words,
)
from tests.providers.wires import spoken, there

if TYPE_CHECKING:
    from shared.domain import JsonObject

hurried = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
BACK = Unsupported("openai", "fast", UNHANDLED)
CONVERSE = ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))
STOPS = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens"}


def sent(provider: str, messages: list[JsonObject]) -> Any:  # noqa: ANN401 - a vendor's own JSON
    body: JsonObject = {"model": "fast", "messages": [*messages], "tools": TOOLS, "max_tokens": 9}
    return orjson.loads(request_for(call(body), there(provider)).body)


@given(messages=conversations())
@hurried
def test_a_conversation_reaches_anthropic_whole(messages: list[JsonObject]) -> None:
    body = sent("anthropic", messages)

    back: Any = chat_of_messages(body, deployment(), BACK, is_rich=True)
    assert meaning(messages) == meaning(back["messages"])
    assert ["weather", "search"] == [tool["function"]["name"] for tool in back["tools"]]


@given(messages=conversations())
@hurried
def test_a_conversation_reaches_gemini_whole(messages: list[JsonObject]) -> None:
    body = sent("gemini", messages)

    back: Any = chat_of_content(body, deployment(), BACK, is_rich=True)
    assert meaning(messages) == meaning(back["messages"])
    assert ["weather", "search"] == [tool["function"]["name"] for tool in back["tools"]]


@given(messages=conversations())
@hurried
def test_a_conversation_reaches_bedrock_whole_and_in_the_shape_it_publishes(
    messages: list[JsonObject],
) -> None:
    body = sent("bedrock", messages)

    report = ParamValidator().validate(
        {"modelId": "anthropic.a", **body}, CONVERSE.shape_for("ConverseRequest")
    )
    assert not report.has_errors(), report.generate_report()
    assert meaning(messages) == meaning(_chat_of_converse(body))


def _chat_of_converse(body: dict[str, Any]) -> list[JsonObject]:
    """Converse's conversation as a chat, written for this test alone."""
    found: list[JsonObject] = [
        {"role": "system", "content": block["text"]} for block in body.get("system", [])
    ]
    for message in body["messages"]:
        for block in message["content"]:
            match block:
                case {"text": str(said)}:
                    found.append({"role": message["role"], "content": said})
                case {"image": {"format": form, "source": {"bytes": data}}}:
                    url = f"data:image/{form};base64,{data}"
                    image: JsonObject = {"type": "image_url", "image_url": {"url": url}}
                    found.append({"role": "user", "content": [image]})
                case {"toolUse": use}:
                    made = {"name": use["name"], "arguments": orjson.dumps(use["input"]).decode()}
                    calls: Any = [{"id": use["toolUseId"], "function": made}]
                    found.append({"role": "assistant", "content": None, "tool_calls": calls})
                case {"toolResult": told}:
                    (text,) = told["content"]
                    held = {"tool_call_id": told["toolUseId"], "content": text["text"]}
                    found.append({"role": "tool", **held})
                case other:
                    raise AssertionError(other)
    return found


@st.composite
def answers(draw: st.DrawFn) -> JsonObject:
    """A completion as OpenAI would give it."""
    names = draw(st.sampled_from([[], ["weather"], ["weather", "search"]]))
    calls: Any = [
        {
            "id": f"call_{i}",
            "type": "function",
            "function": {"name": name, "arguments": orjson.dumps(draw(arguments)).decode()},
        }
        for i, name in enumerate(names)
    ]
    reason = "tool_calls" if calls else draw(st.sampled_from(["stop", "length"]))
    said = draw(words) if not calls or draw(st.booleans()) else None
    message: JsonObject = {"role": "assistant", "content": said, "refusal": None}
    if calls:
        message["tool_calls"] = calls
    choice: JsonObject = {"index": 0, "message": message, "finish_reason": reason}
    return {"id": "a", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


def check(provider: str, answer: JsonObject, as_told: object, usage: Usage) -> None:
    reply = spoken(provider).reply(call(), orjson.dumps(as_told))

    found = ChatCompletion.model_validate({**reply.body, "model": "m"}, strict=True)
    expected = ChatCompletion.model_validate(answer)
    one, other = found.choices[0], expected.choices[0]
    assert (other.message.content, other.finish_reason) == (
        one.message.content or None,
        one.finish_reason,
    )
    assert calls_of(other.message) == calls_of(one.message)
    assert usage == reply.usage


def calls_of(message: Any) -> list[tuple[str, object]]:  # noqa: ANN401 - of any kind of call
    calls = message.tool_calls or []
    return [(made.function.name, orjson.loads(made.function.arguments)) for made in calls]


USAGES = st.builds(Usage, prompt_tokens=st.integers(1, 99), completion_tokens=st.integers(1, 99))


@given(answer=answers(), usage=USAGES)
@hurried
def test_an_answer_of_anthropics_keeps_its_meaning(answer: JsonObject, usage: Usage) -> None:
    check("anthropic", answer, message_of(answer, usage), usage)


@given(answer=answers(), usage=USAGES)
@hurried
def test_an_answer_of_geminis_keeps_its_meaning(answer: JsonObject, usage: Usage) -> None:
    check("gemini", answer, content_of(answer, usage), usage)


@given(answer=answers(), usage=USAGES)
@hurried
def test_an_answer_of_bedrocks_keeps_its_meaning(answer: Any, usage: Usage) -> None:  # noqa: ANN401
    (choice,) = answer["choices"]
    content = [{"text": choice["message"]["content"]}] if choice["message"]["content"] else []
    content += [
        {
            "toolUse": {
                "toolUseId": made["id"],
                "name": made["function"]["name"],
                "input": orjson.loads(made["function"]["arguments"]),
            }
        }
        for made in choice["message"].get("tool_calls", [])
    ]
    told = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": STOPS[choice["finish_reason"]],
        "usage": {
            "inputTokens": usage.prompt_tokens,
            "outputTokens": usage.completion_tokens,
            "totalTokens": usage.total_tokens,
        },
    }

    check("bedrock", answer, told, usage)
