"""Secrets by SSM path take the place of variables, and a start says what it could not read."""

from __future__ import annotations

import subprocess
import sys

import pytest

from shared.runtime.secrets import add_secrets
from shared.settings import Settings, SettingsError
from tests.functions.runtime_api_emulator import ROOT

MASTER_KEY = "sk-a-master-key-of-more-than-20"


def test_each_parameter_is_the_variable_of_its_name() -> None:
    environment = {"TOLLGATE_SECRETS": "/tollgate/dev/gateway, /tollgate/dev/providers"}
    parameters = {
        "/tollgate/dev/gateway": {"TOLLGATE_MASTER_KEY": MASTER_KEY},
        "/tollgate/dev/providers": {"nested/OPENAI_API_KEY": "sk-openai"},
    }

    add_secrets(environment, parameters.__getitem__)

    assert "sk-openai" == environment["OPENAI_API_KEY"]
    assert MASTER_KEY == Settings.from_environment(environment).master_key


def test_a_variable_that_is_set_already_stays() -> None:
    environment = {"TOLLGATE_SECRETS": "/tollgate/dev", "DATABASE_URL": "postgresql://own"}

    add_secrets(environment, lambda _: {"DATABASE_URL": "postgresql://other"})

    assert "postgresql://own" == environment["DATABASE_URL"]


def test_a_path_that_cannot_be_read_ends_the_start_with_a_sentence() -> None:
    def refuse(_: str) -> dict[str, str]:
        raise RuntimeError("AccessDenied")

    with pytest.raises(SettingsError, match=r"under /x could not be read.*GetParametersByPath"):
        add_secrets({"TOLLGATE_SECRETS": "/x"}, refuse)


def test_without_paths_nothing_is_imported() -> None:
    told = "from shared.runtime.secrets import add_secrets; add_secrets({}); import sys; "
    argv = [sys.executable, "-c", told + "print(*sys.modules)"]

    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)

    assert set() == {"aws_lambda_powertools", "boto3", "botocore"} & set(done.stdout.split())
