"""`./tollgate models` and `check-config`: what an operator sees of deployments and of a file."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import orjson
import pytest
from typer.testing import CliRunner

from local.cli import app
from local.operations import NotRunning, show_models
from shared.storage.redis import Redis
from shared.transport.client import Client

if TYPE_CHECKING:
    from pathlib import Path

    from local.door.server import DoorThread

MASTER_KEY = "sk-master-of-the-tests-0001"


async def given_state(door: DoorThread) -> None:
    """Let `busy` have answered and be at work, and `resting` cool for a minute."""
    http = Client()
    redis = Redis(http, door.url, door.token, try_seconds=2)
    now = time.time_ns() // 1_000_000
    await redis.execute(["SET", "active_requests:busy", 3])
    await redis.execute(["ZADD", "latency:busy", now, "120:900:40:r1"])
    await redis.execute(["ZADD", "latency:busy", now, "140:900:40:r2"])
    await redis.execute(["SET", "cooldown:resting", now + 60_000])
    await http.close()


def test_models_shows_each_deployment_with_its_state_latency_and_cooldown(
    door: DoorThread, postgres_dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = {
        "master_key": MASTER_KEY,
        "database_url": postgres_dsn,
        "redis_rest_url": door.url,
        "redis_rest_token": door.token,
    }
    models = [
        {"model_name": "gpt", "litellm_params": {"model": "openai/m"}, "model_info": {"id": name}}
        for name in ("busy", "resting")
    ]
    (tmp_path / "stack.json").write_bytes(orjson.dumps(stack))
    (tmp_path / "config.json").write_bytes(orjson.dumps({"model_list": models}))
    asyncio.run(given_state(door))

    show_models(tmp_path)

    _, busy, resting = capsys.readouterr().out.splitlines()
    assert ["gpt", "busy", "ready", "3", "130", "ms", "openai/m"] == busy.split()
    assert "cooling to" in resting


def test_without_a_gateway_models_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="start one with"):
        show_models(tmp_path)


def test_check_config_tells_what_is_wrong_by_line_and_fails(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("router_settings:\n  num_retries: many\n")

    result = CliRunner().invoke(app, ["check-config", str(file)])

    assert 1 == result.exit_code
    assert f"{file}:2: router_settings.num_retries" in result.output


def test_check_config_warns_of_what_has_no_effect_and_passes(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("litellm_settings:\n  success_callback: [langfuse]\n")

    result = CliRunner().invoke(app, ["check-config", str(file)])

    assert 0 == result.exit_code
    assert f"warning: {file}:2: litellm_settings.success_callback" in result.output
    assert "is valid" in result.output
