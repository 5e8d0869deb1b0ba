"""A server that speaks as much of SSM as a start needs, and fails as it is told."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PAGE = 10  # SSM's largest


class ParameterServer(ThreadingHTTPServer):
    """Parameters by their whole names, in pages of ten."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.parameters = parameters
        self.failures: list[tuple[int, bytes]] = []
        """What is answered first: statuses with bodies, in their order."""
        self.asked: list[Mapping[str, str]] = []
        """The headers of every request."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fail(self, kind: str, status: int = 400, message: str = "no") -> None:
        body = {"__type": f"com.amazonaws.ssm#{kind}", "message": message}
        self.failures.append((status, json.dumps(body).encode()))

    def answer(self, asked: Mapping[str, str]) -> tuple[int, bytes]:
        if self.failures:
            return self.failures.pop(0)
        below = asked["Path"].rstrip("/") + "/"
        names = sorted(name for name in self.parameters if name.startswith(below))
        start = int(asked.get("NextToken", "0"))
        page = names[start : start + PAGE]
        told: dict[str, object] = {
            "Parameters": [{"Name": name, "Value": self.parameters[name]} for name in page]
        }
        if start + PAGE < len(names):
            told["NextToken"] = str(start + PAGE)
        return 200, json.dumps(told).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        assert isinstance(self.server, ParameterServer)
        self.server.asked.append({name.lower(): value for name, value in self.headers.items()})
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        status, body = self.server.answer(asked)
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@contextmanager
def serving(parameters: Mapping[str, str]) -> Iterator[ParameterServer]:
    """Serve parameters until the end."""
    with ParameterServer(parameters) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
