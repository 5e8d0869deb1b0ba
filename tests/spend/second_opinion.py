"""Run by the interpreter of the outside environment `prices`: what genai-prices charges.

Reads `[[provider, model, usage], …]` as JSON from stdin and writes `[dollars or null, …]`: null
where it does not know the model. Everything is priced at one moment: no time of day matters.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

from genai_prices import Usage, calc_price  # pyright: ignore[reportMissingImports] - outside

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def dollars(provider: str, model: str, usage: dict[str, int]) -> str | None:
    try:
        found = calc_price(
            Usage(**usage), model_ref=model, provider_id=provider, genai_request_timestamp=AT
        )
    except LookupError:
        return None
    return str(found.total_price)


if __name__ == "__main__":
    json.dump([dollars(*asked) for asked in json.load(sys.stdin)], sys.stdout)
