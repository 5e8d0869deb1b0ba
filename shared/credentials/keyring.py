"""Open a request for the account of its deployment: signed, or with a token that lives an hour.

Start at `Keyring.opened`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.credentials.fetched import Fetched, refused

if TYPE_CHECKING:
    from shared.credentials.aws import Keys
    from shared.domain import Deployment, HttpRequest, Millis
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

    async def opened(self, request: HttpRequest, to: Deployment, now: Millis) -> HttpRequest:
        """Return the request so that the deployment's account opens.

        A deployment with a key of its own needs nothing. Raise ProviderFailed where the account
        does not open, TransportFailed where nobody answers.
        """
        if to.api_key or not to.account:
            return request
        if "aws_region_name" in to.account:
            return await self._signed(request, to, now)
        if "vertex_credentials" in to.account:
            return await self._with_token(request, to, now)
        if "azure_ad_token" in to.account:
            return _bearing(request, str(to.account["azure_ad_token"]))
        if "client_secret" in to.account:
            return await self._with_azures_token(request, to, now)
        return request

    async def _signed(self, request: HttpRequest, to: Deployment, now: Millis) -> HttpRequest:
        from shared.credentials import aws

        region = str(to.account["aws_region_name"])
        keys = aws.keys_in(to.account)
        if keys is None and (asking := aws.container_request(to.account)):
            self._keys = self._keys or Fetched(self._http, aws.container_grant)
            keys = await self._keys.get(asking.url.encode(), asking, now)
        if keys is None:
            raise refused("There are no AWS credentials for this deployment.")
        if asking := aws.role_request(to.account):
            self._roles = self._roles or Fetched(self._http, aws.role_grant)
            name = asking.body + keys.access_key.encode()
            keys = await self._roles.get(name, aws.signed(asking, keys, region, "sts"), now)
        return aws.signed(request, keys, region, "bedrock")

    async def _with_token(self, request: HttpRequest, to: Deployment, now: Millis) -> HttpRequest:
        from shared.credentials import google

        given = str(to.account["vertex_credentials"])
        account = google.read_account(given)
        if account is None:
            raise refused("The deployment's credentials are not those of an account at Google.")
        self._tokens = self._tokens or Fetched(self._http, google.token_grant)
        token = await self._tokens.get(given.encode(), google.token_request(account, now), now)
        return _bearing(request, token)

    async def _with_azures_token(
        self, request: HttpRequest, to: Deployment, now: Millis
    ) -> HttpRequest:
        from shared.credentials import azure, google

        asking = azure.token_request(to.account)
        self._tokens = self._tokens or Fetched(self._http, google.token_grant)
        return _bearing(request, await self._tokens.get(asking.body, asking, now))


def _bearing(request: HttpRequest, token: str) -> HttpRequest:
    return replace(request, headers={**request.headers, "authorization": f"Bearer {token}"})
