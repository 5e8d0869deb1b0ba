"""Which models stand in for one that did not answer."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.config.model import Config, RouterSettings
    from shared.domain import Call


def fallback_chain(config: Config, model: str, call: Call) -> list[str]:
    """List the models to ask after `model`, in order: each once, at most `max_fallbacks`.

    A list that came with the call replaces the configured ones.
    """
    router = config.router
    if call.disable_fallbacks:
        return []
    if call.fallbacks is not None:
        chain = (name for name in dict.fromkeys(call.fallbacks) if name not in {model, call.model})
    else:
        chain = _configured(router, model, {model, call.model})
    return list(islice(chain, router.max_fallbacks))


def _configured(router: RouterSettings, model: str, seen: set[str]) -> Iterator[str]:
    """Walk the fallbacks of a model, and after each of them its own."""
    for name in _direct(router, model):
        if name not in seen:
            seen.add(name)
            yield name
            yield from _configured(router, name, seen)


def _direct(router: RouterSettings, model: str) -> tuple[str, ...]:
    target = router.model_group_alias.get(model, model)
    chains = router.fallbacks
    return chains.get(model) or chains.get(target) or router.default_fallbacks


def special_chain(
    config: Config,
    model: str,
    call: Call,
    own: tuple[str, ...] | None,
    chains: Mapping[str, tuple[str, ...]],
) -> list[str]:
    """List the models that stand in after one kind of error: the call's own, else configured."""
    if call.disable_fallbacks:
        return []
    router = config.router
    target = router.model_group_alias.get(model, model)
    configured = chains.get(model) or chains.get(target) or chains.get("*") or ()
    names = configured if own is None else own
    return [name for name in dict.fromkeys(names) if name not in {model, call.model}]
