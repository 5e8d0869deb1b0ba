"""Every fault that is tried, in the order of the table in docs/money.md."""

from __future__ import annotations

from typing import Final

FAULTS: Final = (
    "Postgres killed and restarted",
    "Postgres refuses connections",
    "Postgres silent",
    "Postgres slow",
    "Postgres sessions terminated while it books",
    "Postgres turned read-only",
    "ledger table locked by a migration",
    "Redis refuses connections, closed",
    "Redis refuses connections, grace",
    "Redis silent, closed",
    "Redis silent, grace",
    "Redis connections cut in the middle",
    "Redis slow",
    "Redis answers 429",
    "Redis answers 500",
    "Redis answers a web page",
    "Redis loses requests",
    "Redis loses replies",
    "Redis forgets its scripts",
    "counters and policies evicted",
    "Redis out of memory",
    "ledger stream full",
    "both stores down, journal",
    "provider answers 429",
    "provider answers 500",
    "provider resets before the head",
    "provider resets in the middle",
    "provider tells no usage",
    "provider's stream is malformed",
    "callers leave in the middle",
    "function killed (SIGKILL) at 500 random points",
    "function frozen (SIGSTOP) past its deadline",
)
