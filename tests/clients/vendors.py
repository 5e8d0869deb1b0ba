"""Three vendors in one server, each in its own words, behind a gateway that clients are tried with.

What they say is mind.py's. Shapes are those of tests/providers/wires.py.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import orjson

from local.asgi import Request
from local.demo.answers import embeddings
from local.threads import ServerThread
from tests.clients.mind import Asked, Said, answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send

PAUSE = 0.005  # between words: chunks that come at once may be read as one
PROMPT, WRITTEN = 12, 9
MODEL_IN_PATH = re.compile(r"/models/([^:]+):")


class Vendors(ServerThread):
    """The fake vendors; `received` are the paths and bodies that came."""

    def __init__(self) -> None:
        super().__init__(self._app)
        self.received: list[tuple[str, Any]] = []

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body: Any = orjson.loads(await request.body() or b"{}")
        self.received.append((request.path, body))
        vendor, _, path = request.path.strip("/").partition("/")
        match vendor, path:
            case "openai", "v1/chat/completions":
                asked = chat_asked(body)
                events = chat_events(asked, answer(asked))
                whole = chat_whole(asked, answer(asked))
            case "openai", "v1/embeddings":
                await _send(send, [orjson.dumps(embeddings(body))], "application/json")
                return
            case "anthropic", "v1/messages":
                asked = messages_asked(body)
                events, whole = message_events(asked), message_whole(asked)
            case "anthropic", "v1/messages/count_tokens":
                await _send(send, [orjson.dumps({"input_tokens": PROMPT})], "application/json")
                return
            case "gemini", _ if path.endswith(":countTokens"):
                await _send(send, [orjson.dumps({"totalTokens": PROMPT})], "application/json")
                return
            case "gemini", _:
                asked = content_asked(body, path)
                events, whole = content_events(asked), content_whole(asked)
            case _:
                await _send(
                    send, [b'{"error":{"message":"no such path"}}'], "application/json", 404
                )
                return
        if asked.is_stream:
            await _send(send, list(events), "text/event-stream")
        else:
            await _send(send, [orjson.dumps(whole)], "application/json")


async def _send(send: Send, chunks: list[bytes], kind: str, status: int = 200) -> None:
    headers = [(b"content-type", kind.encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for chunk in chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await asyncio.sleep(PAUSE if len(chunks) > 1 else 0)
    await send({"type": "http.response.body", "body": b""})


def _sse(data: Any, name: str = "") -> bytes:  # noqa: ANN401 - any JSON
    line = b"data: " + orjson.dumps(data) + b"\n\n"
    return f"event: {name}\n".encode() + line if name else line


def chat_asked(body: Any) -> Asked:  # noqa: ANN401
    """Read OpenAI's words."""
    choice, shape = body.get("tool_choice"), body.get("response_format") or {}
    tools = {t["function"]["name"]: t["function"].get("parameters", {}) for t in _list(body)}
    forced = choice["function"]["name"] if isinstance(choice, dict) else None
    if choice == "required":
        forced = next(iter(tools))
    return Asked(
        model=body["model"],
        is_stream=bool(body.get("stream")),
        tools={} if choice == "none" else tools,
        forced=forced,
        has_result=body["messages"][-1]["role"] == "tool",
        prompt=_text_of(body["messages"]),
        schema=shape.get("json_schema", {}).get("schema")
        or ({} if shape.get("type") == "json_object" else None),
    )


def _text_of(messages: list[Any]) -> str:
    """Return what the user said last."""
    content = next((m["content"] for m in reversed(messages) if m["role"] == "user"), "")
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content)


def _list(body: Any) -> list[Any]:  # noqa: ANN401
    return body.get("tools") or []


def chat_whole(asked: Asked, said: Said) -> Any:  # noqa: ANN401
    """Write a completion."""
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None}
    if said.call:
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": _function(said)}]
    choice = {"index": 0, "message": message, "finish_reason": _finish(said)}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": asked.model,
        "choices": [choice],
        "usage": _usage(),
    }


