"""Every minute: spend to Postgres, dead holds to an end, counters as the ledger, months ahead."""

from __future__ import annotations

from shared.ledger.drain import drain
from shared.ledger.partitions import keep_partitions
from shared.ledger.reconcile import reconcile
from shared.ledger.republish import republish
from shared.ledger.sweep import sweep
from shared.runtime.process import start
from shared.runtime.schedule import schedule_handler

handler = schedule_handler(
    start("ledger"),
    {
        "drain": drain,
        "sweep": sweep,
        "reconcile": reconcile,
        "republish": republish,
        "keep_partitions": keep_partitions,
    },
)
