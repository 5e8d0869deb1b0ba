"""Invoke the scheduled functions about once a second, as EventBridge does once a minute."""

from __future__ import annotations

import json
import sys
import time
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from functions.ledger.handler import handler as ledger
from functions.resets.handler import handler as resets

Handler = Callable[[dict[str, object], object], object]

SECONDS_BETWEEN = 1.0
SCHEDULES: dict[str, Handler] = {"ledger": ledger, "resets": resets}
ACCOUNT = "000000000000"
REGION = "local"


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda tells a handler about its invocation."""

    function_name: str
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 512
    deadline: float = field(default_factory=lambda: time.monotonic() + 60)

    @property
    def invoked_function_arn(self) -> str:
        """The function's name among all of AWS."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the handler may go on."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


def scheduled_event(name: str, now: datetime) -> dict[str, object]:
    """Return the event of an EventBridge rule (docs.aws.amazon.com, read November 2026)."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"],
        "detail": {},
    }


def invoke(name: str, handler: Handler, now: datetime) -> None:
    """Invoke a handler; its failure is logged, and the next second tries again."""
    try:
        handler(scheduled_event(name, now), Context(function_name=name))
    except Exception:  # noqa: BLE001 - Lambda, too, catches whatever a handler raises
        line = {"event": "invocation_failed", "function": name, "why": traceback.format_exc()}
        print(json.dumps(line), file=sys.stderr, flush=True)


def main() -> None:
    """Go on until the process is ended."""
    while True:
        for name, handler in SCHEDULES.items():
            invoke(name, handler, datetime.now(UTC))
        time.sleep(SECONDS_BETWEEN)


if __name__ == "__main__":
    main()
