"""A start reads a stage's parameters from SSM as moto plays it, which checks who signs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.runtime.secrets import add_secrets
from shared.settings import SettingsError
from tests.outside import python_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
PATH = "/tollgate/dev/gateway"
NUMBER = 23  # three pages


@pytest.fixture(scope="module")
def account() -> Iterator[tuple[str, dict[str, list[str]]]]:
    """A server's URL, and the access keys of who may read and of who may not."""
    argv = [str(python_of("aws")), str(HERE / "moto_server.py")]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        put = [argv[0], str(HERE / "parameters_in_moto.py"), url, PATH, str(NUMBER)]
        done = subprocess.run(put, capture_output=True, text=True, check=True)
        yield url, json.loads(done.stdout)
    finally:
        process.terminate()
        process.communicate(timeout=20)


def start(url: str, access_key: str, secret_key: str, path: str = PATH) -> dict[str, str]:
    environment = {
        "TOLLGATE_SECRETS": path,
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
    }
    before = set(environment)
    add_secrets(environment)
    return {name: value for name, value in environment.items() if name not in before}


def test_all_of_a_path_are_read_decrypted(account: tuple[str, dict[str, list[str]]]) -> None:
    url, keys = account

    found = start(url, *keys["reader"])

    assert {f"SECRET_{number}": f"of {number}" for number in range(NUMBER)} == found


def test_a_path_without_parameters_adds_nothing(account: tuple[str, dict[str, list[str]]]) -> None:
    url, keys = account

    assert {} == start(url, *keys["reader"], path="/tollgate/nosuch")


def test_who_may_not_read_is_told_what_to_allow(account: tuple[str, dict[str, list[str]]]) -> None:
    url, keys = account

    # moto's words are XML; AWS's own JSON is in tests/functions/test_secrets.py.
    with pytest.raises(SettingsError, match=r"403.*ssm:GetParametersByPath"):
        start(url, *keys["stranger"])


def test_a_wrong_signature_is_told(account: tuple[str, dict[str, list[str]]]) -> None:
    url, keys = account

    with pytest.raises(SettingsError, match="could not be read"):
        start(url, keys["reader"][0], "of-somebody-else")
