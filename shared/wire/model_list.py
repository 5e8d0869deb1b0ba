"""The bodies of `/v1/models`, in OpenAI's shape with LiteLLM's constants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.domain import JsonObject

_CREATED: Final = 1_677_610_602
_OWNER: Final = "openai"


def model_list(names: Iterable[str]) -> JsonObject:
    """Show the models of these names, each once, in their order."""
    return {"object": "list", "data": [model_entry(name) for name in dict.fromkeys(names)]}


def model_entry(name: str) -> JsonObject:
    """Show one model."""
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": _OWNER}
