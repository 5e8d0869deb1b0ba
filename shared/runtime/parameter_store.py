"""SSM's parameters under a path, read by signed requests of our own: a process starts with them.

The SDK's client would cost three times as much (docs/decisions/0028). The signer and the ways to
credentials are botocore's, which Lambda's Python brings along. By
docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html, read 2026-11.
"""

from __future__ import annotations

import importlib
import random
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

import orjson

from shared.credentials.aws import Keys, signed
from shared.domain import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

# Lambda gives a start ten seconds; one that waits for longer is better tried anew elsewhere.
_SECONDS: Final = 8.0
_SECONDS_OF_A_TRY: Final = 2.5
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0
_OK: Final = 200
_FORBIDDEN: Final = 403
_SERVER_ERROR: Final = 500
# SSM answers forty of these requests a second by default, and many processes may start at once.
_THROTTLED: Final = frozenset(
    {"ThrottlingException", "TooManyUpdates", "RequestLimitExceeded", "InternalServerError"}
)
_HEADERS: Final = {
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": "AmazonSSM.GetParametersByPath",
}


class ParametersNotRead(Exception):  # noqa: N818 - reads as a sentence
    """Parameters could not be read; the sentence says why, and what to do."""


class _TryAgain(Exception):  # noqa: N818 - as above
    """An answer, or none, that may be another one in a moment."""


@dataclass(slots=True)
class ParameterStore:
    """The parameters of one region, read over one connection within a start's patience."""

    url: str
    region: str
    keys: Keys
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _line: HTTPConnection = field(init=False)
    _until: float = field(init=False)

    def __post_init__(self) -> None:
        """Make the connection, which opens with the first request."""
        where = urlsplit(self.url)
        connect = HTTPSConnection if where.scheme == "https" else HTTPConnection
        self._line = connect(where.netloc, timeout=_SECONDS_OF_A_TRY)
        self._until = self.clock() + _SECONDS

    @classmethod
    def of(cls, environment: MutableMapping[str, str]) -> ParameterStore:
        """Find the region, its endpoint and the credentials where AWS's own clients find them."""
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""
        own = environment.get("AWS_ENDPOINT_URL_SSM") or environment.get("AWS_ENDPOINT_URL")
        if not region:
            raise ParametersNotRead("AWS_REGION is not set")
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        url = own or f"https://ssm.{region}.{suffix}"
        return cls(url.rstrip("/") + "/", region, _keys_of(environment))

    def under(self, path: str) -> dict[str, str]:
        """Return every parameter under a path, decrypted, by its whole name.

        Raise ParametersNotRead when AWS refuses, or gives no answer in time.
        """
        found: dict[str, str] = {}
        asked: dict[str, object] = {"Path": path, "Recursive": True, "WithDecryption": True}
        while True:
            page = self._page(orjson.dumps(asked))
            found |= {each["Name"]: each["Value"] for each in page["Parameters"]}
            if not (token := page.get("NextToken")):
                return found
            asked["NextToken"] = token

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def _page(self, body: bytes) -> dict[str, Any]:
        longest = _FIRST_PAUSE
        while True:
            try:
                return self._try(body)
            except _TryAgain as error:
                pause = random.uniform(longest / 2, longest)  # noqa: S311 - spreads tries, hides nothing
                if self.clock() + pause > self._until:
                    raise ParametersNotRead(str(error)) from error
            self.pause(pause)
            longest = min(2 * longest, _LONGEST_PAUSE)

    def _try(self, body: bytes) -> dict[str, Any]:
        request = HttpRequest("POST", self.url, _HEADERS, body)
        headers = dict(signed(request, self.keys, self.region, "ssm").headers)
        try:
            self._line.request("POST", urlsplit(self.url).path, body, headers)
            reply = self._line.getresponse()
            told, status = reply.read(), reply.status
        except (OSError, HTTPException) as error:
            self._line.close()
            raise _TryAgain(
                f"{self.url} does not answer ({type(error).__name__}); a function in a VPC needs a "
                f"NAT or the interface endpoint com.amazonaws.{self.region}.ssm",
            ) from error
        answer = _json_of(told)
        if status == _OK and "Parameters" in answer:
            return answer
        raise _refusal(status, answer)


def _refusal(status: int, answer: dict[str, Any]) -> Exception:
    kind = str(answer.get("__type", "")).rpartition("#")[2] or f"status {status}"
    told = f"{kind}: {answer.get('message') or answer.get('Message') or 'no reason given'}"
    if kind in _THROTTLED or status >= _SERVER_ERROR or status == _OK:
        return _TryAgain(told)
    if kind == "AccessDeniedException" or status == _FORBIDDEN:
        told += (
            "; the function's role must allow ssm:GetParametersByPath on it, and kms:Decrypt with "
            "a key of your own"
        )
    return ParametersNotRead(told)


def _json_of(told: bytes) -> dict[str, Any]:
    try:
        answer: object = orjson.loads(told)
    except orjson.JSONDecodeError:
        return {}
    return cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}


def _keys_of(environment: MutableMapping[str, str]) -> Keys:
    # By name, since botocore has no types. The first two are a function's, before and after
    # SnapStart; the session knows every other way, and costs as much again.
    ways: Any = importlib.import_module("botocore.credentials")
    found = (
        ways.EnvProvider(environ=environment).load()
        or ways.ContainerProvider(environ=environment).load()
        or importlib.import_module("botocore.session").get_session().get_credentials()
    )
    if found is None:
        raise ParametersNotRead("there are no AWS credentials")
    keys = found.get_frozen_credentials()
    return Keys(keys.access_key, keys.secret_key, keys.token or "")
