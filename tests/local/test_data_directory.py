from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from local.builtin_config import builtin_config
from local.data_directory import DataDirectory, InUse, Unusable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def data(tmp_path: Path) -> Iterator[DataDirectory]:
    data = DataDirectory(tmp_path / "data")
    yield data
    data.close()


def test_directory_has_one_user(data: DataDirectory) -> None:
    with pytest.raises(InUse, match=f"process {os.getpid()}"):
        DataDirectory(data.path)


def test_directory_is_free_when_its_user_has_closed_it(tmp_path: Path) -> None:
    DataDirectory(tmp_path).close()

    DataDirectory(tmp_path).close()


def test_lock_of_a_dead_owner_is_waited_for(tmp_path: Path) -> None:
    # The sleeper stands for what a killed owner left, which is ending.
    code = (
        "import sys, subprocess; from pathlib import Path\n"
        "from local.data_directory import DataDirectory\n"
        "lock = DataDirectory(Path(sys.argv[1])).lock\n"
        "subprocess.Popen(['sleep', '0.5'], pass_fds=[lock])\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)

    DataDirectory(tmp_path).close()


def test_master_key_is_made_once_and_kept_closed(data: DataDirectory) -> None:
    first = data.master_key({})

    mode = (data.path / "master_key").stat().st_mode
    assert (first, 0o600) == (data.master_key({}), stat.S_IMODE(mode))
    assert first.startswith("sk-")


def test_master_key_of_the_environment_goes_first(data: DataDirectory) -> None:
    both = {"LITELLM_MASTER_KEY": "sk-lite", "TOLLGATE_MASTER_KEY": "sk-toll"}

    assert "sk-toll" == data.master_key(both)
    assert "sk-lite" == data.master_key({"LITELLM_MASTER_KEY": "sk-lite"})


def test_last_run_s_log_is_beside_the_new_one(data: DataDirectory) -> None:
    data.log("gateway").write_text("old")

    assert not data.log("gateway").exists()
    assert "old" == (data.logs / "gateway.log.1").read_text()


def test_configuration_without_keys_has_the_demo_model_alone() -> None:
    assert ["demo"] == _names(builtin_config({}))


def test_configuration_has_a_wildcard_for_each_key_that_is_set() -> None:
    names = _names(builtin_config({"OPENAI_API_KEY": "sk-x", "GROQ_API_KEY": "y", "OTHER": "z"}))

    assert {"demo", "openai/*", "groq/*"} <= set(names)
    assert not any(name.startswith("mistral/") for name in names)


def _names(config: dict[str, object]) -> list[str]:
    models = config["model_list"]
    assert isinstance(models, list)
    return [model["model_name"] for model in models]


def test_a_place_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("")

    with pytest.raises(Unusable) as refusal:
        DataDirectory(place)

    expected = f"cannot keep data in {place}: File exists; --data chooses another place"
    assert expected == str(refusal.value)
