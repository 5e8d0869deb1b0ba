"""Give keys with `auto_rotate` another secret as often as their `rotation_interval` says.

The new secret is put where its holder fetches it before the key has it, so that whoever dies in
between has changed nothing; the next run makes another one. The former secret stays good for a
while, in which holders change over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.admin.caller import Caller
from shared.admin.key_rotation import regenerate_key
from shared.auth.keys import make_key
from shared.domain import Role
from shared.errors import BadRequest, Refused
from shared.limits.periods import expires_at
from shared.observability import log
from shared.wire.admin_keys import RegenerateKey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.storage.rotations import RotatingKey

    Keep = Callable[[str, str], None]

NAME: Final = "tollgate_rotation"
_ROTATOR: Final = Caller(
    role=Role.PROXY_ADMIN,
    user_id=None,
    key_hash=None,
    team_id=None,
    allowed_routes=(),
    key_name=NAME,
    changed_by=NAME,
    route="POST /key/regenerate",
)
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.-]{1,200}")


@dataclass(frozen=True, slots=True)
class RotationReport:
    """How many keys have another secret now, and how many could not be given one."""

    rotated: int = 0
    failed: int = 0


async def rotate_keys(
    desk: Desk, due: Sequence[RotatingKey], keep: Keep, grace: str, now: Millis
) -> RotationReport:
    """Do it for keys that are due; what fails for one is told and does not keep the others."""
    rotated = 0
    for key in due:
        secret = make_key()
        try:
            keep(name_of(key), secret)
            request = RegenerateKey(new_key=secret, grace_period=grace)
            await regenerate_key(desk, _ROTATOR, key.token, request, now)
            rotated += 1
        except Refused as refused:
            log.warning("key_not_rotated", id=key.id, reason=refused.message)
    return RotationReport(rotated, len(due) - rotated)


def is_due(key: RotatingKey, now: Millis) -> bool:
    """Say whether a key's secret is as old as it may become."""
    try:
        return expires_at(key.interval, key.rotated_at) <= now
    except BadRequest:
        # Written past the API.
        return False


def name_of(key: RotatingKey) -> str:
    """Name the place of a key's secret: its alias where that is plain, else what never changes."""
    return key.alias if key.alias and _PLAIN.fullmatch(key.alias) else key.id
