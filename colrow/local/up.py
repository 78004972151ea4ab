"""`colrow up`: database, broker, api and workers on this machine, from one command.

Started in the order broker, tables, workers, api, notifier; stopped in the order api, workers and
notifier, broker. A worker that is told to stop lets its job write a checkpoint, and the job goes on
at the next start.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType

from pydantic import ValidationError

from api.login import StartError, demand_an_admin, reason_for_login
from api.settings import Settings as ApiSettings
from api.settings import explained
from colrow import credentials
from colrow.errors import LocalError
from colrow.local import db, folder, network, token, valkey
from colrow.local.folder import DataFolder, Lock
from colrow.local.processes import Child, stop
from colrow.settings import inherited
from store.session import Database

START_S = 60.0
CHECK_S = 0.2
API_STOP_S = 6.0
WORKER_STOP_S = 25.0


@dataclass(frozen=True)
class Service:
    """What `colrow up` was asked for."""

    data: Path
    datasets: Path
    host: str
    port: int
    workers: int
    devices: tuple[str, ...] = ()
    """One entry per worker, dealt in turn; none: the processor."""
    database_url: str | None = None
    warm_spare: bool | None = None
    """None: as the workers' own setting says."""
    private: bool = False


def run(service: Service, *, say: Callable[[str], None]) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP. Raises LocalError when it cannot start."""
    port = network.check_address(service.host, service.port)
    place = folder.prepare(service.data, database_url=service.database_url)
    lock = Lock(place)
    if lock.left_behind:
        valkey.remove_runtime_folder(Path(lock.left_behind))
    runtime = valkey.runtime_folder()
    address = network.url(network.name_of(service.host), port)
    lock.tell(url=address, runtime=str(runtime))
    wishes = Wishes()
    started: list[list[Child]] = []
    try:
        broker = valkey.child(place, runtime)
        started.append([broker])
        _start_broker(broker, place, runtime, wishes, say)
        database_url = service.database_url or place.database_url
        db.upgrade(database_url)
        note = _let_in(service, place, database_url, address)
        environment = inherited() | {
            "COLROW_DATABASE_URL": database_url,
            "COLROW_BROKER_URL": valkey.broker_url(runtime),
            "COLROW_HOME": str(place.path),
            "COLROW_DATA": str(service.datasets),
            "COLROW_HOST": service.host,
            "COLROW_PORT": str(port),
            "COLROW_PROFILE": "embedded",
            "COLROW_PRIVATE": str(service.private),
            "PYTHONUNBUFFERED": "1",
        }
        workers = [_worker(place, service, environment, n) for n in range(service.workers)]
        api = Child(
            "api",
            [sys.executable, "-m", "api"],
            place.logs / "api.log",
            environment,
            stop_s=API_STOP_S,
        )
        notifier = Child(
            "notifier",
            [sys.executable, "-m", "worker.notifier"],
            place.logs / "notifier.log",
            environment,
            stop_s=WORKER_STOP_S,
        )
        for children in ([*workers], [api]):
            started.append(children)
            for child in children:
                child.start()
        _wait_until_ready(service.host, port, [api, *workers], wishes)
        if not wishes.stopping:
            started[1].append(notifier)  # it stops with the workers, whose last ends it may send
            notifier.start()  # only now: nobody waits for it
            many = "1 worker" if service.workers == 1 else f"{service.workers} workers"
            say(
                f"Colrow is at {address} ({many}, data folder {place.path}). Ctrl-C stops it.{note}"
            )
        _watch([broker, *workers, api, notifier], wishes, say)
    finally:
        if wishes.stopping:
            say("Colrow stops; running jobs write a checkpoint and go on at the next start.")
        for children in reversed(started):
            stop(children, lambda: wishes.hurry)
        valkey.remove_runtime_folder(runtime)
        lock.release()


def _let_in(service: Service, place: DataFolder, database_url: str, address: str) -> str:
    """See to it that somebody can log in where that is needed, and say how.

    Raises LocalError.
    """
    try:
        settings = ApiSettings(
            database_url=database_url,
            host=service.host,
            private=service.private,
            profile="embedded",
        )
    except ValidationError as error:
        raise LocalError(explained(error)) from None
    reason = reason_for_login(settings)
    if reason is None:
        return ""
    if service.private:
        file = credentials.file_in(place.path)
        token.private(database_url, file, address)
        return f" Sign in with its token in {file}."
    database = Database(database_url)
    try:
        demand_an_admin(database, reason)
    except StartError as error:
        raise LocalError(str(error)) from None
    finally:
        database.close()
    return " Everybody needs a token: colrow token create."


class Wishes:
    """What a person or the system wants: SIGINT, SIGTERM and SIGHUP stop, a second one hurries."""

    def __init__(self) -> None:
        self.stopping = False
        self.hurry = False
        self._told: SimpleQueue[None] = SimpleQueue()  # of all that wakes, what a handler may use
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._heard)

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        self.hurry = self.stopping
        self.stopping = True
        self._told.put(None)

    def are_heard_within(self, seconds: float) -> bool:
        """Wait for so long, or until it is to stop; say whether it is."""
        if not self.stopping:
            with suppress(Empty):
                self._told.get(timeout=seconds)
        return self.stopping


def _worker(place: DataFolder, service: Service, environment: dict[str, str], number: int) -> Child:
    # Each takes a name of its own, which holds the host: others may use the same database.
    own = {name: value for name, value in environment.items() if name != "COLROW_NAME"}
    own.setdefault("COLROW_THREADS", str(max(1, (os.cpu_count() or 1) // service.workers)))
    if service.devices:
        own["COLROW_DEVICES"] = service.devices[number % len(service.devices)]
    if service.warm_spare is not None:
        own["COLROW_WARM_SPARE"] = str(int(service.warm_spare))
    return Child(
        f"worker-{number + 1}",
        [sys.executable, "-m", "worker"],
        place.logs / f"worker-{number + 1}.log",
        own,
        stop_s=WORKER_STOP_S,
    )


def _start_broker(
    broker: Child, place: DataFolder, runtime: Path, wishes: Wishes, say: Callable[[str], None]
) -> None:
    for trial in range(2):
        broker.start()
        end_s = time.monotonic() + START_S
        while broker.is_alive and time.monotonic() < end_s and not wishes.stopping:
            if valkey.answers(runtime):
                return
            time.sleep(0.02)
        if wishes.stopping:
            return
        if trial == 0:
            stop([broker], lambda: wishes.hurry)
            aside = valkey.set_damaged_aside(place)
            say(f"the broker could not read its data; moved to {aside}, no job is lost by that")
    raise LocalError(f"the broker does not start: {broker.last_line()} (its log: {broker.log})")


def _wait_until_ready(host: str, port: int, children: list[Child], wishes: Wishes) -> None:
    end_s = time.monotonic() + START_S
    while not wishes.stopping:
        if network.is_ready(host, port):
            return
        for child in children:
            if not child.is_alive:
                raise LocalError(
                    f"{child.name} {child.ending()}: {child.last_line()} (its log: {child.log})"
                )
        if time.monotonic() > end_s:
            raise LocalError(
                f"the api does not get ready within {START_S:g} s; its log: {children[0].log}"
            )
        wishes.are_heard_within(0.05)


def _watch(children: list[Child], wishes: Wishes, say: Callable[[str], None]) -> None:
    while not wishes.are_heard_within(CHECK_S):
        for child in children:
            note = child.revive()
            if note is not None:
                say(note)
