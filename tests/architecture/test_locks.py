"""The locks in requirements/ are what pyproject.toml asks for, every file of it by its hash."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OUTSIDE = sorted(each.stem for each in (ROOT / "requirements" / "outside").glob("*.in"))
EXTRAS = {"lambda": (), "run": ("local",), "dev": ("local", "dev")}
PIN = re.compile(r"(?P<name>[\w.\-]+)(\[[\w,\-]+\])?==(?P<version>[^\s;]+)")


def lines(lock: str) -> list[str]:
    """Each package of a lock as one line, hashes included."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def pins(lock: str) -> dict[str, set[str]]:
    """Versions by name; more than one where markers choose."""
    found: dict[str, set[str]] = {}
    for match in filter(None, map(PIN.match, lines(lock))):
        found.setdefault(canonicalize_name(match["name"]), set()).add(match["version"])
    return found


@pytest.mark.parametrize("lock", EXTRAS)
def test_a_lock_satisfies_every_dependency(lock: str) -> None:
    locked = pins(lock)
    asked = list(PROJECT["dependencies"])
    asked += [line for extra in EXTRAS[lock] for line in PROJECT["optional-dependencies"][extra]]

    missing = [
        line
        for line in asked
        for wanted in [Requirement(line)]
        if not any(
            wanted.specifier.contains(version, prereleases=True)
            for version in locked.get(canonicalize_name(wanted.name), ())
        )
    ]

    assert [] == missing, "run requirements/lock.sh"


@pytest.mark.parametrize("name", OUTSIDE)
def test_an_outside_lock_has_every_package_its_environment_asks_for(name: str) -> None:
    asked = (ROOT / "requirements" / "outside" / f"{name}.in").read_text().split()
    locked = pins(f"outside/{name}")

    missing = [line for line in asked if canonicalize_name(Requirement(line).name) not in locked]

    assert [] == missing, "run requirements/lock.sh"


@pytest.mark.parametrize("lock", [*EXTRAS, *(f"outside/{name}" for name in OUTSIDE)])
def test_every_line_of_a_lock_is_a_version_and_its_hashes(lock: str) -> None:
    loose = [line for line in lines(lock) if not (PIN.match(line) and "--hash=sha256:" in line)]

    assert [] == loose


def test_one_machine_runs_the_versions_of_the_bundle() -> None:
    here = pins("run")

    different = {
        name: (versions, here.get(name))
        for name, versions in pins("lambda").items()
        if not versions <= here.get(name, set())
    }

    assert {} == different


def test_a_decision_says_why_each_package_of_the_bundle_is_there() -> None:
    pages = "\n".join(page.read_text() for page in (ROOT / "docs/decisions").glob("*.md"))

    unexplained = [
        name
        for name in (Requirement(line).name for line in PROJECT["dependencies"])
        if not re.search(rf"^\| {re.escape(name)} \|", pages, re.MULTILINE)
    ]

    assert [] == unexplained
