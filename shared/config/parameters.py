"""What a configuration file takes from outside: variables, and AWS's Parameter Store.

`os.environ/NAME` is a variable of the process, or one of the file's own `environment_variables`;
`ssm:/path` is a parameter. Parameters are read when a process starts, all at once, decrypted. A
file without any imports nothing and asks nobody; what comes over the API names none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from shared.config.sections import PARAMETER, REFERENCE, is_parameter
from shared.observability import log

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from shared.domain import Json, JsonObject

    Fetch = Callable[[Collection[str]], Mapping[str, str]]

ENVIRONMENT: Final = "environment_variables"


def environment_of(
    file: JsonObject, variables: Mapping[str, str], fetch: Fetch | None = None
) -> dict[str, str]:
    """Return what references in a file stand for; what cannot be read is missing.

    A variable of the process goes before one of the file.
    """
    parameters = _parameters(file, fetch or from_parameter_store)
    own = file.get(ENVIRONMENT)
    known = {**parameters, **variables}
    given = {
        name: known.get(value.removeprefix(REFERENCE)) if _refers(value) else value
        for name, value in (own.items() if isinstance(own, dict) else ())
        if isinstance(value, str)
    }
    return {**{name: value for name, value in given.items() if value is not None}, **known}


def from_parameter_store(paths: Collection[str]) -> dict[str, str]:
    """Read parameters from AWS; those that are not there, or may not be read, are left out."""
    try:
        # On AWS the runtime has boto3, which is not typed here; elsewhere there is nobody to ask.
        failures: Any = import_module("botocore.exceptions")
        powertools: Any = import_module("aws_lambda_powertools.utilities.parameters")
    except ImportError as error:
        log.error("parameters_not_read", reason=f"{error.name} is not installed", count=len(paths))
        return {}
    refusals = failures.BotoCoreError, failures.ClientError, powertools.GetParameterError
    try:
        wanted: dict[str, dict[str, str]] = {path: {} for path in paths}
        found: dict[str, Any] = powertools.SSMProvider().get_parameters_by_name(
            wanted, decrypt=True, raise_on_error=False
        )
    except refusals as error:
        log.error("parameters_not_read", reason=type(error).__name__, count=len(paths))
        return {}
    return {path: str(found[path]) for path in paths if path in found}


def _parameters(file: JsonObject, fetch: Fetch) -> dict[str, str]:
    paths = sorted({text.removeprefix(PARAMETER) for text in _texts(file) if is_parameter(text)})
    found: Mapping[str, str] = fetch(paths) if paths else {}
    return {f"{PARAMETER}{path}": value for path, value in found.items()}


def _refers(value: str) -> bool:
    return value.startswith(REFERENCE) or is_parameter(value)


def _texts(data: Json) -> Iterator[str]:
    match data:
        case str():
            yield data
        case dict():
            for value in data.values():
                yield from _texts(value)
        case list():
            for value in data:
                yield from _texts(value)
        case _:
            return
