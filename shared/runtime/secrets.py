"""Secrets of a stage: SSM parameters, read once when a process starts, in the place of variables.

`TOLLGATE_SECRETS` names their paths, with a comma between them. The last part of a parameter's
name is the variable's: `/tollgate/prod/gateway/DATABASE_URL`. A variable that is set already stays
as it is. Nothing is imported unless there is something to read: Powertools and the AWS SDK, which
Lambda's own runtime brings, cost a quarter of a second.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any, Final

from shared.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

PATHS: Final = "TOLLGATE_SECRETS"

# A start that waits for longer is better tried anew in another environment.
_CONNECT_SECONDS: Final = 2
_READ_SECONDS: Final = 3
_ATTEMPTS: Final = 2
_KEPT_SECONDS: Final = 24 * 3600  # a new deployment starts new processes; see docs/operations.md


def add_secrets(
    environment: MutableMapping[str, str] = os.environ,
    read: Callable[[str], Mapping[str, str]] | None = None,
) -> None:
    """Add the secrets to the environment; SettingsError says which path could not be read."""
    paths = [each.strip() for each in environment.get(PATHS, "").split(",") if each.strip()]
    if not paths:
        return
    read = read or _parameters()
    for path in paths:
        try:
            found = read(path)
        except Exception as error:
            # The SDK's errors have no common root; a parameter's value is in none of them.
            raise SettingsError(
                f"The SSM parameters under {path} could not be read ({type(error).__name__}: "
                f"{error}); the function's role must allow ssm:GetParametersByPath on it",
            ) from error
        for name, value in found.items():
            environment.setdefault(name.rpartition("/")[2], value)


def _parameters() -> Callable[[str], Mapping[str, str]]:
    # By name, since only Lambda's runtime has the SDK: neither the bundle nor a laptop needs it.
    settings = importlib.import_module("botocore.config").Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
    )
    ssm: Any = importlib.import_module("aws_lambda_powertools.utilities.parameters.ssm")
    provider = ssm.SSMProvider(boto_config=settings)

    def read(path: str) -> Mapping[str, str]:
        return provider.get_multiple(path, max_age=_KEPT_SECONDS, decrypt=True, recursive=True)

    return read
