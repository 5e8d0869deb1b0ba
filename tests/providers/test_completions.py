"""Completions of the old kind, by way of a chat where a model knows nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest
from openai.types import Completion

from shared.domain import Endpoint
from shared.errors import BadRequest
from shared.providers.registry import dialect_of
from tests.providers.calls import call, decoded, deployment, sse
from tests.providers.wires import WIRES, openai_chunk, spoken

if TYPE_CHECKING:
    from shared.domain import JsonObject

OLD = Endpoint.COMPLETION
HELLO: JsonObject = {"model": "fast", "prompt": "Hello", "max_tokens": 9}


@pytest.mark.parametrize(
    "provider", ["anthropic", "bedrock", "cohere", "gemini", "mistral", "groq"]
)
def test_a_prompt_is_put_as_a_chat_to_who_knows_nothing_else(provider: str) -> None:
    request = dialect_of(provider, OLD).request(call(HELLO, OLD), deployment(provider))

    assert b"Hello" in request.body
    assert b'"prompt"' not in request.body
    assert "completions" not in request.url.replace("chat/completions", "")


@pytest.mark.parametrize("provider", sorted(WIRES))
def test_the_answer_of_a_chat_is_a_completion(provider: str) -> None:
    dialect = spoken(provider, OLD)

    reply = dialect.reply(call(HELLO, OLD), WIRES[provider].reply)

    found = Completion.model_validate({**reply.body, "model": "fast"})
    (choice,) = found.choices
    assert ("text_completion", "Hello €") == (found.object, choice.text)
    assert WIRES[provider].usage == reply.usage


def test_a_stream_of_a_chat_is_one_of_completions() -> None:
    stream = sse(openai_chunk({"content": "Hel"}), openai_chunk({"content": "lo"}, "stop"))

    events = decoded(dialect_of("groq", OLD).decoder(call(HELLO, OLD, is_stream=True)), stream)

    # As the SDK reads chunks: its type has no null, which every chunk but the last has.
    chunks = [Completion.construct(None, **event.data) for event in events if event.data]
    assert ["Hel", "lo"] == [chunk.choices[0].text for chunk in chunks]
    assert [None, "stop"] == [chunk.choices[0].finish_reason for chunk in chunks]
    assert events[-1].is_done


@pytest.mark.parametrize(
    ("provider", "model", "path"),
    [
        ("openai", "gpt-4o", "/chat/completions"),
        ("openai", "gpt-3.5-turbo-instruct", "/v1/completions"),
        ("openai", "o4-mini", "/chat/completions"),
        ("openai", "my-own-model", "/v1/completions"),
        ("text-completion-openai", "gpt-4o", "/v1/completions"),
        ("together_ai", "a/b", "/v1/completions"),
        ("hosted_vllm", "a/b", "/v1/completions"),
    ],
)
def test_who_knows_completions_is_asked_for_them(provider: str, model: str, path: str) -> None:
    to = deployment(provider, model=model)

    url = dialect_of(provider, OLD, model).request(call(HELLO, OLD), to).url

    assert url.endswith(path)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"suffix": "x"}, "suffix"),
        ({"echo": True}, "echo"),
        ({"best_of": 3}, "best_of"),
    ],
)
def test_what_a_chat_cannot_do_is_refused(more: JsonObject, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        dialect_of("groq", OLD).request(call({**HELLO, **more}, OLD), deployment("groq"))

    assert param == caught.value.param


def test_probabilities_of_tokens_are_asked_for_and_told_as_lists() -> None:
    token: JsonObject = {"token": "Hi", "logprob": -0.5, "bytes": None}
    content: JsonObject = {"content": [{**token, "top_logprobs": [token]}], "refusal": None}
    choice: JsonObject = {
        "index": 0,
        "message": {"role": "assistant", "content": "Hi"},
        "finish_reason": "stop",
        "logprobs": content,
    }
    dialect, asked = dialect_of("groq", OLD), call({**HELLO, "logprobs": 2}, OLD)

    sent = orjson.loads(dialect.request(asked, deployment("groq")).body)
    body = dialect.reply(asked, orjson.dumps({"id": "a", "created": 1, "choices": [choice]})).body

    assert (True, 2) == (sent["logprobs"], sent["top_logprobs"])
    told = Completion.model_validate({**body, "model": "fast"}).choices[0].logprobs
    assert told
    assert (["Hi"], [-0.5], [{"Hi": -0.5}], [0]) == (
        told.tokens,
        told.token_logprobs,
        told.top_logprobs,
        told.text_offset,
    )
