"""Build build/lambda.zip: the rooms, the compiled configuration, the locked dependencies.

Run it as `python -m infra.build` at the root. Same inputs give the same bytes.
"""

from __future__ import annotations

import hashlib
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[1]
LOCK: Final = ROOT / "requirements/lambda.txt"
PACKAGES: Final = ROOT / "build/packages"
BUNDLE: Final = ROOT / "build/bundle"
ARTIFACT: Final = ROOT / "build/lambda.zip"
STARTER: Final = Path("infra/bootstrap-stream")

PYTHON: Final = "3.13"  # the runtime of serverless.yml
# Amazon Linux 2023 has glibc 2.34; for older platforms some packages resolve to old versions.
PLATFORMS: Final = [f"manylinux_2_{minor}_aarch64" for minor in range(34, 16, -1)]
PLATFORMS_OF_OLD_NAME: Final = ["manylinux2014_aarch64"]

UNUSED_FOLDERS: Final = frozenset({"__pycache__", "tests", "test", "bin"})
UNUSED_SUFFIXES: Final = frozenset({".pyc", ".pyi", ".c", ".h", ".pxd", ".pyx", ".md", ".rst"})
METADATA: Final = frozenset({"METADATA", "entry_points.txt"})
OURS: Final = frozenset({".py", ".sql", ".lua", ".json"})
TOO_LARGE: Final = 50_000_000  # what Lambda takes in one piece


def main() -> None:
    """Build the bundle and say how large it is."""
    install()
    shutil.rmtree(BUNDLE, ignore_errors=True)
    gather()
    compile_bytecode()
    write_zip()
    size = ARTIFACT.stat().st_size
    print(f"{ARTIFACT.relative_to(ROOT)}: {size / 1e6:.1f} MB")
    if size > TOO_LARGE:
        sys.exit("The bundle is larger than the 50 MB that Lambda takes.")


def install() -> None:
    """Install what the lock says for Lambda's platform, unless it is there already."""
    stamp = PACKAGES / ".lock"
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == lock:
        return
    shutil.rmtree(PACKAGES, ignore_errors=True)
    platforms = [f"--platform={name}" for name in PLATFORMS + PLATFORMS_OF_OLD_NAME]
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"),
            *("--target", str(PACKAGES), "--no-deps", "--no-compile", "--only-binary=:all:"),
            *(f"--python-version={PYTHON}", "--implementation=cp", *platforms),
            *("--require-hashes", "--requirement", str(LOCK)),
        ],
        check=True,
    )
    stamp.write_text(lock, encoding="utf-8")


def gather() -> None:
    """Put every file of the bundle into its place."""
    for path in files(PACKAGES):
        name = path.relative_to(PACKAGES)
        if is_needed(name):
            put(path, name)
    for room in ("functions", "shared"):
        for path in files(ROOT / room):
            if path.suffix in OURS:
                put(path, path.relative_to(ROOT))
    put(ROOT / STARTER, STARTER)
    (BUNDLE / "config.json").write_text(configuration(), encoding="utf-8")


def put(path: Path, name: Path) -> None:
    """Copy a file into the bundle."""
    target = BUNDLE / name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)


def configuration() -> str:
    """Compile config.yaml; without one the configuration is empty."""
    source = ROOT / "config.yaml"
    if not source.exists():
        return "{}"
    from local.config_file import ConfigFileError, compile_file  # noqa: PLC0415 - needs .venv

    try:
        return compile_file(source)
    except ConfigFileError as error:
        sys.exit(str(error))


def files(folder: Path) -> Iterator[Path]:
    """All files below a folder."""
    return (path for path in folder.rglob("*") if path.is_file())


def is_needed(name: Path) -> bool:
    """Whether a file of a dependency is read at run time."""
    if name.suffix in UNUSED_SUFFIXES or UNUSED_FOLDERS & set(name.parts[:-1]):
        return False
    if name.parts[0].endswith(".dist-info"):
        return name.name in METADATA
    return len(name.parts) > 1 or name.suffix in {".py", ".so"}


def compile_bytecode() -> None:
    """Compile as the runtime would; it cannot itself, since /var/task is read-only."""
    interpreter = shutil.which(f"python{PYTHON}") or sys.executable
    version = "import sys; print('%d.%d' % sys.version_info[:2])"
    told = subprocess.run([interpreter, "-c", version], capture_output=True, text=True, check=False)
    if told.stdout.strip() != PYTHON:
        print(f"No python{PYTHON} here: without bytecode a cold start takes twice as long.")
        return
    subprocess.run(
        [
            *(interpreter, "-m", "compileall", "-q", "--invalidation-mode=unchecked-hash"),
            *("-s", str(BUNDLE), "-p", "/var/task", str(BUNDLE)),
        ],
        check=True,
    )


def write_zip() -> None:
    """Write the bundle in the order of names, without the time of its making."""
    ARTIFACT.unlink(missing_ok=True)
    with zipfile.ZipFile(ARTIFACT, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bundle:
        for path in sorted(files(BUNDLE)):
            name = path.relative_to(BUNDLE)
            info = zipfile.ZipInfo(str(name), date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (stat.S_IFREG | (0o755 if name == STARTER else 0o644)) << 16
            bundle.writestr(info, path.read_bytes())


if __name__ == "__main__":
    main()
