"""An entry of `model_list` becomes a Deployment."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from shared.config.accounts import (
    ADDRESSES,
    SECRETS,
    account_of,
    address_of,
    check_given_over_api,
    without_region,
)
from shared.config.model import UNORDERED
from shared.config.sections import REFERENCE, Section, Wrong, is_reference
from shared.config.timeouts import buffered_timeouts, stream_timeouts
from shared.config.vendors import VENDORS, Vendor, inferred_provider
from shared.controls import UNHANDLED, Handling
from shared.domain import Deployment
from shared.wire.addresses import address_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Json, JsonObject, Reach

_SECRETS: Final = ("api_key", *SECRETS)
_ADDRESSES: Final = ("api_base", "base_url", *ADDRESSES)
# What a chat may take from its deployment where the caller is silent, as in LiteLLM.
_DEFAULTS: Final = (
    *("temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "n", "seed", "stop"),
    *("frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs"),
    *("response_format", "reasoning_effort", "verbosity", "thinking", "tools", "tool_choice"),
    *("parallel_tool_calls", "service_tier", "modalities", "web_search_options"),
    *("safety_settings", "guardrailConfig", "performanceConfig", "requestMetadata"),
    *("prediction", "store", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"),
)
_SEARCHES: Final = "search_context_cost_per_query"
_SEARCH_SIZES: Final = tuple(f"search_context_size_{size}" for size in ("low", "medium", "high"))
# What model_info says for LiteLLM's own pages only.
_ONLY_SHOWN: Final = ("db_model", "description", "created_at", "updated_at", "created_by")


@dataclass(frozen=True, slots=True)
class OverApi:
    """What a deployment that was made over the API and names its own address may have."""

    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    allows_private: bool = False

    @property
    def reach(self) -> Reach:
        """Which addresses such a deployment may be at."""
        return "private" if self.allows_private else "public"

    def check(self, entry: Section) -> None:
        """Note what is wrong with its address."""
        params = entry.section("litellm_params")
        for name in _ADDRESSES:
            url = params.values.get(name)
            if isinstance(url, str):
                problem = address_problem(url, allows_private=self.allows_private)
                if problem is not None:
                    params.problem(name, problem)


class Defaults:
    """What a deployment takes where its entry is silent; times in seconds."""

    __slots__ = ("handling", "stream_timeout", "timeout")

    def __init__(
        self,
        timeout: float | None,
        stream_timeout: float | None,
        handling: Handling = UNHANDLED,
    ) -> None:
        """Keep what `litellm_settings` or `router_settings` say for all."""
        self.handling = handling
        self.timeout = timeout
        self.stream_timeout = stream_timeout


def read_deployment(entry: Section, defaults: Defaults) -> Deployment:
    """Read one entry; what is wrong with it is in the section's findings."""
    group = entry.name("model_name")
    params, info = entry.section("litellm_params"), entry.section("model_info")
    vendor, model = _vendor_and_model(params)
    _check_wildcards(params, group, model)
    timeout, stream_timeout = params.timeout("timeout"), params.timeout("stream_timeout")
    own_price = {**_prices(info), **_prices(params)}
    deployment = Deployment(
        id=info.name("id") if "id" in info.values else "",
        model_group=info.text("team_public_model_name") or group,
        provider=vendor.provider,
        model=without_region(model) if vendor.dialect == "bedrock" else model,
        api_base=_api_base(params, vendor, model),
        api_key=_api_key(params, vendor),
        weight=params.maybe_whole("weight"),
        rpm=params.maybe_whole("rpm"),
        tpm=params.maybe_whole("tpm"),
        tags=params.names("tags"),
        team_id=info.text("team_id") or None,
        access_groups=info.names("access_groups"),
        region=params.text("region_name")
        or params.text("aws_region_name")
        or params.text("vertex_location"),
        max_parallel_requests=params.maybe_whole("max_parallel_requests", least=1),
        order=params.whole("order", UNORDERED, least=0),
        cooldown_seconds=params.seconds("cooldown_time"),
        timeouts=buffered_timeouts(timeout or defaults.timeout),
        stream_timeouts=stream_timeouts(
            stream_timeout or timeout or defaults.stream_timeout or defaults.timeout
        ),
        extra_headers=params.headers("extra_headers"),
        custom_price=own_price,
        base_model=info.text("base_model") or params.text("base_model") or None,
        max_output_tokens=info.maybe_whole("max_output_tokens"),
        mode=info.text("mode") or None,
        mock_response=params.text("mock_response") or None,
        api_version=_api_version(params, vendor),
        handling=_handling(params, defaults.handling),
        defaults=_call_defaults(params),
        account=account_of(params, vendor, model),
    )
    if info.values.get("db_model") is True:
        check_given_over_api(params)
    info.ignore(_ONLY_SHOWN)
    for section in (params, info, entry):
        section.warn_about_unread()
    return deployment


def is_placed_over_api(entry: JsonObject) -> bool:
    """Say whether an entry came over the API and names the address that it is called at."""
    params, info = entry.get("litellm_params"), entry.get("model_info")
    is_made_over_api = isinstance(info, dict) and info.get("db_model") is True
    names = params.keys() if isinstance(params, dict) else ()
    return is_made_over_api and not set(_ADDRESSES).isdisjoint(names)


def _handling(params: Section, every: Handling) -> Handling:
    return Handling(
        drop_params=params.flag("drop_params", default=every.drop_params),
        modify_params=params.flag("modify_params", default=every.modify_params),
        allowed_openai_params=params.names("allowed_openai_params"),
        additional_drop_params=params.names("additional_drop_params"),
    )


