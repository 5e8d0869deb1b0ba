"""Whatever bytes an event is: it becomes a clean request or a BadRequest, and nothing else."""

from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BadRequest
from shared.runtime.events import read_event
from shared.runtime.process import Invocation
from shared.runtime.streaming import decode
from tests.functions.http_events import ENTRANCES

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
INVOCATION = Invocation("id", 1_800_000_000_000)
TEXTS = st.text() | st.sampled_from(["\r\n", "a\nb", "\0", "\ud800", "é", "%", "?", "#", ":"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def is_clean(raw: bytes) -> bool:
    """Decode as the runtime loop does; say whether what came out is HTTP."""
    try:
        incoming = read_event(decode(raw), INVOCATION)
    except BadRequest:
        return True
    scope = incoming.scope
    return (
        isinstance(incoming.body, bytes)
        and scope["type"] == "http"
        and isinstance(scope["path"], str)
        and isinstance(scope["query_string"], bytes)
        and all(
            TOKEN.fullmatch(name) and not re.search(rb"[\r\n\0]", value)
            for name, value in scope["headers"]
        )
    )


@given(st.binary() | st.text().map(lambda text: text.encode(errors="replace")))
def test_bytes_of_any_kind(raw: bytes) -> None:
    assert is_clean(raw)


@given(VALUES)
def test_json_of_any_kind(value: object) -> None:
    assert is_clean(json.dumps(value).encode(errors="surrogatepass"))


@given(st.data())
def test_events_with_any_part_of_them_exchanged(data: st.DataObject) -> None:
    builder = data.draw(st.sampled_from(sorted(ENTRANCES)))
    event = ENTRANCES[builder]("POST", "/echo?a=b", [("X-A", "b")], b"{}")
    at = event
    for _ in range(data.draw(st.integers(0, 2))):
        inner = [each for each in at.values() if isinstance(each, dict) and each]
        if inner:
            at = data.draw(st.sampled_from(inner))
    at[data.draw(st.sampled_from(sorted(at)) | TEXTS)] = data.draw(VALUES)

    assert is_clean(json.dumps(event).encode(errors="surrogatepass"))


@given(st.data())
def test_events_cut_short_or_with_a_byte_exchanged(data: st.DataObject) -> None:
    builder = data.draw(st.sampled_from(sorted(ENTRANCES)))
    raw = bytearray(json.dumps(ENTRANCES[builder]("GET", "/echo", [("X-A", "b")])).encode())
    place = data.draw(st.integers(0, len(raw) - 1))
    if data.draw(st.booleans()):
        del raw[place:]
    else:
        raw[place] = data.draw(st.integers(0, 255))

    assert is_clean(bytes(raw))
