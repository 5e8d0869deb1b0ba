"""Which dialect a deployment speaks at which entrance, and how it strays from it.

Addresses and keys of vendors are rows of shared.config.vendors; what differs on the wire is here.
Dialects are imported when the first call needs them: a cold start pays for the one it uses.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from shared.config.vendors import VENDORS
from shared.domain import Endpoint
from shared.errors import BadRequest
from shared.providers import loading
from shared.providers.parameters import prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.domain import Call, Deployment, HttpRequest, JsonObject
    from shared.providers.dialect import Dialect

_CHATS: Final[Mapping[str, Callable[[], Dialect]]] = {
    "openai": loading.openai,
    "anthropic": loading.anthropic,
    "azure": loading.azure,
    "azure_ai": loading.azure_ai,
    "bedrock": loading.bedrock,
    "bedrock_claude": loading.bedrock_claude,
    "cohere": loading.cohere,
    "gemini": loading.gemini,
    "mistral": loading.mistral,
    "vertex_claude": loading.vertex_claude,
}
"""What each speaks to callers of a chat."""

_OPENAIS: Final = frozenset({"openai", "azure", "azure_ai", "mistral"})
"""Dialects whose other endpoints are OpenAI's too."""

_RICH: Final = frozenset({"openrouter", "litellm_proxy"})
"""Who, of those that speak OpenAI's, knows LiteLLM's additions to a chat."""

_KNOWS_RESPONSES: Final = frozenset({"openai", "litellm_proxy", "xai"})
"""Who speaks the Responses API itself, and stores what it answered."""

_CHATS_ONLY: Final = frozenset(
    {"azure_ai", "cloudflare", "github", "groq", "huggingface", "perplexity"}
)
"""Who, of those that speak OpenAI's, has no completions of the old kind."""

_OPENAIS_CHATS: Final = re.compile(
    r"(?:ft:)?(?:gpt-(?!3\.5-turbo-instruct)|chatgpt-|o[1-9](?:-|$))"
)
"""OpenAI's own models that answer 404 to a completion of the old kind."""

# The old name of the limit is what these document, or what LiteLLM 1.109 sends them.
_OLD_LIMIT: Final = frozenset(
    {
        *("apertis", "baseten", "cerebras", "chutes", "crusoe", "dashscope", "deepinfra"),
        *("deepseek", "docker_model_runner", "featherless_ai", "fireworks_ai", "huggingface"),
        *("hyperbolic", "inception", "libertai", "llamagate", "lm_studio", "moonshot", "nano-gpt"),
        *("nebius", "novita", "nvidia_nim", "ollama", "ollama_chat", "openai_like", "perplexity"),
        *("pinstripes", "poe", "publicai", "sambanova", "synthetic", "tensormesh", "together_ai"),
        *("volcengine", "wandb", "xai", "xiaomi_mimo", "zai"),
    }
)
_BASE_PATHS: Final[Mapping[str, str]] = {
    # LiteLLM's base URL is that of Ollama's own API; OpenAI's is below /v1.
    **dict.fromkeys(["ollama", "ollama_chat"], "/v1"),
}


class UnknownProvider(LookupError):  # noqa: N818 - reads as a sentence
    """A deployment names a provider that is none of ours."""

    def __init__(self, provider: str) -> None:
        """List what could have been meant."""
        super().__init__(
            f"there is no provider `{provider}`; write the model as PROVIDER/MODEL with one of "
            + ", ".join(sorted(VENDORS)),
        )


def request_for(call: Call, to: Deployment) -> HttpRequest:
    """Build the request that puts a call to a deployment."""
    dialect = dialect_of(to.provider, call.endpoint, to.model)
    return dialect.request(prepared(call, to), to)


def knows_responses(provider: str) -> bool:
    """Say whether a provider is asked for responses as they are."""
    return provider in _KNOWS_RESPONSES


def counts_tokens(provider: str, endpoint: Endpoint, model: str = "") -> bool:
    """Tell whether the provider itself counts the tokens of such a call."""
    match endpoint:
        case Endpoint.RESPONSE_TOKENS:
            return provider == "openai"
        case Endpoint.CONTENT_TOKENS:
            return _native_content(_speaks(provider, model)) is not None
        case _:
            return _speaks(provider, model) in {"anthropic", "vertex_claude"}


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


