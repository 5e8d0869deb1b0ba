"""The cost tables: the page shows what the calculator prints, and the calculator adds up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from local.costs import ASSUMED, PRICES, function_cost, tables, web_cost

PAGE = (Path(__file__).parents[2] / "docs/operations.md").read_text(encoding="utf-8")


def test_the_page_shows_what_the_calculator_prints() -> None:
    for table in tables().split("\n\n"):
        assert table in PAGE, "docs/operations.md: paste what ./tollgate cost prints"


def test_a_function_is_billed_for_all_its_time() -> None:
    free = replace(ASSUMED, redis_commands=0, log_kb=0, cold_share=0)

    assert 2 * 0.5 * 1e6 * PRICES.lambda_gb_second + 0.2 + 3.5 == pytest.approx(
        function_cost(2, 3.5, free)
    )


def test_waiting_costs_a_web_function_only_its_share_of_memory() -> None:
    alone = replace(ASSUMED, web_calls_at_once=1)

    assert web_cost(2, alone) > web_cost(2)
    assert web_cost(60) < function_cost(60, 0) / 10
