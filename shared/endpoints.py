"""The kinds of LLM call there are."""

from __future__ import annotations

from enum import StrEnum


class Endpoint(StrEnum):
    """The kinds of LLM call; the value is LiteLLM's `call_type` in the ledger."""

    CHAT = "acompletion"
    COMPLETION = "atext_completion"
    EMBEDDING = "aembedding"
    MESSAGES = "anthropic_messages"
    COUNT_TOKENS = "acount_tokens"
    RESPONSES = "aresponses"
    RESPONSE_TOKENS = "acount_response_tokens"
    COMPACT = "acompact_responses"
    CONTENT = "agenerate_content"
    CONTENT_TOKENS = "acount_content_tokens"
    MODERATION = "amoderation"
    RERANK = "arerank"
    IMAGE = "aimage_generation"
    IMAGE_EDIT = "aimage_edit"
    SPEECH = "aspeech"
    TRANSCRIPTION = "atranscription"
    PASS_THROUGH = "pass_through_endpoint"  # noqa: S105 - no password


COUNTING = frozenset({Endpoint.COUNT_TOKENS, Endpoint.RESPONSE_TOKENS, Endpoint.CONTENT_TOKENS})
"""What only counts the tokens of another call, and costs nothing."""
