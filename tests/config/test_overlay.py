"""The database's overlay lies over the file: settings by name, models beside the file's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.config.loading import read_config
from shared.config.overlay import Overlay, merged
from shared.config.secrets import Vault

if TYPE_CHECKING:
    from shared.domain import JsonObject

VAULT = Vault("salt")
FILE: JsonObject = {
    "model_list": [{"model_name": "in-file", "litellm_params": {"model": "openai/gpt-4o"}}],
    "router_settings": {"num_retries": 1, "cooldown_time": 7},
}


def overlay(**parts: Any) -> Overlay:  # noqa: ANN401 - an overlay's own fields
    return Overlay(1, **parts)


def model(model_id: str = "m", **params: object) -> JsonObject:
    given: Any = {"model": "openai/gpt-4o", **params}
    return {"model_id": model_id, "model_name": "in-db", "litellm_params": given}


def test_an_overlay_is_read_as_it_was_written() -> None:
    given = overlay(
        sections={"router_settings": {"num_retries": 3}},
        models=(model(),),
        credentials={"c": {"api_key": "x"}},
    )

    assert given == Overlay.parse(given.render())


def test_what_is_no_overlay_is_none() -> None:
    assert [None] * 3 == [Overlay.parse(text) for text in ("", "[]", '{"version":1}')]


def test_a_setting_of_the_database_stands_over_the_files() -> None:
    data = merged(FILE, overlay(sections={"router_settings": {"num_retries": 5}}), VAULT).data

    assert {"num_retries": 5, "cooldown_time": 7} == data["router_settings"]


def test_models_of_the_database_stand_beside_the_files() -> None:
    data = merged(FILE, overlay(models=(model(),)), VAULT).data

    config, findings = read_config(data, {})
    assert [] == findings.problems
    assert ["in-file", "in-db"] == [d.model_group for d in config.deployments]
    assert "m" == config.deployments[1].id


def test_a_blocked_model_is_left_out() -> None:
    data = merged(FILE, overlay(models=({**model(), "blocked": True},)), VAULT).data

    assert FILE["model_list"] == data["model_list"]


def test_what_administrators_may_do_is_said_by_the_file_alone() -> None:
    above = overlay(sections={"general_settings": {"allow_private_api_base": True}})

    assert "general_settings" not in merged(FILE, above, VAULT).data


def test_a_sealed_key_is_opened() -> None:
    sealed = VAULT.seal('"sk-canary"', "model/m/api_key")

    data = merged({}, overlay(models=(model(api_key=sealed),)), VAULT).data

    assert "sk-canary" == read_config(data, {})[0].deployments[0].api_key


def test_a_key_that_does_not_open_is_a_problem() -> None:
    sealed = VAULT.seal('"sk-canary"', "model/another/api_key")

    found = merged({}, overlay(models=(model(api_key=sealed),)), VAULT)

    (problem,) = found.problems
    assert "model.m.api_key: cannot be decrypted: it was changed or moved" == str(problem)


def test_a_credential_fills_in_what_the_model_does_not_say() -> None:
    sealed = VAULT.seal('"sk-canary"', "credential/c/api_key")
    above = overlay(
        models=(model(litellm_credential_name="c"),), credentials={"c": {"api_key": sealed}}
    )

    (deployment,) = read_config(merged({}, above, VAULT).data, {})[0].deployments

    assert "sk-canary" == deployment.api_key


def test_a_credential_that_is_not_there_is_a_problem() -> None:
    found = merged({}, overlay(models=(model(litellm_credential_name="c"),)), VAULT)

    assert "names c, which is no credential" in str(found.problems[0])


def test_a_model_with_an_address_of_its_own_gets_no_key_of_the_process() -> None:
    process = {"OPENAI_API_KEY": "sk-of-the-operator"}
    entry = model(api_base="https://elsewhere.example", api_key="os.environ/OPENAI_API_KEY")
    silent = model("n", api_base="https://elsewhere.example")

    data = merged({}, overlay(models=(entry, silent)), VAULT).data
    config, _ = read_config(data, process)

    assert ["", ""] == [d.api_key for d in config.deployments]


def test_a_model_at_the_vendors_address_may_use_the_process_key() -> None:
    data = merged({}, overlay(models=(model(),)), VAULT).data

    config, _ = read_config(data, {"OPENAI_API_KEY": "sk-of-the-operator"})

    assert "sk-of-the-operator" == config.deployments[0].api_key
