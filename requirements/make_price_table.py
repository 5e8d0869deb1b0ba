"""Reduce a public price list to what Tollgate charges by: shared/spend/table/prices.json.

The list is `model_prices_and_context_window_backup.json` of the litellm wheel (MIT). To renew it:

    pip download --no-deps litellm==VERSION
    unzip -p litellm-*.whl litellm/model_prices_and_context_window_backup.json > prices.json
    python requirements/make_price_table.py prices.json VERSION YYYY-MM-DD

Prices stay the decimal text they are in the list. A row reads `mode max_input max_output` and then
groups of rates: the standard ones first, `>N` above N prompt tokens, `priority`, `flex` and so on
for service tiers. In dollars per token: `i` input, `o` output, `c` cache read, `w` cache creation,
`l` cache creation for an hour or twelve, `r` reasoning, `a` audio read, `b` audio spoken, `g` image
read, `e` image drawn, `u` and `v` audio and images from the cache. `q` is dollars per request, `k`
per query of a reranker, `m` per image, `h` per character, `s` per second, `x` per web search (`y`
and `z` where little or much of what it finds is read), `f` per thousand searches in files, `t` per
search on maps, `n` per container that code runs in. `p1`: an answer that searched is billed one
search; `p2`: every answer is.
"""

from __future__ import annotations

import json
import re
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).parent.parent / "shared/spend/table/prices.json"
MODES = {
    *("chat", "completion", "responses", "embedding", "moderation", "rerank"),
    *("image_generation", "image_edit", "audio_speech", "audio_transcription"),
}
SERVICE_TIERS = ("priority", "flex", "ultrafast", "balanced")
FIELDS = {
    "i": "input_cost_per_token",
    "o": "output_cost_per_token",
    "c": "cache_read_input_token_cost",
    "w": "cache_creation_input_token_cost",
    "l": "cache_creation_input_token_cost_above_1hr",
    "r": "output_cost_per_reasoning_token",
    "a": "input_cost_per_audio_token",
    "b": "output_cost_per_audio_token",
    "g": "input_cost_per_image_token",
    "e": "output_cost_per_image_token",
    "u": "cache_read_input_audio_token_cost",
    "v": "cache_read_input_image_token_cost",
    "q": "input_cost_per_request",
    "k": "input_cost_per_query",
    "m": "cost_per_image",
    "h": "input_cost_per_character",
    "s": "cost_per_second",
    "x": "search_medium",
    "y": "search_low",
    "z": "search_high",
    "p": "search_counting",
    "f": "file_search_cost_per_1k_calls",
    "t": "google_maps_grounding_cost_per_query",
    "n": "code_interpreter_cost_per_session",
}
LONGEST = "cache_creation_input_token_cost_above_1hr"
LONGER = "cache_creation_input_token_cost_above_12hr"
WRITTEN = "cache_creation_input_token_cost"
PIECES = {"image_generation", "image_edit", "audio_speech", "audio_transcription"}
# How the list calls a provider, and how a deployment does.
PROVIDERS = {
    "text-completion-openai": "openai",
    "azure_text": "azure",
    "bedrock_converse": "bedrock",
    "cohere_chat": "cohere",
    "fireworks_ai-embedding-models": "fireworks_ai",
    **{
        name: name
        for name in (
            *("openai", "azure", "azure_ai", "anthropic", "bedrock", "vertex_ai", "gemini"),
            *("cohere", "voyage", "mistral", "groq", "together_ai", "fireworks_ai", "deepseek"),
            *("xai", "openrouter", "perplexity", "cerebras", "ollama", "nvidia_nim", "sambanova"),
            *("deepinfra", "dashscope", "moonshot", "nebius", "novita", "hyperbolic"),
            *("hosted_vllm", "lm_studio", "minimax", "zai", "ai21", "databricks"),
        )
    },
}
# These charge the dearer tier from its threshold on, the others above it (as LiteLLM bills them).
INCLUSIVE = {"xai"}

