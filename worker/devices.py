"""What the worker's CUDA devices say of themselves through NVML: name, memory, use.

`nvidia-ml-py` is asked for lazily and need not be there; without it, without a driver, or where a
device does not tell something (a slice of a MIG does not tell its use), that is left out, never
called 0. NVML counts every device of the host, in the order of the PCI bus, as the trainers do
(CUDA_DEVICE_ORDER), and knows nothing of CUDA_VISIBLE_DEVICES; a name may also be a device's UUID.
"""

import logging
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from store.workers import DeviceUse

ASK_S = 120.0
log = logging.getLogger(__name__)


def uses(devices: Sequence[str]) -> tuple[DeviceUse, ...]:
    """Ask each device; give those that answer."""
    if not devices:
        return ()
    try:
        import pynvml
    except ImportError:
        return ()
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        log.debug("NVML does not answer: %s", error)
        return ()
    try:
        return tuple(found for name in devices if (found := _use(pynvml, name)) is not None)
    finally:
        pynvml.nvmlShutdown()


def missing(devices: Sequence[str]) -> tuple[str, ...] | None:
    """Give those of the devices that this host has not; None where NVML cannot tell."""
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        log.debug("NVML does not answer: %s", error)
        return None
    try:
        return tuple(name for name in devices if not _is_there(pynvml, name))
    finally:
        pynvml.nvmlShutdown()


def _is_there(nvml: Any, device: str) -> bool:
    if device.startswith("MIG-"):  # a driver may name one in other ways than NVML knows
        return True
    count = nvml.nvmlDeviceGetCount()
    if device.isdigit():
        return int(device) < int(count)
    handles = (nvml.nvmlDeviceGetHandleByIndex(index) for index in range(count))
    return any((_text(nvml.nvmlDeviceGetUUID(h)) or "").startswith(device) for h in handles)


def seen_by_torch(environment: Mapping[str, str]) -> int | None:
    """Ask a process with a trainer's environment how many devices torch sees; None: it fails."""
    command = [sys.executable, "-c", "import torch; print(torch.cuda.device_count())"]
    try:
        done = subprocess.run(
            command, env=dict(environment), capture_output=True, text=True, timeout=ASK_S,
            check=True,
        )  # fmt: skip
        return int(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        log.warning("torch cannot be asked for its devices: %s", error)
        return None


def _use(nvml: Any, device: str) -> DeviceUse | None:
    try:
        if device.isdigit():
            handle = nvml.nvmlDeviceGetHandleByIndex(int(device))
        else:
            handle = nvml.nvmlDeviceGetHandleByUUID(device)
    except nvml.NVMLError as error:
        log.debug("NVML does not know device %s: %s", device, error)
        return None

    def ask(question: Callable[[Any], Any]) -> Any:
        try:
            return question(handle)
        except nvml.NVMLError:
            return None

    memory = ask(nvml.nvmlDeviceGetMemoryInfo)
    rates = ask(nvml.nvmlDeviceGetUtilizationRates)
    return DeviceUse(
        device=device,
        name=_text(ask(nvml.nvmlDeviceGetName)),
        memory_bytes=None if memory is None else int(memory.total),
        memory_used_bytes=None if memory is None else int(memory.used),
        utilization=None if rates is None else rates.gpu / 100,
    )


def _text(name: str | bytes | None) -> str | None:
    """Give a name as text: before version 11 the library gave bytes."""
    return name.decode(errors="replace") if isinstance(name, bytes) else name
