"""Which addresses a deployment made over the API may have. Pure: names are resolved elsewhere.

Link-local addresses are refused always (clouds hand out credentials there), private and loopback
ones unless the operator allows them.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

_LOCAL_NAMES: Final = re.compile(r"(.*\.)?(localhost|local|internal|localdomain|home\.arpa)\.?")
_METADATA_NAMES: Final = frozenset({"metadata.google.internal", "metadata.goog", "instance-data"})
_HOST_NAME: Final = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,252}")
_NUMERIC: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?")
_CARRIERS: Final = ipaddress.ip_network("100.64.0.0/10")
_ALIBABA_METADATA: Final = ipaddress.ip_address("100.100.100.200")
_AWS_METADATA: Final = ipaddress.ip_network("fd00:ec2::/32")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def address_problem(url: str, *, allows_private: bool) -> str | None:
    """Say why a deployment may not be at this URL; None when it may."""
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return "must be a URL"
    if parts.scheme not in {"http", "https"} or not host:
        return "must be a URL that starts with http:// or https://"
    if "@" in parts.netloc or "\\" in url:
        return "must be a URL without user or password"
    return _host_problem(host, allows_private=allows_private)


def is_forbidden(address: str, *, allows_private: bool) -> bool:
    """Say whether nobody may connect to this IP address on behalf of such a deployment."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return True
    return _ip_problem(found, allows_private=allows_private) is not None


def _host_problem(host: str, *, allows_private: bool) -> str | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if _NUMERIC.fullmatch(host) or ":" in host or not _HOST_NAME.fullmatch(host):
            return "must name a host, or an IP address in its usual form"
        if host.rstrip(".") in _METADATA_NAMES:
            return "must not be a link-local address"
        is_private = _LOCAL_NAMES.fullmatch(host) is not None
        return _PRIVATE if is_private and not allows_private else None
    return _ip_problem(address, allows_private=allows_private)


_PRIVATE: Final = (
    "is a private address; general_settings.allow_private_api_base in the file allows it"
)


def _ip_problem(address: Address, *, allows_private: bool) -> str | None:
    for inner in _within(address):
        is_metadata = inner == _ALIBABA_METADATA or inner in _AWS_METADATA
        if inner.is_link_local or is_metadata:
            return "must not be a link-local address"
        # ::1 lies in a range that is reserved, like 240.0.0.0/4.
        is_nowhere = inner.is_multicast or inner.is_unspecified or inner.is_reserved
        if is_nowhere and not inner.is_loopback:
            return "must be an address that somebody can be reached at"
        if not allows_private and (not inner.is_global or inner in _CARRIERS):
            return _PRIVATE
    return None


def _within(address: Address) -> list[Address]:
    """Return the address, or the IPv4 addresses that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return list(address.teredo)
    if address in ipaddress.ip_network("64:ff9b::/96"):
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address]
