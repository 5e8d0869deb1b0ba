"""Two calls share an answer only if everything that may change it agrees, and the tenant does."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.cache.keys import EVERYBODY, call_key, input_keys, tenant_of
from shared.controls import Handling
from shared.domain import Call, Endpoint, Key, Millis, Principal, Scope

if TYPE_CHECKING:
    from shared.domain import Json

BODY: dict[str, Json] = {"messages": [{"role": "user", "content": "Hello"}]}
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
json = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)
bodies = st.dictionaries(
    st.sampled_from(["messages", "temperature", "seed", "tools", "stream", "n", "x"]), json
)


def call(body: dict[str, Json], endpoint: Endpoint = Endpoint.CHAT, **fields: Any) -> Call:  # noqa: ANN401 - any field
    return Call(id="1", endpoint=endpoint, model="gpt", body=body, **fields)


def key_of(body: dict[str, Json], group: str = "gpt", namespace: str = "") -> str:
    return call_key(call(body), group, EVERYBODY, namespace)


def principal(**fields: Any) -> Principal:  # noqa: ANN401 - any field
    columns = {"entity_id": "hash", "version": 1, "budget_started_at": Millis(0), **fields}
    return Principal(key=Key(scope=Scope.KEY, **columns))


def told(value: object) -> object:
    """Tell 1, 1.0 and true apart, which Python calls equal."""
    match value:
        case dict():
            return {name: told(item) for name, item in value.items()}
        case list():
            return [told(item) for item in value]
        case _:
            return type(value).__name__, repr(value)


@given(bodies, bodies)
def test_two_bodies_share_a_key_only_if_they_are_the_same(
    one: dict[str, Json], other: dict[str, Json]
) -> None:
    assert (told(one) == told(other)) == (key_of(one) == key_of(other))


@given(bodies, st.randoms(use_true_random=False))
def test_the_order_of_the_fields_does_not_matter(body: dict[str, Json], random: Any) -> None:  # noqa: ANN401
    fields = list(body.items())
    random.shuffle(fields)

    assert key_of(body) == key_of(dict(fields))


@pytest.mark.parametrize("field", ["user", "metadata", "model", "store"])
def test_what_only_labels_a_call_is_not_in_the_key(field: str) -> None:
    assert key_of(BODY) == key_of({**BODY, field: "x"})


def test_group_namespace_endpoint_and_tenant_are_in_the_key() -> None:
    completion = call(BODY, Endpoint.COMPLETION)

    keys = {
        key_of(BODY),
        key_of(BODY, group="other"),
        key_of(BODY, namespace="other"),
        call_key(completion, "gpt", EVERYBODY, ""),
        call_key(call(BODY), "gpt", ("team", "t1"), ""),
        call_key(call(BODY), "gpt", ("user", "t1"), ""),
    }

    assert 6 == len(keys)


def test_the_tenant_is_the_team_else_the_user_else_the_key() -> None:
    assert ("team", "t") == tenant_of(principal(team_id="t", user_id="u"))
    assert ("user", "u") == tenant_of(principal(user_id="u"))
    assert ("key", "hash") == tenant_of(principal())


def test_each_input_of_an_embedding_has_its_own_key() -> None:
    both = call({"input": ["one", "two"], "dimensions": 8}, Endpoint.EMBEDDING)
    alone = call({"input": "two", "dimensions": 8}, Endpoint.EMBEDDING)
    other = call({"input": "two", "dimensions": 9}, Endpoint.EMBEDDING)

    first, second = input_keys(both, "gpt", EVERYBODY, "")

    assert first != second
    assert [second] == input_keys(alone, "gpt", EVERYBODY, "")
    assert [second] != input_keys(other, "gpt", EVERYBODY, "")


def test_a_list_of_tokens_is_one_input() -> None:
    tokens = call({"input": [1, 2, 3]}, Endpoint.EMBEDDING)
    lists = call({"input": [[1, 2, 3], [4]]}, Endpoint.EMBEDDING)

    assert [1, 2] == [len(input_keys(each, "gpt", EVERYBODY, "")) for each in (tokens, lists)]
    assert input_keys(tokens, "gpt", EVERYBODY, "")[0] == input_keys(lists, "gpt", EVERYBODY, "")[0]


SAME_ANSWER = {
    *(
        "id",
        "trace",
        "model",
        "sent",
        "end_user",
        "num_retries",
        "timeout",
        "fallbacks",
    ),
    *("own_fallbacks", "disable_fallbacks", "cache", "deadline", "requester_ip", "metadata"),
    *("is_stream", "wants_usage_chunk"),
}
"""What changes no answer that is kept: a fallback's never is, and `stream` is in the body."""
NEVER_KEPT = {"mock", "uploads", "provider", "passing", "account_of"}
"""What only calls have that the cache has no part in (lookup.py)."""
CHANGES = {"endpoint", "body", "tags", "headers", "handling", "extra_headers"}

calls = st.builds(
    Call,
    id=st.uuids().map(str),
    model=st.sampled_from(["gpt", "an-alias"]),
    endpoint=st.sampled_from([Endpoint.CHAT, Endpoint.COMPLETION]),
    body=st.fixed_dictionaries({}, optional={"seed": st.integers(0, 1), "user": st.text()}),
    tags=st.lists(st.sampled_from(["a", "b"]), unique=True, max_size=2).map(tuple),
    headers=st.dictionaries(st.sampled_from(["anthropic-beta", "x-claude-code-id"]), st.just("1")),
    handling=st.builds(Handling, drop_params=st.booleans(), modify_params=st.booleans()),
    extra_headers=st.dictionaries(st.sampled_from(["x-a", "x-b"]), st.sampled_from("12")),
    end_user=st.none() | st.text(),
    num_retries=st.none() | st.integers(0, 3),
    timeout=st.none() | st.floats(1, 9),
    metadata=st.dictionaries(st.text(), st.text(), max_size=1),
)
tenants = st.sampled_from([("team", "a"), ("user", "a"), ("team", "b"), EVERYBODY])


def test_of_every_field_of_a_call_it_is_known_whether_it_changes_the_answer() -> None:
    assert {field.name for field in fields(Call)} == SAME_ANSWER | NEVER_KEPT | CHANGES


@given(calls, calls, tenants, tenants, st.sampled_from("xy"), st.sampled_from("xy"))
def test_two_calls_share_an_entry_only_if_all_that_changes_the_answer_agrees(
    one: Call,
    other: Call,
    one_tenant: tuple[str, str],
    other_tenant: tuple[str, str],
    one_space: str,
    other_space: str,
) -> None:
    def telling(call: Call) -> list[object]:
        body = {name: value for name, value in call.body.items() if name != "user"}
        beta = call.headers.get("anthropic-beta")
        return [call.endpoint, body, {*call.tags}, beta, call.handling, call.extra_headers]

    agree = (telling(one), one_tenant, one_space) == (telling(other), other_tenant, other_space)
    is_shared = call_key(one, "gpt", one_tenant, one_space) == call_key(
        other, "gpt", other_tenant, other_space
    )

    assert agree == is_shared


@given(calls)
def test_whatever_changes_no_answer_leaves_the_key_as_it_is(call: Call) -> None:
    same = replace(call, id="other", end_user="other", num_retries=9, timeout=9.5, metadata={})

    assert call_key(call, "gpt", EVERYBODY, "") == call_key(same, "gpt", EVERYBODY, "")
