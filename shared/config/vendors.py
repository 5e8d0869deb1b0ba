"""Vendors as rows: where a provider lives, which variable holds its key, which dialect it speaks.

Names, base URLs and variables are LiteLLM's, so that its configurations work unchanged: compared
with get_llm_provider_logic.py, llms/*/ and llms/openai_like/providers.json of its version 1.109,
read 2026-11-24. A vendor belongs here when it differs from another only in this data; its dialect
lives in providers/.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE: Final = re.compile(r"\{([A-Z_]+)\}")


@dataclass(frozen=True, slots=True)
class Vendor:
    """One provider's defaults; without a base URL each deployment must name its `api_base`."""

    provider: str
    base_url: str = ""
    key_variables: tuple[str, ...] = ()
    dialect: str = "openai"
    version_variable: str = ""
    base_variable: str = ""

    @property
    def base_url_variable(self) -> str:
        """The environment variable that moves the base URL for all deployments at once."""
        return self.base_variable or f"{self.provider.upper().replace('-', '_')}_API_BASE"

    def base_in(self, environment: Mapping[str, str]) -> str:
        """Return the base URL, with the variables that it names filled in; empty without them."""
        names = _VARIABLE.findall(self.base_url)
        if not all(environment.get(name) for name in names):
            return ""
        return _VARIABLE.sub(lambda found: quote(environment[found[1]], safe=""), self.base_url)