# Google bills a grounded prompt once (up to Gemini 2.5), Perplexity's Sonar every request.
BILL_SEARCHED_ANSWERS = {"gemini", "vertex_ai", "vertex_ai-language-models"}
BILL_EVERY_ANSWER = {"perplexity"}
# What the list does not say, and LiteLLM charges all the same.
SEARCH_OF = {"xai": "0.005"}
# A thousand searches in files at OpenAI (platform.openai.com/docs/pricing, and LiteLLM's constant);
# Azure bills what the files take instead, which no call shows.
FILE_SEARCH_OF = {"openai": "2.5"}
# Where the list keeps what a container of a vendor's costs, for all of its models.
CONTAINER = "{}/container"

Entry = dict[str, Any]


def main(source: str, version: str, date: str) -> None:
    """Write the table."""
    entries: dict[str, Entry] = json.loads(Path(source).read_text(), parse_float=str, parse_int=str)
    rows = reduced(entries)
    about = {
        "source": "model_prices_and_context_window_backup.json of the litellm wheel",
        "version": version,
        "date": date,
        "licence": "MIT, Copyright (c) 2023 Berri AI; see LICENSE beside this file",
        "providers_of_bare_names": sorted(bare_providers(entries)),
    }
    OUTPUT.write_text(as_text(about, rows))


def as_text(about: Entry, rows: dict[str, str]) -> str:
    """Write one model a line, so that a renewal shows what changed."""
    lines = ",\n".join(
        f"{json.dumps(name)}:{json.dumps(row)}" for name, row in sorted(rows.items())
    )
    return f'{{"about":{json.dumps(about)},\n"models":{{\n{lines}\n}}}}\n'


def reduced(entries: dict[str, Entry]) -> dict[str, str]:
    """Return a row for each model that is charged by the token, under PROVIDER/MODEL.

    A name with its provider is meant; one without is a second choice for the same place.
    """
    rows: dict[str, str] = {}
    for name, listed in sorted(entries.items(), key=lambda item: _is_bare(item[0], item[1])):
        entry = {**listed, **_tools(listed, entries)}
        provider = _provider(entry)
        row = _row(entry, provider) if provider else None
        if row is not None:
            rows.setdefault(f"{provider}/{name}" if _is_bare(name, entry) else name, row)
    return rows


def bare_providers(entries: dict[str, Entry]) -> set[str]:
    """Return the providers whose models the list also knows without a prefix."""
    return {
        provider
        for name, entry in entries.items()
        if (provider := _provider(entry)) and "/" not in name and _row(entry, provider)
    }


def _provider(entry: Entry) -> str | None:
    named = entry.get("litellm_provider", "")
    return "vertex_ai" if named.startswith("vertex_ai-") else PROVIDERS.get(named)


def _is_bare(name: str, entry: Entry) -> bool:
    return not name.startswith(f"{_provider(entry)}/")


def _row(entry: Entry, provider: str) -> str | None:
    if entry.get("mode") not in MODES:
        return None
    entry = {**entry, **_unfolded_tiers(entry), **_pieces(entry), **_searches(entry)}
    entry |= _long_cache(entry)
    # Where the list says 0, storing is free; what is stored was read, and costs as input does.
    if Decimal(entry.get(WRITTEN, "1")) == 0:
        del entry[WRITTEN]
    groups = [
        _group(entry, above + tier, label)
        for tier, name in [("", ""), *((f"_{name}", name) for name in SERVICE_TIERS)]
        for above, label in [
            ("", name),
            *((f"_above_{n}_tokens", name + _above(n, provider)) for n in _thresholds(entry)),
        ]
    ]
    if not re.search(r"\b[iokmhs]\d", groups[0]):
        return None
    limits = [_limit(entry.get(f"max_{side}_tokens")) for side in ("input", "output")]
    return " ".join([entry["mode"], *limits, *filter(None, groups)])


def _pieces(entry: Entry) -> Entry:
    """Name what is billed by the piece alike for what goes in and what comes out."""
    if entry["mode"] not in PIECES:
        return {}
    sides = ("output", "input") if entry["mode"] == "audio_speech" else ("input", "output")
    pieces: Entry = {}
    for unit in ("image", "second"):
        found = [
            entry[f"{side}_cost_per_{unit}"] for side in sides if f"{side}_cost_per_{unit}" in entry
        ]
        if found:
            pieces[f"cost_per_{unit}"] = found[0]
    for made in ("image", "audio"):
        rate = entry.get(f"output_cost_per_{made}_token")
        if rate is not None and "output_cost_per_token" not in entry:
            pieces["output_cost_per_token"] = rate
    return pieces


