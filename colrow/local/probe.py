"""A script: ask NVML and torch what they see, and print it as one line of JSON."""

import json
import warnings
from typing import Any


def main() -> None:
    """Print it."""
    told: dict[str, Any] = {}
    _ask_nvml(told)
    _ask_torch(told)
    print(json.dumps(told))


def _ask_nvml(told: dict[str, Any]) -> None:
    try:
        import pynvml
    except ImportError:
        told["nvml_missing"] = True
        return
    try:
        pynvml.nvmlInit()
        told["driver"] = _text(pynvml.nvmlSystemGetDriverVersion())
        told["devices"] = [
            _text(pynvml.nvmlDeviceGetName(pynvml.nvmlDeviceGetHandleByIndex(index)))
            for index in range(pynvml.nvmlDeviceGetCount())
        ]
    except pynvml.NVMLError as error:
        told["nvml_error"] = str(error)
        told["mismatch"] = error.value == pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH


def _text(name: str | bytes) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name


def _ask_torch(told: dict[str, Any]) -> None:
    try:
        import torch
    except (ImportError, OSError) as error:
        told["torch_error"] = str(error).splitlines()[0]
        return
    told["torch"], told["built_for"] = torch.__version__, torch.version.cuda
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        told["seen"] = torch.cuda.device_count() if torch.cuda.is_available() else 0
    told["warnings"] = [str(warning.message).splitlines()[0] for warning in caught]
    told["names"] = [torch.cuda.get_device_name(index) for index in range(told["seen"])]


if __name__ == "__main__":
    main()
