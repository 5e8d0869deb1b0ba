"""Which dialect a provider speaks, and how it strays from it.

Addresses and keys of vendors are rows of shared.config.vendors; what differs on the wire is here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.config.vendors import VENDORS
from shared.domain import Endpoint
from shared.providers.openai import OpenAI
from shared.providers.responses.bridge import ResponsesBridge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.providers.dialect import Dialect

_DIALECTS: Final[Mapping[str, Dialect]] = {"openai": OpenAI()}

_KNOWS_MAX_TOKENS: Final = OpenAI(takes_max_completion_tokens=False)

# The old name of the limit is what these document, or what LiteLLM sends them.
_STRAYING: Final[Mapping[str, Dialect]] = {
    **dict.fromkeys(
        [
            *("cerebras", "dashscope", "deepinfra", "deepseek", "fireworks_ai", "hyperbolic"),
            *("lm_studio", "moonshot", "nebius", "novita", "nvidia_nim", "openai_like"),
            *("perplexity", "sambanova", "together_ai", "xai"),
        ],
        _KNOWS_MAX_TOKENS,
    ),
    # 422 "extra_forbidden" for stream_options (github.com/avante-corp/avante.nvim issue 2347, read
    # 2026-11); it tells the usage in the last chunk unasked.
    "mistral": OpenAI(takes_stream_options=False, takes_max_completion_tokens=False),
    # LiteLLM's base URL is that of Ollama's own API; OpenAI's is below /v1.
    **dict.fromkeys(
        ["ollama", "ollama_chat"], OpenAI(takes_max_completion_tokens=False, base_path="/v1")
    ),
}


class UnknownProvider(LookupError):  # noqa: N818 - reads as a sentence
    """A deployment names a provider that is none of ours."""

    def __init__(self, provider: str) -> None:
        """List what could have been meant."""
        super().__init__(
            f"there is no provider `{provider}`; write the model as PROVIDER/MODEL with one of "
            + ", ".join(sorted(VENDORS)),
        )


_KNOWS_RESPONSES: Final = frozenset({"openai", "litellm_proxy", "xai"})
"""Who speaks the Responses API itself, and stores what it answered."""


def knows_responses(provider: str) -> bool:
    """Say whether a provider is asked for responses as they are."""
    return provider in _KNOWS_RESPONSES


def dialect_of(provider: str, endpoint: Endpoint = Endpoint.CHAT) -> Dialect:
    """Return how to put a call of that endpoint to a provider.

    Raise UnknownProvider when nobody knows.
    """
    vendor = VENDORS.get(provider)
    if vendor is None:
        raise UnknownProvider(provider)
    dialect = _STRAYING.get(provider) or _DIALECTS[vendor.dialect]
    if endpoint is Endpoint.RESPONSES and not knows_responses(provider):
        return ResponsesBridge(dialect)
    return dialect
