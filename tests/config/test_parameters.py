"""References to variables and to AWS's Parameter Store."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from typing import TYPE_CHECKING

import pytest

from shared.config.loading import read_config
from shared.config.parameters import environment_of, from_parameter_store
from tests.outside import ROOT, python_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.domain import Json, JsonObject

KEY = "ssm:/tollgate/dev/providers/openai"


def file(**params: Json) -> JsonObject:
    model: Json = {"model_name": "gpt", "litellm_params": {"model": "openai/gpt-4o", **params}}
    return {"model_list": [model]}


def store(paths: Collection[str]) -> dict[str, str]:
    there = {"/tollgate/dev/providers/openai": "sk-swordfish", "/rpm": "60"}
    return {path: there[path] for path in paths if path in there}


def test_a_parameter_stands_for_its_value_wherever_it_is_named() -> None:
    data = file(api_key=KEY, rpm="ssm:/rpm")

    config, findings = read_config(data, environment_of(data, {}, store))

    assert [] == findings.problems
    assert ("sk-swordfish", 60) == (config.deployments[0].api_key, config.deployments[0].rpm)


def test_a_parameter_that_is_not_there_is_told_by_its_path_and_others_still_work() -> None:
    data = file(api_key="ssm:/nowhere")

    _, findings = read_config(data, environment_of(data, {}, store))

    assert [] == findings.problems
    assert "the parameter /nowhere is not in AWS's Parameter Store" in str(findings.warnings[0])


def test_all_are_asked_for_at_once_and_nobody_is_where_none_is_named() -> None:
    asked: list[Collection[str]] = []

    def fetch(paths: Collection[str]) -> dict[str, str]:
        asked.append(paths)
        return {}

    environment_of(file(api_key=KEY, organization="ssm:/b"), {}, fetch)
    environment_of(file(api_key="os.environ/OPENAI_API_KEY"), {}, fetch)

    assert [["/b", "/tollgate/dev/providers/openai"]] == asked


def test_a_files_variables_are_known_in_it_and_the_processs_go_first() -> None:
    own: Json = {
        "ONE": "from the file",
        "TWO": "from the file",
        "THREE": KEY,
        "NO": "os.environ/X",
    }
    data: JsonObject = {"environment_variables": own}

    found = environment_of(data, {"TWO": "from the process"}, store)

    assert {
        "ONE": "from the file",
        "TWO": "from the process",
        "THREE": "sk-swordfish",
        KEY: "sk-swordfish",
    } == found


def test_a_variable_that_is_no_text_is_a_problem() -> None:
    _, findings = read_config({"environment_variables": {"A": 5}}, {})

    assert ["environment_variables.A: must be text (in quotes if it looks like a number)"] == [
        str(problem) for problem in findings.problems
    ]


def test_without_awss_library_parameters_are_missing_and_the_start_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "botocore.exceptions", None)

    assert {} == from_parameter_store(["/a"])
    assert "parameters_not_read" in capsys.readouterr().out


ON_AWS = """
import boto3
from moto import mock_aws
from shared.config.parameters import from_parameter_store

with mock_aws():
    boto3.client("ssm").put_parameter(Name="/a", Value="secret", Type="SecureString")
    print(from_parameter_store(["/a", "/b"]))
"""


@pytest.mark.slow
def test_powertools_reads_them_decrypted_from_aws() -> None:
    ours = sysconfig.get_path("purelib")
    environment = {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "of-the-test",
        "AWS_SECRET_ACCESS_KEY": "of-the-test",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ours}",
    }

    done = subprocess.run(
        [python_of("aws"), "-c", ON_AWS],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "{'/a': 'secret'}" == done.stdout.strip()
