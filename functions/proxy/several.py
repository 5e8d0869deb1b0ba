"""The answers of several models in one list, each as it would have been alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response

from functions.proxy.reporting import report
from shared.errors import GatewayError
from shared.gateway.serve import Answer
from shared.wire.error_body import error_body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Receive, Scope, Send

    from shared.gateway.relay import Relay


class SeveralAnswers(Response):
    """A list with an answer for each model, or the error in its place."""

    media_type = "application/json"

    def __init__(
        self, served: Sequence[Answer | Relay | GatewayError], call_id: str, route: str
    ) -> None:
        self._answers = [each for each in served if isinstance(each, Answer)]
        bodies = [
            each.body if isinstance(each, Answer) else error_body(each)
            for each in served
            if isinstance(each, Answer | GatewayError)
        ]
        super().__init__(orjson.dumps(bodies), headers={"x-litellm-call-id": call_id})
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them, then settle each."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            for answer in self._answers:
                await answer.finish()
                report(answer.running, self._route)
