"""The parts of one `up`: which there are, what each is told, and what others may know of them."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.door.server import VALKEY_PASSWORD, VALKEY_PORT
from local.postgres import Postgres
from local.servers import LOOPBACK, ROOT, Program, python_module
from local.supervisor import Part, ProgramPart
from local.threads import LISTENER, listen
from local.valkey import Valkey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from socket import socket

    from local.data_directory import DataDirectory
    from local.reaper import Reaper

READY_PATH = "/"
PROBE_SECONDS = 0.5
POSTGRES_CONNECTIONS = "10"


@dataclass(frozen=True, slots=True)
class Address:
    """Where callers find the gateway."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The URL as the command line said it."""
        return f"http://{_bracketed(self.host)}:{self.port}"

    @property
    def local_url(self) -> str:
        """A URL that this machine can call, also when the gateway listens everywhere."""
        everywhere = {"0.0.0.0": LOOPBACK, "::": "::1", "": LOOPBACK}  # noqa: S104 - not bound here
        return f"http://{_bracketed(everywhere.get(self.host, self.host))}:{self.port}"


class Stack:
    """Postgres, Valkey, its door, the gateway and its schedules, as far as they are ours to run."""

    def __init__(
        self,
        data: DataDirectory,
        reaper: Reaper,
        host: str,
        listener: socket,
        environment: Mapping[str, str],
    ) -> None:
        """Prepare the parts that `environment` does not replace by real ones; start none."""
        self._data = data
        self._reaper = reaper
        self.address = Address(host, listener.getsockname()[1])
        self._environment = {**environment, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        self._environment["TOLLGATE_MASTER_KEY"] = data.master_key(environment)
        self._environment["TOLLGATE_POSTGRES_CONNECTIONS"] = POSTGRES_CONNECTIONS
        self._environment.setdefault("TOLLGATE_ROTATED_KEYS", str(data.path / "rotated-keys"))
        self._listeners = [listener]
        self.stores: dict[str, Part] = {}
        if not environment.get("DATABASE_URL"):
            self._add_postgres()
        if not environment.get("UPSTASH_REDIS_REST_URL"):
            self._add_valkey()
        self.gateway = self._module("gateway", listener, READY_PATH)
        self.schedules = self._module("schedules")

    @property
    def parts(self) -> dict[str, Part]:
        """Every part by name, in the order in which they depend on each other."""
        return {**self.stores, "gateway": self.gateway, "schedules": self.schedules}

    @property
    def database_url(self) -> str:
        """Where Postgres is."""
        return self._environment["DATABASE_URL"]

    @property
    def master_key(self) -> str:
        """The key that may do everything."""
        return self._environment["TOLLGATE_MASTER_KEY"]

    def tell(self) -> None:
        """Write stack.json as things are now."""
        numbers = {name: part.pid for name, part in self.parts.items()}
        self._data.tell(
            {
                "gateway_url": self.address.local_url,
                "database_url": self.database_url,
                "redis_rest_url": self._environment["UPSTASH_REDIS_REST_URL"],
                "redis_rest_token": self._environment.get("UPSTASH_REDIS_REST_TOKEN", ""),
                "master_key": self.master_key,
                "pids": {"postgres": None, "redis": None, "door": None, **numbers},
            },
        )

    def close(self) -> None:
        """Close the ports that are kept open over restarts."""
        for listener in self._listeners:
            listener.close()

    def _add_postgres(self) -> None:
        postgres = Postgres(self._data.path / "postgres", self._reaper)
        self.stores["postgres"] = postgres
        self._environment["DATABASE_URL"] = postgres.url

    def _add_valkey(self) -> None:
        valkey = Valkey(self._data.path / "valkey", self._reaper, is_kept=True)
        listener = listen(0)
        self._listeners.append(listener)
        self._environment |= {
            "UPSTASH_REDIS_REST_URL": f"http://{LOOPBACK}:{listener.getsockname()[1]}",
            "UPSTASH_REDIS_REST_TOKEN": self._data.secret("redis_token"),
        }
        own = {VALKEY_PORT: str(valkey.port), VALKEY_PASSWORD: valkey.password}
        self.stores["redis"] = valkey
        self.stores["door"] = self._module("door.server", listener, "/", own)

    def _module(
        self,
        name: str,
        listener: socket | None = None,
        ready_path: str = "",
        own: Mapping[str, str] | None = None,
    ) -> ProgramPart:
        """Make a part of one of our modules; one that listens is ready when it answers a GET."""
        environment = {**self._environment, **(own or {})}
        if listener:
            environment[LISTENER] = str(listener.fileno())
        program = Program(
            argv=python_module(f"local.{name}"),
            directory=self._data.path,
            log=self._data.log(name.partition(".")[0]),
            environment=environment,
            keep_open=[listener.fileno()] if listener else [],
        )
        where = Address(*listener.getsockname()[:2]) if listener else None
        return ProgramPart(
            program, self._reaper, lambda: where is None or answers(where, ready_path)
        )


def answers(where: Address, path: str) -> bool:
    """Say whether an HTTP server answers there, whatever it says."""
    host = where.local_url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
