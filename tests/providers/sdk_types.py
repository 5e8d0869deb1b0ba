"""Run by an interpreter that has cohere and mistralai: check JSON on stdin against their types.

Each line is `{"vendor": …, "kind": "request" | "reply" | "chunk", "body": …}`. What does not fit,
and every field that the SDK would not send, is an error that ends it.
"""

from __future__ import annotations

import inspect
import json
import sys
import typing

from cohere.types import ChatMessageV2  # pyright: ignore[reportMissingImports] - another environment's
from cohere.v2 import raw_client as cohere  # pyright: ignore[reportMissingImports] - as above
from cohere.v2.types import (  # pyright: ignore[reportMissingImports] - as above
    V2ChatResponse,
    V2ChatStreamResponse,
)
from mistralai.client import models as mistral  # pyright: ignore[reportMissingImports] - as above
from pydantic import BaseModel, TypeAdapter

ASKED = {
    name: parameter.annotation
    for name, parameter in inspect.signature(cohere.RawV2Client.chat).parameters.items()
    if name not in {"self", "request_options"}
}
COHERE = {
    "reply": TypeAdapter(V2ChatResponse),
    "chunk": TypeAdapter(V2ChatStreamResponse),
}
MISTRAL = {
    "request": mistral.ChatCompletionRequest,
    "reply": mistral.ChatCompletionResponse,
    "chunk": mistral.CompletionChunk,
}


def check_cohere_request(body: dict[str, object]) -> None:
    assert body.keys() <= ASKED.keys() | {"stream"}, sorted(body.keys() - ASKED.keys())
    for name, value in body.items():
        if name == "messages":
            for message in typing.cast("list[object]", value):
                complete(TypeAdapter(ChatMessageV2).validate_python(message), message)
        elif name != "stream":
            complete(TypeAdapter(ASKED[name]).validate_python(value), value)


def complete(found: object, given: object, path: str = "") -> None:
    """Raise for what the types do not know: it was kept beside the fields, or lost."""
    if isinstance(found, BaseModel) and isinstance(given, dict):
        fields = type(found).model_fields
        names = {field.alias or name: name for name, field in fields.items()} | {
            n: n for n in fields
        }
        unknown = given.keys() - names.keys()
        assert not unknown, f"{path}: {type(found).__name__} has no {sorted(unknown)}"
        for name, value in given.items():
            complete(getattr(found, names[name]), value, f"{path}.{name}")
    elif isinstance(found, list) and isinstance(given, list):
        for position, (one, other) in enumerate(zip(found, given, strict=True)):
            complete(one, other, f"{path}[{position}]")


def check(vendor: str, kind: str, body: dict[str, object]) -> None:
    if vendor == "cohere" and kind == "request":
        check_cohere_request(body)
    elif vendor == "cohere":
        COHERE[kind].validate_python(body)
    else:
        found = MISTRAL[kind].model_validate(body)
        if kind == "request":
            complete(found, body)
        assert "UNKNOWN" not in repr(found), found


for line in sys.stdin:
    told = json.loads(line)
    check(told["vendor"], told["kind"], told["body"])
sys.stdout.write("ok")
