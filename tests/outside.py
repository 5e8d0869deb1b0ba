"""Other people's programs in environments of their own: their pins never meet ours.

`requirements/outside/NAME.in` says what an environment holds, `requirements/lock.sh` locks it into
`NAME.txt`, and `python_of(NAME)` makes `.venv-outside/NAME` of it the first time and returns its
interpreter. Only slow tests ask for one, and they run what they need as a process of its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCKS = ROOT / "requirements" / "outside"
ENVIRONMENTS = ROOT / ".venv-outside"


def python_of(name: str) -> Path:
    """Return the interpreter that sees the packages of an environment, made if need be."""
    home = ENVIRONMENTS / name
    python = home / "bin" / "python"
    stamp = home / ".stamp"
    lock = LOCKS / f"{name}.txt"
    asked = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    ENVIRONMENTS.mkdir(exist_ok=True)
    with (ENVIRONMENTS / f"{name}.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != asked:
            _install(home, python, lock)
            stamp.write_text(asked)
    return python


def _install(home: Path, python: Path, lock: Path) -> None:
    """Make an environment and install its lock, every package checked by its hash."""
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", str(lock)]
    for argv in ([sys.executable, "-m", "venv", "--clear", str(home)], pip):
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            message = f"{' '.join(argv)} failed:\n{done.stderr[-2000:]}"
            raise RuntimeError(message)
