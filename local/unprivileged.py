"""Let a server that refuses to run as root run as `nobody`, also from and in closed directories."""

from __future__ import annotations

import shutil
import stat
import tempfile
from pathlib import Path

DATA = Path("/var/lib/tollgate")
BINARIES = Path("/var/cache/tollgate")


def nobody() -> tuple[int, int]:
    """Postgres refuses to run as root; `nobody` exists everywhere."""
    import pwd  # noqa: PLC0415 - not on every system, and only root needs it

    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


def _is_reachable(path: Path) -> bool:
    existing = [place for place in (path, *path.parents) if place.exists()]
    return all(place.stat().st_mode & stat.S_IXOTH for place in existing)


def reachable_copy(installation: Path) -> Path:
    """Return binaries that `nobody` can run: a copy when they lie under a closed directory."""
    if _is_reachable(installation):
        return installation
    package = installation.parent
    stamp = f"{package.stat().st_ino:x}-{package.stat().st_mtime_ns:x}"
    copy = BINARIES / stamp / package.name / installation.name
    if not copy.exists():
        BINARIES.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=BINARIES))
        draft.chmod(0o755)
        shutil.copytree(installation, draft / package.name / installation.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name)
        _rename_unless_there(draft, BINARIES / stamp)
    return copy


def _rename_unless_there(draft: Path, place: Path) -> None:
    try:
        draft.rename(place)
    except OSError:  # another start was faster
        shutil.rmtree(draft)


def reachable_home(home: Path) -> Path:
    """Return a directory that `nobody` can enter; a closed `home` becomes a link to it."""
    if home.is_symlink() or _is_reachable(home.resolve().parent):
        return home.resolve()
    DATA.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=DATA))
    place.chmod(0o700)
    home.parent.mkdir(parents=True, exist_ok=True)
    home.symlink_to(place)
    return place
