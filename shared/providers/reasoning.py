"""Which models think, and in whose words they are told how hard.

By platform.claude.com/docs/en/build-with-claude/adaptive-thinking and …/effort,
developers.openai.com/api/docs/guides/reasoning, docs.aws.amazon.com/nova (extended thinking) and
LiteLLM 1.109 (llms/bedrock/chat/converse_transformation.py), read 2026-11.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shared.providers.reading import mapping, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Deployment, Json, JsonObject
    from shared.providers.unsupported import Unsupported

Thinking = tuple["JsonObject | None", "str | None"]
"""What goes into Anthropic's `thinking`, and into its `output_config.effort`."""

_OPENAI: Final = frozenset({"openai", "azure"})
_OPENAIS: Final = re.compile(r"(?:^|/)(?:o[1-9](?:-|$)|gpt-(?:[5-9]|\d\d)|codex)")
_OPENAIS_CHATS: Final = re.compile(r"gpt-5(?:\.\d)?-chat")
_ON_BEDROCK: Final = re.compile(r"claude|nova-2|openai\.|deepseek|arn:")

# LiteLLM's budgets, for models that know no effort.
_BUDGETS: Final = {"minimal": 1024, "low": 1024, "medium": 2048, "high": 4096, "xhigh": 8192}
_LEAST_BUDGET: Final = 1024
_LITTLE: Final = 2_000
_MUCH: Final = 10_000

# "Claude Opus 4.7 and later require adaptive thinking", which 4.6 introduced beside budgets
# (vercel.com/docs/ai-gateway/models-and-providers/reasoning/anthropic, read 2026-11).
_BUDGETS_ONLY: Final = re.compile(
    r"claude-(?:v|2|3|instant)|(?:opus|sonnet|haiku)-4(?:[-.@][0-5](?!\d)|(?:[-@]20\d{6})|$)"
)
_EITHER: Final = re.compile(r"(?:opus|sonnet|haiku)-4[-.]6")
_ALWAYS: Final = re.compile(r"claude-(?:fable|mythos)")
"""Who cannot be told not to think."""


def reasons_at_openai(model: str) -> bool:
    """Tell whether it is one of OpenAI's models that think before they answer."""
    return bool(_OPENAIS.search(model)) and not _OPENAIS_CHATS.search(model)


def takes_effort(to: Deployment, *, is_rich: bool) -> bool:
    """Tell whether `reasoning_effort` may be sent that no caller of a chat has asked for.

    Of those that speak OpenAI's chat only OpenAI's own models are known to take it, and on Bedrock
    not all.
    """
    if to.provider == "bedrock":
        return bool(_ON_BEDROCK.search(to.model))
    return is_rich or (to.provider in _OPENAI and reasons_at_openai(to.model))


def effort_of(budget: Json) -> str | None:
    """Say a budget of tokens as an effort, by LiteLLM's steps."""
    if not isinstance(budget, int) or budget <= 0:
        return None
    return "low" if budget <= _LITTLE else "medium" if budget < _MUCH else "high"


def claudes_thinking(
    given: Mapping[str, Json], model: str, most: Json, limits: Unsupported
) -> Thinking:
    """Say in words that this Claude takes what was asked for in Anthropic's or in OpenAI's.

    `most` is the answer's limit, which a budget counts within: it is the caller's and was reserved.
    """
    asked, effort = mapping(given.get("thinking")), text(given.get("reasoning_effort"))
    if asked:
        thinking, found = _adapted(asked, model, most, limits)
        is_open = mapping(thinking).get("type") == "adaptive" and effort and effort != "none"
        return thinking, found or (_effort(effort, model) if is_open else None)
    if not effort:
        return None, None
    if effort == "none":
        return (None, "low") if _ALWAYS.search(model) else ({"type": "disabled"}, None)
    if _BUDGETS_ONLY.search(model):
        return _budget(effort, most, limits), None
    return {"type": "adaptive"}, _effort(effort, model)


def _adapted(asked: JsonObject, model: str, most: Json, limits: Unsupported) -> Thinking:
    match asked.get("type"):
        case "enabled" if not (_BUDGETS_ONLY.search(model) or _EITHER.search(model)):
            kept = {name: value for name, value in asked.items() if name != "budget_tokens"}
            return {**kept, "type": "adaptive"}, effort_of(asked.get("budget_tokens"))
        case "adaptive" if _BUDGETS_ONLY.search(model):
            return _budget("medium", most, limits), None
        case "disabled" if _ALWAYS.search(model):
            return None, None
        case _:
            return asked, None


def _effort(effort: str, model: str) -> str:
    if effort == "minimal":
        return "low"
    return "high" if effort == "xhigh" and _EITHER.search(model) else effort


def _budget(effort: str, most: Json, limits: Unsupported) -> JsonObject | None:
    within = most - 1 if isinstance(most, int) else _BUDGETS["xhigh"]
    budget = min(_BUDGETS.get(effort, _LEAST_BUDGET), within)
    if budget < _LEAST_BUDGET:
        limits.refuse("reasoning_effort", f"thinking within max_tokens={most}")
        return None
    return {"type": "enabled", "budget_tokens": budget}
