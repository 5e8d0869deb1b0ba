"""How much starting the proxy costs, beside what it is compared with: ratios of one run."""

from __future__ import annotations

import pytest

from bench import cold
from tests.outside import python_of

pytestmark = pytest.mark.slow

SUBJECTS = {subject.name: subject for subject in cold.SUBJECTS}


@pytest.fixture(scope="module")
def starts() -> dict[str, cold.Start]:
    """Each started in turn, so that a busy moment of the machine meets all of them."""
    return {name: cold.measure(SUBJECTS[name], rounds=3) for name in (cold.COMPARED, "proxy")}


def test_the_proxy_starts_within_half_again_of_bare_fastapi_and_mangum(
    starts: dict[str, cold.Start],
) -> None:
    assert starts["proxy"].import_cpu <= 1.5 * starts[cold.COMPARED].import_cpu


def test_the_proxy_needs_little_memory(starts: dict[str, cold.Start]) -> None:
    assert starts["proxy"].megabytes <= 80


def test_the_proxy_starts_in_a_fifteenth_of_litellms_time(starts: dict[str, cold.Start]) -> None:
    litellm = cold.measure(cold.LITELLM_SUBJECT, str(python_of("litellm-lambda")), rounds=1)

    assert starts["proxy"].import_cpu <= litellm.import_cpu / 15


def test_the_table_names_everything_that_was_measured(starts: dict[str, cold.Start]) -> None:
    lines = cold.table(starts).splitlines()

    assert [*starts] == [line[:26].strip() for line in lines[1:]]
    assert "CPU ms" in lines[0]
