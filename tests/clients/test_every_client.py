"""Every client against a running gateway with fake vendors behind it; see table.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clients.runs import CLIENTS, Client, Stack, run, stack
from tests.clients.table import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with stack(tmp_path_factory.mktemp("clients")) as running:
        yield running


@pytest.mark.parametrize(
    ("client", "model"),
    [(client, model) for client in CLIENTS for model in client.models],
    ids=lambda value: value.name if isinstance(value, Client) else value,
)
def test_a_client_goes_through_all_of_its_flows(client: Client, model: str, at: Stack) -> None:
    results = run(client, model, at)

    assert {} == {flow: result for flow, result in results.items() if result != "ok"}
    assert results.keys() <= {flow for flows in COLUMNS.values() for flow in flows}


def test_no_vendor_was_told_a_callers_key_or_a_public_name(at: Stack) -> None:
    told = str(at.vendors.received)

    assert at.key not in told
    assert {"fake-gpt", "fake-claude", None} >= {
        body.get("model") for _, body in at.vendors.received if "embed" not in str(body)
    }
