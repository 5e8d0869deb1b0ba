"""The whole gateway as a Lambda web function: `AWS_LAMBDA_PYTHON_ENTRYPOINT` names `app`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.proxy.app import make_app
from functions.web.app import Web
from shared.gateway.gateway import Gateway
from shared.runtime.process import start

if TYPE_CHECKING:
    from starlette.types import ASGIApp

# Here and not at the first request: what is wrong with the environment ends the start.
settings = start("gateway")


def management() -> ASGIApp:
    """Import the management routes, which cost more than all else."""
    from functions.admin.app import make_app as make_admin  # noqa: PLC0415 - on first use
    from functions.admin.state import State  # noqa: PLC0415 - likewise

    return make_admin(State.open(settings))


app = Web(make_app(Gateway.open(settings)), management)
