"""Which deployments a caller means by a model's name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shared.config.vendors import inferred_provider

if TYPE_CHECKING:
    from shared.config.model import Config
    from shared.domain import Deployment

_PROTOCOL: Final = "openai/"


def deployments_of(config: Config, model: str) -> tuple[Deployment, ...]:
    """Find the deployments behind a name; none when nobody serves it.

    An alias comes first, so that it can redirect a group that exists; then the group of that
    name, the most specific wildcard that fits, and a deployment's id.
    """
    name = config.router.model_group_alias.get(model, model)
    return config.groups.get(name) or _by_wildcard(config, name) or _by_id(config, name)


def public_name(config: Config, model: str) -> str:
    """Return the name that is meant: `openai/NAME` stands for NAME where nobody is called so.

    Clients made for LiteLLM put the protocol they speak before the name.
    """
    plain = model.removeprefix(_PROTOCOL)
    if plain == model or deployments_of(config, model) or not deployments_of(config, plain):
        return model
    return plain


def _by_wildcard(config: Config, name: str) -> tuple[Deployment, ...]:
    provider = inferred_provider(name)
    # A bare gpt-4o is served by openai/* too, as in LiteLLM.
    spellings = (name,) if provider is None else (name, f"{provider}/{name}")
    for pattern in config.wildcards:
        for spelling in spellings:
            parts = captured(pattern, spelling)
            if parts is not None:
                return tuple(_fill(deployment, parts) for deployment in config.groups[pattern])
    return ()


def _by_id(config: Config, name: str) -> tuple[Deployment, ...]:
    deployment = config.by_id.get(name)
    # Behind a wildcard an id alone does not say which model is meant.
    return () if deployment is None or "*" in deployment.model else (deployment,)


def captured(pattern: str, name: str) -> tuple[str, ...] | None:
    """Return what each `*` of a pattern stands for in a name, or None when it does not fit.

    A `*` stands for at least one character; of several, the first ones for as few as possible.
    """
    first, *literals = pattern.split("*")
    if not literals or not name.startswith(first):
        return None if literals or name != pattern else ()
    parts: list[str] = []
    position = len(first)
    for literal in literals[:-1]:
        found = name.find(literal, position + 1)
        if found < 0:
            return None
        parts.append(name[position:found])
        position = found + len(literal)
    end = len(name) - len(literals[-1])
    if end <= position or not name.endswith(literals[-1]):
        return None
    return (*parts, name[position:end])


def _fill(deployment: Deployment, parts: tuple[str, ...]) -> Deployment:
    """Put what the caller named in the place of the upstream model's wildcards."""
    first, *literals = deployment.model.split("*")
    model = first + "".join(part + literal for part, literal in zip(parts, literals, strict=False))
    return replace(deployment, model=model)
