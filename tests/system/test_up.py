"""`colrow up`: one command starts everything, and nothing outlives it."""

import contextlib
import itertools
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from colrow.client import Client
from tests.system.installation import long_spec, tiny_spec, wait_until

pytestmark = pytest.mark.system

FAST = {
    "COLROW_LEASE_S": "3",
    "COLROW_HEARTBEAT_S": "0.5",
    "COLROW_SWEEP_S": "1",
    "COLROW_OFFLINE": "true",
}


class Up:
    """A `colrow up` on a data folder, and all the processes that belong to it."""

    def __init__(self, data: Path, said: Path, *words: str, prefix: tuple[str, ...] = ()) -> None:
        self.data = data
        self.runtime: str | None = None
        self.said = said
        environment = {k: v for k, v in os.environ.items() if not k.startswith("COLROW_")}
        command = [*prefix, sys.executable, "-m", "colrow", "up", "--data", str(data)]
        command += words or ("--port", "0", "--workers", "1")
        with self.said.open("wb") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=environment | FAST
            )

    def words(self) -> str:
        return self.said.read_text()

    def wait_until_ready(self) -> "Up":
        def is_ready() -> bool:
            assert self.process.poll() is None, self.words()
            return "Colrow is at " in self.words()

        wait_until(is_ready, "colrow up is ready")
        return self

    @property
    def url(self) -> str:
        found = re.search(r"Colrow is at (http://\S+)", self.words())
        assert found
        return found[1]

    def stop(self, number: signal.Signals = signal.SIGINT, *, timeout_s: float = 30) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout_s)

    def refusal(self) -> str:
        """Wait for it to refuse, and give its one sentence."""
        assert self.process.wait(60) == 1
        words = self.words()
        assert "Traceback" not in words
        assert words.startswith("colrow: ")
        assert words.count("\n") == 1
        return words

    def pid_of(self, part: str) -> int:
        """Give the process id of `api`, `worker` or `valkey-server`."""
        found = [pid for pid, words in self.processes().items() if has(words, part)]
        assert len(found) == 1, self.processes()
        return found[0]

    def processes(self) -> dict[int, str]:
        """Give the command lines of all that was started by this and still runs."""
        # Valkey writes its title over its command line: only the folder of its socket is left.
        with contextlib.suppress(OSError, TypeError, ValueError, KeyError):
            self.runtime = json.loads((self.data / "up.lock").read_text())["runtime"]
        return processes_of(self.data, self.runtime)


StartUp = Callable[..., Up]


def has(words: str, part: str) -> bool:
    return re.search(rf"{re.escape(part)}( |$)", words) is not None


def processes_of(data: Path, runtime: str | None = None) -> dict[int, str]:
    """Give the command lines of the processes that belong to a data folder."""
    home = str(data).encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
            ours = (
                home in words
                or (runtime is not None and runtime.encode() in words)
                or b"COLROW_HOME=" + home in (entry / "environ").read_bytes()
            )
            if ours and int(entry.name) != os.getpid():
                found[int(entry.name)] = words.decode(errors="replace").strip()
    return found


@pytest.fixture
def up(tmp_path: Path) -> Iterator[StartUp]:
    started: list[Up] = []

    def start(*words: str, data: Path | None = None, prefix: tuple[str, ...] = ()) -> Up:
        said = tmp_path / f"said-{len(started)}.txt"
        started.append(Up(data or tmp_path / "data", said, *words, prefix=prefix))
        return started[-1]

    yield start
    for made in started:
        made.process.kill()
        made.process.wait()
    for made in started:
        wait_until(lambda made=made: not made.processes(), "nothing is left")


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_leaves_no_process(up, number):
    service = up().wait_until_ready()
    assert len(service.processes()) == 4  # itself, broker, worker, api
    with Client(service.url) as client:
        job = client.submit(tiny_spec())
        assert client.wait(job["id"], timeout_s=60)["state"] == "succeeded"
    begin = time.monotonic()
    assert service.stop(number) == 0
    assert time.monotonic() - begin < 10
    assert not service.processes()
    assert "Colrow stops" in service.words()


