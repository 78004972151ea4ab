"""The broker: does it answer, can it be written to, what does it keep.

What it may lose is no fault: the database is what says which jobs wait, and a sweep rings again.
"""

from collections.abc import Callable, Mapping
from typing import Any

from kombu.connection import Connection
from kombu.exceptions import OperationalError
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from colrow.local.doctor.finding import Fault, Finding, fault_of
from colrow.local.doctor.place import Place
from store.deliveries import QUEUE

NAME = "broker"
PATIENCE_S = 3.0
OLDEST = 6
MANY = 10_000
_KEY = "colrow:doctor"


def check(place: Place) -> list[Finding]:
    """Look at the broker."""
    if place.broker_url is None:
        told = "`colrow up` does not run here, and its broker runs with it"
        return [Finding(NAME, "note", told, "`colrow up` starts it")]
    findings: list[Finding] = []
    with fault_of(NAME, findings):
        findings += _look(place.broker_url)
    return findings


def _look(url: str) -> list[Finding]:
    connect: Callable[..., Any] = Connection  # kombu has no types
    limits = {
        "socket_connect_timeout": PATIENCE_S,
        "socket_timeout": PATIENCE_S,
        "max_retries": 0,
        "interval_start": 0,
    }
    where = "the broker"
    try:
        with connect(url, transport_options=limits) as connection:
            where = str(connection.as_uri())  # without its password
            client = connection.default_channel.client
            info: Mapping[str, Any] = client.info()
            client.set(_KEY, "1", ex=5)
            client.delete(_KEY)
            waiting = {name: int(client.llen(name)) for name in ("celery", QUEUE)}
    except (OSError, RedisError, OperationalError, ValueError, KeyError) as error:
        raise Fault(f"{where}: {error}", _advice(error)) from None
    kind = "Valkey" if "valkey_version" in info else "Redis"
    version = str(info.get("valkey_version", info.get("redis_version", "?")))
    found = [Finding(NAME, "ok", f"{where} ({kind} {version}) answers and takes messages")]
    if version.split(".")[0].isdigit() and int(version.split(".")[0]) < OLDEST:
        told = f"{kind} {version} is older than what Colrow is tested on"
        found.append(Finding(NAME, "warning", told, f"upgrade it to {OLDEST} or later"))
    found += _kept(info)
    for queue, length in waiting.items():
        if length > MANY:
            reader = "colrow notifier" if queue == QUEUE else "colrow worker"
            told = f"{length:,} messages wait in the queue {queue!r}, and nobody reads them"
            found.append(Finding(NAME, "warning", told, f"start `{reader}`; they may be deleted"))
    return found


def _kept(info: Mapping[str, Any]) -> list[Finding]:
    found = []
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction" and info.get("maxmemory"):
        told = f"it drops messages when its memory is full ({policy})"
        advice = "no job is lost by that, but may start a sweep later; `noeviction` is better"
        found.append(Finding(NAME, "note", told, advice))
    if not info.get("aof_enabled"):
        told = "it may forget messages when it restarts (no append-only file)"
        advice = "no job is lost by that; `appendonly yes` keeps them"
        found.append(Finding(NAME, "note", told, advice))
    return found


def _advice(error: Exception) -> str:
    # kombu wraps what the client raised; the words are the server's, without their code.
    said, cause = str(error), error.__cause__ or error
    if isinstance(cause, AuthenticationError | NoPermissionError):
        return "mend the password in COLROW_BROKER_URL: redis://:password@host:6379/0"
    if "maxmemory" in said:
        return "its memory is full: raise `maxmemory`, or delete what others keep in it"
    if "read only replica" in said:
        return "this is a replica; name the primary in COLROW_BROKER_URL"
    if "MISCONF" in said:
        return "it cannot write its file: make room on its disk, or mend the permissions there"
    if "loading" in said:
        return "it reads its file after a start; ask again in a minute"
    return "start it, or mend the address in COLROW_BROKER_URL; jobs are kept meanwhile"
