"""Where a webhook may go: over http or https to public addresses, and where the admin allows.

A service that posts to addresses that its users choose must not become their way into the network
that it stands in (server-side request forgery): not to loopback, private and link-local addresses,
not to a cloud's metadata service, nor to any of these wrapped into an IPv6 address. A name is
nothing to go by: it is resolved, *every* address that it gives is checked, and the connection is
made to one of those, so that a second answer of the resolver changes nothing. Pure: whoever calls
`target_of` resolves and connects.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from store.errors import BadAddress

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
MAX_URL = 2000
_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
# What some versions of `ipaddress` call global, and is not for us: metadata of Azure and of Oracle,
# relays, documentation.
_CLOSED = tuple(
    map(
        ipaddress.ip_network,
        ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "2001:20::/28", "3fff::/20"),
    )
)
_UNICAST = ipaddress.IPv6Network("2000::/3")
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class Target:
    """An address taken apart."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str
    """With the query."""

    @property
    def authority(self) -> str:
        """What the header `Host` says: the port only where it is not the scheme's own."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == _PORTS[self.scheme] else f"{shown}:{self.port}"

    @property
    def receiver(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"

    def at(self, address: Address) -> str:
        """Write the URL with one of the host's addresses in the place of its name."""
        shown = f"[{address}]" if address.version == 6 else str(address)
        return f"{self.scheme}://{shown}:{self.port}{self.path}"


def networks(text: str) -> tuple[Network, ...]:
    """Read a list of networks, `10.0.0.0/8, fd00::/8`. Raises ValueError."""
    found = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        try:
            found.append(ipaddress.ip_network(part))
        except ValueError as error:
            raise ValueError(
                f"{part!r} is no network ({error}); write networks as 10.1.0.0/16, with commas "
                "between them"
            ) from None
    return tuple(found)


def target_of(url: str, allow: Iterable[Network] = ()) -> Target:
    """Take a webhook's URL apart, and refuse what its text alone shows. Raises BadAddress."""
    if len(url) > MAX_URL:
        raise BadAddress(f"a webhook's URL has {MAX_URL} characters at most; this has {len(url)}")
    if not _PRINTABLE.fullmatch(url):
        raise BadAddress(
            f"{url[:80]!r} holds a space, a control character or a letter beyond ASCII; write "
            "those percent-encoded (in the path) or as xn--… (in the name)"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadAddress(f"{url[:80]!r} is no URL: {error}") from None
    host = _host(url, parts)
    scheme: Literal["http", "https"] = "https" if parts.scheme == "https" else "http"
    if port == 0:
        raise BadAddress("port 0 cannot be reached; a port is a number from 1 to 65535")
    query = f"?{parts.query}" if parts.query else ""
    target = Target(scheme, host, port or _PORTS[scheme], f"{parts.path or '/'}{query}")
    if host.rstrip(".") == "localhost" or host.rstrip(".").endswith(".localhost"):
        # Loopback by its name (RFC 6761); which of the two addresses, the resolver says.
        loopback = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
        if all(refusal(address, allow) for address in loopback):
            raise BadAddress(_refused(host, loopback[0]))
    literal = _literal(host)
    if literal is not None and refusal(literal, allow):
        raise BadAddress(_refused(host, literal))
    return target


def _host(url: str, parts: SplitResult) -> str:
    if parts.scheme not in _PORTS:
        raise BadAddress(f"{url[:80]!r} is neither http:// nor https://; a webhook is one of these")
    if "@" in parts.netloc:
        raise BadAddress(
            "the URL holds a user name or password, which every log on the way would show; let the "
            "receiver check the header Colrow-Signature instead"
        )
    if parts.fragment or "\\" in url:
        raise BadAddress(f"{url[:80]!r} holds a fragment (#…) or a backslash; leave that out")
    host = (parts.hostname or "").lower()
    if _literal(host) is None and not _NAME.fullmatch(host):
        raise BadAddress(
            f"{host[:80]!r} is no name of a host; write the URL as https://host.example/path"
        )
    return host


def check(host: str, addresses: Iterable[str], allow: Iterable[Network]) -> list[Address]:
    """Give the addresses of a host, all of which may be sent to. Raises BadAddress otherwise."""
    allowed = tuple(allow)
    found = [ipaddress.ip_address(text) for text in dict.fromkeys(addresses)]
    for address in found:
        if refusal(address, allowed):
            raise BadAddress(_refused(host, address))
    return found


def refusal(address: Address, allow: Iterable[Network]) -> bool:
    """Whether an address may not be sent to, by itself or by the one wrapped up in it."""
    allowed = tuple(allow)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:  # the connection goes to that one
            return refusal(address.ipv4_mapped, allowed)
        if address.scope_id is not None:
            return True
    inside = any(address in network for network in allowed if network.version == address.version)
    return not inside and (
        not _is_public(address) or any(refusal(wrapped, allowed) for wrapped in _wrapped(address))
    )


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address in _TRANSLATED:
        return True  # as far as the address in it is
    return (
        address.is_global
        and not (address.is_multicast or address.is_reserved or address.is_unspecified)
        and not (address.version == 6 and address not in _UNICAST)
        and not any(address in net for net in _CLOSED if net.version == address.version)
    )


def _wrapped(address: Address) -> Iterator[ipaddress.IPv4Address]:
    """Give the IPv4 addresses to which a gateway may take an IPv6 address apart."""
    if not isinstance(address, ipaddress.IPv6Address):
        return
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _TRANSLATED:
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _refused(host: str, address: Address) -> str:
    shown = host if host == str(address) else f"{host} ({address})"
    return (
        f"{shown} is not a public address, and webhooks go to no other; an admin may allow its "
        "network with COLROW_WEBHOOK_ALLOW"
    )
