import errno

import pytest
import torch

from crs_core.engine.devices import (
    PeakMemory,
    computing_on,
    memory_explained,
    open_device,
    versions,
)
from crs_core.errors import DeviceError, OutOfMemoryError

CPU = torch.device("cpu")


def test_a_device_that_is_none_is_refused_with_the_choice() -> None:
    with pytest.raises(DeviceError, match="'gpu' is no device; there are: cpu, cuda"):
        open_device("gpu")


def test_a_device_of_another_kind_is_refused() -> None:
    with pytest.raises(DeviceError, match="jobs train on cpu or cuda; got 'meta'"):
        open_device("meta")


def test_a_cuda_device_that_is_not_there_is_refused_with_the_count() -> None:
    count = torch.cuda.device_count()
    with pytest.raises(DeviceError, match=rf"sees {count} CUDA devices\. Choose cpu"):
        open_device(f"cuda:{count}")


def test_threads_and_determinism_hold_inside_and_are_put_back() -> None:
    with computing_on(CPU, 2):
        assert torch.get_num_threads() == 2
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == 1
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.\nmore"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        ImportError("libtorch.so: failed to map segment from shared object"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
    ids=lambda e: type(e).__name__,
)
def test_every_form_of_no_memory_is_explained(error: Exception) -> None:
    with (
        pytest.raises(
            OutOfMemoryError, match=r"on cpu: .+ Try a smaller `training.batch_size` \(now 64\)"
        ),
        memory_explained(CPU, 64),
    ):
        raise error


def test_a_tensor_that_no_memory_holds_is_explained() -> None:
    with pytest.raises(OutOfMemoryError, match="no memory left on cpu"), memory_explained(CPU, 1):
        torch.empty(2**60, dtype=torch.uint8)


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="shapes") as caught, memory_explained(CPU, 1):
        raise RuntimeError("shapes do not fit")
    assert not isinstance(caught.value, DeviceError)


def test_the_peak_memory_of_the_process_never_falls() -> None:
    memory = PeakMemory(CPU)
    first = memory.peak_bytes()
    block = torch.ones(30_000_000)
    assert first > 1e7
    assert memory.peak_bytes() >= first
    assert block.numel() == 30_000_000


def test_the_versions_name_torch_and_python() -> None:
    found = versions(CPU)
    assert found["torch"] == torch.__version__
    assert {"python", "colrow"} <= found.keys()