_SPEAKING_OPENAIS: Final = (
    Vendor("openai", "https://api.openai.com/v1", ("OPENAI_API_KEY",)),
    Vendor("text-completion-openai", "https://api.openai.com/v1", ("OPENAI_API_KEY",)),
    Vendor("abliteration", "https://api.abliteration.ai/v1", ("ABLITERATION_API_KEY",)),
    Vendor("aihubmix", "https://aihubmix.com/v1", ("AIHUBMIX_API_KEY",)),
    Vendor("aiml", "https://api.aimlapi.com/v1", ("AIML_API_KEY", "AIMLAPI_KEY")),
    Vendor("amazon_nova", "https://api.nova.amazon.com/v1", ("AMAZON_NOVA_API_KEY",)),
    Vendor("anyscale", "https://api.endpoints.anyscale.com/v1", ("ANYSCALE_API_KEY",)),
    Vendor("apertis", "https://api.stima.tech/v1", ("STIMA_API_KEY",)),
    Vendor("baseten", "https://inference.baseten.co/v1", ("BASETEN_API_KEY",)),
    Vendor("cerebras", "https://api.cerebras.ai/v1", ("CEREBRAS_API_KEY",)),
    Vendor("chutes", "https://llm.chutes.ai/v1", ("CHUTES_API_KEY",)),
    Vendor("clarifai", "https://api.clarifai.com/v2/ext/openai/v1", ("CLARIFAI_API_KEY",)),
    # developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility, read 2026-11.
    Vendor(
        "cloudflare",
        "https://api.cloudflare.com/client/v4/accounts/{CLOUDFLARE_ACCOUNT_ID}/ai/v1",
        ("CLOUDFLARE_API_KEY",),
    ),
    Vendor("codestral", "https://codestral.mistral.ai/v1", ("CODESTRAL_API_KEY",), "mistral"),
    Vendor("cometapi", "https://api.cometapi.com/v1", ("COMETAPI_KEY", "COMETAPI_API_KEY")),
    Vendor("compactifai", "https://api.compactif.ai/v1", ("COMPACTIFAI_API_KEY",)),
    Vendor("crusoe", "https://api.inference.crusoecloud.com/v1", ("CRUSOE_API_KEY",)),
    Vendor(
        "dashscope",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        ("DASHSCOPE_API_KEY",),
    ),
    # The base URL ends in /serving-endpoints (docs.databricks.com, foundation model APIs, 2026-11).
    Vendor("databricks", key_variables=("DATABRICKS_API_KEY",)),
    Vendor("deepinfra", "https://api.deepinfra.com/v1/openai", ("DEEPINFRA_API_KEY",)),
    Vendor("deepseek", "https://api.deepseek.com/beta", ("DEEPSEEK_API_KEY",)),
    Vendor("empower", "https://app.empower.dev/api/v1", ("EMPOWER_API_KEY",)),
    Vendor(
        "featherless_ai",
        "https://api.featherless.ai/v1",
        ("FEATHERLESS_AI_API_KEY", "FEATHERLESS_API_KEY"),
    ),
    Vendor(
        "fireworks_ai",
        "https://api.fireworks.ai/inference/v1",
        (
            *("FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY", "FIREWORKSAI_API_KEY"),
            "FIREWORKS_AI_TOKEN",
        ),
    ),
    Vendor(
        "friendliai",
        "https://api.friendli.ai/serverless/v1",
        ("FRIENDLIAI_API_KEY", "FRIENDLI_TOKEN"),
        base_variable="FRIENDLI_API_BASE",
    ),
    Vendor("galadriel", "https://api.galadriel.com/v1", ("GALADRIEL_API_KEY",)),
    # LiteLLM still names models.inference.ai.azure.com, which ended on 2025-10-17
    # (github.blog/changelog/2025-07-17-deprecation-of-azure-endpoint-for-github-models, 2026-11).
    Vendor("github", "https://models.github.ai/inference", ("GITHUB_API_KEY",)),
    Vendor("gmi", "https://api.gmi-serving.com/v1", ("GMI_API_KEY",)),
    Vendor("gradient_ai", "https://inference.do-ai.run/v1", ("GRADIENT_AI_API_KEY",)),
    # console.groq.com/docs/openai, read 2026-11.
    Vendor("groq", "https://api.groq.com/openai/v1", ("GROQ_API_KEY",)),
    Vendor("helicone", "https://ai-gateway.helicone.ai", ("HELICONE_API_KEY",)),
    Vendor("huggingface", "https://router.huggingface.co/v1", ("HUGGINGFACE_API_KEY", "HF_TOKEN")),
    Vendor("hyperbolic", "https://api.hyperbolic.xyz/v1", ("HYPERBOLIC_API_KEY",)),
    Vendor("inception", "https://api.inceptionlabs.ai/v1", ("INCEPTION_API_KEY",)),
    Vendor(
        "lambda_ai",
        "https://api.lambda.ai/v1",
        ("LAMBDA_API_KEY",),
        base_variable="LAMBDA_API_BASE",
    ),
    Vendor("libertai", "https://api.libertai.io/v1", ("LIBERTAI_API_KEY",)),
    Vendor("llamagate", "https://api.llamagate.dev/v1", ("LLAMAGATE_API_KEY",)),
    Vendor(
        "meta_llama",
        "https://api.llama.com/compat/v1",
        ("LLAMA_API_KEY",),
        base_variable="LLAMA_API_BASE",
    ),
    Vendor("minimax", "https://api.minimax.io/v1", ("MINIMAX_API_KEY",)),
    Vendor("modelscope", "https://api-inference.modelscope.cn/v1", ("MODELSCOPE_API_KEY",)),
    Vendor("moonshot", "https://api.moonshot.ai/v1", ("MOONSHOT_API_KEY",)),
    Vendor("morph", "https://api.morphllm.com/v1", ("MORPH_API_KEY",)),
    Vendor("nano-gpt", "https://nano-gpt.com/api/v1", ("NANOGPT_API_KEY",)),
    Vendor("nebius", "https://api.studio.nebius.ai/v1", ("NEBIUS_API_KEY",)),
    Vendor("novita", "https://api.novita.ai/v3/openai", ("NOVITA_API_KEY",)),
    Vendor("nscale", "https://inference.api.nscale.com/v1", ("NSCALE_API_KEY",)),
    Vendor("nvidia_nim", "https://integrate.api.nvidia.com/v1", ("NVIDIA_NIM_API_KEY",)),
    Vendor("openrouter", "https://openrouter.ai/api/v1", ("OPENROUTER_API_KEY", "OR_API_KEY")),
    Vendor("ovhcloud", "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1", ("OVHCLOUD_API_KEY",)),
    Vendor("parasail", "https://api.parasail.io/v1", ("PARASAIL_API_KEY",)),
    Vendor(
        "perplexity", "https://api.perplexity.ai", ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY")
    ),
    Vendor("pinstripes", "https://pinstripes.io/v1", ("PINSTRIPES_API_KEY",)),
    Vendor("poe", "https://api.poe.com/v1", ("POE_API_KEY",)),
    Vendor("publicai", "https://api.publicai.co/v1", ("PUBLICAI_API_KEY",)),
    Vendor("reka", "https://api.reka.ai/v1", ("REKA_API_KEY",)),
    Vendor("sambanova", "https://api.sambanova.ai/v1", ("SAMBANOVA_API_KEY",)),
    Vendor("scaleway", "https://api.scaleway.ai/v1", ("SCW_SECRET_KEY",)),
    Vendor("synthetic", "https://api.synthetic.new/openai/v1", ("SYNTHETIC_API_KEY",)),
    Vendor(
        "tensormesh",
        "https://serverless.tensormesh.ai/v1",
        ("TENSORMESH_INFERENCE_API_KEY",),
        base_variable="TENSORMESH_SERVERLESS_BASE_URL",
    ),
    Vendor(
        "together_ai",
        "https://api.together.ai/v1",
        (
            *("TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHERAI_API_KEY"),
            "TOGETHER_AI_TOKEN",
        ),
    ),
    Vendor("v0", "https://api.v0.dev/v1", ("V0_API_KEY",)),
    Vendor("veniceai", "https://api.venice.ai/api/v1", ("VENICE_AI_API_KEY",)),
    Vendor(
        "vercel_ai_gateway",
        "https://ai-gateway.vercel.sh/v1",
        ("VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"),
    ),
    Vendor(
        "volcengine",
        "https://ark.cn-beijing.volces.com/api/v3",
        ("VOLCENGINE_API_KEY", "ARK_API_KEY"),
    ),
    Vendor("wandb", "https://api.inference.wandb.ai/v1", ("WANDB_API_KEY",)),
    Vendor("xai", "https://api.x.ai/v1", ("XAI_API_KEY",)),
    Vendor("xiaomi_mimo", "https://api.xiaomimimo.com/v1", ("XIAOMI_MIMO_API_KEY",)),
    Vendor("zai", "https://api.z.ai/api/paas/v4", ("ZAI_API_KEY",)),
    # Servers of one's own: the deployment or the variable says where they are.
    Vendor("custom_openai"),
    Vendor("docker_model_runner", key_variables=("DOCKER_MODEL_RUNNER_API_KEY",)),
    Vendor("hosted_vllm", key_variables=("HOSTED_VLLM_API_KEY",)),
    Vendor("lemonade", key_variables=("LEMONADE_API_KEY",)),
    Vendor("litellm_proxy", key_variables=("LITELLM_PROXY_API_KEY",)),
    Vendor("llamafile", key_variables=("LLAMAFILE_API_KEY",)),
    Vendor("lm_studio", key_variables=("LM_STUDIO_API_KEY",)),
    Vendor("ollama", key_variables=("OLLAMA_API_KEY",)),
    Vendor("ollama_chat", key_variables=("OLLAMA_API_KEY",)),
    Vendor("openai_like", key_variables=("OPENAI_LIKE_API_KEY",)),
    Vendor("xinference", key_variables=("XINFERENCE_API_KEY",)),
    Vendor("demo"),
)

