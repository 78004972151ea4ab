"""What driver and torch tell is put together; both are asked for real, and stand-ins for no GPU."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from colrow.local.doctor import devices
from tests.colrow.doctor.conftest import only

CUDA = {"torch": "2.13.0", "built_for": "13.0"}
CPU = {"torch": "2.13.0+cpu", "built_for": None}
H100 = {"driver": "590.1", "devices": ["NVIDIA H100", "NVIDIA H100"]}
MISMATCH = {"nvml_error": "Driver/library version mismatch", "mismatch": True}
ABSENT = {"nvml_error": "NVML Shared Library Not Found", "mismatch": False}


@pytest.mark.parametrize(
    ("told", "wanted", "nodes", "status", "said"),
    [
        (CPU | ABSENT, (), False, "ok", "jobs run on the CPU"),
        (CPU | {"nvml_missing": True}, (), False, "ok", "jobs run on the CPU"),
        (CUDA | H100 | {"seen": 2, "names": ["NVIDIA H100"] * 2}, ("0", "1"), True, "ok",
         "2 CUDA devices: NVIDIA H100 (torch 2.13.0, CUDA 13.0, driver 590.1)"),
        (CUDA | MISMATCH, (), False, "fault", "version mismatch"),
        (CUDA | ABSENT, (), True, "fault", "does not answer"),
        (CUDA | ABSENT, ("0",), False, "fault", "does not answer"),
        (CPU | H100, (), True, "warning", "is built for the CPU alone"),
        (CPU | H100, ("0",), True, "fault", "is built for the CPU alone"),
        (CUDA | H100 | {"warnings": ["the driver is too old (found version 12020)"]}, (), True,
         "fault", "sees none: the driver is too old"),
        (CUDA | {"nvml_missing": True}, ("0",), False, "fault", "torch sees no CUDA device"),
        (CUDA | H100 | {"seen": 2}, ("0", "2"), True, "fault", "names device 2, but there are 2"),
        (CPU | ABSENT, ("banana",), False, "fault", "names 'banana', which is no device"),
        ({"torch_error": "libcudart.so.13: cannot open"}, (), False, "fault", "libcudart"),
    ],
)  # fmt: skip
def test_answers_are_put_together(told, wanted, nodes, status, said):
    found = devices.judge(told, wanted=wanted, has_nodes=nodes)
    assert (found[0].status, len(found)) == (status, 1)
    assert said in found[0].found


def test_what_is_missing_for_monitoring_is_a_note():
    seen = CUDA | {"seen": 1, "names": ["NVIDIA H100"]}
    assert (
        "nvidia-ml-py"
        in devices.judge(seen | {"nvml_missing": True}, wanted=(), has_nodes=True)[1].found
    )
    fewer = devices.judge(seen | H100, wanted=(), has_nodes=True)[1]
    assert (fewer.status, fewer.found) == (
        "note", "torch sees 1 of 2 devices (CUDA_VISIBLE_DEVICES?)"
    )  # fmt: skip


def test_this_machine_is_asked(place):
    found = devices.check(place)
    assert "torch" in found[0].found
    assert found[0].status in ("ok", "warning", "note")


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Put a module before the real one of its name."""

    def put(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{Path.cwd()}")

    return put


def test_a_torch_that_cannot_be_imported_is_a_fault(place, stand_in):
    stand_in("torch", "raise ImportError('libtorch.so: undefined symbol')")
    found = only(devices.check(place))
    assert (found.status, found.found.rpartition(": ")[2]) == ("fault", "undefined symbol")


def test_a_torch_that_dies_is_a_fault(place, stand_in):
    stand_in("torch", "import os, sys; print('illegal instruction', file=sys.stderr); os._exit(4)")
    found = only(devices.check(place))
    assert found.status == "fault"
    assert "illegal instruction" in found.found


def test_a_driver_that_is_stuck_does_not_stop_the_doctor(place, stand_in, monkeypatch):
    monkeypatch.setattr(devices, "PATIENCE_S", 0.5)
    stand_in("torch", "import time; time.sleep(60)")
    assert "did not answer within 0.5 s" in only(devices.check(place)).found


def test_a_driver_that_was_updated_under_the_kernel_is_a_fault(place, stand_in):
    stand_in("torch", "__version__ = '2'; version = cuda = type('X', (), {'cuda': '13', "
             "'is_available': staticmethod(lambda: False)})")  # fmt: skip
    stand_in(
        "pynvml",
        "class NVMLError(Exception):\n    value = 18\n"
        "NVML_ERROR_LIB_RM_VERSION_MISMATCH = 18\n"
        "def nvmlInit(): raise NVMLError('Driver/library version mismatch')\n",
    )
    found = only(devices.check(replace(place, devices="0")))
    assert found.advice.endswith("reboot this machine")
