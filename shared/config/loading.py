"""Compiled JSON in LiteLLM's shape becomes a Config, or one error that lists what is wrong."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from math import floor
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Final, cast

import orjson

from shared.config.adjustments import read_discounts, read_margins
from shared.config.alerting import read_alerting
from shared.config.cache import read_cache
from shared.config.degraded import read_degraded
from shared.config.deployments import Defaults, OverApi, id_of, is_placed_over_api, read_deployment
from shared.config.model import (
    TOKEN_RATE_LIMIT_TYPES,
    UNKNOWN_PRICE,
    Config,
    GeneralSettings,
    LiteLLMSettings,
)
from shared.config.newcomers import read_newcomers
from shared.config.parameters import ENVIRONMENT
from shared.config.router import read_router
from shared.config.sections import Findings, Problem, Section, Wrong, one_of
from shared.controls import Handling
from shared.domain import Nanodollars

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.config.model import UnknownPrice
    from shared.domain import Deployment, Json, JsonObject

_NO_MAPPING: Final = Problem((), "the configuration must be a mapping")
_ERROR_STATUSES: Final = (400, 599)
_MOST_DOLLARS: Final = 4_000_000_000
_DURATION: Final = re.compile(r"[1-9][0-9]{0,4}[smhdw]|1mo|hourly|daily|weekly|monthly")
_TIME_OF_DAY: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?")


class ConfigError(Exception):
    """The configuration is not valid; `problems` says all that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        """Show one problem a line."""
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def load_config(path: str, environment: Mapping[str, str] = os.environ) -> Config:
    """Load a compiled configuration; no path is an empty one.

    Raise ConfigError when the file cannot be read or is not valid.
    """
    return valid_config(read_file(path), environment)


