"""Vendors as rows: where a provider lives, which variable holds its key, which dialect it speaks.

Names, base URLs and variables are LiteLLM's, so that its configurations work unchanged. A vendor
belongs here when it differs from another only in this data; its dialect lives in providers/.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Vendor:
    """One provider's defaults; without a base URL each deployment must name its `api_base`."""

    provider: str
    base_url: str = ""
    key_variables: tuple[str, ...] = ()
    dialect: str = "openai"
    version_variable: str = ""

    @property
    def base_url_variable(self) -> str:
        """The environment variable that moves the base URL for all deployments at once."""
        return f"{self.provider.upper().replace('-', '_')}_API_BASE"


_ROWS: Final = (
    Vendor("openai", "https://api.openai.com/v1", ("OPENAI_API_KEY",)),
    Vendor("text-completion-openai", "https://api.openai.com/v1", ("OPENAI_API_KEY",)),
    Vendor("anthropic", "https://api.anthropic.com", ("ANTHROPIC_API_KEY",), dialect="anthropic"),
    # Where it is, the operator knows; by which version it is asked, the deployment or Azure's
    # variable says.
    Vendor(
        "azure",
        key_variables=("AZURE_API_KEY", "AZURE_OPENAI_API_KEY"),
        dialect="azure",
        version_variable="AZURE_API_VERSION",
    ),
    Vendor("bedrock", key_variables=("AWS_BEARER_TOKEN_BEDROCK",), dialect="bedrock"),
    Vendor("cerebras", "https://api.cerebras.ai/v1", ("CEREBRAS_API_KEY",)),
    Vendor("cohere", "https://api.cohere.com", ("COHERE_API_KEY", "CO_API_KEY"), dialect="cohere"),
    Vendor(
        "cohere_chat", "https://api.cohere.com", ("COHERE_API_KEY", "CO_API_KEY"), dialect="cohere"
    ),
    Vendor(
        "dashscope",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        ("DASHSCOPE_API_KEY",),
    ),
    Vendor("deepinfra", "https://api.deepinfra.com/v1/openai", ("DEEPINFRA_API_KEY",)),
    Vendor("deepseek", "https://api.deepseek.com/beta", ("DEEPSEEK_API_KEY",)),
    Vendor(
        "fireworks_ai",
        "https://api.fireworks.ai/inference/v1",
        ("FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY"),
    ),
    Vendor(
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        dialect="gemini",
    ),
    Vendor("groq", "https://api.groq.com/openai/v1", ("GROQ_API_KEY",)),
    Vendor("hyperbolic", "https://api.hyperbolic.xyz/v1", ("HYPERBOLIC_API_KEY",)),
    Vendor("mistral", "https://api.mistral.ai/v1", ("MISTRAL_API_KEY",), dialect="mistral"),
    Vendor("moonshot", "https://api.moonshot.ai/v1", ("MOONSHOT_API_KEY",)),
    Vendor("nebius", "https://api.studio.nebius.ai/v1", ("NEBIUS_API_KEY",)),
    Vendor("novita", "https://api.novita.ai/v3/openai", ("NOVITA_API_KEY",)),
    Vendor("nvidia_nim", "https://integrate.api.nvidia.com/v1", ("NVIDIA_NIM_API_KEY",)),
    Vendor("openrouter", "https://openrouter.ai/api/v1", ("OPENROUTER_API_KEY", "OR_API_KEY")),
    Vendor(
        "perplexity", "https://api.perplexity.ai", ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY")
    ),
    Vendor("sambanova", "https://api.sambanova.ai/v1", ("SAMBANOVA_API_KEY",)),
    Vendor(
        "together_ai", "https://api.together.xyz/v1", ("TOGETHERAI_API_KEY", "TOGETHER_API_KEY")
    ),
    # Without a project: Vertex in express mode, where a key is enough.
    Vendor(
        "vertex_ai",
        "https://aiplatform.googleapis.com/v1/publishers/google",
        ("VERTEXAI_API_KEY",),
        dialect="gemini",
    ),
    Vendor("xai", "https://api.x.ai/v1", ("XAI_API_KEY",)),
    # Servers of one's own: the deployment or the variable says where they are.
    Vendor("custom_openai"),
    Vendor("hosted_vllm", key_variables=("HOSTED_VLLM_API_KEY",)),
    Vendor("litellm_proxy", key_variables=("LITELLM_PROXY_API_KEY",)),
    Vendor("lm_studio", key_variables=("LM_STUDIO_API_KEY",)),
    Vendor("ollama", key_variables=("OLLAMA_API_KEY",)),
    Vendor("ollama_chat", key_variables=("OLLAMA_API_KEY",)),
    Vendor("openai_like", key_variables=("OPENAI_LIKE_API_KEY",)),
    Vendor("demo"),
)

VENDORS: Final = {vendor.provider: vendor for vendor in _ROWS}

_NAMES: Final = {
    "openai": re.compile(r"(gpt-|chatgpt-|o[1-9](-|$)|text-embedding-|davinci-|babbage-|ft:)[^/]*"),
    "anthropic": re.compile(r"claude-[^/]*"),
    "gemini": re.compile(r"gemini-[^/]*"),
    "mistral": re.compile(r"(mistral-|codestral-|magistral-|ministral-)[^/]*"),
    "cohere": re.compile(r"command-[^/]*"),
}


def inferred_provider(model: str) -> str | None:
    """Tell whose model a bare name is, where the name itself says so."""
    for provider, names in _NAMES.items():
        if names.fullmatch(model):
            return provider
    return None
