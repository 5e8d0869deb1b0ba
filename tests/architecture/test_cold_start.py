"""A cold start imports what its function needs, and nothing that waits for a rare occasion."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.utils import canonicalize_name

from tests.architecture.test_locks import pins

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]
NEVER = {"boto3", "botocore", "yaml", "typer", "uvicorn", "openai", "local"}
UNUSED_BY_A_WARM_CALL = {"psycopg", "fastapi"}
ENVIRONMENT = {
    "TOLLGATE_MASTER_KEY": "sk-only-for-the-import-of-a-test",
    "AWS_LAMBDA_FUNCTION_NAME": "tollgate-test",
    "AWS_REGION": "eu-central-1",
}
# The second argument names what is installed here and absent there.
IMPORT = """
import importlib, json, sys

class Absent:
    names = set(json.loads(sys.argv[2]))
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
before = set(sys.modules)
importlib.import_module(sys.argv[1])
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


def imported_by(module: str, absent: Iterable[str] = ()) -> set[str]:
    """Return the top-level packages that a fresh interpreter has after one import."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, module, json.dumps(sorted(absent))],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return set(json.loads(done.stdout))


def absent_on_lambda() -> set[str]:
    """Name the packages that are installed here but not in the bundle."""
    bundled = pins("lambda").keys()
    return {
        package
        for package, owners in packages_distributions().items()
        if not any(canonicalize_name(owner) in bundled for owner in owners)
    }


@pytest.mark.parametrize(
    "module", ["functions.proxy.app", "functions.proxy.handler", "functions.web.main"]
)
def test_the_proxy_imports_nothing_that_a_warm_call_does_without(module: str) -> None:
    modules = imported_by(module)

    assert set() == modules & (NEVER | UNUSED_BY_A_WARM_CALL)


@pytest.mark.parametrize("function", ["admin", "ledger", "resets"])
def test_no_function_imports_what_only_one_machine_has(function: str) -> None:
    modules = imported_by(f"functions.{function}.handler")

    assert set() == modules & NEVER


@pytest.mark.parametrize("function", ["proxy", "admin", "ledger", "resets"])
def test_a_function_starts_with_nothing_but_the_bundle(function: str) -> None:
    absent = absent_on_lambda()

    modules = imported_by(f"functions.{function}.handler", absent)

    assert "typer" in absent
    assert "functions" in modules


@pytest.mark.parametrize("module", ["functions.proxy.app", "functions.proxy.handler"])
def test_the_proxy_starts_without_the_dialects_of_vendors(module: str) -> None:
    script = f"import sys, {module}; print(*sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )

    rooms = {name for name in done.stdout.split() if name.startswith("shared.providers.")}
    assert "shared.providers.registry" in rooms
    vendors = ("anthropic", "azure", "bedrock", "cohere", "gemini", "mistral", "messages")
    assert not [name for name in rooms if name.split(".")[2] in vendors]
    assert not [name for name in done.stdout.split() if name in {"cryptography", "botocore"}]
