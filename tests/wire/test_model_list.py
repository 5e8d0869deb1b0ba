from __future__ import annotations

from typing import Any

import pytest

from shared.errors import BadRequest
from shared.wire.model_list import Page, messages_model_list, model_entry, model_list


def test_a_model_is_shown_in_openais_shape_with_litellms_constants() -> None:
    assert {
        "id": "gpt-4o",
        "object": "model",
        "created": 1677610602,
        "owned_by": "openai",
    } == model_entry("gpt-4o")


def test_a_list_shows_each_name_once_in_its_order() -> None:
    assert {
        "object": "list",
        "data": [model_entry("b"), model_entry("a")],
    } == model_list(["b", "a", "b"])


def test_no_models_are_an_empty_list() -> None:
    assert {"object": "list", "data": []} == model_list([])


@pytest.mark.parametrize(
    ("page", "ids", "has_more"),
    [
        (Page(), ["a", "b", "c"], False),
        (Page(limit="2"), ["a", "b"], True),
        (Page(limit="1", after="a"), ["b"], True),
        (Page(limit="1", before="c"), ["b"], True),
        (Page(limit="9", after="c"), [], False),
    ],
)
def test_anthropics_list_is_read_page_by_page(
    page: Page, ids: list[str], *, has_more: bool
) -> None:
    found: Any = messages_model_list(["a", "b", "c", "a"], page)

    assert (ids, has_more) == ([entry["id"] for entry in found["data"]], found["has_more"])


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "99999999999"])
def test_a_limit_that_is_none_is_refused(limit: str) -> None:
    with pytest.raises(BadRequest, match="limit"):
        messages_model_list(["a"], Page(limit=limit))
