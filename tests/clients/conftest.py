"""The gateway's own fixtures serve its clients too."""

from __future__ import annotations

from tests.gateway.conftest import given, open_gateway, proxy, serve, settings

__all__ = ["given", "open_gateway", "proxy", "serve", "settings"]
