"""A vendor's own tools that it bills apart: whether a call may use them, and how often at most.

They search the web, files and maps, and run code in containers. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.domain import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.domain import Json, JsonObject
    from shared.spend.prices import SearchSize

MOST_SEARCHES: Final = 20
"""What is reserved for where neither caller nor vendor bounds it; what goes beyond is charged."""

_GOOGLES: Final = ("googleSearch", "google_search", "googleSearchRetrieval")
_GOOGLES_MAPS: Final = ("googleMaps", "google_maps")


def tools_bound(body: Mapping[str, Json]) -> Usage:
    """Return the most that a call may use of such tools."""
    return Usage(
        searches=searches_bound(body),
        file_searches=sum(
            _most(tool, body) for tool in _tools(body) if tool.get("type") == "file_search"
        ),
        map_searches=sum(
            _most(tool, body) for tool in _tools(body) if any(n in tool for n in _GOOGLES_MAPS)
        ),
        containers=sum(_makes_a_container(tool) for tool in _tools(body)),
    )


def searches_bound(body: Mapping[str, Json]) -> int:
    """Return how many web searches a call may make."""
    found = [_most(tool, body) for tool in _search_tools(body)]
    if body.get("web_search_options") is not None:
        found.append(MOST_SEARCHES)
    return sum(found)


def search_size(body: Mapping[str, Json], provider: str) -> SearchSize:
    """Return how large the caller wants what a search finds to be, else what the vendor takes."""
    options = body.get("web_search_options")
    places = [options, *_search_tools(body)]
    for place in places:
        size = place.get("search_context_size") if isinstance(place, dict) else None
        if size in ("low", "medium", "high"):
            return size
    return "low" if provider == "perplexity" else "medium"


def _search_tools(body: Mapping[str, Json]) -> Iterator[JsonObject]:
    for tool in _tools(body):
        kind = tool.get("type")
        is_named = isinstance(kind, str) and kind.startswith("web_search")
        if is_named or any(name in tool for name in _GOOGLES):
            yield tool


def _tools(body: Mapping[str, Json]) -> Iterator[JsonObject]:
    tools = body.get("tools")
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict):
            yield tool


def _makes_a_container(tool: JsonObject) -> bool:
    """Say whether OpenAI makes a container for a tool: not where the call names one that it has."""
    return tool.get("type") == "code_interpreter" and not isinstance(tool.get("container"), str)


def _most(tool: JsonObject, body: Mapping[str, Json]) -> int:
    """Read what bounds it: Anthropic's `max_uses` of the tool, OpenAI's `max_tool_calls`."""
    for bound in (tool.get("max_uses"), body.get("max_tool_calls")):
        if isinstance(bound, int) and not isinstance(bound, bool) and bound >= 0:
            return bound
    return MOST_SEARCHES
