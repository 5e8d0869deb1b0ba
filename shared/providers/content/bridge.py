"""Google's words for a bridge to a chat: to_chat.py, from_chat.py, events.py."""

from __future__ import annotations

from typing import Final

from shared.providers.bridge import Words
from shared.providers.content.events import ContentWriter
from shared.providers.content.from_chat import content_of
from shared.providers.content.to_chat import chat_body

CONTENT: Final = Words(chat_body, content_of, ContentWriter)
