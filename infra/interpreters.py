"""Find an interpreter of a runtime's minor version: bytecode of another version is of no use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNTIMES: Final = ("3.14", "3.13", "3.12")  # Lambda's on Amazon Linux 2023
ASK: Final = "import sys; print('%d.%d' % sys.version_info[:2])"


def find_interpreter(version: str) -> Path:
    """Return an interpreter of this version; end with the line to type when there is none."""
    for path in candidates(version):
        if version_of(path) == version:
            return path
    here = [each for each in RUNTIMES if any(version_of(p) == each for p in candidates(each))]
    instead = "".join(f"\n  npx sls deploy --stage STAGE --param runtime=python{e}" for e in here)
    sys.exit(
        f"There is no Python {version} on this machine, and a bundle without its bytecode starts "
        f"twice as slowly. Install it, for example with\n  uv python install {version}"
        + (f"\nor take the runtime of a Python that is here:{instead}" if here else ""),
    )


def candidates(version: str) -> Iterator[Path]:
    """Every place where a Python of this version may be: the path, then pyenv's and uv's homes."""
    yield Path(sys.executable)
    if found := shutil.which(f"python{version}"):
        yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}*/bin/python{version}"), reverse=True)
    data = Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local/share"))
    yield from sorted(data.glob(f"uv/python/cpython-{version}*/bin/python{version}"), reverse=True)


def version_of(interpreter: Path) -> str:
    """Ask an interpreter for its version; empty when it is none (a shim without its Python)."""
    if not interpreter.exists():
        return ""
    argv = [str(interpreter), "-c", ASK]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()
