"""Which names and addresses mean this machine itself. Imports little: the start asks it first."""

import ipaddress
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Tell whether a name or address means this machine itself."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def name_of(netloc: str) -> str:
    """Take the name out of `name:port`; empty if it is none."""
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""


def is_same(name: str, address: str) -> bool:
    """Tell whether a name is just this IP address, in whatever form it is written."""
    try:
        return _plain(name) == _plain(address)
    except ValueError:
        return False


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    found = ipaddress.ip_address(address)
    return getattr(found, "ipv4_mapped", None) or found
