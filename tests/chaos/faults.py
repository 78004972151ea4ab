"""What is done to a service: each breaks something for real, and says what it did.

A fault leaves the service able to mend itself; `World.tend` starts again what has ended. FAULTS
names them all; those of `CLUSTER_ONLY` need parts that the embedded profile does not have.
"""

import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from store import sweeper
from tests.chaos.world import World
from tests.system.installation import Worker

LEASE_S = 3.0
"""Of the installations of tests."""
_CGROUP = Path("/sys/fs/cgroup/memory")

_Found = TypeVar("_Found")
Fault = Callable[[World, random.Random], str]


def kill_trainer(world: World, chance: random.Random) -> str:
    """Kill -9 of a trainer."""
    return _kill(_a_trainer(world, chance), "trainer")


def kill_worker(world: World, chance: random.Random) -> str:
    """Kill -9 of a worker; its trainer dies with it."""
    return _kill(_a_worker(world, chance).pid, "worker")


def kill_api(world: World, chance: random.Random) -> str:
    """Kill -9 of the api."""
    return _kill(world.api.pid, "api")


def kill_broker(world: World, chance: random.Random) -> str:
    """Kill -9 of the broker; it starts again with what it had written."""
    assert world.broker.process is not None
    return _kill(world.broker.process.pid, "broker")


def empty_broker(world: World, chance: random.Random) -> str:
    """Empty the broker and start it anew: every message is lost."""
    with world.broker.client() as client:
        client.flushall()
    world.broker.stop()
    for file in world.broker.folder.rglob("*aof*"):
        if file.is_file():
            file.unlink()
    world.broker.start()
    return "the broker lost everything"


def restart_database(world: World, chance: random.Random) -> str:
    """Restart PostgreSQL in mid-write, as after a power cut."""
    assert world.postgres is not None
    world.postgres.restart_at_once()
    return "PostgreSQL was cut off and started again"


def freeze_worker(world: World, chance: random.Random) -> str:
    """Stop a worker past its lease and wake it; its late writes must be refused."""
    worker = _a_worker(world, chance)
    frozen_s = LEASE_S * chance.uniform(1.4, 2.0)
    worker.process.send_signal(signal.SIGSTOP)
    time.sleep(frozen_s)
    worker.process.send_signal(signal.SIGCONT)
    return f"{worker.name} was frozen for {frozen_s:.1f} s"


def cut_network(world: World, chance: random.Random) -> str:
    """Cut the workers off from their database, silently or with resets."""
    assert world.proxy is not None
    how = chance.choice(["silent", "refusing"])
    cut_s = LEASE_S * chance.uniform(0.3, 1.6)
    setattr(world.proxy, how, True)
    time.sleep(cut_s)
    setattr(world.proxy, how, False)
    return f"the network was {how} for {cut_s:.1f} s"


def shift_clock(world: World, chance: random.Random) -> str:
    """Start a worker again with its clock an hour off, or right again."""
    worker = _a_worker(world, chance)
    shift_s = chance.choice([-3600.0, 3600.0, 0.0])
    world.set_clock(worker.name, shift_s)
    worker.process.terminate()
    return f"{worker.name} starts again with its clock {shift_s:+.0f} s off"


def truncate_checkpoint(world: World, chance: random.Random) -> str:
    """Cut the newest checkpoint of a running job short, and kill its trainer."""
    job_id, pid = _a_running_job(world, chance)
    _kill(pid, "trainer")
    newest = _newest_checkpoint(world, job_id)
    for path in newest:
        with contextlib.suppress(FileNotFoundError):
            os.truncate(path, path.stat().st_size // 2)
    return f"{[path.name for path in newest]} of job {job_id[-6:]} was cut short"


def foreign_checkpoint(world: World, chance: random.Random) -> str:
    """Put the checkpoint of another job in the place of a running job's, and kill its trainer."""
    job_id, pid = _a_running_job(world, chance)
    others = [p for p in (world.home / "jobs").glob("*/a*/step-*.pt") if job_id not in str(p)]
    _kill(pid, "trainer")
    newest = _newest_checkpoint(world, job_id)
    for path in newest if others else []:
        with contextlib.suppress(FileNotFoundError):
            content = chance.choice(others).read_bytes()
            path.write_bytes(content)
    return f"{[path.name for path in newest]} of job {job_id[-6:]} became another's"


def fill_disk(world: World, chance: random.Random) -> str:
    """Fill the file system of the home while points and checkpoints are written."""
    assert world.is_mounted
    balloon = world.home / "balloon"
    full_s = chance.uniform(1.0, 3.0)
    with balloon.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 20))
    time.sleep(full_s)
    balloon.unlink()
    return f"the disk was full for {full_s:.1f} s"


