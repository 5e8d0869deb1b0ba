"""One running stack for the tests that leave it as it is, and one to be maltreated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.running import Running, started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def running(scratch: Path) -> Iterator[Running]:
    with started(scratch / "e2e") as running:
        yield running


@pytest.fixture
def own(scratch: Path, request: pytest.FixtureRequest) -> Iterator[Running]:
    with started(scratch / request.node.name[:40]) as running:
        yield running
