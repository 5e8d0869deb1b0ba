"""config.yaml as people write it: checked with line numbers, compiled to the JSON that is loaded.

YAML is read here only; the bundle holds the compiled JSON. References to the environment stay in
it as they are, so a secret is in the file only when somebody wrote it there.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import orjson
import yaml

from shared.config.loading import read_config
from shared.config.sections import Findings, Path, Problem

if TYPE_CHECKING:
    from pathlib import Path as FilePath

    from shared.domain import Json


_TEXT: Final = "tag:yaml.org,2002:str"


class ConfigFileError(Exception):
    """The file is not a configuration; one line per problem, each with its place in the file."""


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A valid file: what it compiles to, and what its author may want to know."""

    compiled: str
    warnings: tuple[str, ...]


def compile_file(path: FilePath) -> str:
    """Compile a YAML file to JSON text, or raise ConfigFileError."""
    return check_file(path).compiled


def check_file(path: FilePath) -> CheckedFile:
    """Check and compile a YAML file, or raise ConfigFileError with every problem."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigFileError(f"{path}: {error}") from error
    return check_text(text, str(path))


def check_text(text: str, name: str) -> CheckedFile:
    """Check and compile YAML text; `name` stands before the line numbers."""
    source = _parse(text, name)
    findings = source.findings
    if not findings.problems:
        _, found = read_config(source.data, environment=None)
        findings = Findings(findings.problems + found.problems, found.warnings)
    if findings.problems:
        raise ConfigFileError("\n".join(source.lines_of(findings.problems, name)))
    return CheckedFile(
        orjson.dumps(source.data).decode(),
        tuple(source.lines_of(findings.warnings, name)),
    )


@dataclass(slots=True)
class _Source:
    """What a file says, and on which line it says it."""

    data: Json = None
    lines: dict[Path, int] = field(default_factory=dict[Path, int])
    findings: Findings = field(default_factory=Findings)

    def lines_of(self, problems: list[Problem], name: str) -> list[str]:
        """Show each problem with its place, in the order of the file."""
        placed = sorted((self._line(problem.path), str(problem)) for problem in problems)
        return [f"{name}:{line}: {sentence}" for line, sentence in placed]

    def _line(self, path: Path) -> int:
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def _parse(text: str, name: str) -> _Source:
    source = _Source(data={})
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is not None:
            source.data = _Reader(loader, source).value(node, ())
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigFileError(f"{name}:{line}: {error.problem}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigFileError(f"{name}:1: {error}") from error
    return source


class _Reader:
    """Turn YAML nodes into JSON values, noting lines and what JSON cannot hold."""

    def __init__(self, loader: yaml.SafeLoader, source: _Source) -> None:
        self._loader = loader
        self._source = source
        self._open: set[int] = set()
        self._merged: set[int] = set()

    def value(self, node: yaml.Node, path: Path) -> Json:
        """Read a node and all below it."""
        self._source.lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in self._open:
            return self._problem(path, "refers to itself")
        self._open.add(id(node))
        try:
            match node:
                case yaml.MappingNode(tag="tag:yaml.org,2002:map"):
                    return self._mapping(node, path)
                case yaml.SequenceNode(tag="tag:yaml.org,2002:seq"):
                    return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
                case yaml.ScalarNode():
                    return self._scalar(node, path)
                case _:
                    return self._problem(path, f"has a tag that JSON cannot hold: {node.tag}")
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Json]:
        if id(node) not in self._merged:
            self._check_duplicates(node, path)
            self._loader.flatten_mapping(node)
            self._merged.add(id(node))
        result: dict[str, Json] = {}
        for key_node, value_node in node.value:
            is_scalar = isinstance(key_node, yaml.ScalarNode)
            place = (*path, key_node.value if is_scalar else "?")
            self._source.lines[place] = key_node.start_mark.line + 1
            if is_scalar and key_node.tag == _TEXT:
                result[key_node.value] = self.value(value_node, place)
            else:
                self._problem(place, "is not text; put the name in quotes")
        return result

    def _check_duplicates(self, node: yaml.MappingNode, path: Path) -> None:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                continue
            place = (*path, key_node.value)
            if key_node.value in seen:
                self._source.lines[place] = key_node.start_mark.line + 1
                self._problem(place, "is given twice")
            seen.add(key_node.value)

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Json:
        try:
            value = self._loader.construct_object(node, deep=True)
        except (ValueError, LookupError):
            return self._problem(path, "is not what it looks like; put it in quotes")
        match value:
            case None | bool() | str():
                return value
            case int():
                return value if abs(value) < 2**63 else self._problem(path, "is too large")
            case float():
                return value if math.isfinite(value) else self._problem(path, "is not a number")
            case dt.date():
                return self._problem(path, "is read as a date; put it in quotes")
            case _:
                return self._problem(path, "is nothing that JSON can hold")

    def _problem(self, path: Path, sentence: str) -> None:
        self._source.findings.problems.append(Problem(path, sentence))
