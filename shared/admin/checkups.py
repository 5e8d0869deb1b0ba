"""Call deployments to see whether they answer, and tell what they are known to take."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from shared.admin.model_reads import view_of
from shared.auth.visibility import may_see
from shared.domain import Call, Endpoint, Timeouts
from shared.errors import BadRequest, GatewayError, NotPermitted, UnknownModel
from shared.observability import log
from shared.providers.registry import dialect_of, request_for
from shared.routing.groups import deployments_of
from shared.spend.ids import uuid7
from shared.spend.tokens import estimate
from shared.wire.admin_checkups import CheckedEndpoint, HealthReply, TokenCount

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.admin.desk import Desk
    from shared.config.model import Config
    from shared.domain import Deployment, Json, JsonObject, Millis, Principal
    from shared.wire.admin_checkups import CountTokens

AT_ONCE: Final = 10
ANSWER_CAP: Final = 256 * 1024
PATIENCE: Final = Timeouts(connect=5, first_byte=15, between_bytes=15, total=20)

_ERROR: Final = 400
_MESSAGE_CAP: Final = 300
_BODIES: Final[Mapping[str, tuple[Endpoint, JsonObject]]] = {
    "chat": (Endpoint.CHAT, {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}),
    "completion": (Endpoint.COMPLETION, {"prompt": "Hello", "max_tokens": 1}),
    "embedding": (Endpoint.EMBEDDING, {"input": ["Hello"]}),
    "moderation": (Endpoint.MODERATION, {"input": "Hello"}),
    "rerank": (Endpoint.RERANK, {"query": "Hello", "documents": ["Hello"], "top_n": 1}),
}
_PARAMS: Final[JsonObject] = {
    "frequency_penalty": 0.1,
    "functions": [{"name": "f", "parameters": {"type": "object", "properties": {}}}],
    "logit_bias": {"1": 1},
    "logprobs": True,
    "max_completion_tokens": 1,
    "max_tokens": 1,
    "n": 2,
    "parallel_tool_calls": True,
    "presence_penalty": 0.1,
    "reasoning_effort": "low",
    "response_format": {"type": "json_object"},
    "seed": 1,
    "stop": ["end"],
    "stream": True,
    "stream_options": {"include_usage": True},
    "temperature": 0.5,
    "tool_choice": "auto",
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    "top_logprobs": 1,
    "top_p": 0.5,
    "user": "u",
}
"""What a chat may hold in OpenAI's API, with a value that is right for it."""


@dataclass(frozen=True, slots=True)
class Named:
    """What is to be checked: a model, a deployment, or everything."""

    model: str | None = None
    model_id: str | None = None

    @property
    def is_any(self) -> bool:
        """Whether something is named."""
        return self.model is not None or self.model_id is not None


async def health(desk: Desk, principal: Principal, named: Named, now: Millis) -> HealthReply:
    """Call every deployment that the caller may, or those named, with the least that it answers.

    A deployment behind a wildcard, or of a kind that cannot be asked cheaply, is not called.
    """
    config, principal = view_of(desk.live.current, principal)
    asked = [
        d
        for d in _named(config, named)
        if may_see(principal, d.model_group, config.groups.get(d.model_group, (d,)))
    ]
    if not asked and named.is_any:
        raise NotPermitted(
            f"key not allowed to health-check model {named.model_id or named.model}", param="model"
        )
    turns = asyncio.Semaphore(AT_ONCE)

    async def check(deployment: Deployment) -> CheckedEndpoint:
        async with turns:
            return await checked(desk, deployment, now)

    callable_ones = [d for d in asked if can_be_called(d)]
    found = await asyncio.gather(*map(check, callable_ones))
    well = [one for one in found if one.error is None]
    unwell = [one for one in found if one.error is not None]
    return HealthReply(
        healthy_endpoints=well,
        unhealthy_endpoints=unwell,
        unchecked_endpoints=[_endpoint(d) for d in asked if not can_be_called(d)],
        healthy_count=len(well),
        unhealthy_count=len(unwell),
    )


def without_addresses(reply: HealthReply) -> HealthReply:
    """Leave out where deployments are, which is the admins' business."""

    def bare(endpoints: Sequence[CheckedEndpoint]) -> list[CheckedEndpoint]:
        return [endpoint.model_copy(update={"api_base": None}) for endpoint in endpoints]

    return reply.model_copy(
        update={
            "healthy_endpoints": bare(reply.healthy_endpoints),
            "unhealthy_endpoints": bare(reply.unhealthy_endpoints),
            "unchecked_endpoints": bare(reply.unchecked_endpoints),
        }
    )


