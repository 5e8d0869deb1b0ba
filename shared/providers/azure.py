"""Azure OpenAI: OpenAI's bodies at Azure's addresses, with Azure's header for the key.

By learn.microsoft.com/azure/ai-foundry/openai/reference, read 2026-11: a deployment is named in the
path and the API's version in the query; below `/openai/v1` everything is as at OpenAI.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment, HttpRequest
    from shared.errors import ProviderFailed
    from shared.providers.dialect import Decoder, Dialect, Reply

API_VERSION: Final = "2024-10-21"
"""The last version that is no preview; a deployment's `api_version` goes before it."""
FOUNDRY_VERSION: Final = "2024-05-01-preview"
"""What Foundry's models are asked by below `/models`, as in LiteLLM 1.109 (llms/azure_ai)."""


@dataclass(frozen=True, slots=True)
class Azure:
    """Around OpenAI's dialect; Foundry names the model in the body, as OpenAI does."""

    openai: Dialect
    is_foundry: bool = False

    def request(self, call: Call, to: Deployment) -> HttpRequest:
        """Build OpenAI's request, then address it."""
        base, _, query = to.api_base.partition("?")
        base = base.rstrip("/")
        made = self.openai.request(call, replace(to, api_base=base))
        path = made.url.removeprefix(base)
        headers = {k: v for k, v in made.headers.items() if k != "authorization"}
        if to.api_key:
            headers = {"api-key": to.api_key, **headers}
        if self.is_foundry and not base.endswith("/v1"):
            version = query or f"api-version={quote(to.api_version or FOUNDRY_VERSION, safe='')}"
            below = "" if base.endswith("/models") else "/models"
            return replace(made, url=f"{base}{below}{path}?{version}", headers=headers)
        if base.endswith("/v1"):
            url = base + path + (f"?{query}" if query else "")
            return replace(made, url=url, headers=headers)
        if "/deployments/" not in base:
            base = f"{base.removesuffix('/openai')}/openai/deployments/{quote(to.model, safe='')}"
        version = query or f"api-version={quote(to.api_version or API_VERSION, safe='')}"
        return replace(made, url=f"{base}{path}?{version}", headers=headers)

    def reply(self, call: Call, body: bytes) -> Reply:
        """Read a whole answer."""
        return self.openai.reply(call, body)

    def decoder(self, call: Call) -> Decoder:
        """Begin to read a streamed answer."""
        return self.openai.decoder(call)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
        """Read a refusal or a breakdown."""
        return self.openai.error(status, headers, body)
