"""Secrets of a stage: SSM parameters, read once when a process starts, in the place of variables.

`TOLLGATE_SECRETS` names their paths, with a comma between them. The last part of a parameter's
name is the variable's: `/tollgate/prod/gateway/DATABASE_URL`. A variable that is set already stays
as it is. Nothing is imported unless there is something to read.
"""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING, Final

from shared.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

PATHS: Final = "TOLLGATE_SECRETS"


def add_secrets(environment: MutableMapping[str, str] = os.environ) -> None:
    """Add the secrets to the environment; SettingsError says which path could not be read."""
    paths = [each.strip() for each in environment.get(PATHS, "").split(",") if each.strip()]
    if paths:
        _add(paths, environment)


def _add(paths: Sequence[str], environment: MutableMapping[str, str]) -> None:
    from shared.runtime.parameter_store import (  # noqa: PLC0415 - on AWS only
        ParametersNotRead,
        ParameterStore,
    )

    path = paths[0]
    try:
        with closing(ParameterStore.of(environment)) as store:
            for path in paths:
                for name, value in store.under(path).items():
                    environment.setdefault(name.rpartition("/")[2], value)
    except ParametersNotRead as error:
        raise SettingsError(
            f"The SSM parameters under {path} could not be read: {error}"
        ) from error
