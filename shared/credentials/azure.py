"""Azure: an hour's token for an application that is registered with Entra.

By learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, read 2026-11. The
answer is OAuth's, as Google's is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from shared.domain import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Json

_SCOPE: Final = "https://cognitiveservices.azure.com/.default"
_LOGIN: Final = "https://login.microsoftonline.com"


def token_request(account: Mapping[str, Json]) -> HttpRequest:
    """Ask for a token."""
    form = {
        "grant_type": "client_credentials",
        "client_id": str(account["client_id"]),
        "client_secret": str(account["client_secret"]),
        "scope": str(account.get("azure_scope") or _SCOPE),
    }
    url = f"{_LOGIN}/{quote(str(account['tenant_id']), safe='')}/oauth2/v2.0/token"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return HttpRequest("POST", url, headers, urlencode(form).encode())