def _call_defaults(params: Section) -> JsonObject:
    found: JsonObject = {name: params.read(name, None, _anything) for name in _DEFAULTS}
    extra = params.section("extra_body").values
    return {**extra, **{name: value for name, value in found.items() if value is not None}}


def _anything(value: Json) -> Json:
    return value


def id_of(entry: JsonObject) -> str:
    """Give an entry without `model_info.id` the SHA-256 of its name and parameters.

    The order of the parameters and the value of a secret do not matter: rotating a key or moving
    a line keeps cooldowns, limits and spend where they are.
    """
    params = entry.get("litellm_params")
    known = dict(params) if isinstance(params, dict) else {}
    for name in _SECRETS:
        value = known.pop(name, None)
        if isinstance(value, str) and is_reference(value):
            known[name] = value
    material = json.dumps([entry.get("model_name"), known], sort_keys=True)
    return hashlib.sha256(material.encode()).hexdigest()


def _vendor_and_model(params: Section) -> tuple[Vendor, str]:
    full, named = params.name("model"), params.text("custom_llm_provider")
    prefix, slash, rest = full.partition("/")
    if named:
        provider, model = named, rest if slash and prefix == named else full
    elif slash:
        provider, model = prefix, rest
    else:
        provider, model = inferred_provider(full) or "", full
    vendor = VENDORS.get(provider)
    if vendor is not None and model:
        return vendor, model
    if full:
        params.problem("model", _unknown_provider(provider, full))
    return Vendor(provider), model


def _unknown_provider(provider: str, full: str) -> str:
    if not provider or provider == "*":
        return f"does not name a provider; write for example openai/{full}"
    if provider in VENDORS:
        return f"names the provider {provider} but no model"
    return (
        f"names the provider {provider}, which is not one of {', '.join(sorted(VENDORS))}; "
        "for any OpenAI-compatible server use openai/… with api_base"
    )


def _check_wildcards(params: Section, group: str, model: str) -> None:
    if model.count("*") > group.count("*"):
        params.problem("model", "has more wildcards than model_name, so nothing can fill them")


def _api_base(params: Section, vendor: Vendor, model: str) -> str:
    if params.values.get("api_base") is None and params.values.get("base_url") is not None:
        url = params.read("base_url", "", _url)
    else:
        url = params.read("api_base", "", _url)
        params.ignore(["base_url"])
    if url or _is_reference(params, "api_base") or _is_reference(params, "base_url"):
        return url
    environment = params.environment or {}
    default = (
        environment.get(vendor.base_url_variable)
        or address_of(params, vendor, model)
        or vendor.base_in(environment)
    )
    if not default and vendor.provider in VENDORS and params.environment is not None:
        params.problem("api_base", f"is missing, and {vendor.base_url_variable} is not set either")
        return ""
    try:
        return _url(default) if default else ""
    except Wrong as wrong:
        params.problem("api_base", f"(from {vendor.base_url_variable}) {wrong}")
        return ""


def _api_version(params: Section, vendor: Vendor) -> str:
    given = params.text("api_version")
    if given or not vendor.version_variable:
        return given
    return (params.environment or {}).get(vendor.version_variable, "")


def _is_reference(params: Section, name: str) -> bool:
    value = params.values.get(name)
    return isinstance(value, str) and is_reference(value)


def _api_key(params: Section, vendor: Vendor) -> str:
    if params.values.get("api_key") is not None:
        if not _is_reference(params, "api_key"):
            params.warn(
                "api_key",
                f"is in plain text; {REFERENCE}NAME or ssm:/path keeps it out of the file",
            )
        return params.secret("api_key")
    environment = params.environment or {}
    key = next((environment[v].strip() for v in vendor.key_variables if environment.get(v)), "")
    if not key and vendor.base_url and params.environment is not None:
        params.warn("api_key", f"is missing, and {vendor.key_variables[0]} is not set either")
    return key


def _prices(section: Section) -> Mapping[str, Json]:
    names = [name for name in section.values if "cost" in name]
    found = {name: section.read(name, None, _price) for name in names if name != _SEARCHES}
    found |= _search_prices(section)
    return {name: price for name, price in found.items() if price is not None}


def _search_prices(section: Section) -> Mapping[str, Json]:
    """Read what a web search costs: a price, or one for each size of what it finds."""
    if not isinstance(section.values.get(_SEARCHES), dict):
        return {_SEARCHES: section.read(_SEARCHES, None, _price)}
    sizes = section.section(_SEARCHES)
    found = {name: sizes.read(name, None, _price) for name in _SEARCH_SIZES}
    sizes.warn_about_unread()
    return found


def _price(value: Json) -> Json:
    # YAML reads 1e-6 as text and 0.000001 as a number; both are meant.
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Wrong("must be a price in dollars")
    try:
        price = Decimal(str(value))
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or price < 0:
        raise Wrong("must be a price in dollars, 0 or more")
    return value


def _url(value: Json) -> str:
    if not isinstance(value, str):
        raise Wrong("must be a URL")
    try:
        parts = urlsplit(value)
        is_reachable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        raise Wrong("must be a URL") from None
    if not is_reachable or not value.isascii() or not value.isprintable() or " " in value:
        raise Wrong("must be a URL that starts with http:// or https://")
    if parts.username is not None or parts.query or parts.fragment:
        raise Wrong("must be a URL without user, query or fragment")
    return value.rstrip("/")