def _named(config: Config, named: Named) -> Sequence[Deployment]:
    if named.model_id is not None:
        found = config.by_id.get(named.model_id)
        asked: Sequence[Deployment] = () if found is None else (found,)
    elif named.model is not None:
        asked = deployments_of(config, named.model)
    else:
        return config.deployments
    if not asked:
        raise UnknownModel(named.model_id or named.model or "", "/health")
    return asked


def count_tokens(desk: Desk, request: CountTokens) -> TokenCount:
    """Estimate how many tokens a prompt has, as limits per minute do: four bytes are one."""
    if (request.messages is None) == (request.prompt is None):
        raise BadRequest("Give either messages or a prompt.", param="messages")
    endpoint = Endpoint.CHAT if request.messages is not None else Endpoint.COMPLETION
    # A list of mappings, as the wire has checked.
    messages: Json = [*request.messages] if request.messages is not None else None
    body: JsonObject = {"messages": messages} if messages else {"prompt": request.prompt}
    call = Call(id="", endpoint=endpoint, model=request.model, body=body)
    deployments = deployments_of(desk.live.current, request.model)
    return TokenCount(
        total_tokens=estimate(call),
        request_model=request.model,
        model_used=deployments[0].model if deployments else request.model,
        tokenizer_type="estimate",
    )


def supported_params(desk: Desk, model: str) -> list[str]:
    """Return the parameters of OpenAI's chat that the dialect of the model's provider takes."""
    deployments = deployments_of(desk.live.current, model)
    if not deployments:
        raise UnknownModel(model, "/utils/supported_openai_params")
    return params_taken(deployments[0])


def params_taken(deployment: Deployment) -> list[str]:
    """Return the parameters of OpenAI's chat that a deployment's dialect takes."""
    return [name for name, value in _PARAMS.items() if _takes(deployment, name, value)]


def _takes(deployment: Deployment, name: str, value: Json) -> bool:
    body = {**_BODIES["chat"][1], name: value}
    call = Call(id="", endpoint=Endpoint.CHAT, model=deployment.model_group, body=body)
    try:
        request_for(replace(call, is_stream=name == "stream"), deployment)
    except GatewayError:
        return False
    return True


def can_be_called(deployment: Deployment) -> bool:
    """Say whether it can be asked cheaply."""
    return "*" not in deployment.model and (deployment.mode or "chat") in _BODIES


async def checked(desk: Desk, deployment: Deployment, now: Millis) -> CheckedEndpoint:
    """Call a deployment with the least that it answers; its mode must be one of those."""
    endpoint, body = _BODIES[deployment.mode or "chat"]
    call = Call(
        id=uuid7(now),
        endpoint=endpoint,
        model=deployment.model_group,
        body={**body, "model": deployment.model},
    )
    error, began = None, time.perf_counter()
    try:
        await _ask(desk, deployment, call, now)
    except GatewayError as failed:
        error = failed.message[:_MESSAGE_CAP]
    found = _endpoint(deployment, error)
    ms = round((time.perf_counter() - began) * 1000, 3)
    return found.model_copy(update={"response_time_ms": ms})


async def _ask(desk: Desk, deployment: Deployment, call: Call, now: Millis) -> None:
    if deployment.mock_response is not None:
        return
    dialect = dialect_of(deployment.provider, call.endpoint, deployment.model)
    request = replace(request_for(call, deployment), reach=deployment.reach)
    request = await desk.stores.keyring.opened(request, deployment, now)
    response = await desk.stores.http.send(request, PATIENCE)
    body = await response.read(ANSWER_CAP)
    if response.status >= _ERROR:
        raise dialect.error(response.status, response.headers, body)
    dialect.reply(call, body)
    log.info("checked", deployment=deployment.id)


def _endpoint(deployment: Deployment, error: str | None = None) -> CheckedEndpoint:
    return CheckedEndpoint(
        model=f"{deployment.provider}/{deployment.model}",
        model_name=deployment.model_group,
        model_id=deployment.id,
        api_base=deployment.api_base or None,
        error=error,
    )
