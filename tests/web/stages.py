"""Services for the page to be looked at, each in a state of its own.

`odd` has what is awkward to show: names of 200 characters and of many scripts, values that are not
finite, a sweep without a baseline, jobs in every state, workers that are late or lost, caps and
tokens. `empty` has nothing, `locked` asks for a token, and `busy` is a whole `colrow up` that has
trained a sweep and a study and still trains.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import update

import migrations
from colrow import Client
from colrow.local.own_service import Place, own_token, serving
from colrow.specfile import read_sweep
from crs_core.events import Points
from store import tokens, workers
from store.attempts import Outcome
from store.session import Database
from store.tables import Worker
from tests.web.bench import BASE, Bench, Lab, rule
from tests.web.browser import ROOT, Api

LONG = "a-name-of-200-characters-" * 8
SENTENCE = ("the widest network of the second week, with more seeds and a smaller step " * 3)[:200]
SCRIPTS = (
    "תוצאות ראשונות של הרשת הרחבה",
    "تجربة الشبكة العريضة مع بذور أكثر",
    "宽网络的第一次结果，更多随机种子",
    "широкая сеть, вторая неделя 🧪",
    "<b>not bold</b> & \"quoted\" 'names'",
)
DIVERGED = (
    "the training loss is nan at step 12: training has diverged. Try a smaller learning rate, or a "
    "policy that keeps more pairs."
)
TRACE = "Traceback (most recent call last):\n" + "".join(
    f'  File "/opt/colrow/crs_core/engine/loop.py", line {n}, in step_{n}\n' for n in range(40, 52)
)


@dataclass(frozen=True)
class Stage:
    """A service and what in it a picture wants to name."""

    url: str
    jobs: dict[str, str] = field(default_factory=dict)
    sweeps: dict[str, str] = field(default_factory=dict)
    secret: str = ""


@contextlib.contextmanager
def _bench(folder: Path) -> Iterator[Bench]:
    url = f"sqlite:///{folder / 'colrow.db'}"
    migrations.upgrade(url)
    database, api = Database(url), Api(url).start()
    try:
        yield Bench(database, api)
    finally:
        api.stop()
        database.close()


@contextlib.contextmanager
def empty(folder: Path) -> Iterator[Stage]:
    """A service on its first day: no job, no worker."""
    url = f"sqlite:///{folder / 'colrow.db'}"
    migrations.upgrade(url)
    api = Api(url).start()
    try:
        yield Stage(api.url)
    finally:
        api.stop()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[Stage]:
    """A service that asks for a token; it has users, tokens in every state, and refused changes."""
    url = f"sqlite:///{folder / 'colrow.db'}"
    migrations.upgrade(url)
    database = Database(url)
    with database.write() as session:
        secret = tokens.issue(session, "root", "admin", name="first", expires_in_s=86_400).secret
    api = Api(url, COLROW_PRIVATE="1").start()
    lab = Lab(api, database)
    try:
        for user, role in (("ada", "user"), ("grace", "viewer"), ("a" * 40, "user")):
            token, own = lab.token(user, role)  # type: ignore[arg-type]
            if role == "user":
                lab.job(own, f"first of {user}")
            else:
                lab.revoke(token)
        yield Stage(api.url, secret=secret)
    finally:
        api.stop()
        database.close()


@contextlib.contextmanager
def odd(folder: Path) -> Iterator[Stage]:
    """A service whose names, values and jobs are awkward to show."""
    with _bench(folder) as bench:
        sweeps = {"plain": bench.sweep(), "study": bench.study()}
        sweeps |= {"alone": _without_baseline(bench), "broken": _diverging(bench)}
        jobs = _jobs(bench)
        _workers(bench)
        yield Stage(bench.api.url, jobs, sweeps)


def _without_baseline(bench: Bench) -> str:
    variants = [{"approximation": rule("topk", r)} for r in (0.5, 0.25)]
    body = {"name": SENTENCE, "base": BASE, "axes": {"seed": [0, 1]}, "variants": variants}
    made = bench.api.post("/sweeps", body)
    for _ in made["jobs"]:
        bench.train()
    return str(made["id"])


def _diverging(bench: Bench) -> str:
    """A sweep of which some seeds diverged, and one setting whole."""
    variants: list[dict[str, Any]] = [{"approximation": []}]
    variants += [{"approximation": rule("topk", 0.5)}, {"approximation": rule("uniform", 0.1)}]
    body = {"name": "some diverge", "base": BASE, "axes": {"seed": [0, 1, 2]}, "variants": variants}
    made = bench.api.post("/sweeps", body)
    for _ in made["jobs"]:
        rules, seed = (claim := bench.start()).spec.approximation, claim.spec.seed
        if not rules or (rules[0].policy.name == "topk" and seed < 2):
            bench.record(claim, [Points(step=40, epoch=2, values=_end(0.97, bool(rules)))])
            bench.finish(claim)
        else:
            _lose(bench, claim)
    return str(made["id"])


def _end(accuracy: float, is_sampled: bool) -> dict[str, float]:
    values = {"best_test_accuracy": accuracy, "test_accuracy": accuracy, "seconds": 2.0}
    return values | {"compute_reduction": 0.5 if is_sampled else 0.0, "train_loss": 0.1}


def _lose(bench: Bench, claim: Any) -> None:
    """Let the job diverge: finite, then huge, infinite, not a number."""
    for step, loss in enumerate((2.0, 9.5, 4e8, float("inf"), float("nan"), float("nan")), 1):
        bench.step(claim, step, train_loss=loss, test_accuracy=0.1)
    bench.finish(claim, Outcome.FAILED, kind="diverged", message=DIVERGED)


def _jobs(bench: Bench) -> dict[str, str]:
    """A job of each state; the ids by what they are."""
    jobs = {"long": bench.job(LONG)}
    bench.train()
    for seed, name in enumerate((SENTENCE, *SCRIPTS), 10):
        jobs[name] = bench.job(name, seed=seed)
        bench.train()
    jobs["failed"] = bench.job("falls over", seed=20)
    claim = bench.start()
    bench.step(claim, 1, train_loss=2.0)
    bench.record(claim, [], log=TRACE)
    bench.finish(claim, Outcome.FAILED, kind="internal", message=f"{TRACE}KeyError: {LONG}")
    jobs["diverged"] = bench.job("diverges", seed=21)
    _lose(bench, bench.start())
    jobs["running"] = bench.job(SCRIPTS[1], seed=22)
    claim = bench.start()
    for step in range(1, 16):
        bench.step(claim, step, train_loss=2 / step, steps_per_s=0.5)
    bench.layers(claim)
    bench.record(claim, [], log="epoch 0: training loss 0.133\n" * 3)
    with bench.database.write() as session:
        use = [workers.DeviceUse("cpu", utilization=0.75)]
        workers.beat(session, bench.worker, "busy", memory_used_bytes=1 << 31, device_use=use)
    jobs["queued"] = bench.job(LONG, seed=23)
    bench.job(SCRIPTS[0], seed=24, resources={"devices": 4})
    bench.job("", seed=25)
    return jobs


def _workers(bench: Bench) -> None:
    """Beside the busy one, one that is idle, one late and one lost."""
    slot = workers.NewWorker(
        name="gpu-node-17.cluster.example.org-slot-3", host="gpu-node-17.cluster.example.org",
        pid=31, kind="cuda", devices=["cuda:0", "cuda:1"], threads=16, memory_bytes=1 << 39,
        datasets=["digits", "mnist", "fashion-mnist", "cifar-10", "cifar-100"],
        versions={"torch": "2.13.0+cu130", "python": "3.12.11", "cuda": "13.0"},
    )  # fmt: skip
    with bench.database.write() as session:
        workers.register(session, slot)
        for name, age_s in (("late", 20), ("lost", 600)):
            made = workers.register(session, replace(slot, name=name, pid=age_s))
            aged = update(Worker).where(Worker.key == made)
            session.execute(aged.values(seen_at=Worker.seen_at - age_s))


@contextlib.contextmanager
def busy(folder: Path, port: int) -> Iterator[Stage]:
    """A whole service that trained the demo's sweep, and a study, and still trains."""
    place = Place(folder, port, 1)
    with serving(place) as (url, _), Client(url, token=own_token(place, url)) as client:
        yield prepared(client)