def test_a_signal_during_the_start_leaves_no_process(up):
    service = up()
    wait_until(lambda: "valkey" in str(service.processes()), "the broker is started")
    assert service.stop() == 0
    assert not service.processes()
    assert up().wait_until_ready().stop() == 0


def test_a_running_job_is_saved_at_the_stop_and_goes_on_at_the_next_start(up):
    service = up().wait_until_ready()
    with Client(service.url) as client:
        job = client.submit(long_spec(3000))["id"]
        wait_until(lambda: client.job(job)["progress"]["step"] >= 20, "the job has made steps")
    assert service.stop() == 0
    assert not service.processes()
    service = up().wait_until_ready()
    with Client(service.url) as client:
        done = client.wait(job, timeout_s=120)
        assert done["state"] == "succeeded", done
        _, second = done["attempts"]
        assert second["resumed_from"] is not None
        assert second["start_step"] >= 20
        steps = client.curves([job], metrics=["train_loss"])[0]["steps"]
        assert (steps[0], steps[-1]) == (10, 3000)
        assert all(0 < after - before <= 10 for before, after in itertools.pairwise(steps))


def test_a_second_up_on_the_same_folder_is_refused_and_the_first_stays(up):
    first = up().wait_until_ready()
    told = up().refusal()
    assert f"another `colrow up` (process {first.process.pid}, {first.url}) uses" in told
    with Client(first.url) as client:
        assert client.catalog()


def test_a_second_up_on_the_same_port_is_refused_and_the_first_stays(up, tmp_path):
    first = up().wait_until_ready()
    port = first.url.rpartition(":")[2]
    told = up("--port", port, data=tmp_path / "other").refusal()
    assert f"port {port} on 127.0.0.1 is in use" in told
    assert not (tmp_path / "other").exists()
    with Client(first.url) as client:
        assert client.catalog()


@pytest.mark.parametrize(
    ("part", "name"), [("valkey-server", "broker"), ("-m api", "api"), ("-m worker", "worker-1")]
)
def test_a_part_that_is_killed_is_started_again_and_jobs_run_on(up, part, name):
    service = up().wait_until_ready()
    with Client(service.url) as client:
        job = client.submit(long_spec(1500))["id"]
        wait_until(lambda: client.job(job)["progress"]["step"] >= 20, "the job has made steps")
        before = service.pid_of(part)
        os.kill(before, signal.SIGKILL)
        wait_until(
            lambda: any(
                has(words, part) for pid, words in service.processes().items() if pid != before
            ),
            f"{name} is started again",
        )
        assert f"{name} was killed by signal 9; it starts again" in service.words()
        wait_until(lambda: _is_ready(service.url), "the service is ready again")
        assert client.wait(job, timeout_s=120)["state"] == "succeeded"
        assert client.wait(client.submit(tiny_spec())["id"], timeout_s=60)["state"] == "succeeded"
    assert service.stop() == 0
    assert not service.processes()


def _is_ready(url: str) -> bool:
    import httpx

    try:
        return bool(httpx.get(f"{url}/readyz", trust_env=False).json()["status"] == "ok")
    except (httpx.TransportError, KeyError, ValueError):
        return False


def test_killing_up_itself_leaves_no_orphan_and_the_next_start_goes_on(up):
    service = up().wait_until_ready()
    with Client(service.url) as client:
        job = client.submit(long_spec(1500))["id"]
        wait_until(lambda: client.job(job)["progress"]["step"] >= 20, "the job has made steps")
    assert len(service.processes()) == 5  # with the trainer
    service.process.kill()
    service.process.wait()
    wait_until(lambda: not service.processes(), "no orphan is left", timeout_s=10)
    runtime = Path(yaml.safe_load((service.data / "up.lock").read_text())["runtime"])
    assert runtime.exists()
    again = up().wait_until_ready()
    assert not runtime.exists()
    with Client(again.url) as client:
        assert client.wait(job, timeout_s=120)["state"] == "succeeded"


