"""Tools of the Responses API as functions of chat completions, and back.

Chat completions know functions only. A free-form (custom) tool becomes a function of one text; the
functions of a namespace get its name before theirs, and both are told apart again in the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import orjson

from shared.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.domain import Json, JsonObject

MAX_NAME: Final = 64
INPUT: Final = "input"

_NEVER_NEEDED: Final = ("web_search", "tool_search")
"""A model without these answers from what it knows: they may be left out (Codex always sends one).

What a caller's own data or machine hangs from, file_search say, is refused instead.
"""


@dataclass(frozen=True, slots=True)
class Tools:
    """A request's tools: as chat functions, and what each function was called before."""

    functions: list[Json] = field(default_factory=list["Json"])
    custom: frozenset[str] = frozenset()
    namespaced: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """From a flat name to namespace and name."""

    def call_item(self, name: str, arguments: str) -> JsonObject:
        """Describe a function call as the item that the caller's tool expects, ids apart."""
        if name in self.custom:
            return {"type": "custom_tool_call", "name": name, "input": _only_text(arguments)}
        item: JsonObject = {"type": "function_call", "name": name, "arguments": arguments}
        if name in self.namespaced:
            namespace, own = self.namespaced[name]
            item |= {"name": own, "namespace": namespace}
        return item


def read_tools(tools: Json) -> Tools:
    """Read a request's `tools`; raise BadRequest for those only a Responses provider runs."""
    functions: list[Json] = []
    custom: set[str] = set()
    namespaced: dict[str, tuple[str, str]] = {}
    for position, tool in enumerate(tools if isinstance(tools, list) else []):
        if not isinstance(tool, dict):
            continue
        match tool.get("type"):
            case "function":
                functions.append(_function(tool))
            case "custom":
                functions.append(_free_form(tool))
                custom.add(str(tool.get("name")))
            case "namespace":
                for inner in _inner(tool):
                    flat = flat_name(tool.get("name"), inner.get("name"))
                    namespaced[flat] = (str(tool.get("name")), str(inner.get("name")))
                    functions.append(_function({**inner, "name": flat}))
            case kind:
                _check_optional(kind, position)
    return Tools(functions, frozenset(custom), namespaced)


def flat_name(namespace: Json, name: Json) -> str:
    """Join a namespace and a name into what a function may be called."""
    return f"{namespace}__{name}"[:MAX_NAME] if namespace else str(name)


def chat_choice(choice: Json, tools: Tools) -> Json:
    """Translate `tool_choice`; raise BadRequest when it asks for a tool that chat has not."""
    if not isinstance(choice, dict):
        return choice
    match choice.get("type"):
        case "function" | "custom":
            name = flat_name(choice.get("namespace"), choice.get("name"))
            return {"type": "function", "function": {"name": name}}
        case "allowed_tools":
            return choice.get("mode") if tools.functions else None
        case kind:
            raise BadRequest(
                f"/responses: tool_choice {kind!r} is not supported by this model's provider.",
                param="tool_choice",
            )


def allowed(choice: Json, functions: list[Json]) -> list[Json]:
    """Keep of the functions those that `tool_choice` allows."""
    if not isinstance(choice, dict) or choice.get("type") != "allowed_tools":
        return functions
    listed = choice.get("tools")
    names = {
        flat_name(tool.get("namespace"), tool.get("name"))
        for tool in (listed if isinstance(listed, list) else [])
        if isinstance(tool, dict)
    }
    return [tool for tool in functions if _name_of(tool) in names]


def custom_arguments(text: Json) -> str:
    """Write a free-form input as the arguments of the function that stands for its tool."""
    return orjson.dumps({INPUT: text}).decode()


def _inner(namespace: JsonObject) -> Iterator[JsonObject]:
    inner = namespace.get("tools")
    for tool in inner if isinstance(inner, list) else []:
        if isinstance(tool, dict) and tool.get("type", "function") == "function":
            yield tool


def _function(tool: JsonObject) -> JsonObject:
    names = ("name", "description", "parameters", "strict")
    told = {name: tool[name] for name in names if tool.get(name) is not None}
    return {"type": "function", "function": told}


def _free_form(tool: JsonObject) -> JsonObject:
    rules = tool.get("format")
    grammar = rules.get("definition") if isinstance(rules, dict) else None
    description = str(tool.get("description") or "")
    if grammar:
        description += f"\n\nThe input must follow this grammar:\n{grammar}"
    parameters: JsonObject = {
        "type": "object",
        "properties": {INPUT: {"type": "string"}},
        "required": [INPUT],
        "additionalProperties": False,
    }
    return _function({**tool, "description": description, "parameters": parameters})


def _check_optional(kind: Json, position: int) -> None:
    if isinstance(kind, str) and kind.startswith(_NEVER_NEEDED):
        return
    raise BadRequest(
        f"/responses: tools[{position}]: the provider of this model has no tool {kind!r}.",
        param="tools",
    )


def _only_text(arguments: str) -> str:
    """Read the one text of a free-form call; a model that wrote no JSON wrote the text itself."""
    try:
        parsed: Json = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments
    text = parsed.get(INPUT) if isinstance(parsed, dict) else None
    return text if isinstance(text, str) else arguments


def _name_of(tool: Json) -> Json:
    function = tool.get("function") if isinstance(tool, dict) else None
    return function.get("name") if isinstance(function, dict) else None
