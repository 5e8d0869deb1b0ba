"""multipart/form-data (RFC 7578), read from whole bytes and written to them.

The body is in memory already and capped, so splitting it at its boundary is all there is to do: a
streaming parser would be a dependency for nothing. Names and values are as strict as JSON's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.domain import Upload
from shared.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.domain import Json, JsonObject

MAX_PARTS: Final = 200

_PARAM: Final = "request_body"
_BOUNDARY: Final = re.compile(r'boundary="?([A-Za-z0-9\'()+_,./:=? -]{1,70})"?', re.IGNORECASE)
_FIELD: Final = re.compile(r'([a-z*]+)="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f"\\]')
_PLAIN: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Form:
    """Fields, of which a repeated one is a list, and files."""

    fields: JsonObject
    uploads: tuple[Upload, ...]


def parse_form(content_type: str, body: bytes) -> Form:
    """Read a form; raise BadRequest when it is none."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise BadRequest("The multipart body has no boundary.", param=_PARAM)
    delimiter = b"\r\n--" + found.group(1).strip().encode()
    first, *parts = (b"\r\n" + body).split(delimiter, MAX_PARTS + 1)
    if len(parts) > MAX_PARTS:
        raise BadRequest(f"The form has more than {MAX_PARTS} parts.", param=_PARAM)
    if first.strip() or not parts or not parts[-1].startswith(b"--"):
        raise BadRequest("The multipart body is not complete.", param=_PARAM)
    fields: JsonObject = {}
    uploads: list[Upload] = []
    for part in parts[:-1]:
        _take(part, fields, uploads)
    return Form(fields, tuple(uploads))


def _take(part: bytes, fields: JsonObject, uploads: list[Upload]) -> None:
    head, separator, content = part.partition(b"\r\n\r\n")
    headers = _headers(head)
    told = {
        name.lower(): value
        for name, value in _FIELD.findall(headers.get("content-disposition", ""))
    }
    name = told.get("name")
    if not separator or not name:
        raise BadRequest("A part of the form has no name.", param=_PARAM)
    if "filename" in told:
        kind = headers.get("content-type", _PLAIN)
        uploads.append(Upload(name, told["filename"], kind, content))
        return
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"The field {name} is not text in UTF-8.", param=name) from error
    if "\0" in text:
        raise BadRequest("The form holds a NUL character.", param=name)
    _put(fields, name, text)


def _put(fields: JsonObject, name: str, text: str) -> None:
    before = fields.get(name)
    if isinstance(before, list):
        before.append(text)
    elif before is not None or name.endswith("[]"):
        fields[name] = [text] if before is None else [before, text]
    else:
        fields[name] = text


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("utf-8", "replace").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def render_form(
    fields: Mapping[str, Json], uploads: Iterable[Upload], boundary: str
) -> tuple[str, bytes]:
    """Write a form; return its content type and its body."""
    parts = [
        _part(boundary, f'name="{_safe(name)}"', "", _text(value).encode())
        for name, values in fields.items()
        for value in (values if isinstance(values, list) else [values])
        if value is not None
    ]
    parts += [
        _part(
            boundary,
            f'name="{_safe(upload.name)}"; filename="{_safe(upload.filename)}"',
            f"content-type: {_safe(upload.content_type)}\r\n",
            upload.content,
        )
        for upload in uploads
    ]
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", body


def _part(boundary: str, told: str, more: str, content: bytes) -> bytes:
    head = f"--{boundary}\r\ncontent-disposition: form-data; {told}\r\n{more}\r\n"
    return head.encode() + content + b"\r\n"


def _text(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _safe(text: str) -> str:
    return _UNSAFE.sub("_", text)
