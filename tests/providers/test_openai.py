from __future__ import annotations

import orjson
import pytest

from shared.domain import Endpoint, JsonObject, Usage
from shared.errors import ProviderFailed
from shared.providers.openai import OpenAI
from shared.providers.registry import dialect_of
from tests.providers.calls import HELLO, call, deployment

COMPLETION: JsonObject = {
    "id": "chatcmpl-1",
    "model": "gpt-4o-2024",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi €"}}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
}


def body_sent(body: JsonObject, provider: str = "openai", *, is_stream: bool = False) -> JsonObject:
    request = dialect_of(provider).request(call(body, is_stream=is_stream), deployment(provider))
    return orjson.loads(request.body)


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        (Endpoint.CHAT, "/chat/completions"),
        (Endpoint.COMPLETION, "/completions"),
        (Endpoint.EMBEDDING, "/embeddings"),
    ],
)
def test_every_endpoint_has_its_path_below_the_base_url(endpoint: Endpoint, path: str) -> None:
    request = OpenAI().request(call(endpoint=endpoint), deployment())

    assert ("POST", f"https://api.example.com/v1{path}") == (request.method, request.url)


@pytest.mark.parametrize(
    ("api_base", "url"),
    [
        ("http://h:1/v1/", "http://h:1/v1/chat/completions"),
        ("https://h/openai?api-version=1", "https://h/openai/chat/completions?api-version=1"),
    ],
)
def test_a_base_url_may_end_in_a_slash_or_a_query(api_base: str, url: str) -> None:
    assert url == OpenAI().request(call(), deployment(api_base=api_base)).url


def test_the_body_is_the_callers_but_for_the_models_name() -> None:
    body: JsonObject = {**HELLO, "temperature": 0.5, "seed": 1, "vendor_field": {"a": [1]}}

    assert {**body, "model": "gpt-4o"} == body_sent(body)


def test_the_key_is_the_deployments_and_its_extra_headers_win() -> None:
    to = deployment(extra_headers={"authorization": "Custom x", "x-team": "a"})

    headers = OpenAI().request(call(), to).headers

    assert {
        "content-type": "application/json",
        "authorization": "Custom x",
        "x-team": "a",
    } == headers
    assert "Bearer sk-secret" == OpenAI().request(call(), deployment()).headers["authorization"]


def test_a_deployment_without_key_sends_none() -> None:
    headers = OpenAI().request(call(), deployment(api_key="")).headers

    assert "authorization" not in headers


@pytest.mark.parametrize("asked", [None, {}, {"include_usage": False}, {"include_usage": True}])
def test_usage_is_always_asked_of_a_stream(asked: JsonObject | None) -> None:
    sent = body_sent({**HELLO, "stream": True, "stream_options": asked}, is_stream=True)

    assert (True, {"include_usage": True}) == (sent["stream"], sent["stream_options"])


def test_other_stream_options_are_kept() -> None:
    sent = body_sent({**HELLO, "stream_options": {"include_obfuscation": False}}, is_stream=True)

    assert {"include_obfuscation": False, "include_usage": True} == sent["stream_options"]


def test_no_usage_is_asked_where_no_stream_is() -> None:
    assert "stream_options" not in body_sent(HELLO)


def test_mistral_is_not_asked_what_it_refuses_to_be_asked() -> None:
    body: JsonObject = {**HELLO, "stream_options": {"include_usage": True}}

    assert "stream_options" not in body_sent(body, "mistral", is_stream=True)


def test_a_limit_keeps_its_new_name_where_it_is_known() -> None:
    sent = body_sent({**HELLO, "max_completion_tokens": 5}, "groq")

    assert (5, None) == (sent["max_completion_tokens"], sent.get("max_tokens"))


def test_a_limit_has_its_old_name_where_the_new_one_would_be_ignored() -> None:
    sent = body_sent({**HELLO, "max_tokens": 9, "max_completion_tokens": 5}, "deepseek")

    assert (5, None) == (sent["max_tokens"], sent.get("max_completion_tokens"))


def test_ollama_speaks_openai_below_v1() -> None:
    to = deployment("ollama", api_base="http://localhost:11434")

    url = dialect_of("ollama").request(call(), to).url

    assert "http://localhost:11434/v1/chat/completions" == url


def test_a_reply_is_passed_on_whole_with_usage_id_and_size() -> None:
    reply = OpenAI().reply(call(), orjson.dumps(COMPLETION))

    assert (COMPLETION, Usage(9, 4), "chatcmpl-1", 6) == (
        reply.body,
        reply.usage,
        reply.response_id,
        reply.text_bytes,
    )


def test_an_embedding_has_prompt_tokens_only() -> None:
    body: JsonObject = {
        "object": "list",
        "data": [{"index": 0, "embedding": [0.5]}],
        "usage": {"prompt_tokens": 7, "total_tokens": 7},
    }

    reply = OpenAI().reply(call(endpoint=Endpoint.EMBEDDING), orjson.dumps(body))

    assert (Usage(prompt_tokens=7), None, 0) == (reply.usage, reply.response_id, reply.text_bytes)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{",
        b"[]",
        b"null",
        b"1",
        b"{}",
        b'{"choices":null}',
        b'{"choices":{}}',
        b'{"choices":"\xff"}',
        b'{"data":[]}',
        b"\x00" * 100,
        b"[" * 2000,
    ],
)
def test_a_reply_that_is_none_is_a_bad_gateway(body: bytes) -> None:
    with pytest.raises(ProviderFailed) as failed:
        OpenAI().reply(call(), body)

    assert (502, True) == (failed.value.status, failed.value.retryable)


def test_an_error_within_a_reply_is_one() -> None:
    body = {"error": {"message": "No credit left", "code": 402}}

    with pytest.raises(ProviderFailed) as failed:
        OpenAI().reply(call(), orjson.dumps(body))

    assert 402 == failed.value.status


def test_an_answer_with_an_error_status_is_read_as_a_failure() -> None:
    failed = OpenAI().error(429, {"retry-after": "3"}, b'{"error":{"message":"slow down"}}')

    assert ("slow down", 429, 3) == (failed.message, failed.status, failed.retry_after)
