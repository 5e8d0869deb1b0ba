"""Claude on other people's platforms: which betas go there, and what they do not take.

Betas from LiteLLM's anthropic_beta_headers_config.json (version 1.109, read 2026-11): a platform
answers 400 to one that it does not know, and coding agents send all of theirs. One that is in no
list is passed on, so that new ones need no release here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.providers.reading import mapping, mappings
from shared.providers.unsupported import unfit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.domain import Json, JsonObject

_NOWHERE: Final = frozenset(
    {
        *("advisor-tool-2026-03-01", "bash_20241022", "bash_20250124", "fast-mode-2026-02-01"),
        *("code-execution-2025-08-25", "files-api-2025-04-14", "mcp-client-2025-04-04"),
        *("mcp-client-2025-11-20", "mcp-servers-2025-12-04", "output-128k-2025-02-19"),
        *("prompt-caching-scope-2026-01-05", "skills-2025-10-02", "structured-output-2024-03-01"),
        *("structured-outputs-2025-11-13", "text_editor_20241022", "text_editor_20250124"),
        *("token-efficient-tools-2025-02-19", "web-fetch-2025-09-10"),
        # Claude Code's own names for what only Anthropic's API does.
        *("claude-code-20250219", "oauth-2025-04-20"),
    }
)
_NOT_AT: Final[Mapping[str, frozenset[str]]] = {
    "bedrock": frozenset(
        {
            *("interleaved-thinking-2025-05-14", "web-search-2025-03-05"),
            "per-turn-control-2026-07-01",
        }
    ),
    "vertex_ai": frozenset({"effort-2025-11-24", "fine-grained-tool-streaming-2025-05-14"}),
}
_RENAMED: Final = {"advanced-tool-use-2025-11-20": "tool-search-tool-2025-10-19"}


def taken_betas(platform: str, header: str) -> tuple[str, ...]:
    """Return those of a header's betas that the platform takes, each once."""
    asked = (beta.strip() for beta in header.split(","))
    unknown = _NOWHERE | _NOT_AT[platform]
    found = (_RENAMED.get(beta, beta) for beta in asked if beta and beta not in unknown)
    return tuple(dict.fromkeys(found))


def refuse_urls(body: JsonObject) -> None:
    """Refuse what would have to be fetched, which neither platform does, nor do we.

    By platform.claude.com/docs/en/build-with-claude/vision (URL sources), read 2026-11.
    """
    for block in _blocks(body.get("messages")):
        if mapping(block.get("source")).get("type") == "url":
            what = "image_url" if block.get("type") == "image" else "file"
            raise unfit(f"messages.content.{what}", "must be a base64 data URL on this platform")


def _blocks(messages: Json) -> Iterator[JsonObject]:
    for message in mappings(messages):
        for block in mappings(message.get("content")):
            yield block
            yield from mappings(block.get("content"))
