"""A worker tells what its machine offers, and no two living ones share a name."""

import os
import shutil
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from crs_core.data.facts import FACTS
from store import workers
from store.errors import Conflict, StorageSetting
from store.slots import Device
from store.workers import DeviceUse
from tests.read_only import read_only
from worker import host
from worker.__main__ import enter
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


def test_workers_that_see_two_host_names_of_one_machine_say_that_it_is_one(
    settings, monkeypatch, tmp_path
):
    said = []
    for container in ("3f2a", "9c41"):
        monkeypatch.setattr(socket, "gethostname", lambda name=container: name)
        said.append(host.describe(settings(), container))
    assert said[0].host != said[1].host
    assert said[0].machine == said[1].machine
    assert said[0].machine == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert host.machine(tmp_path / "none") is None


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
    now = bench.read(workers.process_of, "w")
    assert now == workers.Process(said.host, os.getpid(), host.home_id(bench.settings))


def sharing(bench, tmp_path, **changes):
    """Settings of a worker whose checkpoints are where those of all the others are."""
    return bench.settings.model_copy(update={"storage": f"file://{tmp_path}/lab"} | changes)


def another_home(bench, tmp_path):
    return sharing(bench, tmp_path, home=tmp_path / "other", name=None)


@pytest.mark.parametrize(
    "database_url",
    [pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))],
    indirect=True,
)
def test_a_worker_that_starts_while_the_server_only_reads_waits_for_it(
    bench, tmp_path, database_url
):
    settings = sharing(bench, tmp_path, name=None)
    name, slot = enter(settings, bench.database)
    name.lock.close()
    with ThreadPoolExecutor(1) as threads:
        with read_only(database_url):
            entered = threads.submit(enter, settings, bench.database)
            time.sleep(0.5)
            assert not entered.done()
        name, again = entered.result(10)
    assert again.key == slot.key
    name.lock.close()


def test_a_name_that_a_living_worker_of_another_home_has_is_passed_over(bench, tmp_path):
    """Two homes of one host share a database: their locks know nothing of each other."""
    ours = sharing(bench, tmp_path, name=None)
    theirs = another_home(bench, tmp_path)
    here = socket.gethostname()
    name, slot = enter(ours, bench.database)
    other, slot_of_other = enter(theirs, bench.database)
    assert (name.text, other.text) == (f"{here}/cpu/1", f"{here}/cpu/2")
    assert slot.key != slot_of_other.key
    other.lock.close()
    again, slot_again = enter(theirs, bench.database)  # as after a kill: its row still says idle
    assert (again.text, slot_again.key) == (other.text, slot_of_other.key)
    for taken in (name, again):
        taken.lock.close()


def test_a_worker_of_another_home_does_not_end_what_ours_runs(bench, tmp_path, monkeypatch):
    """In a container another's process id says nothing."""
    monkeypatch.setattr(socket, "gethostname", lambda: "here")  # the host of the bench's worker
    ours, theirs = host.describe(bench.settings, "w"), another_home(bench, tmp_path)
    bench.write(workers.register, ours)
    claim = bench.begin()
    monkeypatch.setattr(host, "is_gone", lambda *_: True)
    with pytest.raises(Conflict, match="from another data folder or host; stop it, or give"):
        Slot(theirs, bench.database, host.describe(theirs, "w")).start()
    assert bench.job(claim.job_id).state == "running"


def test_a_name_that_somebody_chose_is_refused_while_another_home_has_it(
    bench, tmp_path, monkeypatch
):
    monkeypatch.setattr(socket, "gethostname", lambda: "here")
    name, _ = enter(sharing(bench, tmp_path), bench.database)
    theirs = another_home(bench, tmp_path).model_copy(update={"name": "w"})
    with pytest.raises(Conflict, match="runs under the name 'w', from another data folder"):
        enter(theirs, bench.database)
    name.lock.close()


def test_a_home_whose_files_the_others_do_not_reach_is_refused(bench, tmp_path):
    name, _ = enter(bench.settings.model_copy(update={"name": None}), bench.database)
    alone = bench.settings.model_copy(update={"home": tmp_path / "other", "name": None})
    with pytest.raises(StorageSetting, match=r"lie in .*/home, and .*/other is not that place"):
        enter(alone, bench.database)
    name.lock.close()


def test_a_copy_of_a_home_is_another_one(settings, tmp_path):
    first = host.home_id(settings())
    assert host.home_id(settings()) == first
    shutil.copytree(tmp_path / "workers", tmp_path / "copy/workers")
    copy = settings().model_copy(update={"home": tmp_path / "copy"})
    assert host.home_id(copy) != first


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


def test_a_slot_on_the_cpu_says_what_the_host_is(settings):
    (device,) = host.hardware(settings())
    assert device.memory_bytes == host.memory(())[0]
    assert device.name is None or device.name.strip()


def fake_nvidia_smi(folder, monkeypatch, script):
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")


def test_the_memory_of_cuda_devices_is_summed(tmp_path, monkeypatch):
    fake_nvidia_smi(tmp_path, monkeypatch, 'test "$4" = 0,1 && printf "80, 3\\n60, 4\\n"')
    assert host.memory(("0", "1")) == (140 << 20, 7 << 20)


def test_the_driver_is_asked_for_names_and_memory(settings, monkeypatch):
    told = {"0": "NVIDIA H100 80GB HBM3", "1": "NVIDIA L4"}
    monkeypatch.setattr(
        host, "uses", lambda names: tuple(DeviceUse(n, told[n], 80, 1, None) for n in names)
    )
    found = host.hardware(settings(devices="1,0"))
    assert found == (Device("NVIDIA L4", 80), Device("NVIDIA H100 80GB HBM3", 80))


def test_each_cuda_device_has_its_name_and_memory(settings, tmp_path, monkeypatch):
    rows = "NVIDIA H100 80GB HBM3, 81559\\nNVIDIA A100-SXM4-40GB, [N/A]\\n"
    fake_nvidia_smi(tmp_path, monkeypatch, f'printf "{rows}"')
    first, second = host.hardware(settings(devices="0,1"))
    assert (first.name, first.memory_bytes) == ("NVIDIA H100 80GB HBM3", 81559 << 20)
    assert (second.name, second.memory_bytes) == ("NVIDIA A100-SXM4-40GB", None)
    assert host.hardware(settings(devices="0,1,2")) == (), "which is which is not known"
    fake_nvidia_smi(tmp_path, monkeypatch, "echo No devices were found")
    assert host.hardware(settings(devices="0")) == ()


@pytest.mark.parametrize("script", ["exit 9", 'echo "[N/A], [N/A]"'])
def test_a_driver_that_does_not_answer_leaves_the_memory_unknown(tmp_path, monkeypatch, script):
    fake_nvidia_smi(tmp_path, monkeypatch, script)
    assert host.memory(("0",)) == (None, None)
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert host.memory(("0",)) == (None, None)
