"""`router_settings`, and what LiteLLM also takes from `litellm_settings`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shared.config.model import ERROR_KINDS, STRATEGIES, RouterSettings
from shared.config.sections import Section, Wrong, names_of, one_of

if TYPE_CHECKING:
    from shared.config.model import Strategy
    from shared.domain import Json

_ANY_MODEL: Final = "*"

Chains = dict[str, tuple[str, ...]]


def read_router(router: Section, litellm: Section) -> RouterSettings:
    """Read what LiteLLM takes from either section; `router_settings` wins."""
    defaults = RouterSettings()
    in_litellm = litellm.whole("num_retries", defaults.num_retries, most=100)
    fails_in_litellm = litellm.maybe_whole("allowed_fails")
    allowed_fails = router.maybe_whole("allowed_fails")
    cooldown_seconds = router.seconds("cooldown_time")
    chains, context, policy = (
        _chains(litellm, name) | _chains(router, name)
        for name in ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")
    )
    group_policies = router.section("model_group_retry_policy")
    default = router.names("default_fallbacks") or litellm.names("default_fallbacks")
    aliases, hidden = _aliases(router)
    arguments = router.section("routing_strategy_args")
    buffer = arguments.seconds("lowest_latency_buffer")
    settings = RouterSettings(
        strategy=router.read("routing_strategy", defaults.strategy, _strategy),
        group_strategies=_group_strategies(router),
        latency_buffer=buffer or 0.0,
        latency_samples=arguments.whole(
            "max_latency_list_size", defaults.latency_samples, least=1, most=100
        ),
        num_retries=router.whole("num_retries", in_litellm, most=100),
        cooldown_seconds=defaults.cooldown_seconds
        if cooldown_seconds is None
        else cooldown_seconds,
        disable_cooldowns=router.flag("disable_cooldowns"),
        allowed_fails=fails_in_litellm if allowed_fails is None else allowed_fails,
        default_fallbacks=default or chains.get(_ANY_MODEL, ()),
        fallbacks={model: chain for model, chain in chains.items() if model != _ANY_MODEL},
        context_window_fallbacks=context,
        content_policy_fallbacks=policy,
        retry_policy=_policy(router.section("retry_policy"), "Retries"),
        group_retry_policies={
            group: _policy(group_policies.section(group), "Retries")
            for group in group_policies.values
        },
        allowed_fails_policy=_policy(router.section("allowed_fails_policy"), "AllowedFails"),
        enable_pre_call_checks=router.flag("enable_pre_call_checks"),
        enable_tag_filtering=router.flag("enable_tag_filtering"),
        tag_filtering_match_any=router.flag("tag_filtering_match_any", default=True),
        max_fallbacks=router.whole("max_fallbacks", defaults.max_fallbacks, most=100),
        model_group_alias=aliases,
        hidden_aliases=hidden,
    )
    arguments.ignore(["ttl"])
    arguments.warn_about_unread()
    return _with_hedging(settings, router)


def _with_hedging(settings: RouterSettings, router: Section) -> RouterSettings:
    """Read Tollgate's own settings: who is asked a second time, and when."""
    usual = settings.hedge_percentile
    return replace(
        settings,
        hedged_requests=router.values.get("hedged_requests") is True,
        hedged_groups=router.read("hedged_requests", (), _hedged),
        hedge_percentile=router.whole("hedge_percentile", usual, least=50, most=99),
    )


def _hedged(value: Json) -> tuple[str, ...]:
    if isinstance(value, bool):
        return ()
    if not isinstance(value, list):
        raise Wrong("must be true, false or a list of models")
    return names_of(value)


def _strategy(value: Json) -> Strategy:
    return one_of(value, STRATEGIES)


def _group_strategies(router: Section) -> dict[str, Strategy]:
    section = router.section("model_group_routing_strategy")
    default = RouterSettings().strategy
    return {group: section.read(group, default, _strategy) for group in section.values}


def _policy(section: Section, suffix: str) -> dict[str, int]:
    """Read how often for each kind of error: `TimeoutErrorRetries: 3`."""
    found: dict[str, int] = {}
    for kind in ERROR_KINDS:
        number = section.maybe_whole(f"{kind}{suffix}")
        if number is not None:
            found[kind] = number
    section.warn_about_unread()
    return found


def _chains(section: Section, name: str) -> Chains:
    return section.read(name, Chains(), _parse_chains)


def _parse_chains(value: Json) -> Chains:
    if not isinstance(value, list):
        raise Wrong('must be a list like [{"model": ["fallback", "another"]}]')
    chains: Chains = {}
    for item in value:
        if not isinstance(item, dict):
            raise Wrong('must be a list like [{"model": ["fallback", "another"]}]')
        chains.update({model: names_of(names) for model, names in item.items()})
    return chains


def _aliases(router: Section) -> tuple[dict[str, str], frozenset[str]]:
    section = router.section("model_group_alias")
    targets: dict[str, str] = {}
    hidden: set[str] = set()
    for alias, value in section.values.items():
        if isinstance(value, dict):
            inner = section.section(alias)
            targets[alias] = inner.name("model")
            if inner.flag("hidden"):
                hidden.add(alias)
            inner.warn_about_unread()
        else:
            targets[alias] = section.name(alias)
    return targets, frozenset(hidden)