_SPEAKING_THEIR_OWN: Final = (
    Vendor("anthropic", "https://api.anthropic.com", ("ANTHROPIC_API_KEY",), "anthropic"),
    # Where it is, the operator knows; by which version it is asked, the deployment or Azure's
    # variable says.
    Vendor(
        "azure",
        key_variables=("AZURE_API_KEY", "AZURE_OPENAI_API_KEY"),
        dialect="azure",
        version_variable="AZURE_API_VERSION",
    ),
    Vendor("azure_ai", key_variables=("AZURE_AI_API_KEY",), dialect="azure_ai"),
    Vendor("bedrock", key_variables=("AWS_BEARER_TOKEN_BEDROCK",), dialect="bedrock"),
    Vendor("cohere", "https://api.cohere.com", ("COHERE_API_KEY", "CO_API_KEY"), "cohere"),
    Vendor("cohere_chat", "https://api.cohere.com", ("COHERE_API_KEY", "CO_API_KEY"), "cohere"),
    Vendor(
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        "gemini",
    ),
    Vendor("mistral", "https://api.mistral.ai/v1", ("MISTRAL_API_KEY",), "mistral"),
    # Without a project: Vertex in express mode, where a key is enough.
    Vendor(
        "vertex_ai",
        "https://aiplatform.googleapis.com/v1/publishers/google",
        ("VERTEXAI_API_KEY",),
        "gemini",
    ),
)

_ROWS: Final = (*_SPEAKING_OPENAIS, *_SPEAKING_THEIR_OWN)

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
