"""A parsed body and its headers become a Call, or a 400 that names the parameter.

Fields that the gateway knows are checked, its own are taken out, and whatever else a caller sends
goes upstream as it came: new parameters of a vendor need no new release here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.controls import CacheControl
from shared.domain import Call, Endpoint
from shared.wire import checks, content_requests, media_requests
from shared.wire.cache_controls import cache_control
from shared.wire.checks import Unfit, listed, whole
from shared.wire.mocks import mock_of
from shared.wire.own_fields import passed_on, with_extra_body
from shared.wire.request_fields import RequestFields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.domain import Json, JsonObject, Upload

    Check = Callable[[Json], object]

MAX_EMBEDDING_INPUTS: Final = 2_048
MAX_CHOICES: Final = 128

_ROUTES: Final[Mapping[Endpoint, str]] = {
    Endpoint.CHAT: "/chat/completions",
    Endpoint.COMPLETION: "/completions",
    Endpoint.EMBEDDING: "/embeddings",
    Endpoint.MESSAGES: "/v1/messages",
    Endpoint.COUNT_TOKENS: "/v1/messages/count_tokens",
    Endpoint.RESPONSES: "/responses",
    Endpoint.RESPONSE_TOKENS: "/responses/input_tokens",
    Endpoint.COMPACT: "/responses/compact",
    Endpoint.CONTENT: "/v1beta/models:generateContent",
    Endpoint.CONTENT_TOKENS: "/v1beta/models:countTokens",
    Endpoint.MODERATION: "/moderations",
    Endpoint.RERANK: "/rerank",
    Endpoint.IMAGE: "/images/generations",
    Endpoint.IMAGE_EDIT: "/images/edits",
    Endpoint.SPEECH: "/audio/speech",
    Endpoint.TRANSCRIPTION: "/audio/transcriptions",
}

_STREAMED: Final = frozenset(
    {
        *(Endpoint.CHAT, Endpoint.COMPLETION, Endpoint.RESPONSES, Endpoint.MESSAGES),
        Endpoint.CONTENT,
    }
)

_PLAYABLE: Final = frozenset(
    {
        *(Endpoint.CHAT, Endpoint.COMPLETION, Endpoint.MESSAGES),
        *(Endpoint.RESPONSES, Endpoint.CONTENT),
    }
)
"""Where an answer in words can be played instead of asking."""

_ONE_PROMPT: Final = checks.either(checks.text, checks.tokens)
_PROMPT: Final = checks.either(_ONE_PROMPT, listed(_ONE_PROMPT, least=1))
_INPUT: Final = checks.either(_ONE_PROMPT, listed(_ONE_PROMPT, least=1, most=MAX_EMBEDDING_INPUTS))
_CONTENT: Final = checks.either(checks.text, listed(checks.mapping))
_LIMIT: Final = whole(0, checks.MAX_TOKENS)


def _message(value: Json) -> JsonObject:
    message = checks.mapping(value)
    if not isinstance(message.get("role"), str):
        raise Unfit("must have a role")
    if message.get("content") is not None:
        _check_content(message["content"])
    return message


def _check_content(value: Json) -> None:
    try:
        _CONTENT(value)
    except Unfit as unfit:
        raise Unfit(f"content {unfit}") from None


_CONVERSATION: Final[Mapping[str, Check]] = {
    "model": checks.name,
    "messages": listed(_message, least=1),
}

_REQUIRED: Final[Mapping[Endpoint, Mapping[str, Check]]] = {
    Endpoint.CHAT: _CONVERSATION,
    Endpoint.MESSAGES: {**_CONVERSATION, "max_tokens": _LIMIT},
    Endpoint.COUNT_TOKENS: _CONVERSATION,
    Endpoint.COMPLETION: {"model": checks.name, "prompt": _PROMPT},
    Endpoint.EMBEDDING: {"model": checks.name, "input": _INPUT},
    Endpoint.RESPONSES: {"model": checks.name},
    Endpoint.RESPONSE_TOKENS: {"model": checks.name},
    Endpoint.COMPACT: {"model": checks.name},
    **content_requests.REQUIRED,
    **media_requests.REQUIRED,
}


def _never(value: Json) -> None:
    # A background response is billed later, and a conversation is every tenant's who knows its id.
    if value is not None and value is not False:
        raise Unfit("is not supported")


_GENERATION: Final[Mapping[str, Check]] = {
    "max_tokens": _LIMIT,
    "max_completion_tokens": _LIMIT,
    "n": whole(1, MAX_CHOICES),
    "best_of": whole(1, MAX_CHOICES),
    "stream": checks.flag,
    "stream_options": checks.mapping,
    "temperature": checks.not_negative,
    "top_p": checks.not_negative,
    "frequency_penalty": checks.number,
    "presence_penalty": checks.number,
    "stop": checks.either(checks.text, listed(checks.text)),
    "seed": whole(-(2**63), 2**63 - 1),
    "logit_bias": checks.mapping,
    "logprobs": checks.either(checks.flag, whole(0, 100)),
    "top_logprobs": whole(0, 100),
    "tools": listed(checks.mapping),
    "tool_choice": checks.either(checks.text, checks.mapping),
    "functions": listed(checks.mapping),
    "response_format": checks.mapping,
    "parallel_tool_calls": checks.flag,
    "fastest_response": checks.flag,
}

_MESSAGES: Final[Mapping[str, Check]] = {
    "system": _CONTENT,
    "stream": checks.flag,
    "temperature": checks.not_negative,
    "top_p": checks.not_negative,
    "top_k": whole(0, checks.MAX_TOKENS),
    "stop_sequences": listed(checks.text),
    "tools": listed(checks.mapping),
    "tool_choice": checks.mapping,
    "thinking": checks.mapping,
    "output_config": checks.mapping,
}

_RESPONSE: Final[Mapping[str, Check]] = {
    "input": checks.either(checks.text, listed(checks.mapping, least=1)),
    "instructions": checks.text,
    "max_output_tokens": _LIMIT,
    "stream": checks.flag,
    "temperature": checks.not_negative,
    "top_p": checks.not_negative,
    "top_logprobs": whole(0, 100),
    "tools": listed(checks.mapping),
    "tool_choice": checks.either(checks.text, checks.mapping),
    "parallel_tool_calls": checks.flag,
    "previous_response_id": checks.text,
    "reasoning": checks.mapping,
    "text": checks.mapping,
    "prompt": checks.mapping,
    "store": checks.flag,
    "background": _never,
    "conversation": _never,
    "include": listed(checks.text),
}

_OPTIONAL: Final[Mapping[Endpoint, Mapping[str, Check]]] = {
    Endpoint.CHAT: _GENERATION,
    Endpoint.MESSAGES: _MESSAGES,
    Endpoint.COUNT_TOKENS: _MESSAGES,
    Endpoint.COMPLETION: _GENERATION,
    Endpoint.EMBEDDING: {"dimensions": whole(1, 1_000_000), "encoding_format": checks.text},
    Endpoint.RESPONSES: _RESPONSE,
    Endpoint.RESPONSE_TOKENS: _RESPONSE,
    Endpoint.COMPACT: _RESPONSE,
    **content_requests.OPTIONAL,
    **media_requests.OPTIONAL,
}

_NATIVE_HEADERS: Final = ("anthropic-", "x-claude-code-")
"""How the names of headers begin that are for Anthropic, whoever stands between."""


def parse_call(
    endpoint: Endpoint,
    body: JsonObject,
    headers: Mapping[str, str],
    *,
    id: str,  # noqa: A002 - the name of the field in Call
    requester_ip: str | None = None,
    uploads: tuple[Upload, ...] = (),
) -> Call:
    """Check a body and take out what is for the gateway; header names are lower case.

    Raise BadRequest in LiteLLM's words, with `param` set; TooLarge for oversized metadata.
    """
    body = with_extra_body(body)
    request = RequestFields(_ROUTES[endpoint], body, headers)
    request.check_allowed()
    for field, check in _REQUIRED[endpoint].items():
        request.require(field, check)
    request.check_optional(_OPTIONAL[endpoint])
    metadata = request.metadata()
    model = _model(endpoint, request)
    fallbacks, own_fallbacks = request.fallbacks(model)
    is_stream = endpoint in _STREAMED and body.get("stream") is True
    return Call(
        id=id,
        endpoint=endpoint,
        model=model,
        body=passed_on(endpoint, body),
        sent=body,
        is_stream=is_stream,
        wants_usage_chunk=_wants_usage(body),
        end_user=request.end_user(metadata),
        tags=request.tags(metadata),
        trace=request.trace(metadata),
        num_retries=request.num_retries(),
        timeout=request.timeout(is_stream=is_stream),
        fallbacks=fallbacks,
        own_fallbacks=own_fallbacks,
        disable_fallbacks=request.read("disable_fallbacks", checks.flag) or False,
        mock=mock_of(request.read, has_text=endpoint in _PLAYABLE),
        cache=request.read("cache", cache_control) or CacheControl(),
        requester_ip=requester_ip,
        uploads=uploads,
        metadata={field: value for field, value in metadata.items() if field != "tags"},
        headers={k: v for k, v in headers.items() if k.startswith(_NATIVE_HEADERS)},
        handling=request.handling(),
        extra_headers=request.read("extra_headers", checks.headers) or {},
    )


def _wants_usage(body: JsonObject) -> bool:
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def _model(endpoint: Endpoint, request: RequestFields) -> str:
    if endpoint is Endpoint.MODERATION:
        return request.read("model", checks.name) or media_requests.USUAL_MODERATION_MODEL
    return request.require("model", checks.name)
