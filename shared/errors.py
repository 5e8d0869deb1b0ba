"""Every way a request can end badly, with the status, type and words its caller sees.

GatewayError
├── Refused                      the caller's doing; never retried, never a fallback
│   ├── BadRequest          400  invalid_request_error
│   │   ├── UnknownModel    400
│   │   ├── TooLarge        413
│   │   ├── UnsupportedMedia 415
│   │   ├── AlreadyMember   400  team_member_already_in_team
│   │   ├── KeyReused       422  idempotency_key_reused
│   │   └── AlreadyExists   409
│   ├── NotAuthenticated    401  auth_error
│   │   ├── KeyNotFound     401  token_not_found_in_db
│   │   └── KeyExpired      401  expired_key
│   ├── NotPermitted        403  permission_denied
│   │   ├── PriceUnknown    403  model_cost_map_missing
│   │   └── ModelAccessDenied 403  key_ | team_ | user_model_access_denied
│   ├── NotFound            404  not_found_error
│   ├── OverBudget          422  budget_exceeded (the status is a setting)
│   ├── OverLimit           429  throttling_error
│   └── AllCooling          429  all_deployments_in_cooldown
├── TransportFailed         502  no HTTP answer; storage and gateway translate it
├── ProviderFailed               the provider's doing; another deployment may still answer
│   ├── VendorRefused            of a request passed through: shown as the vendor says it
│   ├── ContextWindowExceeded 400 another model may have room for the prompt
│   └── ContentPolicyViolated 400 another provider may be less strict
└── StoreDown               503  service_unavailable
    ├── RedisDown
    └── PostgresDown             no_db_connection
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

TransportPhase = Literal["connect", "first_byte", "between_bytes", "total", "reset", "too_large"]


class GatewayError(Exception):
    """A request the gateway will not or cannot serve, told in words for the caller."""

    status: int = 500
    type: str = "internal_server_error"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep the sentence, the offending parameter and the headers the reply must carry."""
        super().__init__(message)
        self.message = message
        self.param = param
        self.headers: Mapping[str, str] = headers or {}

    @property
    def code(self) -> str:
        """The `code` of the error body: LiteLLM sends the status as a string."""
        return str(self.status)


class Refused(GatewayError):  # noqa: N818 - reads as a sentence: `raise Refused`
    """The caller may not have this; asking another deployment would not help."""

    status = 400
    type = "invalid_request_error"


class BadRequest(Refused):
    """The request itself is wrong; nothing was looked up and nothing changed."""


class UnknownModel(BadRequest):
    """No model group of that name is configured."""

    def __init__(self, model: str, route: str) -> None:
        """Name the route and the model in LiteLLM's words."""
        super().__init__(
            f"{route}: Invalid model name passed in model={model}. "
            "Call `/v1/models` to view available models for your key.",
            param="model",
        )


class TooLarge(BadRequest):
    """The body is over the cap."""

    status = 413


class UnsupportedMedia(BadRequest):
    """The body's encoding is not one we read."""

    status = 415


class AlreadyExists(BadRequest):
    """Something of that id or alias exists."""

    status = 409
    type = "already_exists"


class AlreadyMember(BadRequest):
    """The team has that member."""

    type = "team_member_already_in_team"


class KeyReused(BadRequest):
    """An Idempotency-Key came again with another request."""

    status = 422
    type = "idempotency_key_reused"


class NotAuthenticated(Refused):
    """Nobody we know is asking, or somebody who may not ask now."""

    status = 401
    type = "auth_error"


class KeyNotFound(NotAuthenticated):
    """No key has that hash."""

    type = "token_not_found_in_db"

    def __init__(self) -> None:
        """Say what LiteLLM says, and never the key."""
        super().__init__("Authentication Error, Invalid API key provided.", param="key")


class KeyExpired(NotAuthenticated):
    """The key's `expires` has passed."""

    type = "expired_key"


class NotPermitted(Refused):
    """We know who is asking; they may not do this."""

    status = 403
    type = "permission_denied"


class ModelAccessDenied(NotPermitted):
    """The key, its team or its user may not call this model."""

    def __init__(self, scope: str, model: str) -> None:
        """Name the scope in the type only: the message must not tell what else is allowed."""
        super().__init__(
            f"The requested model '{model}' is not available for this API key, or the model name "
            "is invalid. Call `/v1/models` to view available models for your key.",
            param="model",
        )
        self.type = f"{scope}_model_access_denied"