def chat_events(asked: Asked, said: Said) -> Iterator[bytes]:
    """Write it in chunks."""

    def chunk(delta: Any, finish: str | None = None, **more: Any) -> bytes:  # noqa: ANN401
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1}
        return _sse({**head, "model": asked.model, "choices": [choice], **more})

    yield chunk({"role": "assistant", "content": ""})
    for word in said.words:
        yield chunk({"content": word})
    if said.call:
        function = _function(said)
        begun = {"name": function["name"], "arguments": ""}
        yield chunk(
            {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": begun}]}
        )
        for piece in re.findall(r"(?s).{1,8}", function["arguments"]):
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    yield chunk({}, _finish(said))
    yield chunk({}, choices=[], usage=_usage())
    yield b"data: [DONE]\n\n"


def _function(said: Said) -> dict[str, str]:
    name, given = said.call or ("", {})
    return {"name": name, "arguments": orjson.dumps(given).decode()}


def _finish(said: Said) -> str:
    return "tool_calls" if said.call else "stop"


def _usage() -> dict[str, int]:
    return {
        "prompt_tokens": PROMPT,
        "completion_tokens": WRITTEN,
        "total_tokens": PROMPT + WRITTEN,
    }


def messages_asked(body: Any) -> Asked:  # noqa: ANN401
    """Read Anthropic's words."""
    choice = body.get("tool_choice") or {}
    tools = {t["name"]: t.get("input_schema", {}) for t in _list(body) if "name" in t}
    last = body["messages"][-1]["content"]
    forced = choice.get("name")
    if choice.get("type") == "any":
        forced = next(iter(tools))
    shape = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    return Asked(
        model=body["model"],
        is_stream=bool(body.get("stream")),
        tools={} if choice.get("type") == "none" else tools,
        forced=forced,
        has_result=isinstance(last, list) and any(b.get("type") == "tool_result" for b in last),
        prompt=_text_of(body["messages"]),
        schema=shape.get("schema"),
    )


def message_whole(asked: Asked) -> Any:  # noqa: ANN401
    """Write a message."""
    said = answer(asked)
    block: Any = {"type": "text", "text": said.text}
    if said.call:
        block = {"type": "tool_use", "id": "toolu_1", "name": said.call[0], "input": said.call[1]}
    return {
        **_message(asked),
        "content": [block],
        "stop_reason": "tool_use" if said.call else "end_turn",
        "usage": {"input_tokens": PROMPT, "output_tokens": WRITTEN},
    }


def _message(asked: Asked) -> dict[str, Any]:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": asked.model}
    usage = {"input_tokens": PROMPT, "output_tokens": 1}
    return {**head, "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}


def message_events(asked: Asked) -> Iterator[bytes]:
    """Write it event by event."""
    said = answer(asked)

    def event(kind: str, **more: Any) -> bytes:  # noqa: ANN401
        return _sse({"type": kind, **more}, kind)

    yield event("message_start", message=_message(asked))
    begun: Any = {"type": "text", "text": ""}
    deltas: list[Any] = [{"type": "text_delta", "text": word} for word in said.words]
    if said.call:
        begun = {"type": "tool_use", "id": "toolu_1", "name": said.call[0], "input": {}}
        pieces = re.findall(r"(?s).{1,8}", orjson.dumps(said.call[1]).decode())
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    yield event("content_block_start", index=0, content_block=begun)
    yield event("ping")
    for delta in deltas:
        yield event("content_block_delta", index=0, delta=delta)
    yield event("content_block_stop", index=0)
    stop = {"stop_reason": "tool_use" if said.call else "end_turn", "stop_sequence": None}
    yield event("message_delta", delta=stop, usage={"output_tokens": WRITTEN})
    yield event("message_stop")


def content_asked(body: Any, path: str) -> Asked:  # noqa: ANN401
    """Read Google's words."""
    config = body.get("generationConfig") or {}
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    declared = [d for tool in _list(body) for d in tool.get("functionDeclarations", [])]
    tools = {
        d["name"]: d.get("parametersJsonSchema") or d.get("parameters") or {} for d in declared
    }
    found = MODEL_IN_PATH.search(path)
    return Asked(
        model=found[1] if found else "",
        is_stream=":stream" in path,
        tools={} if calling.get("mode") == "NONE" else tools,
        forced=next(iter(tools)) if calling.get("mode") == "ANY" else None,
        has_result=any("functionResponse" in part for part in body["contents"][-1]["parts"]),
        schema=config.get("responseJsonSchema") or config.get("responseSchema"),
    )


def content_whole(asked: Asked) -> Any:  # noqa: ANN401
    """Write a response."""
    said = answer(asked)
    return _content(asked, _parts(said) or [{"text": said.text}], finishReason="STOP")


def content_events(asked: Asked) -> Iterator[bytes]:
    """Write several."""
    said = answer(asked)
    for word in said.words:
        yield _sse(_content(asked, [{"text": word}]))
    yield _sse(_content(asked, _parts(said), finishReason="STOP"))


def _parts(said: Said) -> list[Any]:
    return [{"functionCall": {"name": said.call[0], "args": said.call[1]}}] if said.call else []


def _content(asked: Asked, parts: list[Any], **more: Any) -> Any:  # noqa: ANN401
    candidate = {"index": 0, "content": {"role": "model", "parts": parts}, **more}
    counts = {
        "promptTokenCount": PROMPT,
        "candidatesTokenCount": WRITTEN,
        "totalTokenCount": PROMPT + WRITTEN,
    }
    told = {"modelVersion": asked.model, "responseId": "resp1", "usageMetadata": counts}
    return {"candidates": [candidate], **told}
