"""Plant imports in a copy of the rooms, one at a time, and say which contracts each breaks.

A process of its own, started in the copy: import-linter finds packages by name, and where tests
run these names are taken. Reads plants as JSON lines `[path, statement]`, the first of them null
for the copy as it is; writes one JSON line of names of broken contracts for each.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from importlinter import configuration
from importlinter.application import use_cases

if TYPE_CHECKING:
    from collections.abc import Iterator

COPY = Path.cwd()


@contextlib.contextmanager
def planted(path: str, statement: str) -> Iterator[None]:
    file = COPY / path
    before = file.read_bytes() if file.exists() else None
    file.parent.mkdir(exist_ok=True)
    file.write_bytes((before or b"") + f"\n{statement}\n".encode())
    yield
    if before is None:
        file.unlink()
    else:
        file.write_bytes(before)


def broken_contracts() -> list[str]:
    options = use_cases.read_user_options("pyproject.toml")
    use_cases._register_contract_types(options)
    report = use_cases.create_report(options, cache_dir=str(COPY / "cache"))
    if report.invalid_contract_options:
        raise SystemExit(f"a contract cannot be checked: {report.invalid_contract_options}")
    return [c.name for c, check in report.get_contracts_and_checks() if not check.kept]


def main() -> None:
    sys.path.insert(0, str(COPY))
    configuration.configure()
    for line in sys.stdin:
        plant = json.loads(line)
        place = planted(*plant) if plant else contextlib.nullcontext()
        with contextlib.redirect_stdout(sys.stderr), place:
            broken = broken_contracts()
        print(json.dumps(broken))  # noqa: T201 - this is the reply


if __name__ == "__main__":
    main()