def _searches(entry: Entry) -> Entry:
    """Name what a web search costs, and what the vendor counts as one."""
    named, sizes = entry["litellm_provider"], entry.get("search_context_cost_per_query")
    if not isinstance(sizes, dict):
        is_talking = entry["mode"] in {"chat", "responses"} and named in SEARCH_OF
        return {"search_medium": SEARCH_OF[named]} if is_talking else {}
    low, medium, high = (sizes.get(f"search_context_size_{s}") for s in ("low", "medium", "high"))
    found: Entry = {"search_medium": medium or low or high}
    found |= {} if low in (None, medium) else {"search_low": low}
    found |= {} if high in (None, medium) else {"search_high": high}
    if named in BILL_SEARCHED_ANSWERS and entry.get("web_search_billing_unit") != "per_query":
        found["search_counting"] = "1"
    if named in BILL_EVERY_ANSWER and "search_low" in found:
        found["search_counting"] = "2"
    return found


def _tools(entry: Entry, entries: dict[str, Entry]) -> Entry:
    """Name what a vendor's own tools cost with all of its models that talk."""
    named = entry.get("litellm_provider", "")
    if entry.get("mode") not in {"chat", "responses"}:
        return {}
    container = entries.get(CONTAINER.format(named), {})
    found = {
        "code_interpreter_cost_per_session": container.get("code_interpreter_cost_per_session")
    }
    found["file_search_cost_per_1k_calls"] = FILE_SEARCH_OF.get(named)
    return {field: price for field, price in found.items() if price is not None}


def _long_cache(entry: Entry) -> Entry:
    """Name twelve hours in the cache as one hour: no vendor sells both."""
    return {
        field.replace(LONGER, LONGEST): price
        for field, price in entry.items()
        if field.startswith(LONGER)
    }


def _group(entry: Entry, suffix: str, label: str) -> str:
    rates = [
        f"{letter}{_decimal(entry[field + suffix])}"
        for letter, field in FIELDS.items()
        if entry.get(field + suffix) is not None
    ]
    return " ".join([label, *rates] if label else rates) if rates else ""


def _decimal(text: str) -> str:
    """Write a price as short as it can be without changing it."""
    price = Decimal(text)
    if not price.is_finite() or price < 0:
        raise ValueError(f"not a price: {text}")
    return format(price.normalize(), "E").replace("E+0", "").replace("E", "e")


def _limit(tokens: str | None) -> str:
    return str(int(Decimal(tokens))) if tokens and Decimal(tokens) > 0 else "-"


def _thresholds(entry: Entry) -> list[str]:
    found = {
        match.group(1)
        for field in entry
        if (match := re.fullmatch(r"(?:in|out)put_cost_per_token_above_(\d+k?)_tokens", field))
    }
    return sorted(found, key=_tokens)


def _tokens(threshold: str) -> int:
    return int(threshold.removesuffix("k")) * (1000 if threshold.endswith("k") else 1)


def _above(threshold: str, provider: str) -> str:
    return f">{_tokens(threshold) - (provider in INCLUSIVE)}"


def _unfolded_tiers(entry: Entry) -> Entry:
    """Turn `tiered_pricing` into fields above a threshold; within a tier nothing is inherited."""
    unfolded: Entry = {}
    for tier in entry.get("tiered_pricing") or ():
        start = int(Decimal(tier.get("range", ["0"])[0]))
        suffix = f"_above_{start}_tokens" if start else ""
        rates = {field: tier[field] for field in FIELDS.values() if field in tier}
        if "input_cost_per_token" in rates:
            for field in ("cache_read_input_token_cost", "cache_creation_input_token_cost"):
                rates.setdefault(field, rates["input_cost_per_token"])
            if "output_cost_per_token" in rates:
                rates.setdefault("output_cost_per_reasoning_token", rates["output_cost_per_token"])
            unfolded |= {field + suffix: rate for field, rate in rates.items()}
    return unfolded


if __name__ == "__main__":
    main(*sys.argv[1:])