def prepared(client: Client) -> Stage:
    """Submit what the pictures show, and wait until it is there."""
    examples = ROOT / "colrow/examples"
    study, demo = read_sweep(examples / "figure-1a.yaml"), read_sweep(examples / "demo-digits.yaml")
    few = client.sweep(study.base | {"draws": 60}, variants=study.variants, name=study.name)
    diverging = demo.base | {"training": {"epochs": 5, "optimizer": {"name": "sgd", "lr": 1000}}}
    failed = client.submit(diverging, name="a learning rate of a thousand")["id"]
    made = client.sweep(demo.base, axes=demo.axes, variants=demo.variants, name=demo.name)
    for job in (*few["jobs"], failed, *made["jobs"]):
        client.wait(job if isinstance(job, str) else job["id"], timeout_s=300)
    long = demo.base | {"training": {"epochs": 100_000, "batch_size": 50}}
    running = client.submit(long, name="goes on and on")["id"]
    queued = client.submit(demo.base | {"seed": 9}, name="waits for its turn")["id"]
    client.submit(demo.base | {"resources": {"devices": 8}}, name="wants eight devices")
    end_s = time.monotonic() + 60
    while client.job(running)["progress"]["step"] < 200 and time.monotonic() < end_s:
        time.sleep(0.2)
    first = made["jobs"][0]
    done = {"done": first if isinstance(first, str) else first["id"]}
    jobs = done | {"failed": failed, "running": running, "queued": queued}
    return Stage(client.base_url, jobs, {"demo": made["id"], "study": few["id"]})
