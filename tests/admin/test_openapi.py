"""One OpenAPI document tells both apps, and the management API keeps to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import checks
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok

from functions.admin.examples import EXAMPLES, PARTS
from functions.proxy.app import make_app as make_proxy
from shared.wire.llm_openapi import llm_paths
from tests.admin.asking import MASTER_KEY
from tests.gateway.given import model

if TYPE_CHECKING:
    from starlette.routing import Route

    from tests.admin.asking import Admin
    from tests.provider import Provider

LLM_PATHS = ("/v1/", "/v1beta/")


CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
)
"""All checks of one answer. What asks again by itself (authentication ignored, ids used after they
were deleted, others' ids) is in test_permissions.py; that whatever fits a schema is accepted cannot
be asked of ids that must exist."""


async def document(admin: Admin) -> dict[str, Any]:
    return (await admin.http.get("/openapi.json")).json()


async def test_the_document_tells_both_apps(admin: Admin) -> None:
    paths = (await document(admin))["paths"]

    assert {"/key/generate", "/model/new", "/v1/chat/completions", "/v1/messages"} <= paths.keys()


def test_every_llm_route_is_told_and_every_route_told_is_there() -> None:
    served = {
        (method.lower(), route.path.replace(":path", ""))
        for route in cast("list[Route]", make_proxy().routes)
        for method in (route.methods or set()) - {"HEAD"}
        if route.path.startswith(LLM_PATHS) and "engines" not in route.path
    }

    told = {
        (method, path)
        for path, operations in llm_paths().items()
        for method in cast("dict[str, Any]", operations)
    }

    untold = {path for _, path in served - told}
    assert set() == told - served
    assert {
        "/v1/models/{model}:countTokens",
        "/v1/models/{model}:generateContent",
        "/v1/models/{model}:streamGenerateContent",
        "/v1/responses/{response_id}/input_items",
        "/v1/responses/{response_id}/cancel",
    } == untold


async def test_every_operation_says_how_it_fails_and_who_may(admin: Admin) -> None:
    paths = (await document(admin))["paths"]

    incomplete = [
        (method, path)
        for path, operations in paths.items()
        for method, operation in operations.items()
        if "4XX" not in operation["responses"]
        or ("security" not in operation and not path.startswith("/health/"))
    ]

    assert [] == incomplete


async def test_every_body_has_an_example(admin: Admin) -> None:
    paths = (await document(admin))["paths"]

    without = [
        (method, path)
        for path, operations in paths.items()
        for method, operation in operations.items()
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json" and "example" not in content
    ]

    assert [] == without


async def test_the_examples_are_a_story_that_comes_true(admin: Admin, provider: Provider) -> None:
    await admin.made("/model/new", **model("gpt-4o-mini", provider.url))

    statuses: dict[str, int] = {}
    for route, body in EXAMPLES.items():
        method, path = route.split(" ")
        for part, name in PARTS.items():
            path = path.replace(part, name)
        statuses[route] = (await admin.send(method, path, body)).status_code

    refused = {route: status for route, status in statuses.items() if status != 200}
    # No callback is ever in use here: none can be set, nor one taken away.
    assert {"POST /team/{team_id}/callback": 400, "POST /config/callback/delete": 404} == refused


async def test_there_are_docs(admin: Admin) -> None:
    assert "swagger" in (await admin.http.get("/docs")).text


async def test_routes_are_listed(admin: Admin) -> None:
    routes = (await admin.get("/routes")).json()["routes"]

    assert {"path": "/v1/chat/completions", "methods": ["POST"]} in routes


@pytest.mark.slow
async def test_schemathesis_finds_nothing(admin: Admin) -> None:
    """Every management operation, with bodies made from its schema: no 5xx, answers as told."""
    raw = await document(admin)
    raw["paths"] = {
        path: operations
        for path, operations in raw["paths"].items()
        if not path.startswith((*LLM_PATHS, "/global/spend/reset")) or path == "/v1/model/info"
    }
    schema = schemathesis.openapi.from_dict(raw)
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    failures: list[str] = []
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        await _try_operation(admin, result.ok(), headers, failures)

    assert not failures, "\n\n".join(failures)


async def _try_operation(
    admin: Admin,
    operation: Any,  # noqa: ANN401 - schemathesis has no public type for it
    headers: dict[str, str],
    failures: list[str],
) -> None:
    cases: list[Any] = []

    @settings(
        max_examples=15,
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(case=operation.as_strategy())
    def collect(case: Any) -> None:  # noqa: ANN401 - as above
        cases.append(case)

    collect()
    for case in cases:
        sent = case.as_transport_kwargs(base_url="http://gateway", headers=headers)
        sent.pop("cookies", None)
        try:
            reply = await admin.http.request(**sent)
        except (httpx.InvalidURL, UnicodeEncodeError, ValueError):
            continue
        try:
            case.validate_response(
                schemathesis.Response.from_any(reply),
                checks=[checks.CHECKS.get_one(name) for name in CHECKED],
            )
        except FailureGroup as found:
            failures += [
                f"{case.method} {case.path}: {str(each)[:600]}" for each in found.exceptions
            ]
            break