def test_a_data_folder_that_cannot_be_written_to_is_told(up):
    # Nobody can make a folder there, root included.
    told = up(data=Path("/sys/colrow")).refusal()
    assert re.search(r"the data folder /sys/colrow cannot be (written to|used)", told)
    assert "choose another with --data or COLROW_HOME" in told


def test_a_full_disk_is_told(up, tmp_path):
    (tmp_path / "small").mkdir()
    mount = f'mount -t tmpfs -o size=256k none {tmp_path}/small && exec "$@"'
    prefix = ("unshare", "-m" if os.geteuid() == 0 else "-rm", "sh", "-c", mount, "sh")
    trial = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    if trial.returncode == 0:
        told = up(data=tmp_path / "small" / "data", prefix=prefix).refusal()
        assert "small/data is full: Colrow needs at least" in told
    else:  # where nothing may be mounted, a limit on the size of files stands for the disk
        limit = ("sh", "-c", 'ulimit -f 1 && exec "$@"', "sh")
        assert "cannot be used" in up(data=tmp_path / "data", prefix=limit).refusal()


def test_a_file_in_the_place_of_the_data_folder_is_told(up, tmp_path):
    (tmp_path / "file").touch()
    assert "is a file, or lies below one" in up(data=tmp_path / "file").refusal()


def test_a_database_of_a_newer_schema_is_told_and_left_as_it_is(up):
    service = up().wait_until_ready()
    assert service.stop() == 0
    path = service.data / "colrow.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    again = up()
    assert "was written by a newer Colrow: its schema is 9999" in again.refusal()
    assert not again.processes()
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


def test_broker_data_that_cannot_be_read_are_set_aside(up):
    service = up().wait_until_ready()
    assert service.stop() == 0
    for file in (service.data / "broker").rglob("*.manifest"):
        file.write_text("nonsense\n")
    again = up().wait_until_ready()
    assert "the broker could not read its data" in again.words()
    with Client(again.url) as client:
        assert client.wait(client.submit(tiny_spec())["id"], timeout_s=60)["state"] == "succeeded"


@pytest.mark.parametrize("stays_up", [False, True])
def test_the_demo_trains_compares_and_stops_cleanly(tmp_path, stays_up):
    sweep = tmp_path / "sweep.yaml"
    variants = [{"approximation": []}, {"approximation": [{"policy": "topk", "forward": 0.5}]}]
    base = tiny_spec()
    sweep.write_text(yaml.safe_dump({"base": base, "variants": variants, "axes": {"seed": [0, 1]}}))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COLROW_")}
    command = [sys.executable, "-m", "colrow", "demo", "--spec", str(sweep), "--port", "0"]
    command += ["--data", str(tmp_path / "data"), *(() if stays_up else ("--exit",))]
    said = tmp_path / "said.txt"
    with said.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment | FAST
        )
    if stays_up:
        wait_until(lambda: "Ctrl-C stops the service." in said.read_text(), "it stays up")
        process.send_signal(signal.SIGINT)
    assert process.wait(120) == 0, said.read_text()
    assert re.search(r"topk +50 % .* \(2\)", said.read_text())
    assert "4 jobs in" in said.read_text()
    assert not processes_of(tmp_path / "data")


def test_a_trainer_dies_with_its_worker(up):
    service = up().wait_until_ready()
    with Client(service.url) as client:
        job = client.submit(long_spec(100_000))["id"]
        wait_until(lambda: client.job(job)["progress"]["step"] >= 20, "the job has made steps")
        trainer = service.pid_of("worker.trainer")
        service.process.kill()
        wait_until(lambda: ended(trainer), "the trainer has ended", timeout_s=10)
