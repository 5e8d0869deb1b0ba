"""Which dialect a provider speaks at which entrance, and how it strays from it.

Addresses and keys of vendors are rows of shared.config.vendors; what differs on the wire is here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.config.vendors import VENDORS
from shared.domain import Endpoint
from shared.errors import BadRequest
from shared.providers.anthropic.dialect import Anthropic
from shared.providers.anthropic.native import AnthropicMessages
from shared.providers.azure import Azure
from shared.providers.bedrock.dialect import Bedrock
from shared.providers.cohere import Cohere
from shared.providers.content.bridge import ContentBridge
from shared.providers.gemini.dialect import Gemini
from shared.providers.gemini.native import GeminiContent
from shared.providers.messages.bridge import MessagesBridge
from shared.providers.mistral import Mistral
from shared.providers.openai import OpenAI
from shared.providers.passing import PassThrough
from shared.providers.responses.bridge import ResponsesBridge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import JsonObject
    from shared.providers.dialect import Dialect

_DIALECTS: Final[Mapping[str, Dialect]] = {
    "openai": OpenAI(),
    "anthropic": Anthropic(),
    "azure": Azure(OpenAI()),
    "bedrock": Bedrock(),
    "cohere": Cohere(),
    "gemini": Gemini(),
    # 422 "extra_forbidden" for stream_options (github.com/avante-corp/avante.nvim issue 2347, read
    # 2026-11); it tells the usage in the last chunk unasked.
    "mistral": Mistral(OpenAI(takes_stream_options=False, takes_max_completion_tokens=False)),
}
"""What each speaks to callers of a chat."""

_OPENAIS: Final = frozenset({"openai", "azure", "mistral"})
"""Dialects whose other endpoints are OpenAI's too."""

_BESIDE: Final[Mapping[tuple[str, Endpoint], Dialect]] = {
    # docs.cohere.com/docs/compatibility-api and ai.google.dev/gemini-api/docs/openai, read 2026-11.
    ("cohere", Endpoint.EMBEDDING): OpenAI(base_path="/compatibility/v1"),
    ("cohere", Endpoint.RERANK): OpenAI(base_path="/v2"),
    ("gemini", Endpoint.EMBEDDING): OpenAI(base_path="/openai"),
}
"""What providers with a chat of their own offer in OpenAI's words beside it."""

_MESSAGES: Final[Mapping[str, Dialect]] = {"anthropic": AnthropicMessages()}
"""Who speaks the Messages API itself; all others are bridged to it."""

_CONTENT: Final[Mapping[str, Dialect]] = {"gemini": GeminiContent()}
"""Likewise for Google's generateContent."""

_RICH: Final = frozenset({"openrouter", "litellm_proxy"})
"""Who, of those that speak OpenAI's, knows LiteLLM's additions to a chat."""

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


# docs.cohere.com/reference/rerank, read 2026-11: the shape that others have taken over.
_RERANKING_AT_COHERE: Final = OpenAI(base_path="/v2")

_KNOWS_RESPONSES: Final = frozenset({"openai", "litellm_proxy", "xai"})
"""Who speaks the Responses API itself, and stores what it answered."""


def knows_responses(provider: str) -> bool:
    """Say whether a provider is asked for responses as they are."""
    return provider in _KNOWS_RESPONSES


def dialect_of(provider: str, endpoint: Endpoint = Endpoint.CHAT) -> Dialect:
    """Return how to put a call of that endpoint to a provider.

    Raise UnknownProvider when nobody knows, BadRequest when it has nothing of the kind.
    """
    dialect = _dialect_name(provider)
    chat = _STRAYING.get(provider) or _DIALECTS[dialect]
    match endpoint:
        case Endpoint.MESSAGES | Endpoint.COUNT_TOKENS:
            is_rich = dialect not in _OPENAIS or provider in _RICH
            return _MESSAGES.get(dialect) or MessagesBridge(chat, is_rich=is_rich)
        case Endpoint.CONTENT | Endpoint.CONTENT_TOKENS:
            is_rich = dialect not in _OPENAIS or provider in _RICH
            return _CONTENT.get(dialect) or ContentBridge(chat, is_rich=is_rich)
        case Endpoint.RESPONSES if not knows_responses(provider):
            return ResponsesBridge(chat)
        case Endpoint.COMPACT if not knows_responses(provider):
            raise BadRequest(f"{provider} has no models for this endpoint.", param="model")
        case Endpoint.PASS_THROUGH:
            return PassThrough()
        case Endpoint.RERANK if dialect == "cohere":
            return _RERANKING_AT_COHERE
        case Endpoint.CHAT:
            return chat
        case _ if dialect in _OPENAIS:
            return chat
        case _ if beside := _BESIDE.get((provider.removesuffix("_chat"), endpoint)):
            return beside
        case _:
            raise BadRequest(f"{provider} has no models for this endpoint.", param="model")


def counts_tokens(provider: str, endpoint: Endpoint) -> bool:
    """Tell whether the provider itself counts the tokens of such a call."""
    match endpoint:
        case Endpoint.RESPONSE_TOKENS:
            return provider == "openai"
        case Endpoint.CONTENT_TOKENS:
            return _dialect_name(provider) in _CONTENT
        case _:
            return _dialect_name(provider) in _MESSAGES


def token_count(endpoint: Endpoint, tokens: int) -> JsonObject:
    """Write a count of the gateway's own as the provider of that entrance would."""
    match endpoint:
        case Endpoint.RESPONSE_TOKENS:
            return {"object": "response.input_tokens", "input_tokens": tokens}
        case Endpoint.CONTENT_TOKENS:
            details: JsonObject = {"modality": "TEXT", "tokenCount": tokens}
            return {"totalTokens": tokens, "promptTokensDetails": [details]}
        case _:
            return {"input_tokens": tokens}


def _dialect_name(provider: str) -> str:
    vendor = VENDORS.get(provider)
    if vendor is None:
        raise UnknownProvider(provider)
    return vendor.dialect
