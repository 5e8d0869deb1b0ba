"""Book what a call cost: in Redis, else in Postgres, else in a log line that can be replayed.

Each way is idempotent under the call's id, so a reply that got lost on one of them does no harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import PostgresDown, RedisDown
from shared.observability import log
from shared.storage.admission import Held, settle
from shared.storage.plans import Settlement

if TYPE_CHECKING:
    from shared.storage.plans import Plan
    from shared.storage.stores import Stores

JOURNAL = "SPEND_JOURNAL"
