"""A worker tells what its machine offers, and no two living ones share a name."""

import os
import socket
import subprocess
import sys
from dataclasses import replace

import pytest

from crs_core.data.facts import FACTS
from store import workers
from worker import host
from worker.settings import Settings
from worker.slot import Slot


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.delenv("COLROW_DATA", raising=False)

    def make(**fields):
        return Settings(database_url="sqlite://", broker_url="redis://", home=tmp_path, **fields)

    return make


def test_workers_of_one_host_get_names_that_differ_and_come_back_after_a_restart(settings):
    first, second = (host.take_name(settings()) for _ in range(2))
    here = socket.gethostname()
    assert [first.text, second.text] == [f"{here}/cpu/1", f"{here}/cpu/2"]
    first.lock.close()
    again = host.take_name(settings())
    assert again.text == f"{here}/cpu/1"
    for name in (again, second):
        name.lock.close()


def test_a_name_that_a_living_worker_has_is_refused(settings):
    taken = host.take_name(settings(name="left"))
    with pytest.raises(host.NameTaken, match="another worker runs under the name 'left'"):
        host.take_name(settings(name="left"))
    taken.lock.close()


def test_a_process_is_gone_only_when_that_is_known():
    here = socket.gethostname()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    assert not host.is_gone(here, ended.pid)  # at the latest until it is waited for
    ended.wait()
    assert host.is_gone(here, ended.pid)
    assert not host.is_gone("another-host", ended.pid)
    assert not host.is_gone(here, os.getppid())
    assert host.is_gone(here, os.getpid()), "our own number was another's before"


@pytest.mark.parametrize(("is_dead", "state"), [(True, "queued"), (False, "running")])
def test_a_slot_gives_back_at_its_start_what_a_dead_process_left(
    bench, is_dead, state, monkeypatch
):
    monkeypatch.setattr(socket, "gethostname", lambda: "here")  # the host of the bench's worker
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    said = host.describe(bench.settings, "w")
    former = replace(said, pid=ended.pid if is_dead else os.getppid())
    bench.write(workers.register, former)
    claim = bench.begin()
    Slot(bench.settings, bench.database, said).start()
    assert bench.job(claim.job_id).state == state
    assert bench.read(workers.process_of, "w") == (said.host, os.getpid())


def test_an_offline_worker_names_the_data_sets_it_has(settings, tmp_path):
    assert host.datasets(settings(offline=True)) == ("digits", "pydoc")
    folder = tmp_path / "datasets/mnist"
    folder.mkdir(parents=True)
    for file in FACTS["mnist"].files:
        with (folder / file.name).open("wb") as made:
            made.truncate(file.size)
    assert host.datasets(settings(offline=True)) == ("digits", "mnist", "pydoc")


def test_a_worker_that_may_download_can_have_any_data_set(settings):
    assert host.datasets(settings()) is None


def test_threads_are_what_is_set_or_else_every_cpu_that_may_be_used(settings):
    assert host.thread_count(settings(threads=3)) == 3
    assert host.thread_count(settings()) == len(os.sched_getaffinity(0))


def test_a_slot_describes_its_devices(settings):
    on_cpu = host.describe(settings(), "a")
    assert (on_cpu.kind, on_cpu.devices, on_cpu.pid) == ("cpu", ("cpu",), os.getpid())
    on_cuda = host.describe(settings(devices="0,1"), "b")
    assert (on_cuda.kind, on_cuda.devices) == ("cuda", ("0", "1"))


def test_the_memory_of_the_host_is_told():
    total, used = host.memory(())
    assert total is not None
    assert used is not None
    assert 0 < used < total


def fake_nvidia_smi(folder, monkeypatch, script):
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")


def test_the_memory_of_cuda_devices_is_summed(tmp_path, monkeypatch):
    fake_nvidia_smi(tmp_path, monkeypatch, 'test "$4" = 0,1 && printf "80, 3\\n60, 4\\n"')
    assert host.memory(("0", "1")) == (140 << 20, 7 << 20)


@pytest.mark.parametrize("script", ["exit 9", 'echo "[N/A], [N/A]"'])
def test_a_driver_that_does_not_answer_leaves_the_memory_unknown(tmp_path, monkeypatch, script):
    fake_nvidia_smi(tmp_path, monkeypatch, script)
    assert host.memory(("0",)) == (None, None)
