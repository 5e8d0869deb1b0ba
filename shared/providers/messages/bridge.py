"""Anthropic's words for a bridge to a chat: to_chat.py, from_chat.py, events.py."""

from __future__ import annotations

from typing import Final

from shared.providers.bridge import Words
from shared.providers.messages.events import MessageWriter
from shared.providers.messages.from_chat import message_of
from shared.providers.messages.to_chat import chat_body

MESSAGES: Final = Words(chat_body, message_of, MessageWriter)
