"""What the demo provider answers: made up, and the same for the same request.

A token is four bytes of text, begun ones counted, so that what a call costs can be checked by hand.
"""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable

CREATED = 1_767_225_600  # one moment for all answers: they are repeatable
BYTES_PER_TOKEN = 4
EMBEDDING_SIZE = 8
MODEL = "demo"
JsonObject = dict[str, object]


class Wrong(ValueError):  # noqa: N818 - reads as a sentence: `raise Wrong`
    """The message is OpenAI's error message."""


def chat(asked: JsonObject) -> JsonObject:
    """Answer a chat by telling how it ended."""
    messages = asked.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Wrong("'messages' must be a list with at least one message")
    prompt = "\n".join(_text(as_object(message).get("content")) for message in messages)
    said = _text(as_object(messages[-1]).get("content"))
    choices: list[JsonObject] = []
    for index in range(_count(asked)):
        text, finish = _cut(f"This is the demo model. You said: {said}", asked)
        message = {"role": "assistant", "content": text, "refusal": None}
        choices.append(
            {"index": index, "message": message, "logprobs": None, "finish_reason": finish},
        )
    texts = [str(as_object(choice["message"])["content"]) for choice in choices]
    return _whole("chat.completion", "chatcmpl-", asked, choices) | {"usage": usage(prompt, texts)}


def completion(asked: JsonObject) -> JsonObject:
    """Answer a plain completion by going on with the prompt."""
    prompt = _text(asked.get("prompt", ""))
    text, finish = _cut(f" … and so on, says the demo model about: {prompt}", asked)
    choices: list[JsonObject] = [
        {"index": index, "text": text, "logprobs": None, "finish_reason": finish}
        for index in range(_count(asked))
    ]
    told = usage(prompt, [text] * len(choices))
    return _whole("text_completion", "cmpl-", asked, choices) | {"usage": told}


def embeddings(asked: JsonObject) -> JsonObject:
    """Embed texts as unit vectors made of their digests."""
    given = asked.get("input")
    texts = [_text(each) for each in given] if isinstance(given, list) else [_text(given)]
    size = asked.get("dimensions", EMBEDDING_SIZE)
    is_base64 = asked.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _vector(text, size, is_base64)}
        for index, text in enumerate(texts)
    ]
    tokens = sum(map(count_tokens, texts))
    told = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": _model(asked), "usage": told}


def models(_asked: JsonObject) -> JsonObject:
    """List the one model."""
    entry = {"id": MODEL, "object": "model", "created": CREATED, "owned_by": "tollgate"}
    return {"object": "list", "data": [entry]}


def usage(prompt: str, texts: Iterable[str]) -> JsonObject:
    """Count the tokens of a prompt and of what was said to it."""
    prompt_tokens, completion_tokens = count_tokens(prompt), sum(map(count_tokens, texts))
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def count_tokens(text: str) -> int:
    """Count four bytes as a token, begun ones too."""
    return math.ceil(len(text.encode()) / BYTES_PER_TOKEN)


def error_body(message: str, kind: str) -> JsonObject:
    """Return OpenAI's error object."""
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def _whole(kind: str, prefix: str, asked: JsonObject, choices: list[JsonObject]) -> JsonObject:
    digest = hashlib.sha256(orjson.dumps(asked)).hexdigest()[:24]
    return {
        "id": prefix + digest,
        "object": kind,
        "created": CREATED,
        "model": _model(asked),
        "choices": choices,
    }


def _cut(text: str, asked: JsonObject) -> tuple[str, str]:
    """Shorten the text to the tokens allowed; say why it ends."""
    allowed = asked.get("max_completion_tokens") or asked.get("max_tokens")
    if not isinstance(allowed, int) or count_tokens(text) <= allowed:
        return text, "stop"
    return text.encode()[: allowed * BYTES_PER_TOKEN].decode(errors="ignore"), "length"


def _count(asked: JsonObject) -> int:
    n = asked.get("n") or 1
    if not isinstance(n, int) or not 1 <= n <= 128:  # noqa: PLR2004 - OpenAI's own limit
        raise Wrong("'n' must be a number from 1 to 128")
    return n


def _vector(text: str, size: object, is_base64: bool) -> list[float] | str:  # noqa: FBT001
    if not isinstance(size, int) or not 1 <= size <= 4096:  # noqa: PLR2004
        raise Wrong("'dimensions' must be a number from 1 to 4096")
    digest = hashlib.shake_256(text.encode()).digest(size)
    raw = [byte / 127.5 - 1 for byte in digest]
    length = math.hypot(*raw)
    vector = [value / length for value in raw]
    if is_base64:
        return base64.b64encode(struct.pack(f"<{size}f", *vector)).decode()
    return vector


def _model(asked: JsonObject) -> str:
    return str(asked.get("model") or MODEL)


def as_object(value: object) -> JsonObject:
    """Return an object as it is, anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def _text(content: object) -> str:
    """Return the text of a message's content, of parts, of a prompt or of a list of tokens."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return " ".join(_text(each) for each in content)
    if isinstance(content, dict):
        return _text(content.get("text"))
    return "" if content is None else str(content)
