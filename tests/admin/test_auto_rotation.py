"""Keys whose secrets change by themselves: in time, told where they are fetched, with grace."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from shared.admin.auto_rotation import RotationReport, is_due, rotate_keys
from shared.domain import KeyHash, Millis
from shared.runtime.kept_keys import keeper_of
from shared.storage.columns import moment
from shared.storage.rotations import RotatingKey, rotating_keys

if TYPE_CHECKING:
    from pathlib import Path

    from tests.admin.asking import Admin

DAY_MS = 24 * 3600 * 1000
KEY = RotatingKey(id="i", token=KeyHash("t"), alias=None, interval="30d", rotated_at=Millis(0))


async def rotate(admin: Admin, folder: Path, days: int = 0) -> RotationReport:
    """Do what the schedule does, so many days from now."""
    desk = admin.state.desk
    now = Millis(desk.now() + days * DAY_MS)
    keep = keeper_of(str(folder))
    assert keep is not None
    keys = await rotating_keys(desk.stores.postgres, moment(now), 100)
    return await rotate_keys(desk, [k for k in keys if is_due(k, now)], keep, "24h", now)


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


@pytest.mark.parametrize(
    ("days", "interval", "due"), [(29, "30d", False), (30, "30d", True), (99, "whenever", False)]
)
def test_a_secret_is_due_once_it_is_as_old_as_it_may_be(
    days: int, interval: str, *, due: bool
) -> None:
    key = RotatingKey(KEY.id, KEY.token, KEY.alias, interval, KEY.rotated_at)

    assert due is is_due(key, Millis(days * DAY_MS))


async def test_a_key_that_is_due_has_the_secret_that_lies_where_its_holder_looks(
    admin: Admin, tmp_path: Path
) -> None:
    made = await admin.given_key(
        key_alias="nightly", auto_rotate=True, rotation_interval="30d", max_budget=5
    )
    await admin.given_key(key_alias="still", rotation_interval="30d")

    early = await rotate(admin, tmp_path, days=29)
    report = await rotate(admin, tmp_path, days=31)

    (file,) = files_in(tmp_path)
    secret = file.read_text()
    info = await admin.get("/key/info", key=secret)
    assert (RotationReport(), RotationReport(rotated=1)) == (early, report)
    assert ("nightly", 0o600) == (file.name, stat.S_IMODE(file.stat().st_mode))
    assert (200, "nightly", 5) == (
        info.status_code,
        info.json()["info"]["key_alias"],
        info.json()["info"]["max_budget"],
    )
    # The former one is good until its grace ends, a day after the rotation.
    assert 200 == (await admin.get("/key/info", key=made["key"])).status_code
    (line,) = admin.sql("select changed_by from litellm_auditlog where action = 'rotated'")
    assert "tollgate_rotation" == line["changed_by"]


async def test_a_key_is_rotated_once_in_its_interval(admin: Admin, tmp_path: Path) -> None:
    await admin.given_key(key_alias="k", auto_rotate=True, rotation_interval="1h")
    first = await rotate(admin, tmp_path, days=1)
    secret = (tmp_path / "k").read_text()

    second = await rotate(admin, tmp_path)

    assert (1, 0, secret) == (first.rotated, second.rotated, (tmp_path / "k").read_text())


async def test_where_a_secret_cannot_be_kept_the_key_has_none(admin: Admin, tmp_path: Path) -> None:
    made = await admin.given_key(auto_rotate=True, rotation_interval="1h")
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(OSError, match="file"):
        await rotate(admin, tmp_path / "file", days=1)

    assert 0 == (await admin.info(made["key"]))["rotation_count"]
    assert "file" not in str(await admin.info(made["key"]))


async def test_an_alias_that_is_no_plain_name_leads_nowhere_else(
    admin: Admin, tmp_path: Path
) -> None:
    await admin.given_key(key_alias="../../etc/x", auto_rotate=True, rotation_interval="1h")

    await rotate(admin, tmp_path / "keys", days=1)

    (row,) = admin.sql("select id::text as id from litellm_verificationtoken")
    assert [row["id"]] == [file.name for file in files_in(tmp_path / "keys")]
    assert ["keys"] == [path.name for path in files_in(tmp_path)]


def test_without_a_place_nothing_is_kept() -> None:
    assert keeper_of("") is None
