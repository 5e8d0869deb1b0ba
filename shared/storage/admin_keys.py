"""Keys as the admin API reads and writes them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, cast

from shared.domain import KeyHash
from shared.storage.admin_rows import parameters
from shared.storage.statements import load
from shared.wire.admin_keys import KeyColumns, KeyInfo

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    from shared.storage.driver import Row
    from shared.storage.postgres import Runs
    from shared.wire.admin_keys import KeySort

_SQL = load("admin_keys")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFilter:
    """Which keys to list; None asks for nothing.

    Unless `everybodys`, only those of one of the users or teams, or that one of them made.
    """

    everybodys: bool = True
    user_ids: tuple[str, ...] = ()
    team_ids: tuple[str, ...] = ()
    creators: tuple[str, ...] = ()
    token: KeyHash | None = None
    user_id: str | None = None
    team_id: str | None = None
    organization_id: str | None = None
    key_alias: str | None = None
    search: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a list, in which order; at most `size` rows after `skip`."""

    size: int
    skip: int = 0
    sort_by: KeySort = "created_at"
    descending: bool = True


async def find_keys(db: Runs, tokens: Sequence[str]) -> list[KeyInfo]:
    """Return those of the keys that exist, in the order of their hashes."""
    rows = await db.all(_SQL["find_keys"], tokens=list(tokens))
    return [KeyInfo.model_validate(row) for row in rows]


async def find_key(db: Runs, token: str) -> KeyInfo | None:
    """Return a key, None when there is none of that hash."""
    found = await find_keys(db, [token])
    return found[0] if found else None


async def find_deleted_key(db: Runs, token: KeyHash) -> KeyInfo | None:
    """Return a key as it was when it was deleted."""
    row = await db.one(_SQL["find_deleted_key"], token=token)
    return None if row is None else KeyInfo.model_validate(row)


async def list_keys(
    db: Runs, which: KeyFilter, page: Page, *, is_deleted: bool = False
) -> list[KeyInfo]:
    """Return one page of keys: of those that are there, or of those that were deleted."""
    statement = _SQL["list_deleted_keys" if is_deleted else "list_keys"]
    rows = await db.all(statement, **_parameters(which), **asdict(page))
    return [KeyInfo.model_validate(row) for row in rows]


async def count_keys(db: Runs, which: KeyFilter, *, is_deleted: bool = False) -> int:
    """Say how many keys pass the filter."""
    statement = _SQL["count_deleted_keys" if is_deleted else "count_keys"]
    return _total(await db.one(statement, **_parameters(which)))


async def list_aliases(db: Runs, which: KeyFilter, page: Page) -> list[str]:
    """Return one page of the aliases of keys, in alphabetical order."""
    rows = await db.all(_SQL["list_aliases"], **_parameters(which), size=page.size, skip=page.skip)
    return [str(row["key_alias"]) for row in rows]


async def count_aliases(db: Runs, which: KeyFilter) -> int:
    """Say how many keys that pass the filter have an alias."""
    return _total(await db.one(_SQL["count_aliases"], **_parameters(which)))


async def find_tokens_of(
    db: Runs,
    *,
    user_ids: Sequence[str] = (),
    team_ids: Sequence[str] = (),
    organization_ids: Sequence[str] = (),
) -> list[KeyHash]:
    """Return the keys of users, teams or organisations."""
    rows = await db.all(
        _SQL["find_tokens_of"],
        user_ids=list(user_ids),
        team_ids=list(team_ids),
        organization_ids=list(organization_ids),
    )
    return [KeyHash(str(row["token"])) for row in rows]


async def find_tokens_of_members(db: Runs, team_id: str, user_ids: Sequence[str]) -> list[KeyHash]:
    """Return the keys that users have in a team."""
    rows = await db.all(_SQL["find_tokens_of_members"], team_id=team_id, user_ids=list(user_ids))
    return [KeyHash(str(row["token"])) for row in rows]


async def find_tokens_of_aliases(db: Runs, key_aliases: Sequence[str]) -> dict[str, KeyHash]:
    """Return the hash behind each alias that there is."""
    rows = await db.all(_SQL["find_tokens_of_aliases"], key_aliases=list(key_aliases))
    return {str(row["key_alias"]): KeyHash(str(row["token"])) for row in rows}


async def insert_key(
    db: Runs, token: KeyHash, key_name: str, columns: KeyColumns, *, spend: Decimal, by: str
) -> None:
    """Add a key."""
    await db.run(
        _SQL["insert_key"],
        **parameters(columns) | {"token": token, "key_name": key_name, "spend": spend, "by": by},
    )


async def lock_key(db: Runs, token: str) -> None:
    """Hold a key until the transaction ends."""
    await db.one(_SQL["lock_key"], token=token)


async def write_key(db: Runs, token: str, columns: KeyColumns, *, by: str) -> None:
    """Set every column an admin sets."""
    await db.run(_SQL["write_key"], **parameters(columns) | {"token": token, "by": by})


async def roll_key_over(db: Runs, token: str, since: datetime) -> None:
    """Begin the period that is due but not yet booked."""
    await db.run(_SQL["roll_key_over"], token=token, since=since)


async def set_key_spend(db: Runs, token: str, spend: Decimal) -> None:
    """Start a period by hand, with so much already spent."""
    await db.run(_SQL["set_key_spend"], token=token, spend=spend)


async def lock_doomed_keys(db: Runs, tokens: Sequence[KeyHash]) -> int:
    """Hold keys that are about to be deleted; return how many are still there."""
    return len(await db.all(_SQL["lock_doomed_keys"], tokens=list(tokens)))


async def archive_keys(
    db: Runs, tokens: Sequence[KeyHash], *, by: str, by_key: str, changed_by: str
) -> None:
    """Move keys to the archive."""
    await db.run(
        _SQL["archive_keys"], tokens=list(tokens), by=by, by_key=by_key, changed_by=changed_by
    )
    await db.run(_SQL["delete_keys"], tokens=list(tokens))


async def rotate_key(
    db: Runs, token: KeyHash, new_token: KeyHash, key_name: str, *, by: str
) -> None:
    """Give a key another secret."""
    await db.run(_SQL["rotate_key"], token=token, new_token=new_token, key_name=key_name, by=by)
    await db.run(_SQL["rename_windows"], token=token, new_token=new_token)


async def end_grace(db: Runs, token: KeyHash) -> None:
    """Let no former secret of a key be used any longer."""
    await db.run(_SQL["end_grace"], token=token)


async def begin_grace(db: Runs, old_token: KeyHash, token: KeyHash, revoke_at: datetime) -> None:
    """Let a former secret of a key be used until a moment."""
    await db.run(_SQL["begin_grace"], old_token=old_token, token=token, revoke_at=revoke_at)


def _parameters(which: KeyFilter) -> dict[str, object]:
    return {
        name: list(cast("tuple[str, ...]", value)) if isinstance(value, tuple) else value
        for name, value in asdict(which).items()
    }


def _total(row: Row | None) -> int:
    return int(str(row["total"])) if row else 0
