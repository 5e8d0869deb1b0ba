"""Build build/lambda.zip: the rooms, the compiled configuration, the locked dependencies.

`npx sls package` runs it as `python -m infra.build --runtime … --architecture …` with what
serverless.yml says. Same inputs give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.interpreters import find_interpreter
from infra.slimming import is_licence, slim

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[1]
LOCK: Final = ROOT / "requirements/lambda.txt"
TOOLS_LOCK: Final = ROOT / "requirements/build.txt"
BUILD: Final = ROOT / "build"
TOOLS: Final = BUILD / "tools"
BUNDLE: Final = BUILD / "bundle"
ARTIFACT: Final = BUILD / "lambda.zip"
STARTER: Final = Path("infra/bootstrap-stream")

# Amazon Linux 2023 has glibc 2.34; for older platforms some packages resolve to old versions.
GLIBC: Final = "manylinux_2_34"
MACHINES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}

UNUSED_FOLDERS: Final = frozenset({"__pycache__", "tests", "test", "bin"})
UNUSED_SUFFIXES: Final = frozenset({".pyc", ".pyi", ".c", ".h", ".pxd", ".pyx", ".md", ".rst"})
METADATA: Final = frozenset({"METADATA", "entry_points.txt"})
# What we call of a dependency never reaches these: each costs a cold start that reads the bundle.
UNUSED_PARTS: Final = (
    "aiohttp/web",  # it has a server too
    "pydantic/v1/",
    "aws_lambda_powertools/event_handler/",
    *(
        f"aws_lambda_powertools/utilities/{name}/"
        for name in (
            *("batch", "data_classes", "data_masking", "feature_flags", "idempotency"),
            *("kafka", "parser", "streaming", "validation"),
        )
    ),
    "cffi/",  # cryptography needs only _cffi_backend; these compile C declarations
    "pycparser/",
    "multidict/_testcapi",
    "anyio/_backends/_trio",  # there is asyncio only
    "anyio/pytest_plugin",
)
OUR_ROOMS: Final = ("functions", "shared")
OURS: Final = frozenset({".py", ".sql", ".lua", ".json"})
# Lambda takes 50 MB in one piece; this is our own promise, since a cold start loads every byte.
TOO_LARGE: Final = 20_000_000


@dataclass(frozen=True, slots=True)
class Target:
    """What the bundle is for: a runtime's Python (`3.13`) and a processor (`arm64`)."""

    python: str
    architecture: str

    @property
    def platform(self) -> str:
        """The wheels' platform, in uv's words."""
        return f"{MACHINES[self.architecture]}-{GLIBC}"

    @property
    def packages(self) -> Path:
        """Where the dependencies for this target lie."""
        return BUILD / "packages" / f"{self.python}-{self.architecture}"


def main() -> None:
    """Build the bundle and say how large it is."""
    target = parse_arguments()
    interpreter = find_interpreter(target.python)
    install(target)
    shutil.rmtree(BUNDLE, ignore_errors=True)
    gather(target)
    compile_bytecode(interpreter)
    write_zip()
    size = ARTIFACT.stat().st_size
    about = f"Python {target.python}, {target.architecture}, {size / 1e6:.1f} MB"
    print(f"{ARTIFACT.relative_to(ROOT)}: {about}")
    if size > TOO_LARGE:
        sys.exit("The bundle is larger than the 20 MB we promise; unzip -l shows what grew.")


def parse_arguments() -> Target:
    """Read the target from the command line."""
    parser = argparse.ArgumentParser(description="Build the bundle for Lambda.")
    parser.add_argument("--runtime", default="python3.13")
    parser.add_argument("--architecture", default="arm64", choices=sorted(MACHINES))
    arguments = parser.parse_args()
    return Target(str(arguments.runtime).removeprefix("python"), arguments.architecture)


def install(target: Target) -> None:
    """Install what the lock says for the target, every file checked by its hash, if need be."""
    stamp = target.packages / ".lock"
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == lock:
        return
    shutil.rmtree(target.packages, ignore_errors=True)
    subprocess.run(
        [
            *(str(uv()), "pip", "install", "--quiet", "--target", str(target.packages)),
            *("--python-version", target.python, "--python-platform", target.platform),
            *("--no-deps", "--only-binary", ":all:", "--link-mode", "copy"),
            *("--require-hashes", "--requirement", str(LOCK)),
        ],
        check=True,
    )
    stamp.write_text(lock, encoding="utf-8")


def uv() -> Path:
    """Return uv of the locked version, installed beside the build unless it is there already."""
    program = TOOLS / "bin/uv"
    stamp = TOOLS / ".lock"
    lock = hashlib.sha256(TOOLS_LOCK.read_bytes()).hexdigest()
    if not (program.is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == lock):
        shutil.rmtree(TOOLS, ignore_errors=True)
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"),
                *("install", "--target", str(TOOLS), "--no-deps", "--only-binary=:all:"),
                *("--require-hashes", "--requirement", str(TOOLS_LOCK)),
            ],
            check=True,
        )
        stamp.write_text(lock, encoding="utf-8")
    return program


def gather(target: Target) -> None:
    """Put every file of the bundle into its place."""
    for path in files(target.packages):
        name = path.relative_to(target.packages)
        if is_needed(name):
            put(slim(name, path.read_bytes()), name)
    for room in OUR_ROOMS:
        for path in files(ROOT / room):
            if path.suffix in OURS:
                put(path.read_bytes(), path.relative_to(ROOT))
    put((ROOT / STARTER).read_bytes(), STARTER)
    put(configuration().encode(), Path("config.json"))


def put(content: bytes, name: Path) -> None:
    """Write a file of the bundle."""
    target = BUNDLE / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


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
    """Whether a file of a dependency is read at run time, or says whose it is."""
    if name.parts[0].endswith(".dist-info"):
        return name.name in METADATA or is_licence(name)
    if name.suffix in UNUSED_SUFFIXES or UNUSED_FOLDERS & set(name.parts[:-1]):
        return False
    if name.as_posix().startswith(UNUSED_PARTS):
        return False
    return len(name.parts) > 1 or name.suffix in {".py", ".so"}


def compile_bytecode(interpreter: Path) -> None:
    """Compile as the runtime would; it cannot itself, since /var/task is read-only.

    Our own sources stay beside their bytecode, for whoever reads a bundle; of dependencies only
    the bytecode is left, in the place of the source.
    """
    theirs = [path for path in BUNDLE.iterdir() if path.name not in OUR_ROOMS]
    ours = [BUNDLE / room for room in OUR_ROOMS]
    for paths, options in ((ours, ()), (theirs, ("-b",))):
        subprocess.run(
            [
                *(str(interpreter), "-m", "compileall", "-q", "--invalidation-mode=unchecked-hash"),
                *("-s", str(BUNDLE), "-p", "/var/task", *options, *map(str, sorted(paths))),
            ],
            env={**os.environ, "PYTHONHASHSEED": "0"},  # constant sets are written in its order
            check=True,
        )
    for path in theirs:
        for source in [path, *path.rglob("*.py")]:
            if source.suffix == ".py":
                source.unlink()


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
