"""The bodies of `/v1/models`: OpenAI's shape with LiteLLM's constants, Anthropic's, Google's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.domain import JsonObject

_CREATED: Final = 1_677_610_602
_OWNER: Final = "openai"
_CREATED_AT: Final = "1970-01-01T00:00:00Z"
"""Anthropic's documented word for a date of release that is not known."""
_USUAL: Final = 20
_USUAL_AT_GOOGLE: Final = 50
_MOST: Final = 1000
_WHOLE: Final = re.compile(r"[0-9]{1,4}")


def model_list(names: Iterable[str]) -> JsonObject:
    """Show the models of these names, each once, in their order."""
    return {"object": "list", "data": [model_entry(name) for name in dict.fromkeys(names)]}


def model_entry(name: str) -> JsonObject:
    """Show one model."""
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": _OWNER}


@dataclass(frozen=True, slots=True)
class Page:
    """What part of a list is asked for, as it stands in the query."""

    limit: str | None = None
    after: str | None = None
    before: str | None = None


def messages_model_list(names: Iterable[str], page: Page) -> JsonObject:
    """Show one page of the models as Anthropic does; raise BadRequest for a limit that is none."""
    limit = _limit(page.limit)
    known = list(dict.fromkeys(names))
    first = known.index(page.after) + 1 if page.after in known else 0
    last = known.index(page.before) if page.before in known else len(known)
    shown = known[first:last]
    is_backwards = page.before in known and page.after not in known
    data = shown[-limit:] if is_backwards else shown[:limit]
    return {
        "data": [messages_model_entry(name) for name in data],
        "has_more": len(shown) > limit,
        "first_id": data[0] if data else None,
        "last_id": data[-1] if data else None,
    }


def _limit(asked: str | None) -> int:
    return _whole(asked or str(_USUAL), "limit")


def _whole(spelt: str, param: str) -> int:
    if _WHOLE.fullmatch(spelt) and 1 <= int(spelt) <= _MOST:
        return int(spelt)
    raise BadRequest(f"{param} must be an integer between 1 and {_MOST}.", param=param)


def messages_model_entry(name: str) -> JsonObject:
    """Show one model as Anthropic does."""
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": _CREATED_AT,
        "lifecycle": "active",
    }


def content_model_list(names: Iterable[str], size: str | None, token: str | None) -> JsonObject:
    """Show one page of the models as Google does; the token is the last name that was shown.

    Raise BadRequest for a size that is none. By ai.google.dev/api/models, read 2026-11.
    """
    most = _USUAL_AT_GOOGLE if size is None else _whole(size, "pageSize")
    known = list(dict.fromkeys(names))
    first = known.index(token) + 1 if token in known else 0
    shown = known[first : first + most]
    body: JsonObject = {"models": [content_model_entry(name) for name in shown]}
    return body | ({"nextPageToken": shown[-1]} if first + most < len(known) else {})


def content_model_entry(name: str) -> JsonObject:
    """Show one model as Google does."""
    return {
        "name": f"models/{name}",
        "displayName": name,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    }
