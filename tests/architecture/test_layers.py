"""The layer rule of pyproject.toml is kept, and each clause of it would notice a violation."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS: dict[str, dict[str, Any]] = {
    contract["name"]: contract for contract in PYPROJECT["tool"]["importlinter"]["contracts"]
}

ROOMS = "Rooms look down, never up; neighbours never look at each other"
PLACES = "Every room of shared/ has its place in the layers"
STORES = "Only storage speaks Postgres and Redis"
HTTP = "Only transport speaks HTTP to others"
CLIENTS = "No second client for what a room speaks already, no vendor SDKs"
WEB = "Only the front doors know the web framework"
BUNDLE = "The bundle never needs what only one machine has"
POLICY = "Policy is pure: values in, values out"


@dataclass(frozen=True)
class Plant:
    """An import that must not be, and the contracts that must notice it."""

    where: str
    what: str
    noticed_by: frozenset[str]

    @property
    def path(self) -> str:
        """A file of its own in a room, so that nothing else comes to depend on the import."""
        place = self.where.replace(".", "/")
        return f"{place}/planted.py" if (ROOT / place).is_dir() else f"{place}.py"

    def __str__(self) -> str:
        return f"{self.where} -> {self.what}"


def plant(where: str, what: str, *noticed_by: str) -> Plant:
    return Plant(where, what, frozenset(noticed_by))


def layer_plants() -> list[Plant]:
    """Each layer looks one layer up, and each room at each of its neighbours."""
    layers = [layer.split(" | ") for layer in CONTRACTS[ROOMS]["layers"]]
    upward = [(lower[0], higher[0]) for higher, lower in pairwise(layers)]
    sideways = [pair for layer in layers for pair in combinations(layer, 2)]
    return [plant(where, what, *noticed(where, what)) for where, what in upward + sideways]


def noticed(where: str, what: str) -> list[str]:
    if what == "local":
        return [ROOMS, BUNDLE]
    if where.startswith("shared.") and what.startswith("shared."):
        return [ROOMS, PLACES]
    return [ROOMS]


def pure_plants() -> list[Plant]:
    """Each pure module waits, and one of them does everything else that is not pure."""
    sources, forbidden = (CONTRACTS[POLICY][k] for k in ("source_modules", "forbidden_modules"))
    waiting = [plant(source, "asyncio", POLICY) for source in sources]
    return waiting + [plant(sources[-1], what, POLICY) for what in forbidden if what != "asyncio"]


def library_plants() -> list[Plant]:
    """A room that may know none of them imports each library that only others may."""
    guarded = [(name, "protected_modules") for name in (STORES, HTTP, WEB)]
    guarded += [(name, "forbidden_modules") for name in (CLIENTS, BUNDLE)]
    return [
        plant("shared.wire", library, name)
        for name, field in guarded
        for library in CONTRACTS[name][field]
        if library != "local"
    ]


PLANTS = [*layer_plants(), *library_plants(), *pure_plants()]
NEW_ROOM = Plant("shared.attic.__init__", "json", frozenset([PLACES]))


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[Plant | None, frozenset[str]]:
    """What each plant breaks; under None what is broken with nothing planted."""
    copy = tmp_path_factory.mktemp("rooms")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in PYPROJECT["tool"]["importlinter"]["root_packages"]:
        shutil.copytree(ROOT / package, copy / package)
    plants = [None, NEW_ROOM, *PLANTS]
    asked = [json.dumps(p and [p.path, f"import {p.what}"]) for p in plants]

    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("planting.py"))],
        cwd=copy,
        input="\n".join(asked),
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stderr
    answers = [frozenset(json.loads(line)) for line in done.stdout.splitlines()]
    return dict(zip(plants, answers, strict=True))


def test_the_layer_rule_is_kept(verdicts: dict[Plant | None, frozenset[str]]) -> None:
    assert frozenset() == verdicts[None]


@pytest.mark.parametrize("planted", PLANTS, ids=str)
def test_a_forbidden_import_breaks_its_contract_and_no_other(
    planted: Plant, verdicts: dict[Plant | None, frozenset[str]]
) -> None:
    assert planted.noticed_by == verdicts[planted] - verdicts[None]


def test_a_new_room_without_a_place_is_noticed(
    verdicts: dict[Plant | None, frozenset[str]],
) -> None:
    assert NEW_ROOM.noticed_by == verdicts[NEW_ROOM] - verdicts[None]


def test_every_contract_has_a_plant_that_it_notices() -> None:
    proven = {name for planted in [NEW_ROOM, *PLANTS] for name in planted.noticed_by}

    assert CONTRACTS.keys() == proven


def test_contributing_draws_the_layers_as_they_are() -> None:
    drawn = (ROOT / "CONTRIBUTING.md").read_text()

    assert "\n".join(["```", *CONTRACTS[ROOMS]["layers"], "```"]) in drawn
