"""The management API on Lambda."""

from __future__ import annotations

from functions.admin.app import make_app
from functions.admin.state import State
from shared.runtime.buffered import lambda_handler
from shared.runtime.process import start

# Here and not at the first request: what is wrong with the environment ends the start.
app = make_app(State.open(start("admin")))
handler = lambda_handler(app)
