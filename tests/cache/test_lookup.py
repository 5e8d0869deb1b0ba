"""When the cache has a part in a call, and what it may do there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.cache.lookup import MAX_INPUT_BYTES, MAX_INPUTS, check_controls, lookup_of
from shared.config.loading import read_config
from shared.controls import CacheControl
from shared.domain import Call, Endpoint, Key, Millis, Principal, Scope
from shared.errors import NotPermitted

if TYPE_CHECKING:
    from shared.cache.lookup import Lookup
    from shared.domain import Json

WHO = Principal(key=Key(scope=Scope.KEY, entity_id="k", version=1, budget_started_at=Millis(0)))
MESSAGE: Json = {"role": "user", "content": "Hello"}


def lookup(
    control: CacheControl = CacheControl(),  # noqa: B008 - frozen
    *,
    endpoint: Endpoint = Endpoint.CHAT,
    body: dict[str, Json] | None = None,
    on: bool = True,
    **params: Json,
) -> Lookup | None:
    config, findings = read_config({"litellm_settings": {"cache": on, "cache_params": params}}, {})
    assert [] == findings.problems
    asked = {"messages": [MESSAGE]} if body is None else body
    call = Call(id="1", endpoint=endpoint, model="m", body=asked, cache=control)
    return lookup_of(call, WHO, "m", config)


def test_without_a_cache_there_is_nothing_to_look_up() -> None:
    assert lookup(on=False) is None
    assert lookup() is not None


def test_off_by_default_asks_for_use_cache() -> None:
    assert lookup(mode="default_off") is None
    assert lookup(CacheControl(use_cache=True), mode="default_off") is not None


def test_no_cache_still_keeps_and_no_store_still_reads() -> None:
    found = [lookup(CacheControl(no_cache=True)), lookup(CacheControl(no_store=True))]

    assert [(False, True), (True, False)] == [(f.is_read, f.is_kept) for f in found if f]
    assert lookup(CacheControl(no_cache=True, no_store=True)) is None


def test_the_requests_ttl_goes_before_the_configured_one() -> None:
    found = [lookup(ttl=7), lookup(CacheControl(ttl=2.5), ttl=7), lookup(CacheControl(ttl=0))]

    assert [(7000, True), (2500, True), (0, False)] == [(f.ttl_ms, f.is_kept) for f in found if f]


@pytest.mark.parametrize(
    ("params", "count", "is_cached"),
    [
        ({}, 4, True),
        ({}, 5, False),
        ({"max_messages": None}, 5, True),
        ({"max_messages": 1}, 2, False),
    ],
)
def test_long_conversations_are_left_alone(
    params: dict[str, Any], count: int, *, is_cached: bool
) -> None:
    found = lookup(body={"messages": [MESSAGE] * count}, **params)

    assert is_cached == (found is not None)


def test_only_supported_call_types_are_cached() -> None:
    listed: Any = ["acompletion", "aembedding"]

    assert lookup(supported_call_types=listed) is not None
    assert lookup(endpoint=Endpoint.COMPLETION, supported_call_types=listed) is None


def test_embeddings_are_looked_up_up_to_a_number_of_inputs_each_of_a_size() -> None:
    found = lookup(endpoint=Endpoint.EMBEDDING, body={"input": [str(i) for i in range(100)]})

    assert found is not None
    assert (MAX_INPUTS, MAX_INPUT_BYTES) == (len(found.keys), found.max_bytes)
    assert 0 == found.wait_seconds


def test_a_key_with_a_list_of_controls_may_set_no_other() -> None:
    call = Call(
        id="1", endpoint=Endpoint.CHAT, model="m", body={}, cache=CacheControl(asked=("ttl",))
    )

    check_controls(call, ())
    check_controls(call, ("ttl", "no-cache"))
    with pytest.raises(NotPermitted, match="Not allowed to set ttl as a cache control"):
        check_controls(call, ("no-cache",))
