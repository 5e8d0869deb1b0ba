"""A vendor's own web search: whether a call may use it, how often at most, how large. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.domain import Json, JsonObject
    from shared.spend.prices import SearchSize

MOST_SEARCHES: Final = 20
"""What is reserved for where neither caller nor vendor bounds it; what goes beyond is charged."""

_GOOGLES: Final = ("googleSearch", "google_search", "googleSearchRetrieval")


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
    tools = body.get("tools")
    for tool in tools if isinstance(tools, list) else ():
        if not isinstance(tool, dict):
            continue
        kind = tool.get("type")
        is_named = isinstance(kind, str) and kind.startswith("web_search")
        if is_named or any(name in tool for name in _GOOGLES):
            yield tool


def _most(tool: JsonObject, body: Mapping[str, Json]) -> int:
    """Read what bounds it: Anthropic's `max_uses` of the tool, OpenAI's `max_tool_calls`."""
    for bound in (tool.get("max_uses"), body.get("max_tool_calls")):
        if isinstance(bound, int) and not isinstance(bound, bool) and bound >= 0:
            return bound
    return MOST_SEARCHES
