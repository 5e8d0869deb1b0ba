"""Claude on Vertex AI: rawPredict around a dialect of Anthropic's.

By docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude, read
2026-11: the model is in the path, the version in the body, betas stay a header. Tokens are counted
by a model of their own, which is told the name without its version (anthropic 2.12, LiteLLM 1.109).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import orjson

from shared.domain import Endpoint
from shared.providers.claude_elsewhere import refuse_urls, taken_betas
from shared.providers.reading import parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment, HttpRequest
    from shared.errors import ProviderFailed
    from shared.providers.dialect import Decoder, Dialect, Reply

_VERSION: Final = "vertex-2023-10-16"
_BETA: Final = "anthropic-beta"
_COUNTER: Final = "count-tokens"
_GOOGLES: Final = "/publishers/google"


@dataclass(frozen=True, slots=True)
class VertexClaude:
    """Around a dialect of Anthropic's: the chat's, or the Messages API's own."""

    anthropic: Dialect

    def request(self, call: Call, to: Deployment) -> HttpRequest:
        """Build Anthropic's request, then address it."""
        made = self.anthropic.request(call, to)
        body = parsed(made.body)
        refuse_urls(body)
        kept = {name: value for name, value in body.items() if name != "model"}
        base = to.api_base.rstrip("/").removesuffix(_GOOGLES)
        method = "streamRawPredict" if call.is_stream else "rawPredict"
        model = quote(to.model, safe="@")
        if call.endpoint is Endpoint.COUNT_TOKENS:
            model, kept["model"] = _COUNTER, to.model.partition("@")[0]
        headers = {"content-type": "application/json"}
        if to.api_key:
            headers["authorization"] = f"Bearer {to.api_key}"
        headers |= {name.lower(): value for name, value in to.extra_headers.items()}
        headers.pop(_BETA, None)
        if betas := taken_betas("vertex_ai", made.headers.get(_BETA, "")):
            headers[_BETA] = ",".join(betas)
        return replace(
            made,
            url=f"{base}/publishers/anthropic/models/{model}:{method}",
            headers=headers,
            body=orjson.dumps({"anthropic_version": _VERSION, **kept}),
        )

    def reply(self, call: Call, body: bytes) -> Reply:
        """Read a whole message."""
        return self.anthropic.reply(call, body)

    def decoder(self, call: Call) -> Decoder:
        """Begin to read a streamed message."""
        return self.anthropic.decoder(call)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
        """Read a refusal or a breakdown."""
        return self.anthropic.error(status, headers, body)
