"""The proxy on Lambda: `handler` where answers are buffered, `app` for the streaming loop."""

from __future__ import annotations

from functions.proxy.app import make_app
from shared.gateway.gateway import Gateway
from shared.runtime.buffered import lambda_handler
from shared.runtime.process import start

# Here and not at the first request: what is wrong with the environment ends the start.
app = make_app(Gateway.open(start("proxy")))
handler = lambda_handler(app)