class PriceUnknown(NotPermitted):
    """Nobody knows what the model costs, and the configuration refuses such calls."""

    type = "model_cost_map_missing"

    def __init__(self, model: str) -> None:
        """Say what an administrator can do."""
        super().__init__(
            f"The price of model '{model}' is not known, and calls without a price are refused "
            "(litellm_settings.unknown_price). Set input_cost_per_token and output_cost_per_token "
            "in its litellm_params to allow the request.",
            param="model",
        )


class NotFound(Refused):
    """There is no such thing, or none the caller may see."""

    status = 404
    type = "not_found_error"


class OverBudget(Refused):
    """Spend has reached a budget; waiting for its reset or raising it helps, retrying does not."""

    default_status: ClassVar[int] = 422
    type = "budget_exceeded"

    def __init__(self, message: str, *, status: int = default_status) -> None:
        """Take the status from `litellm_settings.budget_exceeded_status_code`."""
        super().__init__(message, headers={"x-should-retry": "false"})
        self.status = status


class OverLimit(Refused):
    """A rate limit has no room left in its window."""

    status = 429
    type = "throttling_error"

    def __init__(
        self,
        message: str,
        *,
        limit_type: str,
        retry_after: int,
        reset_at: str,
        is_hopeless: bool = False,
    ) -> None:
        """Tell which limit refused, when it has room (seconds; UTC text).

        `is_hopeless`: no retry of an SDK helps, which waits some seconds at most.
        """
        headers = {
            "retry-after": str(retry_after),
            "rate_limit_type": limit_type,
            "reset_at": reset_at,
        }
        if is_hopeless:
            headers["x-should-retry"] = "false"
        super().__init__(message, headers=headers)
        self.retry_after = retry_after


class AllCooling(Refused):
    """Every deployment of the model group failed a moment ago and rests."""

    status = 429
    type = "all_deployments_in_cooldown"

    def __init__(self, message: str, *, retry_after: int) -> None:
        """Say how many seconds until the first deployment is asked again."""
        super().__init__(message, headers={"retry-after": str(retry_after)})
        self.retry_after = retry_after


class TransportFailed(GatewayError):  # noqa: N818
    """No complete HTTP answer came; `phase` says what was waited for."""

    status = 502

    def __init__(self, message: str, *, phase: TransportPhase) -> None:
        """Keep the phase: only a failed connect proves that nothing was sent."""
        super().__init__(message)
        self.phase: TransportPhase = phase


class ProviderFailed(GatewayError):  # noqa: N818
    """A deployment did not answer as asked; whether another may is `retryable`."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        type: str,  # noqa: A002 - the name of the field in the error body
        param: str | None = None,
        retryable: bool,
        retry_after: int | None = None,
    ) -> None:
        """Keep the provider's status in our terms; `retry_after` is its own word, in seconds."""
        headers = {} if retry_after is None else {"retry-after": str(retry_after)}
        super().__init__(message, param=param, headers=headers)
        self.status = status
        self.type = type
        self.retryable = retryable
        self.retry_after = retry_after


class VendorRefused(ProviderFailed):
    """A vendor's own refusal of a request that was passed through: `raw` is shown as it is."""

    def __init__(self, told: ProviderFailed, raw: bytes, shown: Mapping[str, str]) -> None:
        """Keep the vendor's body and those of its headers that are for the caller."""
        super().__init__(
            told.message,
            status=told.status,
            type=told.type,
            param=told.param,
            retryable=told.retryable,
            retry_after=told.retry_after,
        )
        self.raw = raw
        self.shown = shown


class ContextWindowExceeded(ProviderFailed):
    """The prompt is longer than the model takes."""


class ContentPolicyViolated(ProviderFailed):
    """The provider will not answer that prompt."""


class StoreDown(GatewayError):  # noqa: N818
    """A store of ours did not answer in time; the request changed nothing it could not finish."""

    status = 503
    type = "service_unavailable"

    def __init__(self, message: str) -> None:
        """Ask the caller to come back in five seconds."""
        super().__init__(message, headers={"retry-after": "5"})


class RedisDown(StoreDown):
    """Redis did not answer, or not in its own terms.

    `may_have_happened` is False when nothing was sent: then nothing can have changed there.
    """

    def __init__(self, message: str, *, may_have_happened: bool = True) -> None:
        """Keep whether the command may have been executed all the same."""
        super().__init__(message)
        self.may_have_happened = may_have_happened


class PostgresDown(StoreDown):
    """Postgres did not answer."""

    type = "no_db_connection"
