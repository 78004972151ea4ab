"""The device of a job: whether it is there, how it is set up, what memory it took."""

import errno
import platform
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import metadata

import torch

from crs_core.errors import DeviceError, OutOfMemoryError


def open_device(name: str, local_rank: int = 0) -> torch.device:
    """Give the torch device called `name`, or of CUDA the one `local_rank` places behind it.

    Raises DeviceError when it is not there.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceError(
            f"{name!r} is no device; there are: cpu, cuda, cuda:0, cuda:1, …"
        ) from None
    if device.type == "cpu":
        return device
    if device.type != "cuda":
        raise DeviceError(f"jobs train on cpu or cuda; got {name!r}")
    count, index = torch.cuda.device_count(), (device.index or 0) + local_rank
    if index >= count:
        raise DeviceError(
            f"'cuda:{index}' is not there: torch {torch.__version__} sees {count} CUDA devices. "
            "Choose cpu, or check the driver and that torch was built with CUDA"
        )
    return torch.device("cuda", index)


@contextmanager
def computing_on(device: torch.device, threads: int) -> Iterator[None]:
    """Set threads, determinism and CUDA's current device for one training; put all back after it.

    Events and communicators are made on the current device, whatever the tensors' device is.
    On the CPU only deterministic algorithms run, so that a resumed job is the same job bit for bit.
    Filling fresh memory, which torch couples to that, is a debugging aid that costs a pass over
    every buffer: it is left off.
    """
    before_threads = torch.get_num_threads()
    before_deterministic = torch.are_deterministic_algorithms_enabled()
    before_warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    before_fill = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(device.type == "cpu")
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        with torch.cuda.device(device) if device.type == "cuda" else nullcontext():
            yield
    finally:
        torch.set_num_threads(before_threads)
        torch.use_deterministic_algorithms(before_deterministic, warn_only=before_warn_only)
        torch.utils.deterministic.fill_uninitialized_memory = before_fill  # type: ignore[attr-defined]


@contextmanager
def memory_explained(device: torch.device, batch_size: int) -> Iterator[None]:
    """Turn the many forms of 'no memory left' into OutOfMemoryError, with advice."""
    try:
        yield
    except (MemoryError, RuntimeError, ImportError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        first = (str(error).splitlines() or [""])[0] or "the host refused to give more"
        raise OutOfMemoryError(
            f"no memory left on {device}: {first} Try a smaller `training.batch_size` (now "
            f"{batch_size}), a smaller model, `training.precision: bf16`, or a device with more"
        ) from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is no memory left."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    # The CPU allocator of torch raises a plain RuntimeError, the loader of shared objects an
    # ImportError; their text is all there is to go by.
    return any(
        words in str(error)
        for words in ("can't allocate memory", "not enough memory", "failed to map segment")
    )


class PeakMemory:
    """The most memory that training took: on CUDA by tensors, on the CPU by the whole process.

    CUDA forgets its peak on request, so evaluation, in its bigger batches, is left out there.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._before = 0
        self._forget()

    def peak_bytes(self) -> int:
        """Give the peak so far."""
        if self._device.type == "cuda":
            return max(self._before, torch.cuda.max_memory_allocated(self._device))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024

    @contextmanager
    def not_counted(self) -> Iterator[None]:
        """Leave out what is done inside, where the device can."""
        self._before = self.peak_bytes()
        yield
        self._forget()

    def _forget(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)


def versions(device: torch.device) -> dict[str, str]:
    """Name what the numbers may hang on."""
    found = {"python": platform.python_version(), "torch": str(torch.__version__)}
    try:
        found["colrow"] = metadata.version("colrow")
    except metadata.PackageNotFoundError:
        found["colrow"] = "not installed"
    if device.type == "cuda":
        found["cuda"] = str(torch.version.cuda)
        found["gpu"] = torch.cuda.get_device_name(device)
    return found
