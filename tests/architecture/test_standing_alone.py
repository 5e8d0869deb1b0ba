"""What is committed works on any machine: it names no other's folders and no private registry."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MACHINE_PATH = re.compile(r"(?<![\w.}$])/(?:work|home|root|Users|mnt)/[\w.]")
REGISTRY = re.compile(
    r"--(?:extra-)?index-url|\b(?:PIP|UV)_(?:EXTRA_|DEFAULT_)?INDEX(?:_URL)?=|npm_config_registry|"
    r"\bregistry\s*=|//[\w.:-]+/(?:pypi|simple|npm|artifactory)\b",
)
NPM = "https://registry.npmjs.org/"


def committed() -> list[tuple[str, str]]:
    """Text files as git would commit them, by their path from the root."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a clone: git cannot say which files are the project's")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    texts = [(path, path.read_bytes()) for path in paths if path.is_file()]
    return [
        (str(path.relative_to(ROOT)), text.decode()) for path, text in texts if b"\0" not in text
    ]


def findings(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:120]}"
        for path, text in committed()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line) and path != "tests/architecture/test_standing_alone.py"
    ]


def test_no_file_names_a_folder_of_one_machine() -> None:
    assert [] == findings(MACHINE_PATH)


def test_no_file_names_a_package_registry() -> None:
    assert [] == findings(REGISTRY)


def test_npm_packages_come_from_the_public_registry() -> None:
    lock = ROOT / "package-lock.json"
    if not lock.exists():
        pytest.skip("no npm packages are locked")

    packages = json.loads(lock.read_text())["packages"].values()

    sources = {package["resolved"][: len(NPM)] for package in packages if "resolved" in package}

    assert {NPM} == sources


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (MACHINE_PATH, 'DATA = "/home/someone/data"'),
        (MACHINE_PATH, "cd /work/project"),
        (REGISTRY, "pip install --index-url https://registry.example/simple/ x"),
        (REGISTRY, "registry=https://registry.example/npm/"),
        (REGISTRY, "https://registry.example:8080/simple/aiohttp"),
        (REGISTRY, "export PIP_INDEX_URL=https://registry.example"),
    ],
)
def test_a_line_that_only_works_here_is_found(pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)
