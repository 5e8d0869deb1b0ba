"""Where secrets of keys are put that change by themselves: SSM parameters, or files of a folder."""

from __future__ import annotations

import importlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

PARAMETERS: Final = "ssm:"
_OWNER_ONLY: Final = 0o600


def keeper_of(where: str) -> Callable[[str, str], None] | None:
    """Return what keeps a secret under a name; None where no place is set.

    `ssm:/tollgate/prod/keys` is a path of parameters, anything else a folder.
    """
    if not where:
        return None
    if where.startswith(PARAMETERS):
        return partial(_put_parameter, where.removeprefix(PARAMETERS).rstrip("/"))
    return partial(_write_file, Path(where))


def _put_parameter(path: str, name: str, secret: str) -> None:
    # By name, since only Lambda's runtime has the SDK.
    ssm: Any = importlib.import_module("aws_lambda_powertools.utilities.parameters.ssm")
    ssm.SSMProvider().set(f"{path}/{name}", secret, overwrite=True, parameter_type="SecureString")


def _write_file(folder: Path, name: str, secret: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f".{name}.new"
    new.touch(mode=_OWNER_ONLY)
    new.write_text(secret)
    new.replace(folder / name)
