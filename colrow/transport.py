"""Requests to the service: repeated where that is safe, failures told in one sentence.

A request is repeated when it never arrived, and when repeating it changes nothing: reading,
cancelling, and submitting with an idempotency key.
"""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from colrow.errors import ColrowError, SpecFault, Unreachable, lost
from colrow.specfile import refuse_non_finite

DELAYS_S = (0.1, 0.3, 0.9)
LONGEST_WAIT_S = 10
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Transport:
    """One connection pool to one service."""

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None,
        timeout_s: float,
        inner: httpx.BaseTransport | None = None,
    ) -> None:
        host = _host(base_url)
        self.base_url = base_url.rstrip("/")
        self.http = httpx.Client(
            base_url=self.base_url + "/api/v1",
            headers=_authorization(token),
            timeout=httpx.Timeout(timeout_s, connect=5.0),
            transport=inner,
            # A proxy of the environment can't reach this machine's own loopback.
            trust_env=host not in _LOOPBACK,
        )

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> httpx.Response:
        """Send and return the answer. Raises ColrowError for every answer of 400 and above."""
        refuse_non_finite(json)
        for delay_s in (*DELAYS_S, None):
            try:
                answer = self.http.request(
                    method, path, params=_without_none(params), json=json, headers=headers
                )
            except httpx.ConnectError as error:
                failure: Exception = error
            except httpx.TransportError as error:
                failure = error
                if not repeatable:
                    break
            else:
                if answer.status_code < 400:
                    return answer
                wait_s = _wait_s(answer)
                if wait_s is not None and delay_s:
                    # Nothing was done, so that this may be sent again whatever it is.
                    time.sleep(wait_s)
                    continue
                if not (repeatable and answer.status_code in (502, 503, 504) and delay_s):
                    raise self.problem(answer)
                failure = self.problem(answer)
            if delay_s is None:
                break
            time.sleep(delay_s)
        raise self.unreachable(failure) from None

    def unreachable(self, failure: Exception) -> Unreachable:
        """Say that nobody answers, and how to start the service."""
        if isinstance(failure, httpx.ConnectError):
            return Unreachable(
                f"no Colrow answers at {self.base_url} ({failure}); start it with `colrow up`, or "
                "name another with --server or COLROW_SERVER"
            )
        return Unreachable(
            f"the service at {self.base_url} did not answer "
            f"({str(failure) or type(failure).__name__}); look at what `colrow up` says, "
            "then try again"
        )

    def problem(self, answer: httpx.Response) -> ColrowError:
        """Make the error of an answer that says one."""
        try:
            body = answer.json()
        except ValueError:
            body = None
        if not isinstance(body, dict) or "detail" not in body:
            return ColrowError(
                f"{answer.request.url} answered {answer.status_code}, but not as Colrow does; is "
                f"{self.base_url} the address of a Colrow service?",
                status=answer.status_code,
            )
        status, title = answer.status_code, str(body.get("title", ""))
        errors = [(str(e["loc"]), str(e["msg"])) for e in body.get("errors") or []]
        if errors and body.get("type") == "urn:colrow:problem:spec":
            return SpecFault(errors, status=status, title=title)
        if body.get("type") == "urn:colrow:problem:not-found":
            # The service ends with the request that lists them; a person has a command for it.
            return lost(str(body["detail"]).rpartition("; GET ")[0] or str(body["detail"]))
        # Of single fields `detail` is the list of them, in one line: the title goes before ours.
        detail = title if any(loc for loc, _ in errors) else str(body["detail"])
        told = errors if detail == title else []
        return ColrowError(detail, status=status, title=title, errors=told)


def _authorization(token: str | None) -> dict[str, str]:
    """Make the header that shows a token. Raises ColrowError when it can be none."""
    if not token:
        return {}
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ColrowError("the token is not one: it has characters that no token has")
    return {"Authorization": f"Bearer {token}"}


def _wait_s(answer: httpx.Response) -> float | None:
    """Give how long to wait where requests came too fast; None where that is not so, or long."""
    said = answer.headers.get("retry-after", "")
    if answer.status_code != 429 or not said.isdigit() or int(said) > LONGEST_WAIT_S:
        return None
    return float(said)


def _host(base_url: str) -> str:
    """Find the host of an address. Raises ColrowError when it is none."""
    try:
        parts = urlsplit(base_url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ColrowError(
            f"the server {base_url!r} is not an address; write it as http://127.0.0.1:8750"
        )
    return parts.hostname


def _without_none(params: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (params or {}).items() if value is not None}
