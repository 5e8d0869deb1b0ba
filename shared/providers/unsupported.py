"""What a provider cannot express: a 400 that names the parameter, or left out on request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from shared.controls import Handling
    from shared.domain import Call, Deployment, Json, JsonObject


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Refuses for one call at one deployment, unless its caller or the operator said otherwise."""

    provider: str
    model: str
    handling: Handling

    @classmethod
    def by(cls, call: Call, to: Deployment) -> Unsupported:
        """Refuse in the name of the deployment's provider."""
        return cls(to.provider, call.model, call.handling | to.handling)

    def refuse(self, param: str, what: str = "") -> None:
        """Refuse a parameter, or return when it is to be left out or is sent all the same."""
        if not self.handling.drop_params and param not in self.handling.allowed_openai_params:
            told = what or f"the parameter '{param}'"
            raise BadRequest(
                f"{self.provider} does not support {told} for model={self.model}. "
                "To leave it out, set `drop_params: true`.",
                param=param,
            )

    def refuse_unless_neutral(self, body: Mapping[str, Json], params: Iterable[str]) -> None:
        """Refuse each parameter that would change something: 0, 1 for `n`, and nothing do not."""
        for param in params:
            value = body.get(param)
            if value and not (param == "n" and value == 1):
                self.refuse(param)

    def passed_on(
        self, body: Mapping[str, Json], translated: Collection[str], unknown: Collection[str]
    ) -> JsonObject:
        """Return what goes out as it came: what nobody here knows, and what is allowed to."""
        allowed = self.handling.allowed_openai_params
        return {
            name: value
            for name, value in body.items()
            if (name not in translated and name not in unknown)
            or (name in unknown and name in allowed)
        }


def unfit(param: str, sentence: str) -> BadRequest:
    """Say what is wrong with a part of the request, whatever the provider."""
    return BadRequest(f"{param} {sentence}.", param=param)
