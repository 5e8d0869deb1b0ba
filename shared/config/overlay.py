"""What the database lays over the configuration file: sections, models and credentials.

Pure. An overlay is plain JSON with one version; its secrets stay sealed until `merged` lays it
over the file, so that Redis, logs and copies of it never hold one in the clear.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import orjson

from shared.config.secrets import Unsealable, is_sealed
from shared.config.sections import REFERENCE, Problem

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from shared.config.secrets import Vault
    from shared.domain import Json, JsonObject

SECTIONS: Final = ("router_settings", "litellm_settings", "general_settings")
ENVIRONMENT: Final = "environment_variables"
CREDENTIAL: Final = "litellm_credential_name"

_IN_THE_FILE_ONLY: Final = frozenset({"allow_private_api_base", "master_key", "database_url"})
"""General settings that say what administrators may do: no administrator changes them."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """The rows of the database at one version.

    `read_mark` is where the sequence of versions stood when they were read from Postgres, 0 when
    they came from Redis: it proves that the reading happened after a fence of a lower number.
    """

    version: int
    sections: Mapping[str, JsonObject] = field(default_factory=dict[str, "JsonObject"])
    models: tuple[JsonObject, ...] = ()
    credentials: Mapping[str, JsonObject] = field(default_factory=dict[str, "JsonObject"])
    read_mark: int = 0

    @classmethod
    def parse(cls, text: str) -> Overlay | None:
        """Read what `render` wrote, perhaps in another release; None when it is not that."""
        try:
            found: Json = orjson.loads(text)
        except ValueError:
            return None
        match found:
            case {
                "version": int(version),
                "sections": dict(sections),
                "models": list(models),
                "credentials": dict(credentials),
            }:
                return cls(version, _objects(sections), _list(models), _objects(credentials))
            case _:
                return None

    def render(self) -> str:
        """Write it as JSON."""
        return orjson.dumps(
            {
                "version": self.version,
                "sections": dict(self.sections),
                "models": list(self.models),
                "credentials": dict(self.credentials),
            }
        ).decode()


@dataclass(frozen=True, slots=True)
class Merged:
    """File and overlay as one configuration, with the variables the database adds."""

    data: JsonObject
    environment: Mapping[str, str]
    problems: tuple[Problem, ...]


def merged(file: JsonObject, overlay: Overlay, vault: Vault) -> Merged:
    """Lay an overlay over the file: settings by name, models beside the file's."""
    opening = _Opening(vault)
    data: JsonObject = dict(file)
    for name in SECTIONS:
        below, above = file.get(name), overlay.sections.get(name, {})
        changed = {key: value for key, value in above.items() if key not in _IN_THE_FILE_ONLY}
        if changed:
            data[name] = {**(below if isinstance(below, dict) else {}), **changed}
    variables = opening.texts(overlay.sections.get(ENVIRONMENT, {}), ENVIRONMENT)
    models = [
        opening.model(model, overlay.credentials)
        for model in overlay.models
        if model.get("blocked") is not True
    ]
    if models:
        below = file.get("model_list")
        data["model_list"] = [*(below if isinstance(below, list) else []), *models]
    return Merged(data, variables, tuple(opening.problems))


def place_of_model(model_id: str) -> str:
    """Name where a model's parameters lie, for sealing."""
    return f"model/{model_id}"


def place_of_credential(credential: str) -> str:
    """Name where a credential's values lie, for sealing."""
    return f"credential/{credential}"


def sealed(
    values: JsonObject, place: str, vault: Vault, *, plain: Container[str] = ()
) -> JsonObject:
    """Seal all that may be a secret: texts and whatever holds texts, but for the `plain` ones.

    What refers to the environment stays as it is.
    """
    return {
        name: vault.seal(orjson.dumps(value).decode(), f"{place}/{name}")
        if isinstance(value, str | list | dict) and name not in plain and not _refers(value)
        else value
        for name, value in values.items()
    }


def shown(values: JsonObject) -> JsonObject:
    """Leave out what is sealed."""
    return {name: value for name, value in values.items() if not is_sealed(value)}


def laid(below: JsonObject, above: JsonObject) -> JsonObject:
    """Lay values over others; a null takes one away."""
    values: JsonObject = {**below, **above}
    return {name: value for name, value in values.items() if value is not None}


def _refers(value: Json) -> bool:
    return isinstance(value, str) and value.startswith(REFERENCE)


class _Opening:
    """Opens sealed values, keeping what does not open as problems."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self.problems: list[Problem] = []

    def texts(self, values: JsonObject, place: str) -> dict[str, str]:
        opened = self._opened(values, place)
        return {name: value for name, value in opened if isinstance(value, str)}

    def model(self, row: JsonObject, credentials: Mapping[str, JsonObject]) -> JsonObject:
        model_id = str(row.get("model_id", ""))
        given, info = _object(row.get("litellm_params")), _object(row.get("model_info"))
        params = dict(self._opened(given, place_of_model(model_id)))
        name = params.pop(CREDENTIAL, None)
        if isinstance(name, str):
            params = {**self._credential(name, credentials, model_id), **params}
        return {
            "model_name": row.get("model_name"),
            "litellm_params": params,
            "model_info": {**info, "id": model_id, "db_model": True},
        }

    def _credential(
        self, name: str, credentials: Mapping[str, JsonObject], model_id: str
    ) -> JsonObject:
        if name not in credentials:
            path = ("model", model_id, CREDENTIAL)
            self.problems.append(Problem(path, f"names {name}, which is no credential"))
        return dict(self._opened(credentials.get(name, {}), place_of_credential(name)))

    def _opened(self, values: JsonObject, place: str) -> Iterator[tuple[str, Json]]:
        for name, value in values.items():
            if not isinstance(value, str) or not is_sealed(value):
                yield name, value
                continue
            try:
                yield name, orjson.loads(self._vault.open(value, f"{place}/{name}"))
            except (Unsealable, ValueError) as error:
                self.problems.append(Problem((*place.split("/", 1), name), str(error)))


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _objects(values: Mapping[str, Json]) -> dict[str, JsonObject]:
    return {name: value for name, value in values.items() if isinstance(value, dict)}


def _list(values: list[Json]) -> tuple[JsonObject, ...]:
    return tuple(value for value in values if isinstance(value, dict))