@cache
def dialect_of(provider: str, endpoint: Endpoint = Endpoint.CHAT, model: str = "") -> Dialect:
    """Return how to put a call of that endpoint to a provider's model.

    Raise UnknownProvider when nobody knows, BadRequest when it has nothing of the kind.
    """
    speaks = _speaks(provider, model)
    chat = _chat(provider, speaks)
    match endpoint:
        case Endpoint.MESSAGES | Endpoint.COUNT_TOKENS:
            is_rich = speaks not in _OPENAIS or provider in _RICH
            return _native_messages(speaks) or loading.messages_bridge(chat, is_rich=is_rich)
        case Endpoint.CONTENT | Endpoint.CONTENT_TOKENS:
            is_rich = speaks not in _OPENAIS or provider in _RICH
            return _native_content(speaks) or loading.content_bridge(chat, is_rich=is_rich)
        case Endpoint.RESPONSES if not knows_responses(provider):
            return loading.responses_bridge(chat)
        case Endpoint.PASS_THROUGH:
            return loading.passing()
        case Endpoint.COMPLETION if not _completes(provider, speaks, model):
            return loading.completions_bridge(chat)
        case Endpoint.RERANK if speaks == "cohere":
            # docs.cohere.com/reference/rerank, read 2026-11: the shape others have taken over.
            return loading.openai(base_path="/v2")
        case Endpoint.CHAT:
            return chat
        case _ if _offers(provider, speaks, endpoint):
            return chat
        case _ if beside := _beside(provider, endpoint):
            return beside
        case _:
            raise BadRequest(f"{provider} has no models for this endpoint.", param="model")


def telling(endpoint: Endpoint) -> Dialect | None:
    """Return how a chat in OpenAI's words is told at an entrance; None where no chat can be."""
    chat = loading.openai()
    match endpoint:
        case Endpoint.CHAT:
            return chat
        case Endpoint.COMPLETION:
            return loading.completions_bridge(chat)
        case Endpoint.MESSAGES:
            return loading.messages_bridge(chat, is_rich=False)
        case Endpoint.RESPONSES:
            return loading.responses_bridge(chat)
        case Endpoint.CONTENT:
            return loading.content_bridge(chat, is_rich=False)
        case _:
            return None


def _speaks(provider: str, model: str) -> str:
    """Name the dialect of a provider's model: platforms speak several."""
    if provider == "vertex_ai" and model.startswith("claude"):
        return "vertex_claude"
    if provider == "bedrock" and model.startswith("invoke/"):
        return "bedrock_claude"
    vendor = VENDORS.get(provider)
    if vendor is None:
        raise UnknownProvider(provider)
    return vendor.dialect


def _chat(provider: str, speaks: str) -> Dialect:
    if speaks != "openai":
        return _CHATS[speaks]()
    return loading.openai(
        takes_max_completion_tokens=provider not in _OLD_LIMIT,
        base_path=_BASE_PATHS.get(provider, ""),
        knows_additions=provider in _RICH,
        # github.com/huggingface/huggingface.js pull 1636 ("model:provider"), read 2026-11.
        names_host_last=provider == "huggingface",
    )


def _native_messages(speaks: str) -> Dialect | None:
    """Return what speaks the Messages API itself; all others are bridged to it."""
    match speaks:
        case "anthropic":
            return loading.anthropic_messages()
        case "bedrock_claude":
            return loading.bedrock_claude(loading.anthropic_messages())
        case "vertex_claude":
            return loading.vertex_claude(loading.anthropic_messages())
        case _:
            return None


def _native_content(speaks: str) -> Dialect | None:
    """Likewise for Google's generateContent."""
    return loading.gemini_content() if speaks == "gemini" else None


def _offers(provider: str, speaks: str, endpoint: Endpoint) -> bool:
    """Say whether OpenAI's words for an endpoint beside the chat are the provider's too."""
    return speaks in _OPENAIS and (endpoint is not Endpoint.COMPACT or knows_responses(provider))


def _completes(provider: str, speaks: str, model: str) -> bool:
    if speaks == "mistral" or provider in _CHATS_ONLY:
        return False
    if provider in {"openai", "azure"}:
        return not _OPENAIS_CHATS.match(model)
    return speaks in _OPENAIS


def _beside(provider: str, endpoint: Endpoint) -> Dialect | None:
    """Return what providers with a chat of their own offer in OpenAI's words beside it."""
    match provider, endpoint:
        # docs.cohere.com/docs/compatibility-api, read 2026-11.
        case "cohere" | "cohere_chat", Endpoint.EMBEDDING:
            return loading.openai(base_path="/compatibility/v1")
        # ai.google.dev/gemini-api/docs/openai, read 2026-11.
        case "gemini", Endpoint.EMBEDDING:
            return loading.openai(base_path="/openai")
        case _:
            return None