def read_file(path: str) -> JsonObject:
    """Read a compiled configuration as it is; no path is an empty one. Raise ConfigError."""
    if not path:
        return {}
    try:
        data = orjson.loads(FilePath(path).read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError([Problem((), f"cannot read {path}: {error}")]) from error
    if not isinstance(data, dict):
        raise ConfigError([_NO_MAPPING])
    return cast("JsonObject", data)


def valid_config(data: JsonObject, environment: Mapping[str, str]) -> Config:
    """Read a whole configuration; raise ConfigError when anything is wrong with it."""
    config, findings = read_config(data, environment)
    if findings.problems:
        raise ConfigError(findings.problems)
    return config


def read_config(
    data: Json,
    environment: Mapping[str, str] | None,
    over_api: OverApi = OverApi(),  # noqa: B008 - frozen
) -> tuple[Config, Findings]:
    """Read a whole configuration and tell everything that was found on the way.

    Without an environment, what refers to it is not checked. A deployment that was made over the
    API and names its own `api_base` has only what `over_api` says: no key of the process can
    be sent to an address that somebody else chose. The Config is of use only when no problem
    was found.
    """
    findings = Findings()
    if not isinstance(data, dict):
        findings.problems.append(_NO_MAPPING)
        return Config(), findings
    top = Section(data, findings, environment)
    litellm, general = top.section("litellm_settings"), top.section("general_settings")
    router = top.section("router_settings")
    defaults = Defaults(
        litellm.timeout("request_timeout") or router.timeout("timeout"),
        router.timeout("stream_timeout"),
        Handling(
            drop_params=litellm.flag("drop_params"),
            modify_params=litellm.flag("modify_params"),
        ),
    )
    of_users = litellm.section("default_internal_user_params")
    newcomers = read_newcomers(litellm, of_users)
    config = Config(
        deployments=_deployments(top, defaults, over_api),
        router=read_router(router, litellm),
        general=_general(general),
        litellm=_litellm(litellm, of_users),
        newcomers=newcomers,
        cache=read_cache(litellm),
        degraded=read_degraded(litellm),
        alerting=read_alerting(general),
    )
    _warn_about_unknown_fallbacks(config, findings)
    if data.get("include") is not None:
        top.problem("include", "is not supported; put everything into one file")
    _check_variables(top.section(ENVIRONMENT))
    for section in (of_users, litellm, router, general, top):
        section.warn_about_unread()
    return config, findings


def _check_variables(section: Section) -> None:
    """Check the variables that a file sets: LiteLLM puts them into the process's environment."""
    for name, value in section.values.items():
        if not isinstance(value, str):
            section.problem(name, "must be text (in quotes if it looks like a number)")


def _deployments(top: Section, defaults: Defaults, over_api: OverApi) -> tuple[Deployment, ...]:
    found: list[Deployment] = []
    seen = Counter[str]()
    for entry in top.sections("model_list"):
        is_foreign = is_placed_over_api(entry.values)
        if is_foreign:
            entry.environment = over_api.variables
            over_api.check(entry)
        deployment = read_deployment(entry, defaults)
        given = deployment.id
        made = given or id_of(entry.values)
        seen[made] += 1
        if given and seen[given] > 1:
            entry.section("model_info").problem("id", f"{given} is the id of another entry too")
        # Entries may differ in nothing but a secret; their place among equals tells them apart.
        is_repeated = not given and seen[made] > 1
        found.append(
            replace(
                deployment,
                id=f"{made}-{seen[made]}" if is_repeated else made,
                reach=over_api.reach if is_foreign else "anywhere",
            )
        )
    return tuple(found)


def _general(section: Section) -> GeneralSettings:
    # Both come from the environment, so that they are in no file and in no bundle.
    for name, variable in (("master_key", "TOLLGATE_MASTER_KEY"), ("database_url", "DATABASE_URL")):
        if name in section.values:
            section.ignore([name])
            section.warn(name, f"is not read from here; set the environment variable {variable}")
    # How often LiteLLM looks for what to drop; here every minute's run of the ledger looks.
    section.ignore(["maximum_spend_logs_retention_interval"])
    is_private_allowed = section.values.get("allow_private_api_base")
    return GeneralSettings(
        key_header_name=section.text("litellm_key_header_name").lower() or None,
        allow_private_api_base=None
        if is_private_allowed is None
        else section.flag("allow_private_api_base"),
        apply_user_budget_to_team_keys=section.flag("apply_user_budget_to_team_keys"),
        token_rate_limit_type=section.read(
            "token_rate_limit_type",
            GeneralSettings().token_rate_limit_type,
            lambda value: one_of(value, TOKEN_RATE_LIMIT_TYPES),
        ),
        enforced_params=section.names("enforced_params"),
        end_user_headers=_end_user_headers(section),
        service_account_params=section.section("service_account_settings").names("enforced_params"),
    )


def _end_user_headers(section: Section) -> tuple[str, ...]:
    """Read the headers that name the end user: LiteLLM's mappings go before its older name."""
    older, found = section.text("user_header_name").strip(), list[str]()
    for mapping in section.sections("user_header_mappings"):
        name, role = mapping.name("header_name"), mapping.text("litellm_user_role")
        if role == "customer":
            found.append(name)
        else:
            mapping.warn("litellm_user_role", "has no effect: a key says which user calls")
    return tuple(name.lower() for name in found or [older] if name)


def _litellm(section: Section, of_users: Section) -> LiteLLMSettings:
    defaults = LiteLLMSettings()
    least, most = _ERROR_STATUSES
    return LiteLLMSettings(
        available_teams=of_users.names("available_teams"),
        budget_exceeded_status_code=section.whole(
            "budget_exceeded_status_code",
            defaults.budget_exceeded_status_code,
            least=least,
            most=most,
        ),
        model_access_denied_status_code=section.whole(
            "model_access_denied_status_code",
            defaults.model_access_denied_status_code,
            least=least,
            most=most,
        ),
        timezone=section.read("timezone", defaults.timezone, _timezone),
        budget_reset_time=section.read(
            "budget_reset_time", defaults.budget_reset_time, _time_of_day
        ),
        default_max_tokens=section.whole(
            "default_max_tokens", defaults.default_max_tokens, least=1
        ),
        clamp_max_tokens=section.flag("clamp_max_tokens"),
        max_budget=section.read("max_budget", defaults.max_budget, _dollars),
        budget_duration=section.read("budget_duration", defaults.budget_duration, _duration),
        max_end_user_budget_id=section.maybe_name("max_end_user_budget_id"),
        unknown_price=_unknown_price(section),
        discounts=read_discounts(section),
        margins=read_margins(section),
    )


def _unknown_price(section: Section) -> UnknownPrice:
    """Read what happens to calls without a price, in our words or in LiteLLM's."""
    is_blocked = section.flag("block_requests_for_models_without_pricing")
    default: UnknownPrice = "refuse" if is_blocked else "zero"
    return section.read("unknown_price", default, lambda value: one_of(value, UNKNOWN_PRICE))


def _timezone(value: Json) -> str:
    if not isinstance(value, str):
        raise Wrong("must be the name of a timezone")
    if value != "UTC":
        # Imported only for those who need it: it reads files and costs cold start.
        from zoneinfo import ZoneInfo  # noqa: PLC0415

        try:
            ZoneInfo(value)
        except (ValueError, OSError, LookupError):
            raise Wrong("must be the name of a timezone, like Europe/Berlin") from None
    return value


def _dollars(value: Json) -> Nanodollars:
    amount = None if isinstance(value, bool) else value
    if not isinstance(amount, int | float) or not 0 <= amount <= _MOST_DOLLARS:
        raise Wrong(f"must be dollars, from 0 to {_MOST_DOLLARS}")
    return Nanodollars(floor(Decimal(str(amount)).scaleb(9)))


def _duration(value: Json) -> str:
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise Wrong("must be a duration like 12h, 1d, 7d or 1mo")
    return value


def _time_of_day(value: Json) -> str:
    # Unquoted, YAML reads 12:00 as the number 720.
    if not isinstance(value, str) or not _TIME_OF_DAY.fullmatch(value):
        raise Wrong('must be a time of day in quotes, like "06:00"')
    return value


def _warn_about_unknown_fallbacks(config: Config, findings: Findings) -> None:
    groups = {d.model_group for d in config.deployments} | config.router.model_group_alias.keys()
    if any("*" in group for group in groups):
        return
    router = config.router
    chains = [*router.fallbacks.values(), router.default_fallbacks]
    for name in sorted({name for chain in chains for name in chain} - groups):
        place = ("router_settings", "fallbacks")
        findings.warnings.append(Problem(place, f"{name} is not in model_list"))
