"""Our prices beside those of a second public library, on every model that both know.

Where they differ, `disagreements.json` says which models and why; the test fails for a difference
that nobody has explained, and for an explanation that is no longer needed.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson
import pytest

from shared.domain import Deployment, Usage
from shared.spend.cost import cost
from shared.spend.prices import price_of
from shared.spend.searches import search_size
from tests.outside import python_of

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE: Final = Path(__file__).parent
TABLE: Final = HERE.parent.parent / "shared/spend/table/prices.json"
EXPLAINED: Final = HERE / "disagreements.json"
PLACES: Final = {
    "openai": "openai",
    "anthropic": "anthropic",
    "azure": "azure",
    "bedrock": "aws",
    "vertex_ai": "google",
    "gemini": "google",
    "cohere": "cohere",
    "mistral": "mistral",
    "groq": "groq",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
    "deepseek": "deepseek",
    "xai": "x-ai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "cerebras": "cerebras",
    "voyage": "voyageai",
    "moonshot": "moonshotai",
    "minimax": "minimax",
    "zai": "zai",
    "novita": "novita",
    "databricks": "databricks",
}
CHATS: Final = (
    (Usage(1_000, 100), {"input_tokens": 1_000, "output_tokens": 100}),
    (Usage(300_000, 100), {"input_tokens": 300_000, "output_tokens": 100}),
    (
        Usage(1_000, 100, cached_tokens=400),
        {"input_tokens": 1_000, "output_tokens": 100, "cache_read_tokens": 400},
    ),
    (
        Usage(1_000, 100, cache_creation_tokens=400),
        {"input_tokens": 1_000, "output_tokens": 100, "cache_write_tokens": 400},
    ),
    (
        Usage(1_000, 100, audio_tokens=400),
        {"input_tokens": 1_000, "output_tokens": 100, "input_audio_tokens": 400},
    ),
)
READS: Final = ((Usage(1_000), {"input_tokens": 1_000}),)
ASKED: Final = {"chat": CHATS, "completion": CHATS, "responses": CHATS, "embedding": READS}


def asked() -> Iterator[tuple[str, Usage, dict[str, int]]]:
    """Every model of the table that is charged by the token at a vendor both may know."""
    for name, row in orjson.loads(TABLE.read_bytes())["models"].items():
        if name.partition("/")[0] in PLACES:
            for ours, theirs in ASKED.get(row.partition(" ")[0], ()):
                yield name, ours, theirs


def our_price(name: str, usage: Usage) -> int:
    provider, _, model = name.partition("/")
    place = Deployment(id="d", model_group="g", provider=provider, model=model, api_base="")
    price = price_of(place, None, search_size({}, provider))
    assert price is not None
    return cost(price, usage)


def their_prices() -> list[str | None]:
    questions = [
        (PLACES[name.partition("/")[0]], name.partition("/")[2], usage)
        for name, _, usage in asked()
    ]
    done = subprocess.run(
        [str(python_of("prices")), str(HERE / "second_opinion.py")],
        input=orjson.dumps(questions),
        capture_output=True,
        check=True,
    )
    return orjson.loads(done.stdout)


def differ(ours: int, theirs: str) -> bool:
    """A thousandth apart is rounding of somebody's list."""
    wanted = Decimal(theirs) * 10**9
    return abs(wanted - ours) > max(1, wanted / 1000)


@pytest.mark.slow
def test_both_libraries_agree_but_for_what_is_explained() -> None:
    explained: list[dict[str, list[str]]] = orjson.loads(EXPLAINED.read_bytes())["reasons"]

    known: set[str] = set()
    disagreeing: set[str] = set()
    for (name, usage, _), theirs in zip(asked(), their_prices(), strict=True):
        if theirs is not None:
            known.add(name)
            if differ(our_price(name, usage), theirs):
                disagreeing.add(name)

    listed = Counter(name for reason in explained for name in reason["models"])
    assert sorted(listed) == sorted(disagreeing)
    assert {1} == set(listed.values())
    assert len(known) > 900
    assert len(disagreeing) < len(known) / 4