def sweep_at_once(world: World, chance: random.Random) -> str:
    """Sweep from several threads, beside the workers' own."""

    def sweep() -> None:
        with contextlib.suppress(Exception), world.installation.database.write() as session:
            sweeper.sweep(session)

    threads = [threading.Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return "four sweeps at once"


def migrate_at_once(world: World, chance: random.Random) -> str:
    """Run two upgrades of the schema at once, on the living database."""
    command = [sys.executable, "-m", "colrow", "db", "upgrade"]
    command += ["--database", world.installation.database_url]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as one,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as other,
    ):
        said = [process.communicate()[0].decode() for process in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0), said
    return "two upgrades at once"


def run_out_of_memory(world: World, chance: random.Random) -> str:
    """Have the kernel kill a trainer for its memory; as kill -9 where no limit can be set."""
    pid = _a_trainer(world, chance)
    group = _CGROUP / f"colrow-chaos-{pid}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text("4194304")
        (group / "cgroup.procs").write_text(str(pid))
    except OSError:
        return _kill(pid, "trainer, for want of a memory limit,")
    end_s = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end_s:
        time.sleep(0.05)
    with contextlib.suppress(OSError):
        group.rmdir()
    return f"the kernel took trainer {pid} for its memory"


def refuse_memory(world: World, chance: random.Random) -> str:
    """Let a trainer have no more address space: it runs out of memory and says so."""
    pid = _a_trainer(world, chance)
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_AS, (1 << 20, 1 << 20))
    return f"trainer {pid} gets no more memory"


def stop_worker(world: World, chance: random.Random) -> str:
    """SIGTERM of a worker in the middle of a step: a checkpoint, and back to the queue."""
    worker = _a_worker(world, chance)
    worker.process.terminate()
    return f"{worker.name} was asked to stop"


FAULTS: Mapping[str, Fault] = {
    fault.__name__: fault
    for fault in (
        kill_trainer, kill_worker, kill_api, kill_broker, empty_broker, restart_database,
        freeze_worker, cut_network, shift_clock, truncate_checkpoint, foreign_checkpoint,
        fill_disk, sweep_at_once, migrate_at_once, run_out_of_memory, refuse_memory, stop_worker,
    )
}  # fmt: skip
CLUSTER_ONLY = {"restart_database", "cut_network"}
"""The embedded profile has no database server, and no network before it."""
ASKED_AGAIN = {"disk", "out_of_memory"}
"""Reasons of failure after which a person mends the machine and retries the job."""


def possible(world: World) -> list[str]:
    """Name the faults that this world can have."""
    return [
        name
        for name in FAULTS
        if (world.profile == "cluster" or name not in CLUSTER_ONLY)
        and (world.is_mounted or name != "fill_disk")
    ]


def _kill(pid: int, what: str) -> str:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return f"{what} {pid} was killed"


def _a_worker(world: World, chance: random.Random) -> Worker:
    return chance.choice(_until(lambda: world.workers, world))


def _a_trainer(world: World, chance: random.Random) -> int:
    return _a_running_job(world, chance)[1]


def _a_running_job(world: World, chance: random.Random) -> tuple[str, int]:
    """Give a job and its trainer's process."""
    return chance.choice(_until(lambda: list(_running(world)), world))


def _running(world: World) -> Iterator[tuple[str, int]]:
    for folder in (world.home / "jobs").glob("*"):
        for pid in world.installation.trainers(folder.name):
            yield folder.name, pid


def _until(find: Callable[[], list[_Found]], world: World) -> list[_Found]:
    end_s = time.monotonic() + 60
    while not (found := find()):
        assert time.monotonic() < end_s, "no worker or no trainer runs"
        world.tend()
        time.sleep(0.1)
    return found


def _newest_checkpoint(world: World, job_id: str) -> list[Path]:
    """Give the file that training goes on from; none where it is the last one, or there is none."""
    of = world.installation.job(job_id).progress.of
    paths = {
        int(path.stem.removeprefix("step-")): path
        for path in (world.home / "jobs" / job_id).glob("a*/step-*.pt")
    }
    newest = max(paths, default=of)
    return [] if newest == of else [paths[newest]]
