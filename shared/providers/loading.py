"""Make a dialect when it is first needed: each function imports what it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.providers.dialect import Dialect

# ruff: noqa: PLC0415 - a cold start must not pay for the dialects that it does not speak


def openai(
    *,
    takes_max_completion_tokens: bool = True,
    takes_stream_options: bool = True,
    base_path: str = "",
    knows_additions: bool = False,
    names_host_last: bool = False,
) -> Dialect:
    """OpenAI's own, or as a vendor strays from it."""
    from shared.providers.openai import OpenAI

    return OpenAI(
        takes_stream_options=takes_stream_options,
        takes_max_completion_tokens=takes_max_completion_tokens,
        base_path=base_path,
        knows_additions=knows_additions,
        names_host_last=names_host_last,
    )


def azure() -> Dialect:
    """Azure's addresses around OpenAI's bodies."""
    from shared.providers.azure import Azure

    return Azure(openai())


def azure_ai() -> Dialect:
    """Foundry's addresses around OpenAI's bodies."""
    from shared.providers.azure import Azure

    return Azure(openai(), is_foundry=True)


def mistral() -> Dialect:
    """Mistral's words around OpenAI's.

    422 "extra_forbidden" for stream_options (github.com/avante-corp/avante.nvim issue 2347, read
    2026-11); it tells the usage in the last chunk unasked.
    """
    from shared.providers.mistral import Mistral

    return Mistral(openai(takes_stream_options=False, takes_max_completion_tokens=False))


def anthropic() -> Dialect:
    """Anthropic asked as a chat."""
    from shared.providers.anthropic.dialect import Anthropic

    return Anthropic()


def anthropic_messages() -> Dialect:
    """Anthropic asked in its own words."""
    from shared.providers.anthropic.native import AnthropicMessages

    return AnthropicMessages()


def bedrock() -> Dialect:
    """Bedrock's Converse."""
    from shared.providers.bedrock.dialect import Bedrock

    return Bedrock()


def bedrock_claude(around: Dialect | None = None) -> Dialect:
    """Claude by Bedrock's InvokeModel, around a dialect of Anthropic's."""
    from shared.providers.bedrock.invoke import BedrockClaude

    return BedrockClaude(around or anthropic())


def vertex_claude(around: Dialect | None = None) -> Dialect:
    """Claude on Vertex, around a dialect of Anthropic's."""
    from shared.providers.vertex_claude import VertexClaude

    return VertexClaude(around or anthropic())


def cohere() -> Dialect:
    """Cohere's chat, version 2."""
    from shared.providers.cohere.dialect import Cohere

    return Cohere()


def gemini() -> Dialect:
    """Google's generateContent."""
    from shared.providers.gemini.dialect import Gemini

    return Gemini()


def gemini_content() -> Dialect:
    """Google's generateContent, asked in its own words."""
    from shared.providers.gemini.native import GeminiContent

    return GeminiContent()


def passing() -> Dialect:
    """Pass a vendor's own API through."""
    from shared.providers.passing import PassThrough

    return PassThrough()


def messages_bridge(chat: Dialect, *, is_rich: bool) -> Dialect:
    """Answer a Messages call by a chat."""
    from shared.providers.bridge import Bridge
    from shared.providers.messages.bridge import MESSAGES

    return Bridge(chat, MESSAGES, is_rich=is_rich)


def responses_bridge(chat: Dialect) -> Dialect:
    """Answer a Responses call by a chat."""
    from shared.providers.responses.bridge import ResponsesBridge

    return ResponsesBridge(chat)


def content_bridge(chat: Dialect, *, is_rich: bool) -> Dialect:
    """Answer a generateContent call by a chat."""
    from shared.providers.bridge import Bridge
    from shared.providers.content.bridge import CONTENT

    return Bridge(chat, CONTENT, is_rich=is_rich)


def completions_bridge(chat: Dialect) -> Dialect:
    """Answer a completion of the old kind by a chat."""
    from shared.providers.completions import CompletionsBridge

    return CompletionsBridge(chat)
