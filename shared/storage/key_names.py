"""How ids stand in the names of Redis keys. Pure."""

from __future__ import annotations

import re
from typing import Final

_FORGES_A_KEY: Final = re.compile(r"[%:{}\x00-\x20\x7f]")


def encode_id(entity_id: str) -> str:
    """Percent-encode what could forge another key, so that ordinary ids stay readable."""
    return _FORGES_A_KEY.sub(lambda found: f"%{ord(found[0]):02X}", entity_id)
