"""The directory that keeps everything of one `up`: data, logs, its lock, its secrets."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from typing import TYPE_CHECKING

from local.reaper import GRACE_SECONDS, is_alive

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MASTER_KEY_VARIABLES = ("TOLLGATE_MASTER_KEY", "LITELLM_MASTER_KEY")
STACK_FILE = "stack.json"


class InUse(Exception):  # noqa: N818 - reads as a sentence: `raise InUse`
    """Another `up` has the directory; the message says which process."""


class Unusable(Exception):  # noqa: N818 - reads as a sentence: `raise Unusable`
    """The directory can't be made or written; the message says why, and what to do."""


class DataDirectory:
    """A directory that this process alone uses, until it and all its children have ended."""

    def __init__(self, path: Path) -> None:
        """Make the directory and lock it; InUse when another process has it, else Unusable."""
        self.path = path.resolve()
        self.logs = self.path / "logs"
        try:
            # Root's Postgres runs as nobody, who must get through; every file in it is closed.
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700 if os.geteuid() else 0o711)
            self.logs.mkdir(exist_ok=True, mode=0o700)
            self.lock = self._lock()
        except OSError as error:
            raise Unusable(
                f"cannot keep data in {self.path}: {error.strerror}; --data chooses another place"
            ) from error
        (self.path / STACK_FILE).unlink(missing_ok=True)

    def log(self, name: str) -> Path:
        """Return the log of a part, empty; what it said the last time is beside it."""
        path = self.logs / f"{name}.log"
        if path.exists():
            path.replace(path.with_suffix(".log.1"))
        return path

    def secret(self, name: str, prefix: str = "") -> str:
        """Return a secret that is made once and kept."""
        path = self.path / name
        if not path.exists():
            self.write(name, prefix + secrets.token_hex(24))
        return path.read_text().strip()

    def master_key(self, environment: Mapping[str, str]) -> str:
        """Return the environment's master key, else one that is made once and kept."""
        given = (environment.get(name) for name in MASTER_KEY_VARIABLES)
        return next(filter(None, given), "") or self.secret("master_key", "sk-")

    def write(self, name: str, text: str) -> Path:
        """Write a file that only its owner can read, whole or not at all."""
        path = self.path / name
        draft = path.with_name(f".{name}.draft")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        draft.replace(path)
        return path

    def tell(self, stack: Mapping[str, object]) -> None:
        """Write stack.json, which tells others where everything is."""
        self.write(STACK_FILE, json.dumps(stack, indent=2) + "\n")

    def close(self) -> None:
        """Take back what was told and give up the lock."""
        (self.path / STACK_FILE).unlink(missing_ok=True)
        os.close(self.lock)

    def _lock(self) -> int:
        """Take the lock; wait for one whose owner is gone but whose children are still ending."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + GRACE_SECONDS + 5
        while not _try_lock(descriptor):
            owner = os.pread(descriptor, 20, 0).decode().strip()
            if (owner.isdigit() and is_alive(int(owner))) or time.monotonic() > deadline:
                os.close(descriptor)
                raise InUse(f"Tollgate already runs on {self.path} (process {owner})")
            time.sleep(0.05)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        return descriptor


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
