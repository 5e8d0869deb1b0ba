"""A peer that misbehaves on purpose: plain sockets in threads, so that it acts while we sleep."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    Behaviour = Callable[["Peer", "Connection"], object]

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass
class Connection:
    """One accepted connection; `number` counts from 1."""

    socket: socket.socket
    number: int
    left: threading.Event = field(default_factory=threading.Event)
    cue: threading.Event = field(default_factory=threading.Event)
    _unread: bytes = b""

    def request(self) -> bytes:
        """Read one request, head and body; nothing when the client has left."""
        while b"\r\n\r\n" not in self._unread:
            if not self._more():
                return b""
        head, _, rest = self._unread.partition(b"\r\n\r\n")
        length = next(
            (
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            ),
            0,
        )
        while len(rest) < length and self._more():
            rest = self._unread.partition(b"\r\n\r\n")[2]
        self._unread = rest[length:]
        return head + b"\r\n\r\n" + rest[:length]

    def send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self.socket.sendall(data)

    def fin(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def rst(self) -> None:
        linger_zero = struct.pack("ii", 1, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_zero)
        self.socket.close()

    def wait_until_the_client_leaves(self) -> None:
        with contextlib.suppress(OSError):
            while self.socket.recv(65536):
                pass
        self.left.set()

    def _more(self) -> bool:
        try:
            data = self.socket.recv(65536)
        except OSError:
            data = b""
        self._unread += data
        if not data:
            self.left.set()
        return bool(data)


@dataclass
class Peer:
    """A listening peer; `connections` and `requests` are what it has seen so far."""

    url: str
    connections: list[Connection] = field(default_factory=list["Connection"])
    requests: list[bytes] = field(default_factory=list[bytes])
    asked: threading.Event = field(default_factory=threading.Event)

    @property
    def opened(self) -> int:
        return len(self.connections)


@contextlib.contextmanager
def peer(behave: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    """Serve every connection with `behave` in a thread of its own until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    scheme = "https" if tls else "http"
    this = Peer(f"{scheme}://localhost:{listener.getsockname()[1]}/x")
    threads: list[threading.Thread] = []

    def serve(accepted: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):
            opened = tls.wrap_socket(accepted, server_side=True) if tls else accepted
            with opened:
                connection = Connection(opened, number)
                this.connections.append(connection)
                behave(this, connection)

    def accept() -> None:
        number = 0
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = listener.accept()
                number += 1
                thread = threading.Thread(target=serve, args=(accepted, number), daemon=True)
                threads.append(thread)
                thread.start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield this
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(5)
        for connection in this.connections:
            connection.cue.set()
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(5)


def answer_all(this: Peer, connection: Connection, answer: bytes = OK) -> None:
    """Answer every request on the connection in the same way."""
    while request := connection.request():
        this.requests.append(request)
        connection.send(answer)


def answer_once(answer: bytes, *, then: str = "wait") -> Behaviour:
    """Answer the first request of each connection with these bytes, then `fin`, `rst` or wait."""

    def behave(this: Peer, connection: Connection) -> None:
        this.requests.append(connection.request())
        this.asked.set()
        connection.send(answer)
        if then == "wait":
            connection.wait_until_the_client_leaves()
        else:
            getattr(connection, then)()

    return behave


def freeze_until_the_last_is_closed(it: Peer) -> None:
    """Give the cue, then block this thread, as a freeze does, until the peer has closed."""
    connection = it.connections[-1]
    connection.cue.set()
    deadline = time.monotonic() + 5
    while connection.socket.fileno() != -1 and time.monotonic() < deadline:
        time.sleep(0.001)
