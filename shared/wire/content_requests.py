"""What the fields of Google's generateContent must be; its JSON takes names in both cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.domain import Endpoint
from shared.wire import checks
from shared.wire.checks import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.domain import Json

    Check = Callable[[Json], object]

_CONTENTS: Final = checks.either(checks.mapping, listed(checks.mapping, least=1))
_SYSTEM: Final = checks.either(checks.text, checks.mapping)
_FIELDS: Final[Mapping[str, Check]] = {
    "contents": _CONTENTS,
    "generateContentRequest": checks.mapping,
    "generationConfig": checks.mapping,
    "generation_config": checks.mapping,
    "safetySettings": listed(checks.mapping),
    "systemInstruction": _SYSTEM,
    "system_instruction": _SYSTEM,
    "toolConfig": checks.mapping,
    "tool_config": checks.mapping,
    "tools": listed(checks.mapping),
}

REQUIRED: Final[Mapping[Endpoint, Mapping[str, Check]]] = {
    Endpoint.CONTENT: {"model": checks.name, "contents": _CONTENTS},
    Endpoint.CONTENT_TOKENS: {"model": checks.name},
}
OPTIONAL: Final[Mapping[Endpoint, Mapping[str, Check]]] = {
    Endpoint.CONTENT: _FIELDS,
    Endpoint.CONTENT_TOKENS: _FIELDS,
}
