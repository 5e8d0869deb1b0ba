"""Entries of a configuration and what a test reads them as."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.config.loading import read_config

if TYPE_CHECKING:
    from shared.config.model import Config
    from shared.config.sections import Findings
    from shared.domain import Deployment, Json, JsonObject

SECRET = "sk-swordfish"
ENVIRONMENT = {"OPENAI_API_KEY": SECRET, "RPM": "60", "WAIT": "2.5", "ON": "True", "WORD": "x"}


def entry(
    name: str = "chat",
    info: JsonObject | None = None,
    params: JsonObject | None = None,
    **more: Json,
) -> JsonObject:
    return {
        "model_name": name,
        "litellm_params": {"model": "openai/gpt-4o", **(params or {}), **more},
        **({} if info is None else {"model_info": info}),
    }


def read(data: Json, environment: dict[str, str] | None = ENVIRONMENT) -> tuple[Config, Findings]:
    return read_config(data, environment)


def deployment(
    params: JsonObject | None = None, info: JsonObject | None = None, **more: Json
) -> Deployment:
    config, findings = read({"model_list": [entry("chat", info, params, **more)]})
    assert [] == findings.problems
    return config.deployments[0]


def problems(data: Json, environment: dict[str, str] | None = ENVIRONMENT) -> list[str]:
    return [str(problem) for problem in read(data, environment)[1].problems]


def warnings(data: Json) -> list[str]:
    return [str(warning) for warning in read(data)[1].warnings]
