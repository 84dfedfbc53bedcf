"""Where deliveries may go: rules for URLs and for the addresses behind them, against requests into private networks.

Rule of this file: what is not known to be public is refused. A name is judged by the addresses it resolves to, at the
moment of the connection (`shared/webhook_sender.py`); here only what a URL says of itself is judged. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from shared.domain.errors import InvalidRequest
from shared.domain.parameters import shortened, too_long

MAX_URL = 2048

_Address = IPv4Address | IPv6Address

# Never, whatever is allowed: link-local networks hold the metadata services of clouds; the others are theirs as well.
_NEVER = [
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "169.254.0.0/16",
        "168.63.129.16/32",  # Azure's host, a public address that is answered inside every virtual network
        "100.100.100.200/32",
        "192.0.0.192/32",
        "fe80::/10",
        "fd00:ec2::254/128",
    )
]
# What "private" means: this machine and the networks that anyone may use within an organisation.
_PRIVATE = [
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    )
]
_GLOBAL_V6 = ip_network("2000::/3")
# Addresses of these carry an IPv4 address to which the network forwards: NAT64, 6to4, Teredo.
_TUNNELS = [ip_network(text) for text in ("2002::/16", "2001::/32", "64:ff9b::/96", "64:ff9b:1::/48")]


def is_allowed(address: str, *, allow_private: bool) -> bool:
    """Whether a delivery may connect to this IP address, given as text (without a zone)."""
    parsed = _unmapped(ip_address(address))
    if parsed.is_multicast or _within(parsed, _NEVER):
        return False
    if _within(parsed, _PRIVATE):
        return allow_private
    if isinstance(parsed, IPv6Address):
        return parsed in _GLOBAL_V6 and parsed.is_global and not _within(parsed, _TUNNELS)
    return parsed.is_global and not parsed.is_reserved


def _unmapped(address: _Address) -> _Address:
    """`::ffff:10.0.0.1` is 10.0.0.1 for the system that connects."""
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _within(address: _Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(address in network for network in networks)


def check_url(url: str, *, allow_http: bool, allow_private: bool, param: str = "url") -> None:
    """Raises InvalidRequest about `param`, which says what an endpoint's URL must be."""
    if len(url) > MAX_URL:
        raise too_long(param, len(url), MAX_URL)
    if not (url.isascii() and url.isprintable()) or " " in url or "\\" in url:
        raise _wrong(
            param, url, "it may hold printable ASCII characters only. Encode the others, and host names in Punycode."
        )
    parts = _split(url)
    host = _host(parts)
    if parts is None or not host:
        raise _wrong(param, url, "it is no URL with a host, such as https://example.com/hook.")
    if parts.scheme != "https" and not (parts.scheme == "http" and allow_http):
        hint = "" if allow_http else " The operator of this service can allow http with BATCH_WEBHOOK_ALLOW_HTTP."
        raise _wrong(param, url, f"it must begin with https://.{hint}")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _wrong(
            param, url, "it may hold no user name, password or fragment. Put a token into the path or the query."
        )
    if not _host_is_allowed(host, allow_private=allow_private):
        raise _wrong(
            param,
            url,
            "its address is not public. The operator can allow private ones with BATCH_WEBHOOK_ALLOW_PRIVATE.",
        )


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    return None if port == 0 else parts


def _host(parts: SplitResult | None) -> str:
    """As a resolver takes it: without the root's dot, a number in any writing as its address. Empty: there is none.

    `inet_aton` reads 2130706433, 0x7f.1 and 0177.0.0.1 as 127.0.0.1; who connects reads them as it does.
    """
    host = ((parts and parts.hostname) or "").removesuffix(".")
    if "%" in host or "" in host.split("."):
        return ""
    parts_of_host = host.split(".")
    if ":" in host or _number(parts_of_host[-1]) is None:  # An IPv6 address, or a name.
        return host
    numbers = [number for part in parts_of_host if (number := _number(part)) is not None]
    return _written_out(numbers) if len(numbers) == len(parts_of_host) else ""


def _written_out(numbers: list[int]) -> str:
    """The address of up to four numbers, of which the last fills what is left; empty if they are none."""
    *heads, last = numbers
    if len(heads) > 3 or any(head > 255 for head in heads) or last >= 1 << 32 - 8 * len(heads):
        return ""
    return str(IPv4Address(sum(head << 24 - 8 * place for place, head in enumerate(heads)) + last))


def _number(part: str) -> int | None:
    """A part of an address in decimal, octal (0...) or hexadecimal (0x...); None if it is a name."""
    if part.isdecimal():
        octal = part.startswith("0") and not set(part) & {"8", "9"}
        return int(part, 8 if octal else 10)
    if part.startswith("0x") and not part.removeprefix("0x").strip("0123456789abcdef"):
        return int(part.removeprefix("0x") or "0", 16)
    return None


def _host_is_allowed(host: str, *, allow_private: bool) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return allow_private
    try:
        return is_allowed(host, allow_private=allow_private)
    except ValueError:  # A name.
        return True


def _wrong(param: str, url: str, reason: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid '{param}': '{shortened(url)}' cannot be used; {reason}", code="invalid_value", param=param
    )
