"""The LLM routes as OpenAPI tells them: data, since the proxy reads its bodies itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.domain import JsonObject

_MODEL: Final[JsonObject] = {"type": "string", "minLength": 1, "maxLength": 255}
_TEXTS: Final[JsonObject] = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
}
_MESSAGES: Final[JsonObject] = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["role"],
        "properties": {"role": {"type": "string"}},
    },
}
_CHAT: Final[JsonObject] = {
    "model": "gpt-4o",
    "messages": [{"role": "user", "content": "Hello"}],
    "max_tokens": 100,
}

# path → what it does, the fields a body must have, an example of one
_POSTS: Final[dict[str, tuple[str, JsonObject, JsonObject]]] = {
    "/chat/completions": (
        "Answer a conversation, whole or as server-sent events.",
        {"model": _MODEL, "messages": _MESSAGES},
        _CHAT,
    ),
    "/completions": (
        "Go on with a text.",
        {"model": _MODEL, "prompt": _TEXTS},
        {"model": "gpt-3.5-turbo-instruct", "prompt": "Once upon a time", "max_tokens": 100},
    ),
    "/embeddings": (
        "Turn texts into vectors.",
        {"model": _MODEL, "input": _TEXTS},
        {"model": "text-embedding-3-small", "input": ["Hello"]},
    ),
    "/responses": (
        "Answer in the manner of OpenAI's Responses API.",
        {"model": _MODEL},
        {"model": "gpt-4o", "input": "Hello"},
    ),
    "/responses/input_tokens": (
        "Count the tokens of a response's input.",
        {"model": _MODEL},
        {"model": "gpt-4o", "input": "Hello"},
    ),
    "/responses/compact": (
        "Shorten a conversation, where the provider can.",
        {"model": _MODEL},
        {"model": "gpt-4o", "input": "Hello"},
    ),
    "/moderations": ("Judge a text.", {"input": _TEXTS}, {"input": "Hello"}),
    "/rerank": (
        "Order documents by how well they answer a query.",
        {"model": _MODEL, "query": {"type": "string"}, "documents": {"type": "array"}},
        {"model": "rerank-v3.5", "query": "capital", "documents": ["Paris", "A river"]},
    ),
    "/images/generations": (
        "Paint a picture.",
        {"model": _MODEL, "prompt": {"type": "string"}},
        {"model": "gpt-image-1", "prompt": "A lighthouse"},
    ),
    "/audio/speech": (
        "Speak a text.",
        {"model": _MODEL, "input": {"type": "string"}, "voice": {"type": "string"}},
        {"model": "gpt-4o-mini-tts", "input": "Hello", "voice": "alloy"},
    ),
}
_V1_POSTS: Final[dict[str, tuple[str, JsonObject, JsonObject]]] = {
    "/messages": (
        "Answer in the manner of Anthropic's Messages API, whatever the provider.",
        {"model": _MODEL, "messages": _MESSAGES, "max_tokens": {"type": "integer", "minimum": 0}},
        {**_CHAT, "model": "claude-sonnet-4-5"},
    ),
    "/messages/count_tokens": (
        "Count the tokens of a Messages call.",
        {"model": _MODEL, "messages": _MESSAGES},
        {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "Hello"}]},
    ),
}
_CONTENTS: Final[JsonObject] = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "object", "properties": {"parts": {"type": "array"}}},
}
_GOOGLES: Final = {
    "generateContent": "Answer in the manner of Google's generateContent, whatever the provider.",
    "streamGenerateContent": "The same as a stream: events with `alt=sse`, else one JSON array.",
    "countTokens": "Count the tokens of a generateContent call.",
}
_FORMS: Final = {
    "/images/edits": "Change a picture.",
    "/audio/transcriptions": "Write down what is said.",
}


def llm_paths() -> JsonObject:
    """Return the paths of the LLM routes; without `/v1` they are the same."""
    paths: JsonObject = {
        f"/v1{path}": {"post": _post(path, *said)} for path, said in (_POSTS | _V1_POSTS).items()
    }
    paths |= {f"/v1{path}": {"post": _form(path, said)} for path, said in _FORMS.items()}
    paths |= {f"/v1beta/models/{{model}}:{name}": _google(name) for name in _GOOGLES}
    paths["/v1beta/models"] = {
        "get": _get("list_content_models", "List the models in Google's shape."),
    }
    paths["/v1beta/models/{model}"] = {
        "get": _get("show_content_model", "Show one of them in Google's shape.", "model"),
    }
    paths["/v1/models"] = {"get": _get("list_models", "List the models that the caller may call.")}
    paths["/v1/models/{model}"] = {
        "get": _get("show_model", "Show one of them.", "model"),
    }
    paths["/v1/responses/{response_id}"] = {
        "get": _get("show_response", "Show a stored response.", "response_id"),
        "delete": _get("delete_response", "Delete a stored response.", "response_id"),
    }
    return paths


def _post(path: str, said: str, fields: JsonObject, example: JsonObject) -> JsonObject:
    required = [name for name in fields if name != "input" or path != "/responses"]
    body: JsonObject = {"type": "object", "required": [*required], "properties": fields}
    content: JsonObject = {"application/json": {"schema": body, "example": example}}
    return {
        **_operation(path, said),
        "requestBody": {"required": True, "content": content},
    }


def _google(name: str) -> JsonObject:
    example: JsonObject = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
    body = _post(f"/{name}", _GOOGLES[name], {"contents": _CONTENTS}, example)
    return {"post": {**body, "parameters": [_in_path("model")]}}


def _form(path: str, said: str) -> JsonObject:
    body: JsonObject = {
        "type": "object",
        "required": ["model"],
        "properties": {"model": _MODEL},
    }
    content: JsonObject = {"multipart/form-data": {"schema": body}}
    return {**_operation(path, said), "requestBody": {"required": True, "content": content}}


def _get(name: str, said: str, parameter: str | None = None) -> JsonObject:
    if parameter is None:
        return _operation(name, said)
    return {**_operation(name, said), "parameters": [_in_path(parameter)]}


def _in_path(name: str) -> JsonObject:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
    }


def _operation(name: str, said: str) -> JsonObject:
    return {
        "tags": ["llm"],
        "summary": said,
        "operationId": f"llm_{name.strip('/').replace('/', '_')}",
        "responses": {"200": {"description": "The answer."}},
    }
