"""Read a piece of configuration field by field, keeping every problem with the place it is at.

Rule: a wrong value is a problem and its default is used, so that one reading finds all of them.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from shared.config.unsupported import reason_of, refusal_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from shared.domain import Json, JsonObject

Path = tuple[str | int, ...]
T = TypeVar("T")

REFERENCE: Final = "os.environ/"
"""How a value says that the environment has it."""

PARAMETER: Final = "ssm:"
"""How a value says that AWS's Parameter Store has it: `ssm:/path`."""

LARGEST: Final = 10**15
"""Larger numbers would lose digits in Redis."""

MAX_NAME: Final = 255

UNKNOWN: Final = "is not a setting that Tollgate knows; it has no effect"

_HEADER_TEXT: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where: the keys and positions that lead there."""

    path: Path
    sentence: str

    def __str__(self) -> str:
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return f"{place.removeprefix('.')}: {self.sentence}" if place else self.sentence


@dataclass(slots=True)
class Findings:
    """What a reading found: problems refuse the configuration, warnings do not."""

    problems: list[Problem] = field(default_factory=list[Problem])
    warnings: list[Problem] = field(default_factory=list[Problem])


class Wrong(Exception):  # noqa: N818 - reads as a sentence: `raise Wrong("must be …")`
    """A value is not what its field takes; the message goes on after the field's name."""


class Section:
    """One mapping of the configuration and the place it is at.

    Without an environment (when a file is checked where it will not run), references to it are
    taken on trust and read as the field's default.
    """

    def __init__(
        self,
        values: JsonObject,
        findings: Findings,
        environment: Mapping[str, str] | None,
        path: Path = (),
    ) -> None:
        """Start with no field read."""
        self.values = values
        self.findings = findings
        self.environment = environment
        self.path = path
        self._read: set[str] = set()

    def text(self, name: str, default: str = "") -> str:
        """Read text that has no control characters."""
        return self.read(name, default, _text)

    def name(self, name: str) -> str:
        """Read a name that must be there: not empty, at most 255 characters."""
        if name not in self.values:
            self.problem(name, "is missing")
        return self.read(name, "", _name)

    def maybe_name(self, name: str) -> str | None:
        """Read a name that may be missing or null."""
        return self.read(name, None, _name)

    def secret(self, name: str) -> str:
        """Read a secret; one whose variable is not set is a warning, for others may still work."""
        value = self.values.get(name)
        if isinstance(value, str) and self.is_unset(value):
            self._read.add(name)
            self.warn(name, _source(value))
            return ""
        return self.read(name, "", _secret)

    def whole(self, name: str, default: int, *, least: int = 0, most: int = LARGEST) -> int:
        """Read a whole number."""
        return self.read(name, default, lambda value: _whole(value, least, most))

    def maybe_whole(self, name: str, *, least: int = 0) -> int | None:
        """Read a whole number that may be missing or null."""
        return self.read(name, None, lambda value: _whole(value, least, LARGEST))

    def seconds(self, name: str) -> float | None:
        """Read a time that may be missing or null, or 0."""
        return self.read(name, None, _seconds)

    def timeout(self, name: str) -> float | None:
        """Read a time to wait, which may be missing or null."""
        return self.read(name, None, _timeout)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Read true or false."""
        return self.read(name, default, _flag)

    def names(self, name: str) -> tuple[str, ...]:
        """Read a list of names."""
        return self.read(name, (), names_of)

    def headers(self, name: str) -> dict[str, str]:
        """Read a mapping of HTTP headers."""
        inner = self.section(name)
        found = {key.lower(): inner.secret(key) for key in inner.values}
        for key in found:
            if not _HEADER_NAME.fullmatch(key):
                inner.problem(key, "is not the name of an HTTP header")
        return found

    def section(self, name: str) -> Section:
        """Go into a mapping; one that is missing or null is empty."""
        self._read.add(name)
        value = self.values.get(name)
        if not isinstance(value, dict):
            if value is not None:
                self.problem(name, "must be a mapping")
            value = {}
        return Section(value, self.findings, self.environment, (*self.path, name))

    def sections(self, name: str) -> Iterator[Section]:
        """Go through a list of mappings."""
        self._read.add(name)
        value = self.values.get(name)
        if not isinstance(value, list):
            if value is not None:
                self.problem(name, "must be a list")
            return
        for position, item in enumerate(value):
            path = (*self.path, name, position)
            if isinstance(item, dict):
                yield Section(item, self.findings, self.environment, path)
            else:
                self.findings.problems.append(Problem(path, "must be a mapping"))

    def read(self, name: str, default: T, parse: Callable[[Json], T]) -> T:
        """Read a field with a parser that raises Wrong; without a value it is the default."""
        self._read.add(name)
        value = self.values.get(name)
        if isinstance(value, str) and is_reference(value):
            if self.environment is None:
                return default
            if self.is_unset(value):
                self.problem(name, _source(value))
                return default
            value = _typed(self.environment[_variable(value)], default)
        if value is None:
            return default
        try:
            return parse(value)
        except Wrong as wrong:
            self.problem(name, str(wrong))
            return default

    def is_unset(self, value: str) -> bool:
        """Tell whether a value refers to a variable that this environment lacks."""
        return (
            self.environment is not None
            and is_reference(value)
            and _variable(value) not in self.environment
        )

    def problem(self, name: str, sentence: str) -> None:
        """Refuse the configuration for this field."""
        self.findings.problems.append(Problem((*self.path, name), sentence))

    def warn(self, name: str, sentence: str) -> None:
        """Tell about this field without refusing."""
        self.findings.warnings.append(Problem((*self.path, name), sentence))

    def ignore(self, names: Iterable[str]) -> None:
        """Let fields pass that mean something to LiteLLM's own tools only."""
        self._read.update(names)

    def warn_about_unread(self) -> None:
        """Tell about every field that nobody asked for, and of LiteLLM's what to do instead."""
        for name in [name for name in self.values if name not in self._read]:
            path = (*self.path, name)
            if (refusal := refusal_of(path)) is not None and self.values[name]:
                self.problem(name, refusal)
            else:
                self.warn(name, reason_of(path) or UNKNOWN)


