"""A vendor's own web search: how often a call may use it, and how large it wants the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.domain import Usage
from shared.spend.searches import MOST_SEARCHES, search_size, searches_bound, tools_bound

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject

FUNCTION: Json = {"type": "function", "function": {"name": "web_search"}}


@pytest.mark.parametrize(
    ("body", "most"),
    [
        ({}, 0),
        ({"tools": [FUNCTION]}, 0),
        ({"tools": "all of them"}, 0),
        ({"tools": [{"type": "web_search_20250305", "max_uses": 3}]}, 3),
        ({"tools": [{"type": "web_search_20250305"}]}, MOST_SEARCHES),
        ({"tools": [{"type": "web_search_preview"}], "max_tool_calls": 2}, 2),
        ({"tools": [{"type": "web_search", "max_uses": True}]}, MOST_SEARCHES),
        ({"tools": [{"googleSearch": {}}]}, MOST_SEARCHES),
        ({"web_search_options": {}}, MOST_SEARCHES),
        ({"web_search_options": None}, 0),
    ],
)
def test_no_call_searches_more_than_it_may(body: JsonObject, most: int) -> None:
    assert most == searches_bound(body)


@pytest.mark.parametrize(
    ("tool", "most"),
    [
        (FUNCTION, Usage()),
        ({"type": "file_search", "vector_store_ids": ["v"]}, Usage(file_searches=5)),
        ({"type": "code_interpreter", "container": {"type": "auto"}}, Usage(containers=1)),
        ({"type": "code_interpreter", "container": "cntr_mine"}, Usage()),
        ({"googleMaps": {}}, Usage(map_searches=5)),
        ({"type": "web_search"}, Usage(searches=5)),
    ],
)
def test_what_a_vendors_own_tools_may_cost_is_bounded(tool: Json, most: Usage) -> None:
    assert most == tools_bound({"tools": [tool], "max_tool_calls": 5})


@pytest.mark.parametrize(
    ("body", "size"),
    [
        ({}, "medium"),
        ({"web_search_options": {}}, "medium"),
        ({"web_search_options": {"search_context_size": "high"}}, "high"),
        ({"web_search_options": {"search_context_size": "huge"}}, "medium"),
        ({"tools": [{"type": "web_search_preview", "search_context_size": "low"}]}, "low"),
    ],
)
def test_the_size_that_is_asked_for_is_read(body: JsonObject, size: str) -> None:
    assert size == search_size(body, "openai")


def test_perplexity_reads_little_unless_it_is_asked_for_more() -> None:
    asked: JsonObject = {"web_search_options": {"search_context_size": "medium"}}

    assert ("low", "medium") == (search_size({}, "perplexity"), search_size(asked, "perplexity"))
