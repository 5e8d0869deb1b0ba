"""LiteLLM's own management client against a gateway: run by the interpreter that has LiteLLM.

Arguments: the gateway's address and its master key. Ends with 0 when all is as the client expects.
"""

# ruff: noqa: T201 - a program whose checks are its purpose

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from litellm.proxy.client import Client, UsersManagementClient
from litellm.proxy.client.exceptions import NotFoundError, UnauthorizedError

if TYPE_CHECKING:
    from collections.abc import Iterator


def keys(client: Client, base: str) -> None:
    """Create, list, show, update, delete."""
    made: Any = client.keys.generate(models=["demo"], key_alias="clients", duration="1h")
    plaintext, token = made["key"], made["token"]
    page: Any = client.keys.list(key_alias="clients", return_full_object=True)
    assert [token] == [each["token"] for each in page["keys"]], page
    updated: Any = client.keys.update(plaintext, key_alias="renamed", models=["demo", "other"])
    assert updated["key_alias"] == "renamed", updated
    shown: Any = client.keys.info(token)
    assert shown["info"]["models"] == ["demo", "other"], shown
    own: Any = Client(base, plaintext).models.list()
    assert ["demo"] == [each["id"] for each in own], own
    gone: Any = client.keys.delete(keys=[plaintext])
    assert gone["deleted_keys"] == [plaintext], gone
    with raising(UnauthorizedError):
        Client(base, plaintext).models.list()


def users(base: str, master: str) -> None:
    """Create, list, show, delete; the client updates none."""
    client = UsersManagementClient(base, master)
    made: Any = client.create_user({"user_id": "client-user", "user_email": "c@x.example"})
    assert made["key"].startswith("sk-"), made
    listed = client.list_users({"user_ids": "client-user"})
    assert ["client-user"] == [each["user_id"] for each in listed], listed
    shown: Any = client.get_user("client-user")
    assert shown["user_info"]["user_email"] == "c@x.example", shown
    alone: Any = client.get_user_v2("client-user")
    assert alone["user_id"] == "client-user", alone
    changed: Any = Client(base, master).http.request(
        "POST", "/user/update", json={"user_id": "client-user", "max_budget": 3}
    )
    assert changed["data"]["max_budget"] == 3, changed
    assert client.delete_user(["client-user"]) == 1
    with raising(NotFoundError):
        client.get_user("client-user")
    with raising(UnauthorizedError):
        UsersManagementClient(base, made["key"]).list_users()


def teams(client: Client) -> None:
    """Create over the client's plain HTTP, list in both ways, update, delete."""
    made = client.http.request(
        "POST", "/team/new", json={"team_alias": "clients", "members_with_roles": []}
    )
    team_id = made["team_id"]
    assert team_id in [each["team_id"] for each in client.teams.list()]
    page: Any = client.teams.list_v2(team_id=team_id)
    assert (1, "clients") == (page["total"], page["teams"][0]["team_alias"]), page
    changed = client.http.request(
        "POST", "/team/update", json={"team_id": team_id, "models": ["demo"]}
    )
    assert changed["data"]["models"] == ["demo"], changed
    assert client.teams.get_available() == []
    client.http.request("POST", "/team/delete", json={"team_ids": [team_id]})
    assert team_id not in [each["team_id"] for each in client.teams.list()]


def models(client: Client) -> None:
    """Add, list, show, update, delete."""
    params = {"model": "openai/gpt-4o", "api_key": "sk-canary-of-the-client", "rpm": 5}
    made: Any = client.models.new("clients-model", params)
    model_id = made["model_info"]["id"]
    assert "clients-model" in [each["id"] for each in client.models.list()]
    client.models.update(model_id, {"model": "openai/gpt-4o", "rpm": 7})
    shown: Any = client.models.get(model_id=model_id)
    assert shown["litellm_params"]["rpm"] == 7, shown
    assert "canary" not in str(made) + str(shown)
    groups: Any = client.model_groups.info()
    assert "clients-model" in [each["model_group"] for each in groups], groups
    client.models.delete(model_id)
    with raising(NotFoundError):
        client.models.get(model_id=model_id)


def credentials(client: Client) -> None:
    """Create, list, show, delete."""
    client.credentials.create("clients", {"custom_llm_provider": "openai"}, {"api_key": "canary"})
    listed: Any = client.credentials.list()
    assert "clients" in [each["credential_name"] for each in listed["credentials"]], listed
    assert "canary" not in str(listed) + str(client.credentials.get("clients"))
    client.credentials.delete("clients")


@contextmanager
def raising(kind: type[Exception]) -> Iterator[None]:
    """Check that what is done within fails in the way that the client has for it."""
    try:
        yield
    except kind:
        return
    message = f"no {kind.__name__} was raised"
    raise AssertionError(message)


def main(base: str, master: str) -> None:
    """Go through all of them."""
    client = Client(base, master)
    keys(client, base)
    users(base, master)
    teams(client)
    models(client)
    credentials(client)
    print("all is as LiteLLM's client expects")


if __name__ == "__main__":
    main(*sys.argv[1:])
