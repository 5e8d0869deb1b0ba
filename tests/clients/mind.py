"""What the fake model says: a call of the first tool, JSON that fits a schema, or a sentence."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

ORDER = re.compile(r"CALL (\w+) (\{[^}]*\})")
"""How a prompt says which of an agent's own tools the model shall call."""
MOST_TOOLS = 3
"""Who brings more is an agent, whose tools are called only on order."""
SENTENCE = "Hello from the fake model, word by word."
SUNNY = "The tool says it is sunny."


@dataclass(frozen=True)
class Asked:
    """A conversation as any vendor's words tell it: what may be called, what must be written."""

    model: str
    is_stream: bool
    tools: dict[str, Any] = field(default_factory=dict[str, Any])
    """Schemas of the arguments by name."""
    forced: str | None = None
    has_result: bool = False
    schema: Any = None
    prompt: str = ""


@dataclass(frozen=True)
class Said:
    """An answer: words, or a call."""

    words: tuple[str, ...] = ()
    call: tuple[str, Any] | None = None

    @property
    def text(self) -> str:
        return "".join(self.words)


def answer(asked: Asked) -> Said:
    """Answer; a tool is called once, and its result ends the matter."""
    if asked.has_result and asked.schema is None and asked.forced is None:
        return Said(_words(SUNNY))
    if order := ORDER.search(asked.prompt):
        return Said(call=(order[1], json.loads(order[2])))
    is_agent = len(asked.tools) > MOST_TOOLS
    name = asked.forced or next(iter(() if is_agent else asked.tools), None)
    if name is not None and not (asked.has_result and asked.forced is None):
        return Said(call=(name, made_of(asked.tools.get(name, {}))))
    if asked.schema is not None:
        return Said(_words(json.dumps(made_of(asked.schema))))
    return Said(_words(SENTENCE))


def made_of(schema: Any, whole: Any = None, depth: int = 0) -> Any:  # noqa: ANN401, C901, PLR0911, PLR0912
    """Make the simplest value that fits a JSON Schema."""
    whole = schema if whole is None else whole
    if "$ref" in schema:
        found = whole
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return made_of(found, whole, depth + 1)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return made_of(schema[choice][0], whole, depth + 1)
    kind = schema.get("type", "object")
    match kind[0] if isinstance(kind, list) else kind.lower():
        case "string":
            return "Bern"
        case "integer":
            return 7
        case "number":
            return 1.5
        case "boolean":
            return True
        case "array":
            return [made_of(schema.get("items", {"type": "string"}), whole, depth + 1)]
        case "null":
            return None
        case _:
            fields = schema.get("properties", {})
            return {name: made_of(inner, whole, depth + 1) for name, inner in fields.items()}


def _words(text: str) -> tuple[str, ...]:
    words = text.split(" ")
    return (*(f"{word} " for word in words[:-1]), words[-1])
