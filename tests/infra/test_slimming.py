"""What the bundle leaves of a dependency's files: what runs, and whose it is."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path, PurePath

import multidict
import pytest

from infra.slimming import is_licence, slim

LIBRARY = next(Path(multidict.__file__).parent.glob("_multidict.*.so"))
IMPORT = """
import sys
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("multidict._multidict", sys.argv[1])
module = module_from_spec(spec)
spec.loader.exec_module(module)
print(module.MultiDict([("a", "1"), ("a", "2")]).getall("a"))
"""


def test_a_library_without_its_debug_symbols_still_loads(tmp_path: Path) -> None:
    library = tmp_path / LIBRARY.name

    library.write_bytes(slim(PurePath("multidict/_multidict.so"), LIBRARY.read_bytes()))

    argv = [sys.executable, "-c", IMPORT, str(library)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert "['1', '2']\n" == done.stdout
    assert library.stat().st_size < LIBRARY.stat().st_size


def test_what_is_slim_stays_as_it_is() -> None:
    once = slim(PurePath("a.so"), LIBRARY.read_bytes())

    assert once == slim(PurePath("a.so"), once)


def test_a_distribution_keeps_its_name_and_version_without_its_readme(tmp_path: Path) -> None:
    name = PurePath("a-1.0.dist-info/METADATA")
    whole = (
        b"Metadata-Version: 2.4\nName: a\nVersion: 1.0\nLicense-Expression: MIT\n\n# A\n\nWords.\n"
    )
    (tmp_path / "METADATA").write_bytes(slim(name, whole))

    found: Distribution = PathDistribution(tmp_path)

    assert ("a", "1.0", "MIT") == (found.name, found.version, found.metadata["License-Expression"])
    assert b"Words" not in (tmp_path / "METADATA").read_bytes()


@pytest.mark.parametrize(
    ("name", "whether"),
    [
        ("a.dist-info/LICENSE", True),
        ("a.dist-info/licenses/LICENSE.md", True),
        ("a.dist-info/licenses/vendor/zlib.txt", True),
        ("a.dist-info/NOTICE", True),
        ("a.dist-info/RECORD", False),
        ("a.dist-info/top_level.txt", False),
    ],
)
def test_licences_are_known_by_their_names(name: str, whether: bool) -> None:  # noqa: FBT001
    assert whether == is_licence(PurePath(name))
