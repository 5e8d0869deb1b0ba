"""What the metadata of a key and its team wishes for each of their calls. Pure.

As LiteLLM reads it (add_key_level_controls and add_team_and_project_level_controls in its
proxy/litellm_pre_call_utils.py, version 1.106, read 2026-11).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.wire.cache_controls import cache_control
from shared.wire.checks import Unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.controls import CacheControl
    from shared.domain import Call, Json, Principal


def with_standing_wishes(principal: Principal, call: Call) -> Call:
    """Return the call with their tags beside its own, without fallbacks or cache as they say."""
    of_key = principal.key.metadata
    of_team: Mapping[str, Json] = principal.team.metadata if principal.team else {}
    if not of_key and not of_team:
        return call
    tags = tuple(dict.fromkeys((*call.tags, *_tags(of_key), *_tags(of_team))))
    return replace(
        call,
        tags=tags,
        disable_fallbacks=call.disable_fallbacks or of_key.get("disable_fallbacks") is True,
        cache=_cache(of_key) or call.cache,
    )


def _tags(metadata: Mapping[str, Json]) -> tuple[str, ...]:
    told = metadata.get("tags")
    return tuple(t for t in told if isinstance(t, str) and t) if isinstance(told, list) else ()


def _cache(metadata: Mapping[str, Json]) -> CacheControl | None:
    """Read the controls, which the key need not be allowed to ask for; none that are wrong."""
    told = metadata.get("cache")
    if told is None:
        return None
    try:
        return replace(cache_control(told), asked=())
    except Unfit:
        return None