def one_of(value: Json, choices: tuple[T, ...]) -> T:
    """Parse one of a few words, or raise Wrong."""
    for choice in choices:
        if value == choice:
            return choice
    raise Wrong(f"must be {' or '.join(map(str, choices))}")


def names_of(value: Json) -> tuple[str, ...]:
    """Parse a list of names, or raise Wrong."""
    if not isinstance(value, list):
        raise Wrong("must be a list of names")
    return tuple(_name(item) for item in value)


def is_reference(value: str) -> bool:
    """Tell whether a value only says where the value is."""
    return value.startswith(REFERENCE) or is_parameter(value)


def is_parameter(value: str) -> bool:
    """Tell whether a value is in AWS's Parameter Store."""
    return value.startswith(f"{PARAMETER}/")


def _source(reference: str) -> str:
    if is_parameter(reference):
        path = reference.removeprefix(PARAMETER)
        return f"the parameter {path} is not in AWS's Parameter Store, or may not be read"
    return f"the environment variable {_variable(reference)} is not set"


def _variable(reference: str) -> str:
    return reference.removeprefix(REFERENCE)


def _typed(text: str, default: object) -> Json:
    # The environment only has text; a field that takes a number or a switch says what it means.
    if isinstance(default, str):
        return text
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise Wrong("must be text (in quotes if it looks like a number)")
    if not value.isprintable():
        raise Wrong("must not hold control characters")
    return value


def _name(value: Json) -> str:
    name = _text(value)
    if not name or len(name) > MAX_NAME:
        raise Wrong(f"must be a name of 1 to {MAX_NAME} characters")
    return name


def _secret(value: Json) -> str:
    # Files and variables often end in a newline that nobody means.
    secret = value.strip() if isinstance(value, str) else None
    if secret is None or not _HEADER_TEXT.fullmatch(secret):
        raise Wrong("must be text that can be sent in an HTTP header")
    return secret


def _whole(value: Json, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Wrong(
            f"must be a whole number from {least} to {most}"
            if most != LARGEST
            else f"must be a whole number, {least} or more"
        )
    return value


def _seconds(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong("must be a number of seconds")
    if not math.isfinite(value) or not 0 <= value <= LARGEST:
        raise Wrong("must be a number of seconds, 0 or more")
    return float(value)


def _timeout(value: Json) -> float:
    seconds = _seconds(value)
    if seconds == 0:
        raise Wrong("must be more than 0 seconds")
    return seconds


def _flag(value: Json) -> bool:
    if not isinstance(value, bool):
        raise Wrong("must be true or false")
    return value
