"""What the worker's CUDA devices say of themselves through NVML: name, memory, use.

`nvidia-ml-py` is asked for lazily and need not be there; without it, without a driver, or where a
device does not tell something (a slice of a MIG does not tell its use), that is left out, never
called 0. NVML counts every device of the host, in the order of the PCI bus, as the trainers do
(CUDA_DEVICE_ORDER), and knows nothing of CUDA_VISIBLE_DEVICES; a name may also be a device's UUID.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from store.workers import DeviceUse

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
