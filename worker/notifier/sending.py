"""One try to deliver: resolve the name, check every address, connect to one of those, post.

The connection is made to an address, not to the name, which a resolver might by then answer
otherwise; the name goes along in `Host` and, for TLS, as what the certificate must hold. Proxies of
the environment are left aside, since it is they that would resolve; redirects are not followed,
since they would lead where nothing was checked; the answer's body is not read. The time limit is
that of the whole try, which a receiver that sends a byte a second does not stretch: hence asyncio,
for this one call.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import httpx

from store.addresses import Address, Network, Target, check, target_of
from store.errors import BadAddress

# It would tell the whole address of a receiver, which may be a secret.
logging.getLogger("httpx").setLevel(logging.WARNING)
FOR_GOOD = frozenset({410})
"""Statuses by which a receiver says that it wants no more."""


@dataclass(frozen=True)
class Answer:
    """What came of a try. `error` None: it was received."""

    status: int | None = None
    error: str | None = None
    is_final: bool = False
    """Whether another try makes no sense."""


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allow: Sequence[Network],
    timeout_s: float,
) -> Answer:
    """Try once. Whatever goes wrong outside is in the answer."""
    try:
        target = target_of(url, allow)
        addresses = check(target.host, _resolve(target), allow)
        status = asyncio.run(_post(target, addresses, body, headers, timeout_s))
    except BadAddress as error:
        return Answer(error=str(error), is_final=True)
    except socket.gaierror as error:
        return Answer(error=f"the name cannot be resolved: {error.strerror}")
    except TimeoutError:
        return Answer(error=f"no answer within {timeout_s:g} s")
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return Answer(error=f"{_NAMES.get(type(error), 'it failed')}: {_words(error)}")
    return _judged(status)


_NAMES: Mapping[type[Exception], str] = {
    httpx.ConnectError: "no connection",
    httpx.ReadError: "the connection broke off",
    httpx.WriteError: "the connection broke off",
    httpx.RemoteProtocolError: "what answers is no HTTP server",
}


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:300]


def _judged(status: int) -> Answer:
    if 200 <= status < 300:
        return Answer(status)
    said = f"the receiver answered {status}"
    if 300 <= status < 400:
        said += "; redirects are not followed, so enter the address that it leads to"
    return Answer(status, said, is_final=status in FOR_GOOD)


def _resolve(target: Target) -> list[str]:
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    return [str(place[0]) for *_, place in found]


async def _post(
    target: Target,
    addresses: Sequence[Address],
    body: bytes,
    headers: Mapping[str, str],
    timeout_s: float,
) -> int:
    """Post to the first address that takes the connection, and give the status."""
    sent = {**headers, "Host": target.authority}
    failure: Exception = OSError("the name has no address")
    async with (
        asyncio.timeout(timeout_s),
        httpx.AsyncClient(
            verify=_trust(), trust_env=False, follow_redirects=False, timeout=timeout_s
        ) as client,
    ):
        for address in addresses:
            try:
                async with client.stream(
                    "POST",
                    target.at(address),
                    content=body,
                    headers=sent,
                    extensions={"sni_hostname": target.host},
                ) as answer:
                    return answer.status_code
            except httpx.ConnectError as error:
                failure = error
    raise failure


@lru_cache(1)
def _trust() -> ssl.SSLContext:
    """Trust public authorities, or those of SSL_CERT_FILE where a lab has its own."""
    return httpx.create_ssl_context()
