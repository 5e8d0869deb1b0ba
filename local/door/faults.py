"""What tests ask of the door: to fail in a certain way, and to count what it was asked."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal[
    "refuse",  # the connection is cut as soon as a request begins, whatever its command
    "slow",  # `seconds` pass first, then all goes well
    "status_429",
    "status_500",
    "html_502",  # a web page of somebody's load balancer, not JSON
    "drop_before",  # the connection is cut before anything is executed
    "drop_after",  # all is executed, then the connection is cut: the reply is lost
    "half_pipeline",  # the first half of the commands is executed, then the connection is cut
]
KINDS: frozenset[str] = frozenset(get_args(Kind))


@dataclass(slots=True, kw_only=True)
class Fault:
    """One way to fail: `times` calls (None = until cleared), by chance, for a command."""

    kind: Kind
    times: int | None = 1
    probability: float = 1.0
    command: str | None = None
    seconds: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a kind nobody knows: it would never happen."""
        if self.kind not in KINDS:
            raise ValueError(f"no fault is called {self.kind!r}; there are {sorted(KINDS)}")

    def strikes(self, names: Sequence[str] | None, chance: random.Random) -> bool:
        """Say whether it happens to a call of these commands; None = they are not read yet."""
        if self.times == 0 or (self.kind == "refuse") != (names is None):
            return False
        if names is not None and self.command is not None and self.command.upper() not in names:
            return False
        return chance.random() < self.probability


class Faults:
    """The faults in force; an empty one costs nothing. The same seed fails the same calls."""

    def __init__(self, seed: int = 0) -> None:
        self._faults: list[Fault] = []
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret

    def add(
        self,
        kind: Kind,
        *,
        times: int | None = 1,
        probability: float = 1.0,
        command: str | None = None,
        seconds: float = 0.0,
    ) -> None:
        """Fail like this from now on; earlier faults are tried first."""
        self._faults.append(
            Fault(
                kind=kind,
                times=times,
                probability=probability,
                command=command,
                seconds=seconds,
            ),
        )

    def clear(self) -> None:
        """Serve well again."""
        self._faults.clear()

    def __bool__(self) -> bool:
        """Say whether any fault is in force."""
        return bool(self._faults)

    def next(self, names: Sequence[str] | None) -> Fault | None:
        """Take the fault that strikes a call, if any does; None = its commands are not read."""
        for fault in self._faults:
            if fault.strikes(names, self._chance):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None


@dataclass(slots=True)
class Calls:
    """How often the door was called, in HTTP requests and in commands by name."""

    http: int = 0
    by_command: Counter[str] = field(default_factory=Counter)

    def add(self, names: Sequence[str]) -> None:
        """Count one HTTP call."""
        self.http += 1
        self.by_command.update(names)

    def reset(self) -> None:
        """Start from zero."""
        self.http = 0
        self.by_command.clear()
