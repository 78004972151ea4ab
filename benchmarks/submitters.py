"""Claim: 50 submitters at once, with retries and the same keys, make exactly one job per key.

Every submitter sends the same submissions, each with its idempotency key, in an order of its own. A
share of the requests is given up after a few milliseconds, at random, while the service is at work
on them, and sent again with the same key until an answer is read. In the end there must be as many
jobs as keys, and all submitters must have been given the same job for a key.

    python -m benchmarks.submitters
    python -m benchmarks.submitters --quick     20 keys instead of 100
"""

import argparse
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field

import httpx
from sqlalchemy import func, select

from benchmarks.parts import tables
from benchmarks.parts.databases import KINDS, POSTGRESQL, TITLES, database
from benchmarks.parts.server import api
from store.session import Database
from store.tables import Job

GIVEN_UP = 0.2
"""Share of the requests that are not waited for."""
SPEC = {
    "model": {"name": "mlp", "hidden": [20]},
    "dataset": {"name": "digits"},
    "training": {"epochs": 2},
}


@dataclass
class Submitted:
    """What all submitters together were told, and what there is in the end."""

    answers: dict[str, Counter[str]]
    """By key: the ids that were answered, with how often."""
    jobs: int = 0
    created: int = 0
    """Answers that did not say that the key was known."""
    given_up: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Answers other than 201."""
    seconds: float = 0.0
    delays_s: list[float] = field(default_factory=list)

    @property
    def keys_with_one_job(self) -> int:
        """How many keys everybody was given the same job for."""
        return sum(len(ids) == 1 for ids in self.answers.values())


def submit_all(url: str, *, submitters: int, keys: Sequence[str]) -> Submitted:
    """Serve a database and have all submitters submit all keys at the same time."""
    found, lock, ready = (
        Submitted({key: Counter() for key in keys}),
        threading.Lock(),
        threading.Barrier(submitters),
    )
    with closing(Database(url)) as opened, api(url) as server:
        begin = time.perf_counter()
        with ThreadPoolExecutor(submitters) as pool:
            for each in [
                pool.submit(_submit, server.address, n, keys, found, lock, ready)
                for n in range(submitters)
            ]:
                each.result()
        found.seconds = time.perf_counter() - begin
        with opened.read() as session:
            found.jobs = session.execute(select(func.count()).select_from(Job)).scalar_one()
    return found


def _submit(
    address: str,
    number: int,
    keys: Sequence[str],
    found: Submitted,
    lock: threading.Lock,
    ready: threading.Barrier,
) -> None:
    chance = random.Random(number)
    order = chance.sample(keys, len(keys))
    with httpx.Client(base_url=address, timeout=60) as client:
        ready.wait()
        for key in order:
            while not _send(client, key, chance, found, lock):
                pass


def _send(
    client: httpx.Client, key: str, chance: random.Random, found: Submitted, lock: threading.Lock
) -> bool:
    """Submit once; whether an answer was read."""
    body = {"spec": SPEC | {"seed": int(key.rpartition("-")[2])}, "name": key}
    patience_s = chance.uniform(0.001, 0.05) if chance.random() < GIVEN_UP else 60.0
    begin = time.perf_counter()
    try:
        answer = client.post(
            "/api/v1/jobs", json=body, headers={"Idempotency-Key": key}, timeout=patience_s
        )
    except httpx.TimeoutException:
        with lock:
            found.given_up += 1
        return False
    with lock:
        if answer.status_code != 201:
            found.refused[answer.text] += 1
            return True
        found.delays_s.append(time.perf_counter() - begin)
        found.answers[key][answer.json()["id"]] += 1
        found.created += "idempotent-replayed" not in answer.headers
    return True


def main() -> None:
    """Measure both databases and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="20 keys instead of 100")
    parser.add_argument("--submitters", type=int, default=50)
    parser.add_argument("--kind", choices=KINDS, action="append", help="only this database")
    parser.add_argument("--postgresql", default=POSTGRESQL, help="address of the server")
    given = parser.parse_args()
    keys = [f"key-{n}" for n in range(20 if given.quick else 100)]
    print(
        f"{tables.machine()}, {tables.versions('colrow', 'fastapi', 'uvicorn')}; "
        f"{given.submitters} submitters, {len(keys)} keys each\n"
    )
    rows = []
    for kind in given.kind or KINDS:
        with database(kind, given.postgresql) as url:
            found = submit_all(url, submitters=given.submitters, keys=keys)
        for told in list(found.refused)[:3]:
            print(f"refused: {told}")
        ms = [1000 * each for each in found.delays_s]
        exact = found.jobs == len(keys) == found.keys_with_one_job and not found.refused
        rows.append(
            [
                TITLES[kind], f"{found.jobs} {tables.answer(exact)}",
                f"{len(ms):,}", f"{found.given_up:,}", f"{sum(found.refused.values())}",
                f"{len(ms) / found.seconds:.0f}", f"{tables.quantile(ms, 0.5):.0f} ms",
                f"{tables.quantile(ms, 0.95):.0f} ms",
            ]
        )  # fmt: skip
    head = ["database", "jobs", "answers", "given up and sent again", "refused", "answers/s"]
    tables.print_table([*head, "median", "p95"], rows)
    print(f"\nload average at the end: {tables.load()}")


if __name__ == "__main__":
    main()
