"""Both stores for real, and the directories of as many processes as a test wants."""

from __future__ import annotations

from tests.ledger.conftest import settings, stores

__all__ = ["settings", "stores"]
