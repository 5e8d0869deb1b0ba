"""No input changes a row it should not, or gets anything but a 4xx in LiteLLM's error shape."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import MASTER_KEY, error_of

if TYPE_CHECKING:
    import httpx

    from tests.admin.asking import Admin, Json

TEXT: list[Json] = [5, 1.5, True, [], {}, ["a"], "", "a" * 256, "a\0b", "a\nb", "\x7f", "\u2028"]
MONEY: list[Json] = ["5", True, -1, -1e-9, 9_000_001, 1e300, 10**20, [], {}, [5]]
COUNT: list[Json] = ["5", True, 1.5, 5.0, -1, 2**53, 10**30, [], {}]
NAMES: list[Json] = ["a", 5, {}, [1], [None], [["a"]], [""], ["a\nb"], ["a" * 256], ["a"] * 1001]
OBJECT: list[Json] = ["a", 5, True, [], [{}], {"a": "x" * 65_536}, {"a\0": 1}, {"a": ["\0"]}]
ALIASES: list[Json] = ["a", [], {"a": 1}, {"a": None}, {"a": "b\n"}, {"": "b"}, {"a\n": "b"}]
SWITCH: list[Json] = ["true", 1, 0, [], {}]
DURATION: list[Json] = [5, True, [], {}, "", "x", "5", "-1d", "0s", "1e3d", "1d\n", "9" * 31 + "d"]
CHOICE: list[Json] = ["", "nobody", 5, True, [], {}, "PROXY_ADMIN"]
KEY: list[Json] = [*TEXT, "sk-ä-0123456789abcdef", "sk- 0123456789abcdef"]
MEMBERS: list[Json] = ["a", {}, [1], [{}], [{"role": "user"}], [{"role": "god", "user_id": "u"}]]

POLICY: dict[str, list[Json]] = {
    "organization_id": TEXT,
    "models": NAMES,
    "spend": MONEY,
    "max_budget": MONEY,
    "soft_budget": MONEY,
    "budget_duration": DURATION,
    "model_max_budget": OBJECT,
    "max_parallel_requests": [*COUNT, 2**31],
    "rpm_limit": COUNT,
    "tpm_limit": COUNT,
    "metadata": OBJECT,
    "blocked": SWITCH,
}
OF_KEY: dict[str, list[Json]] = POLICY | {
    "key_alias": TEXT,
    "user_id": TEXT,
    "team_id": TEXT,
    "duration": DURATION,
    "aliases": ALIASES,
    "config": OBJECT,
    "permissions": OBJECT,
    "allowed_routes": NAMES,
    "allowed_cache_controls": NAMES,
    "tags": NAMES,
    "key_type": CHOICE,
}
OF_USER: dict[str, list[Json]] = POLICY | {
    "user_email": [*TEXT, "no address", "a@b c"],
    "user_alias": TEXT,
    "user_role": CHOICE,
}
OF_TEAM: dict[str, list[Json]] = POLICY | {
    "team_alias": TEXT,
    "model_aliases": ALIASES,
    "tags": NAMES,
}

FIELDS: dict[str, dict[str, list[Json]]] = {
    "/key/generate": OF_KEY | {"key": [*KEY, "sk-short", "no-sk-0123456789abcdef"]},
    "/key/update": OF_KEY | {"key": [*KEY, None]},
    "/key/block": {"key": [*KEY, None]},
    "/key/unblock": {"key": [*KEY, None]},
    "/key/delete": {"keys": [*NAMES, [], ["ä"]], "key_aliases": [*NAMES, []]},
    "/user/new": OF_USER
    | {"user_id": TEXT, "teams": NAMES, "auto_create_key": [*SWITCH, None], "duration": DURATION},
    "/user/update": OF_USER | {"user_id": TEXT},
    "/team/new": OF_TEAM | {"team_id": TEXT, "members_with_roles": MEMBERS},
    "/team/update": OF_TEAM | {"team_id": [*TEXT, None]},
    "/team/block": {"team_id": [*TEXT, None]},
    "/team/unblock": {"team_id": [*TEXT, None]},
}
"""What each route must refuse, field by field."""

RAW = {
    "nothing": b"",
    "half": b'{"user_id":',
    "a list": b"[]",
    "null": b"null",
    "a number": b"5",
    "not UTF-8": b'{"user_id":"\xff\xfe"}',
    "NaN": b'{"max_budget":NaN}',
    "Infinity": b'{"max_budget":Infinity}',
    "a number too large": b'{"max_budget":1e309}',
    "NUL": b'{"user_id":"a\\u0000"}',
    "NUL in a key": b'{"metadata":{"a\\u0000":1}}',
    "a lone surrogate": b'{"user_id":"\\ud800"}',
    "a lone surrogate within": b'{"metadata":{"a":["\\udfff"]}}',
    "too deep": b'{"metadata":' + b'{"a":' * 99 + b"1" + b"}" * 99 + b"}",
    "7 MB": b'{"x":"' + b"x" * 7_000_000 + b'"}',
}
"""Bodies that no route may take."""

QUERIES: dict[str, list[dict[str, str]]] = {
    "/key/info": [{"key": value} for value in ("", "a\0", "a\n", "ä", "a" * 256)],
    "/key/list": [
        *({"page": value} for value in ("0", "-1", "x", "1.5", "9" * 30, "")),
        *({"size": value} for value in ("0", "101", "-1", "x", "9" * 30)),
        *({"sort_by": value} for value in ("token", "spend; drop table x", "SPEND", "")),
        *({"sort_order": value} for value in ("up", "asc, spend", "")),
        *({"return_full_object": value} for value in ("maybe", "2")),
        *(
            {name: value}
            for name in ("user_id", "team_id", "key_alias", "key_hash")
            for value in ("a\0", "a\n", "a" * 256, "")
        ),
    ],
    "/user/info": [{"user_id": value} for value in ("a\0", "a\n", "a" * 256, "")],
    "/team/info": [{}, *({"team_id": value} for value in ("a\0", "a\n", "a" * 256, ""))],
    "/spend/logs": [
        *({"limit": value} for value in ("0", "-1", "10001", "x", "9" * 30)),
        *({"summarize": value} for value in ("maybe", "2")),
        *(
            {name: value}
            for name in ("api_key", "user_id", "request_id", "start_date", "end_date")
            for value in ("a\0", "a\n", "a" * 256, "")
        ),
    ],
}


@pytest.fixture
async def existing(admin: Admin) -> Json:
    """The least body with which each route finds what it is to change."""
    key = (await admin.given_key(key_alias="there"))["key"]
    await admin.given_user(user_id="there", auto_create_key=False)
    await admin.given_team(team_id="there")
    return {
        "/key/update": {"key": key},
        "/user/update": {"user_id": "there"},
        "/team/update": {"team_id": "there"},
    }


def stored(admin: Admin) -> Json:
    """Every row that a refusal must leave as it was."""
    tables = ("litellm_verificationtoken", "litellm_usertable", "litellm_teamtable")
    return admin.rows(), [admin.sql(f"select * from {t} order by 2") for t in tables]  # noqa: S608 - our own names


def is_refusal(reply: httpx.Response) -> bool:
    return 400 <= error_of(reply)[0] < 500


@pytest.mark.parametrize("route", FIELDS)
async def test_no_route_takes_a_field_of_a_wrong_kind(
    admin: Admin, existing: Json, route: str
) -> None:
    before = stored(admin)
    taken = []

    for name, values in FIELDS[route].items():
        for value in values:
            body = existing.get(route, {}) | {name: value}
            reply = await admin.post_raw(route, json.dumps(body).encode())
            if not is_refusal(reply):
                taken.append((name, value, reply.text))

    assert [] == taken
    assert before == stored(admin)


@pytest.mark.parametrize("route", FIELDS)
async def test_no_route_takes_a_body_that_is_no_strict_json_object(
    admin: Admin, route: str
) -> None:
    before = stored(admin)

    taken = [name for name, raw in RAW.items() if not is_refusal(await admin.post_raw(route, raw))]

    assert [] == taken
    assert before == stored(admin)


@pytest.mark.parametrize("route", QUERIES)
async def test_no_route_takes_a_hostile_query(admin: Admin, route: str) -> None:
    taken = [query for query in QUERIES[route] if not is_refusal(await admin.get(route, query))]

    assert [] == taken


@pytest.mark.parametrize("route", FIELDS)
async def test_no_route_takes_a_compressed_body(admin: Admin, route: str) -> None:
    headers = {"authorization": f"Bearer {MASTER_KEY}", "content-encoding": "gzip"}

    reply = await admin.http.post(route, content=b"{}", headers=headers)

    assert 415 == error_of(reply)[0]


@pytest.mark.parametrize("route", [*FIELDS, *QUERIES])
async def test_another_method_is_405(admin: Admin, route: str) -> None:
    reply = await admin.http.delete(route)

    assert 405 == error_of(reply)[0]


async def test_an_unknown_route_is_404(admin: Admin) -> None:
    reply = await admin.post("/key/explode", {})

    assert 404 == error_of(reply)[0]


async def test_a_refusal_names_the_field_and_not_its_value(admin: Admin) -> None:
    reply = await admin.post("/key/generate", {"key": "sk-secret\n0123456789"})

    assert (400, "invalid_request_error", "key") == error_of(reply)
    assert "secret" not in reply.text


@pytest.mark.parametrize(
    "bearer",
    [
        "' or 1=1 --",
        "sk-' or 1=1 --",
        "sk-" + "x" * 9_000,
        "sk-\udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
    ],
)
async def test_no_bearer_token_is_more_than_a_wrong_key(admin: Admin, bearer: str) -> None:
    headers = [(b"authorization", f"Bearer {bearer}".encode("latin-1"))]

    reply = await admin.http.get("/key/list", headers=headers)

    assert 401 == error_of(reply)[0]


@pytest.mark.parametrize("name", ["a\x01b", "x" * 256])
async def test_a_hostile_name_to_act_for_is_refused(admin: Admin, name: str) -> None:
    reply = await admin.post("/team/new", {}, changed_by=name)

    assert (400, "invalid_request_error", "litellm-changed-by") == error_of(reply)


@pytest.mark.parametrize("user_id", ["a:b", "{a}", "100%", "a b", "'; drop table x", "Ω≈ç", "🔑"])
async def test_an_unusual_id_is_only_an_id(admin: Admin, user_id: str) -> None:
    made = await admin.given_user(user_id=user_id)

    reply = await admin.get("/user/info", key=made["key"])

    assert user_id == reply.json()["user_id"]


@pytest.mark.parametrize("number", ["1e30", "-1e19", "99999999999999999999999"])
async def test_a_number_that_cannot_be_shown_again_is_refused(admin: Admin, number: str) -> None:
    raw = b'{"metadata": {"deep": [%s]}}' % number.encode()

    replies = [await admin.post_raw(path, raw) for path in ("/key/generate", "/team/new")]

    assert [400, 400] == [error_of(reply)[0] for reply in replies]
