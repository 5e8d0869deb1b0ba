"""What the cache may do for one call: which entries to look for, whether to keep the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from shared.cache.keys import EVERYBODY, call_key, input_keys, inputs_of, tenant_of
from shared.domain import Endpoint
from shared.errors import NotPermitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.config.model import CacheSettings, Config
    from shared.domain import Call, Principal

MAX_INPUTS: Final = 64
"""Of the inputs of one embedding call, how many are looked up and kept."""

MAX_INPUT_BYTES: Final = 256 * 1024


_NEVER: Final = frozenset(
    {Endpoint.RESPONSES, Endpoint.SPEECH, Endpoint.TRANSCRIPTION, Endpoint.PASS_THROUGH}
)
"""What is stored elsewhere, is no JSON, or is nobody's business but the vendor's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """The keys of one call, in the order of its inputs; times in milliseconds."""

    keys: tuple[str, ...]
    is_read: bool
    is_kept: bool
    is_per_input: bool
    ttl_ms: int
    max_age_ms: int | None
    max_bytes: int
    wait_seconds: float
    """How long to wait for an equal call that is being answered."""

    @property
    def name(self) -> str:
        """What the ledger and the caller see: the key, of several inputs the first one's."""
        return self.keys[0]


def lookup_of(call: Call, principal: Principal, group: str, config: Config) -> Lookup | None:
    """Tell what the cache may do for a call; None where it has no part in it."""
    control, settings = call.cache, config.cache
    is_wanted = settings.is_on and (settings.is_on_by_default or control.use_cache)
    if not is_wanted or not _is_cachable(call, settings):
        return None
    ttl = settings.ttl_seconds if control.ttl is None else control.ttl
    is_read, is_kept = not control.no_cache, not control.no_store and ttl > 0
    if not is_read and not is_kept:
        return None
    keys = _keys(call, principal, group, config)
    is_per_input = call.endpoint is Endpoint.EMBEDDING
    return Lookup(
        keys=tuple(keys),
        is_read=is_read,
        is_kept=is_kept,
        is_per_input=is_per_input,
        ttl_ms=int(ttl * 1000),
        max_age_ms=None if control.max_age is None else int(control.max_age * 1000),
        max_bytes=min(settings.max_bytes, MAX_INPUT_BYTES) if is_per_input else settings.max_bytes,
        wait_seconds=settings.wait_seconds if is_read and is_kept and len(keys) == 1 else 0.0,
    )


def check_controls(call: Call, allowed: Sequence[str]) -> None:
    """Refuse a cache control that the key may not set; no list allows all of them."""
    for name in call.cache.asked:
        if allowed and name not in allowed:
            raise NotPermitted(
                f"Not allowed to set {name} as a cache control. "
                "Contact admin to change permissions.",
                param="cache",
            )


def _keys(call: Call, principal: Principal, group: str, config: Config) -> list[str]:
    settings = config.cache
    if not config.router.enable_tag_filtering:
        call = replace(call, tags=())
    # What a team has of its own answers its keys alone, also where all others share.
    is_own = group in config.seen_by(principal.key.team_id).own_groups
    tenant = tenant_of(principal) if is_own or not settings.is_shared else EVERYBODY
    namespace = settings.namespace if call.cache.namespace is None else call.cache.namespace
    if call.endpoint is Endpoint.EMBEDDING:
        return input_keys(call, group, tenant, namespace)[:MAX_INPUTS]
    return [call_key(call, group, tenant, namespace)]


def _is_cachable(call: Call, settings: CacheSettings) -> bool:
    if call.endpoint in _NEVER or call.uploads:
        return False
    if call.mock is not None:
        return False
    kind = call.endpoint.value
    if kind not in settings.call_types and kind.removeprefix("a") not in settings.call_types:
        return False
    messages = call.body.get("messages")
    if settings.max_messages is not None and isinstance(messages, list):
        return len(messages) <= settings.max_messages
    return call.endpoint is not Endpoint.EMBEDDING or bool(inputs_of(call))
