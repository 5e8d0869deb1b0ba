"""What seals secrets is exchanged: everything is sealed anew, and opens."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from functions.admin.app import make_app as make_admin
from shared.admin.rotation import rotate_secrets
from shared.config.live import find_overlay
from shared.config.overlay import merged
from shared.config.secrets import Vault
from tests.admin.asking import MASTER_KEY, error_of
from tests.admin.model_calls import CANARY, given

if TYPE_CHECKING:
    from tests.admin.asking import Admin, Json
    from tests.provider import Provider


async def test_after_the_key_was_replaced_every_secret_is_sealed_anew(
    admin: Admin, provider: Provider
) -> None:
    await admin.made("/model/new", **given(provider, id="m"))
    await admin.made("/credentials", credential_name="c", credential_values={"api_key": CANARY})
    await admin.made("/config/update", environment_variables={"MY_KEY": CANARY})
    both = Vault("new", [MASTER_KEY])

    count = await rotate_secrets(admin.state.desk.stores, both)

    overlay = await find_overlay(admin.state.desk.stores.postgres)
    assert (3, ()) == (count, merged({}, overlay, Vault("new")).problems)
    assert 0 == await rotate_secrets(admin.state.desk.stores, both)


async def test_another_master_key_opens_all_that_was_sealed(
    admin: Admin, provider: Provider
) -> None:
    await admin.made("/model/new", **given(provider, id="m"))
    new = "sk-another-master-key-of-the-tests"

    reply = await admin.made("/key/regenerate", key=MASTER_KEY, new_master_key=new)

    overlay = await find_overlay(admin.state.desk.stores.postgres)
    assert new == reply["key"]
    assert () == merged({}, overlay, Vault(new)).problems
    assert merged({}, overlay, Vault(MASTER_KEY)).problems
    (line,) = admin.sql("select * from litellm_auditlog where object_id = 'master_key'")
    assert new not in str(line)


@pytest.mark.parametrize("named", [{}, {"key": MASTER_KEY}, {"key": "own"}])
async def test_nobody_but_its_holder_exchanges_the_master_key(admin: Admin, named: Json) -> None:
    user = await admin.given_user("proxy_admin")
    body = {name: user["key"] if value == "own" else value for name, value in named.items()}
    new = {"new_master_key": "sk-another-master-key-of-the-tests"}

    replies = [
        await admin.post("/key/regenerate", body | new, key=user["key"]),
        await admin.post("/key/regenerate", {"key": user["key"]} | new),
        await admin.post("/key/regenerate", {"new_master_key": "sk-short-master-key"}),
    ]

    assert [403, 400, 400] == [reply.status_code for reply in replies]


async def test_where_a_salt_key_seals_another_master_key_needs_nothing(admin: Admin) -> None:
    state = admin.state
    desk = replace(state.desk, has_salt_key=True)
    transport = httpx.ASGITransport(make_admin(replace(state, desk=desk)))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        reply = await http.post(
            "/key/regenerate",
            json={"new_master_key": "sk-another-master-key-of-the-tests"},
            headers={"authorization": f"Bearer {MASTER_KEY}"},
        )

    assert (400, "invalid_request_error", "new_master_key") == error_of(reply)
    assert "TOLLGATE_PREVIOUS_SALT_KEYS" in reply.text


async def test_a_salt_key_is_exchanged_over_the_api(admin: Admin, provider: Provider) -> None:
    await admin.made("/model/new", **given(provider, id="m"))
    path = "/credentials/migrate-encryption"
    admin.state.desk.live.vault = Vault("new", [MASTER_KEY])

    dry = await admin.done("POST", f"{path}?dry_run=true")
    before = await admin.done("GET", f"{path}/check")
    done = await admin.done("POST", path)
    after = await admin.done("GET", f"{path}/check")

    reports = [reply["report"] for reply in (dry, before, done, after)]
    assert [(0, 1), (0, 1), (1, 0), (0, 0)] == [
        (report["migrated"], report["residual_legacy"]) for report in reports
    ]
