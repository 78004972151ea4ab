"""What the database tells of the others: clocks, versions, workers, messages, and what waits."""

import shlex
import time
from collections import Counter

from colrow.figures import counted
from colrow.local.doctor.finding import Finding, Status
from colrow.local.doctor.place import Place
from store import clock, deliveries, queue
from store.session import Database
from store.workers import WorkerView, list_workers
from worker.host import versions

FAR_S, OFF_S = 60.0, 2.0
OVERDUE_S = 120.0
DAY_S = 86_400.0
_NTP = "set it by NTP (`timedatectl set-ntp true`)"


def check(place: Place) -> list[Finding]:
    """Ask the database, which answers: that was checked before."""
    database = Database(place.database_url)
    try:
        with database.read() as session:
            before_s = time.time()
            now = clock.read(session)
            ahead_s = (before_s + time.time()) / 2 - now
            views = list_workers(session)
            waiting = Counter(job.waits_for for job in queue.read(session, limit=1000))
            overdue = deliveries.overdue(session, after_s=OVERDUE_S)
            given_up = deliveries.given_up_since(session, before_s=DAY_S)
    finally:
        database.close()
    alive = [view for view in views if view.alive]
    return [
        *clocks(ahead_s, alive),
        *same_versions(versions(), alive),
        *workers(views, now, is_expected=not place.is_embedded or place.up is not None),
        *_jobs(waiting),
        *_messages(overdue, given_up),
    ]


def clocks(ahead_s: float, alive: list[WorkerView]) -> list[Finding]:
    """Compare clocks with the database's, by which leases are measured."""
    name = "clock"
    found = [_clock("this host's clock", ahead_s)] if abs(ahead_s) > OFF_S else []
    for view in alive:
        offset_s = view.clock_offset_s
        if offset_s is not None and abs(offset_s) > OFF_S:
            found.append(_clock(f"the clock of worker {view.name} ({view.host})", offset_s))
    if found:
        return found
    told = f"this host's is {abs(ahead_s):.2f} s from the database's"
    return [Finding(name, "ok", f"{told}; {_agree(len(alive))}" if alive else told)]


def _clock(whose: str, ahead_s: float) -> Finding:
    how = f"{abs(ahead_s):,.0f} s {'ahead of' if ahead_s > 0 else 'behind'} the database's"
    status: Status = "fault" if abs(ahead_s) > FAR_S else "warning"
    return Finding("clock", status, f"{whose} is {how}", _NTP)


def _agree(count: int) -> str:
    return "1 worker agrees" if count == 1 else f"{count} workers agree"


def same_versions(here: dict[str, str], alive: list[WorkerView]) -> list[Finding]:
    """Compare versions of Colrow, torch and Python with those of the workers that live."""
    name, found = "versions", []
    for view in alive:
        for what, ours in here.items():
            theirs = (view.versions or {}).get(what)
            if theirs is None or theirs == ours:
                continue
            told = f"worker {view.name} ({view.host}) has {what} {theirs}, this machine {ours}"
            if what == "colrow":
                advice = "bring all parts of one service to the same version"
                found.append(Finding(name, "fault", told, advice))
            else:
                advice = "a job that moves between them is not bit for bit the same"
                found.append(Finding(name, "warning", told, advice))
    told = ", ".join(f"{what} {ours}" for what, ours in here.items())
    return found or [Finding(name, "ok", f"{told}; {counted(len(alive), 'worker')} compared")]


def workers(views: tuple[WorkerView, ...], now: float, *, is_expected: bool) -> list[Finding]:
    """Say which workers live, and which went without saying goodbye."""
    name, found = "workers", []
    for view in views:
        if not view.alive and view.state != "stopped" and now - view.seen_at < DAY_S:
            told = f"{view.name} ({view.host}, process {view.pid}) was last heard of "
            told += f"{counted(round((now - view.seen_at) / 60), 'minute')} ago"
            goes_on = f"its job {view.job_id} goes on elsewhere; " if view.job_id else ""
            advice = (
                f"{goes_on}look at its host and its log, and start it again; if it is gone for "
                f"good: `colrow worker forget {shlex.quote(view.name)}`"
            )
            found.append(Finding(name, "warning", told, advice))
    alive = [view for view in views if view.alive]
    if alive:
        oldest_s = max(now - view.seen_at for view in alive)
        busy = sum(view.state == "busy" for view in alive)
        told = f"{len(alive)} live, {busy} of them busy; heartbeats at most {oldest_s:.0f} s old"
        return [Finding(name, "ok", told), *found]
    if not is_expected:
        return [Finding(name, "note", "none runs", "`colrow up` starts them"), *found]
    told = "no worker runs, so queued jobs wait"
    return [
        Finding(name, "fault", told, "start one: `colrow worker --database … --broker …`"),
        *found,
    ]


def _jobs(waiting: Counter[str | None]) -> list[Finding]:
    return [
        Finding(
            "queue",
            "warning",
            f"{counted(count, 'queued job')} wait{'s' if count == 1 else ''} for {what}",
            f"start such a worker, or cancel {'it' if count == 1 else 'them'}",
        )
        for what, count in waiting.items()
        # Who waits for the end of an own job has reached a cap, and lacks nothing.
        if what is not None and what.startswith("a worker")
    ]


def _messages(overdue: int, given_up: int) -> list[Finding]:
    name, found = "webhooks", []
    if overdue:
        are = "is" if overdue == 1 else "are"
        told = f"{counted(overdue, 'message')} {are} due for more than {OVERDUE_S:g} s, and "
        told += f"nobody sends {'it' if overdue == 1 else 'them'}"
        advice = "start the notifier: `colrow notifier --database … --broker …`"
        found.append(Finding(name, "fault", told, advice))
    if given_up:
        were = "was" if given_up == 1 else "were"
        told = f"{counted(given_up, 'message')} {were} given up in the last day"
        advice = "GET /api/v1/jobs/{id}/webhooks tells why, and so does the notifier's log"
        found.append(Finding(name, "warning", told, advice))
    return found or [Finding(name, "ok", "no message is overdue")]
