"""The windows of rates in Redis: UTC text, so that an operator can read a key. Pure."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from shared.domain import Millis
from shared.storage.key_names import encode_id

if TYPE_CHECKING:
    from shared.domain import Scope

MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Window:
    """A kind of window, counted in sixtieths; all kinds divide the UTC day.

    At hh:00 the minute's key is the hour's as well, so the hour's fields have a prefix.
    """

    name: Literal["minute", "hour", "day"]
    length_ms: int
    text: str
    prefix: str = ""

    @property
    def step_ms(self) -> int:
        """The length of a sixtieth."""
        return self.length_ms // 60

    def key(self, scope: Scope | str, entity_id: str, moment: int) -> str:
        """Name the window of an entity: `ratelimit:{scope}:{entity_id}:{window}`."""
        name = time.strftime(self.text, time.gmtime(moment // 1000))
        return f"ratelimit:{scope}:{encode_id(entity_id)}:{name}"


MINUTE: Final = Window("minute", MINUTE_MS, "%Y-%m-%dT%H:%M")
HOUR: Final = Window("hour", 60 * MINUTE_MS, "%Y-%m-%dT%H:00", prefix="h")
DAY: Final = Window("day", 24 * 60 * MINUTE_MS, "%Y-%m-%d")


def minute_start(now: Millis) -> Millis:
    """Return the start of the minute that `now` lies in."""
    return Millis(now - now % MINUTE_MS)
