"""The admin app as a whole: health, OpenAPI, cold start."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel

from functions.admin.app import app, make_app
from functions.admin.state import State
from shared.settings import Settings
from shared.wire.admin_fields import AdminModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.admin.asking import Admin

NOBODY_LISTENS = "http://127.0.0.1:1"


@pytest.fixture
async def stranded() -> AsyncIterator[httpx.AsyncClient]:
    """The app with no store to reach."""
    settings = Settings(
        master_key="sk-master-key-of-the-tests",
        database_url="postgresql://nobody@127.0.0.1:1/none",
        redis_url=NOBODY_LISTENS,
    )
    state = State.open(settings)
    transport = httpx.ASGITransport(make_app(state))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        yield http
    await state.desk.stores.close()


@pytest.mark.parametrize("path", ["/health/liveliness", "/health/liveness"])
async def test_a_process_without_stores_is_alive(stranded: httpx.AsyncClient, path: str) -> None:
    reply = await stranded.get(path)

    assert (200, '"I\'m alive!"') == (reply.status_code, reply.text)


async def test_a_process_with_its_stores_is_ready(admin: Admin) -> None:
    reply = await admin.http.get("/health/readiness")

    assert {"status": "healthy", "db": "connected", "cache": "connected"} == reply.json()


async def test_a_process_without_redis_is_ready_and_says_so(admin: Admin) -> None:
    admin.door.faults.add("refuse", times=None)

    reply = await admin.http.get("/health/readiness")

    assert (200, "degraded", "Not connected") == (
        reply.status_code,
        reply.json()["status"],
        reply.json()["cache"],
    )


async def test_a_process_without_stores_is_not_ready(stranded: httpx.AsyncClient) -> None:
    reply = await stranded.get("/health/readiness")

    assert (503, "unhealthy") == (reply.status_code, reply.json()["status"])


async def test_openapi_refers_to_nothing_it_does_not_hold() -> None:
    described = app.openapi()

    referred = set(re.findall(r"'\$ref': '#/components/schemas/(\w+)'", str(described)))
    assert referred <= described["components"]["schemas"].keys()
    assert "max_budget" in str(described["paths"]["/key/generate"]["post"]["requestBody"])


def test_importing_the_app_loads_nothing_heavy() -> None:
    code = (
        "import sys, functions.admin.app\n"
        "print({'psycopg', 'boto3', 'yaml', 'typer', 'uvicorn'} & sys.modules.keys())"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "set()\n" == done.stdout


def test_a_start_builds_no_schema_of_a_body_and_no_request_makes_a_route() -> None:
    code = (
        "import functions.admin.app as admin\n"
        "from fastapi.routing import APIRoute\n"
        "from shared.wire import admin_keys, admin_teams\n"
        "models = admin_keys.GenerateKey, admin_keys.KeyInfo, admin_teams.TeamInfo\n"
        "print([model.__name__ for model in models if model.__pydantic_complete__])\n"
        "print({type(r).__name__ for r in admin.app.routes if not isinstance(r, APIRoute)})\n"
        "print(sum(len(r.response_fields) for r in admin.app.routes if isinstance(r, APIRoute)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ["[]", "{'Route'}", "0"] == done.stdout.splitlines()


@pytest.mark.parametrize("path", ["/health/liveliness", "/health/readiness"])
def test_a_route_for_everybody_asks_for_no_key_in_the_document(path: str) -> None:
    assert "security" not in app.openapi()["paths"][path]["get"]


def test_a_query_is_a_plain_model_since_fastapi_takes_its_fields_apart_at_once() -> None:
    queries = {
        param.field_info.annotation
        for route in app.routes
        if isinstance(route, APIRoute)
        for param in route.dependant.query_params
    }
    models = {
        query for query in queries if isinstance(query, type) and issubclass(query, BaseModel)
    }

    assert models
    assert set() == {query.__name__ for query in models if issubclass(query, AdminModel)}
