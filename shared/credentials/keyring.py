"""Open a request for the account of its deployment: signed, or with a token that lives an hour.

Start at `Keyring.opened`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import orjson

from shared.credentials.fetched import Fetched, refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from shared.credentials.aws import Keys
    from shared.credentials.federation import Federation
    from shared.domain import Deployment, HttpRequest, Json, Millis
    from shared.transport.client import Client

# ruff: noqa: PLC0415 - most processes open no such account


class Keyring:
    """The credentials of one process: those given, and those fetched with them."""

    def __init__(self, http: Client) -> None:
        """Hold nothing yet."""
        self._http = http
        self._keys: Fetched[Keys] | None = None
        self._roles: Fetched[Keys] | None = None
        self._tokens: Fetched[str] | None = None
        self._exchanged: Fetched[str] | None = None

    async def opened(self, request: HttpRequest, to: Deployment, now: Millis) -> HttpRequest:
        """Return the request so that the deployment's account opens.

        A deployment with a key of its own needs nothing. Raise ProviderFailed where the account
        does not open, TransportFailed where nobody answers.
        """
        if to.api_key or not to.account:
            return request
        if "vertex_credentials" in to.account:
            return await self._with_token(request, to, now)
        if "aws_region_name" in to.account:
            return await self._signed(request, to, now)
        if "azure_ad_token" in to.account:
            return _bearing(request, str(to.account["azure_ad_token"]))
        if "client_secret" in to.account:
            return await self._with_azures_token(request, to, now)
        return request

    async def _signed(self, request: HttpRequest, to: Deployment, now: Millis) -> HttpRequest:
        from shared.credentials import aws

        keys = await self._keys_of(to.account, now)
        return aws.signed(request, keys, str(to.account["aws_region_name"]), "bedrock")

    async def _keys_of(self, account: Mapping[str, Json], now: Millis) -> Keys:
        """Return the keys that an account at AWS signs with: given, a container's or a role's."""
        from shared.credentials import aws

        keys = aws.keys_in(account)
        if keys is None and (asking := aws.container_request(account)):
            self._keys = self._keys or Fetched(self._http, aws.container_grant)
            keys = await self._keys.get(asking.url.encode(), _made(asking), now)
        if keys is None:
            raise refused("There are no AWS credentials for this deployment.")
        asking = aws.role_request(account)
        if asking is None:
            return keys
        signed = partial(aws.signed, asking, keys, str(account["aws_region_name"]), "sts")
        self._roles = self._roles or Fetched(self._http, aws.role_grant)
        return await self._roles.get(asking.body + keys.access_key.encode(), _once(signed), now)

    async def _with_token(self, request: HttpRequest, to: Deployment, now: Millis) -> HttpRequest:
        from shared.credentials import google

        self._tokens = self._tokens or Fetched(self._http, google.token_grant)
        asking = partial(self._ask_google, to.account, now)
        return _bearing(request, await self._tokens.get(_named(to.account), asking, now))

    async def _ask_google(self, account: Mapping[str, Json], now: Millis) -> HttpRequest:
        from shared.credentials import federation, google

        found = google.read_credentials(str(account["vertex_credentials"]))
        if lent := federation.read_federation(found):
            return await self._ask_federated(lent, account, now)
        read = google.account_in(found)
        if read is None:
            raise refused(
                "The deployment's credentials are not those of an account at Google, or of one at "
                "AWS that Google trusts."
            )
        return google.token_request(read, now)

    async def _ask_federated(
        self, lent: Federation, account: Mapping[str, Json], now: Millis
    ) -> HttpRequest:
        """Ask for a token that AWS vouches for; of a service account by way of another token."""
        from shared.credentials import federation, google

        at_aws = federation.aws_account(lent, account)
        if "aws_region_name" not in at_aws:
            raise refused("Name the region of AWS that vouches: aws_region_name or AWS_REGION.")

        async def exchange() -> HttpRequest:
            keys = await self._keys_of(at_aws, now)
            return federation.exchange_request(lent, keys, str(at_aws["aws_region_name"]))

        if not lent.service_account_url:
            return await exchange()
        self._exchanged = self._exchanged or Fetched(self._http, google.token_grant)
        token = await self._exchanged.get(_named(account), exchange, now)
        return federation.service_account_request(lent, token)

    async def _with_azures_token(
        self, request: HttpRequest, to: Deployment, now: Millis
    ) -> HttpRequest:
        from shared.credentials import azure, google

        asking = azure.token_request(to.account)
        self._tokens = self._tokens or Fetched(self._http, google.token_grant)
        return _bearing(request, await self._tokens.get(asking.body, _made(asking), now))


def _named(account: Mapping[str, Json]) -> bytes:
    """Name an account: two that differ in anything share no token."""
    return orjson.dumps(dict(account), option=orjson.OPT_SORT_KEYS)


def _made(request: HttpRequest) -> Callable[[], Awaitable[HttpRequest]]:
    return _once(lambda: request)


def _once(make: Callable[[], HttpRequest]) -> Callable[[], Awaitable[HttpRequest]]:
    async def asking() -> HttpRequest:
        return make()

    return asking


def _bearing(request: HttpRequest, token: str) -> HttpRequest:
    return replace(request, headers={**request.headers, "authorization": f"Bearer {token}"})
