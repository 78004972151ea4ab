"""Claim: 200 browsers on /events see every point once and in order; p95 < 0.5 s, api < one core.

Four jobs report 20 points each five times a second, as recorders do, on SQLite and on PostgreSQL.
200 readers of /events, in a process of their own, follow all of it. Each report is one event that
names the steps it brings; a reader that has seen every job's steps once and in order has missed and
doubled nothing. A time runs from the beginning of the writing transaction to the reader; the
cores are the processor time that the api spent on all of it over the time that the jobs took.

    python -m benchmarks.streams
    python -m benchmarks.streams --quick        5 s instead of 30
"""

import argparse
import asyncio
import json
import multiprocessing
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from urllib.parse import urlsplit

from benchmarks.parts import seed, tables
from benchmarks.parts.databases import KINDS, POSTGRESQL, TITLES, database
from benchmarks.parts.server import Meter, api
from store import recording
from store.session import Database

STEPS = 20
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Load:
    """Who reads, and what is written."""

    readers: int = 200
    jobs: int = 4
    reports: int = 150
    """Of each job."""
    pause_s: float = 0.2


@dataclass(frozen=True)
class Followed:
    """What all readers saw together."""

    events: int
    missed: int
    """Events that some reader did not get."""
    wrong: int
    """Events that came twice, or before one that was written earlier."""
    delays_s: Sequence[float]
    """From the beginning of the writing to the reader, each event of each reader."""
    cores: float
    """Processor time that the api spent until all was read, over the time that the jobs took."""


Arrival = tuple[str, int, int, float]
"""Job, first and last step, and when it was read, by the machine's monotonic clock."""


def follow(url: str, load: Load) -> Followed:
    """Serve a database, have it followed while jobs report, and compare."""
    with closing(Database(url)) as opened:
        claims = seed.running(opened, load.jobs)
        with api(url, streams=str(load.readers + 10)) as server:
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            last = {claim.job_id: load.reports * STEPS for claim in claims}
            reader = context.Process(
                target=_read_all, args=(server.address, load.readers, last, theirs), daemon=True
            )
            reader.start()
            if not ours.poll(PATIENCE_S) or ours.recv() != "open":
                raise RuntimeError(f"{load.readers} streams could not be opened")
            meter, begin = Meter(server.family()), time.monotonic()
            own_s = time.process_time()
            written = {}
            for n in range(load.reports):
                due = begin + n * load.pause_s
                time.sleep(max(0.0, due - time.monotonic()))
                for claim in claims:
                    written[claim.job_id, (n + 1) * STEPS] = time.monotonic()
                    with opened.write() as session:
                        events = seed.batch(n * STEPS + 1, STEPS)
                        recording.record(session, claim.attempt_id, events)
            seen: list[list[Arrival]] = ours.recv()
            spent_s = meter.read_s() - (time.process_time() - own_s)
            cores = spent_s / (load.reports * load.pause_s)
            reader.join()
    return compare(seen, written, load, cores)


def compare(
    seen: Sequence[Sequence[Arrival]],
    written: Mapping[tuple[str, int], float],
    load: Load,
    cores: float,
) -> Followed:
    """Hold what each reader saw to what was written."""
    missed = wrong = 0
    delays_s = []
    for arrivals in seen:
        place: dict[str, int] = {}
        for job, first, to, at_s in arrivals:
            if first == place.get(job, 0) + 1:
                delays_s.append(at_s - written[job, to])
            else:
                wrong += 1
            place[job] = max(to, place.get(job, 0))
        missed += load.jobs * load.reports - len({(job, to) for job, _, to, _ in arrivals})
    return Followed(sum(map(len, seen)), missed, wrong, delays_s, cores)


def _read_all(address: str, readers: int, last: Mapping[str, int], told: Connection) -> None:
    """Run as a process: open the streams, read until each has the last step of every job."""

    async def main() -> list[list[Arrival]]:
        begun = asyncio.Semaphore(0)
        reading = [asyncio.create_task(_read(address, last, begun)) for _ in range(readers)]
        for _ in range(readers):
            await begun.acquire()
        told.send("open")
        return await asyncio.gather(*reading)

    told.send(asyncio.run(main()))


async def _read(address: str, last: Mapping[str, int], begun: asyncio.Semaphore) -> list[Arrival]:
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(f"GET /api/v1/events HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
    seen: list[Arrival] = []
    open_jobs, name, changed_s = set(last), b"", time.monotonic()
    while open_jobs and time.monotonic() - changed_s < PATIENCE_S:
        try:
            line = await asyncio.wait_for(reader.readline(), PATIENCE_S)
        except TimeoutError:
            break
        if not line:
            break
        if line.startswith(b"retry:"):
            begun.release()
        elif line.startswith(b"event:"):
            name = line[6:].strip()
        elif line.startswith(b"data:") and name == b"points":
            at_s = changed_s = time.monotonic()
            data = json.loads(line[5:])
            seen.append((data["job"], data["from_step"], data["to_step"], at_s))
            if data["to_step"] >= last[data["job"]]:
                open_jobs.discard(data["job"])
    writer.close()
    return seen


def main() -> None:
    """Measure both databases and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="5 s instead of 30")
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--kind", choices=KINDS, action="append", help="only this database")
    parser.add_argument("--postgresql", default=POSTGRESQL, help="address of the server")
    given = parser.parse_args()
    load = Load(readers=given.readers, reports=25 if given.quick else 150)
    print(
        f"{tables.machine()}, {tables.versions('colrow', 'fastapi', 'uvicorn')}; {load.readers} "
        f"readers, {load.jobs} jobs, a report each {load.pause_s:g} s, {load.reports} of them\n"
    )
    head = ["database", "events read", "missed", "doubled or out of order"]
    rows = []
    for kind in given.kind or KINDS:
        with database(kind, given.postgresql) as url:
            found = follow(url, load)
        ms = [1000 * each for each in found.delays_s]
        met = tables.answer(tables.quantile(ms, 0.95) < 500), tables.answer(found.cores < 1)
        rows.append(
            [
                TITLES[kind], f"{found.events:,}", str(found.missed), str(found.wrong),
                f"{tables.quantile(ms, 0.5):.0f}", f"{tables.quantile(ms, 0.95):.0f} {met[0]}",
                f"{max(ms):.0f}", f"{found.cores:.2f} {met[1]}",
            ]
        )  # fmt: skip
    tables.print_table([*head, "median, ms", "p95, ms", "most, ms", "cores of the api"], rows)
    print(f"\nload average at the end: {tables.load()}")


if __name__ == "__main__":
    main()
