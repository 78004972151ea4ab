"""What NVML says is passed on; what it does not say is left out. (No NVIDIA device is needed.)"""

import sys
from types import SimpleNamespace

import pynvml
import pytest

from store import workers
from store.workers import DeviceUse
from worker import devices, host
from worker.__main__ import NoDevice, demand_devices
from worker.heartbeat import Heartbeat
from worker.settings import Settings, trainer_environment
from worker.slot import Slot

UUID = "GPU-0123"


@pytest.fixture
def nvml(monkeypatch):
    """A driver with two devices, of which the second tells no use."""

    def handle(name):
        if name not in (0, 1, UUID):
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return 0 if name == UUID else name

    def rates(device):
        if device == 1:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return SimpleNamespace(gpu=75, memory=10)

    calls = []
    for name, answer in {
        "nvmlInit": lambda: calls.append("init"),
        "nvmlShutdown": lambda: calls.append("shutdown"),
        "nvmlDeviceGetHandleByIndex": handle,
        "nvmlDeviceGetHandleByUUID": handle,
        "nvmlDeviceGetName": lambda device: b"Old" if device == 1 else "NVIDIA H100",
        "nvmlDeviceGetMemoryInfo": lambda _: SimpleNamespace(total=80 << 30, used=3 << 30),
        "nvmlDeviceGetUtilizationRates": rates,
    }.items():
        monkeypatch.setattr(pynvml, name, answer)
    return calls


def test_devices_tell_name_memory_and_use(nvml):
    assert devices.uses(("0", "1")) == (
        DeviceUse("0", "NVIDIA H100", 80 << 30, 3 << 30, 0.75),
        DeviceUse("1", "Old", 80 << 30, 3 << 30, None),
    )
    assert nvml == ["init", "shutdown"]
    assert [use.device for use in devices.uses((UUID, "7"))] == [UUID]
    assert host.memory(("0", "1")) == (160 << 30, 6 << 30)


def test_a_device_that_the_driver_has_not_is_missing(nvml, monkeypatch):
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 2)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetUUID", lambda handle: f"{UUID}-{handle}".encode())
    assert devices.missing(("0", "1", UUID, f"{UUID}-1", "MIG-7")) == ()
    assert devices.missing(("1", "2", "GPU-9")) == ("2", "GPU-9")


def test_where_the_driver_is_silent_torch_is_asked_in_a_process(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert devices.missing(("0",)) is None
    settings = Settings(database_url="sqlite://", broker_url="redis://", home="/h", devices="0,7")
    seen = []
    monkeypatch.setattr(devices, "seen_by_torch", lambda env: seen.append(env) or 2)
    demand_devices(settings)
    assert seen[0]["CUDA_VISIBLE_DEVICES"] == "0,7"
    monkeypatch.setattr(devices, "seen_by_torch", lambda _: None)
    demand_devices(settings)  # torch says nothing: the jobs will tell
    monkeypatch.setattr(devices, "seen_by_torch", lambda _: 1)
    with pytest.raises(NoDevice, match="no CUDA device 0, 7 on this machine; name those that"):
        demand_devices(settings)


def test_torch_itself_says_how_many_it_sees(monkeypatch, tmp_path):
    assert devices.seen_by_torch(trainer_environment(1, ("99",))) == 0
    assert devices.seen_by_torch({"PYTHONHOME": str(tmp_path)}) is None


def test_a_worker_on_the_cpu_asks_nobody(nvml):
    assert devices.uses(()) == ()
    assert nvml == []


@pytest.mark.parametrize(
    "code", [pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH]
)
def test_without_a_driver_nothing_is_told(monkeypatch, code):
    def fail():
        raise pynvml.NVMLError(code)

    monkeypatch.setattr(pynvml, "nvmlInit", fail)
    assert devices.uses(("0",)) == ()


def test_without_the_library_nothing_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert devices.uses(("0",)) == ()


def test_on_this_machine_the_real_library_is_asked():
    for use in devices.uses(("0",)):
        assert use.memory_bytes is None or use.memory_bytes > 0


def test_a_heartbeat_brings_versions_devices_and_the_clock(bench, nvml):
    settings = bench.settings.model_copy(update={"devices": "0,1"})
    slot = Slot(settings, bench.database, host.describe(settings, "mine"))
    slot.start()
    Heartbeat(slot, lambda: None)._beat()
    (view,) = [v for v in bench.read(workers.list_workers) if v.name == "mine"]
    assert [use.utilization for use in view.device_use] == [0.75, None]
    assert set(view.versions) == {"python", "torch", "colrow"}
    assert view.memory_used_bytes == 6 << 30
    assert abs(view.clock_offset_s) < 30
