"""The devices: what the driver tells, what torch sees, and whether the two agree.

Both are asked in a process of its own: torch takes seconds to import, and a driver that is stuck
must not stop the doctor.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from colrow.figures import counted
from colrow.local import probe
from colrow.local.doctor.finding import Finding
from colrow.local.doctor.place import Place
from worker.settings import is_cuda

NAME = "devices"
PATIENCE_S = 90.0


def check(place: Place) -> list[Finding]:
    """Look at the devices."""
    # -P: the folder of the file must not lend its names to what torch imports.
    command = [sys.executable, "-P", str(Path(probe.__file__))]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        told = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        told_of = f"torch and the driver did not answer within {PATIENCE_S:g} s"
        advice = "is the driver stuck (dmesg tells)? A reboot helps"
        return [Finding(NAME, "fault", told_of, advice)]
    except (IndexError, ValueError):
        last = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        return [Finding(NAME, "fault", f"torch cannot be asked: {last}", "install torch anew")]
    return judge(told, wanted=_wanted(place.devices), has_nodes=bool(_nodes()))


def _wanted(devices: str | None) -> tuple[str, ...]:
    names = tuple(name.strip() for name in (devices or "cpu").split(","))
    return () if names == ("cpu",) else names


def _nodes() -> list[Path]:
    return list(Path("/dev").glob("nvidia[0-9]*"))


def judge(told: Mapping[str, Any], *, wanted: tuple[str, ...], has_nodes: bool) -> list[Finding]:
    """Say what the answers mean. `wanted` are the CUDA devices that a worker here is to own."""
    wrong = [name for name in wanted if not is_cuda(name)]
    if wrong:
        told_of = f"COLROW_DEVICES names {wrong[0]!r}, which is no device"
        advice = "set it to `cpu`, or to an index or UUID that `nvidia-smi -L` shows"
        return [Finding(NAME, "fault", told_of, advice)]
    if told.get("torch_error"):
        advice = "install torch anew (`make setup`)"
        return [Finding(NAME, "fault", f"torch cannot be imported: {told['torch_error']}", advice)]
    devices, seen = list(told.get("devices", ())), int(told.get("seen", 0))
    error = told.get("nvml_error")
    if error and (told.get("mismatch") or has_nodes or wanted):
        advice = "install the driver, or load its kernel module (`nvidia-smi` tells more)"
        if told.get("mismatch"):
            advice = "the driver was updated under a running kernel module: reboot this machine"
        return [Finding(NAME, "fault", f"the NVIDIA driver does not answer: {error}", advice)]
    if devices and not seen:
        return [_blind(told, devices, wanted)]
    if wanted and not seen:
        told_of = f"COLROW_DEVICES is {','.join(wanted)}, and torch sees no CUDA device"
        return [Finding(NAME, "fault", told_of, "run this worker where one is, or set it to `cpu`")]
    count = max(seen, len(devices))
    beyond = [name for name in wanted if name.isdigit() and int(name) >= count]
    if beyond:
        told_of = f"COLROW_DEVICES names device {beyond[0]}, but there are {count}"
        return [Finding(NAME, "fault", told_of, "they are counted from 0, as by `nvidia-smi -L`")]
    if not seen:
        return [Finding(NAME, "ok", f"no CUDA device: jobs run on the CPU (torch {told['torch']})")]
    found = [Finding(NAME, "ok", _seen(told, seen))]
    if told.get("nvml_missing"):
        advice = "pip install nvidia-ml-py, on each worker"
        told_of = "without nvidia-ml-py, workers do not tell the memory and use of their devices"
        found.append(Finding(NAME, "note", told_of, advice))
    elif seen < len(devices):
        told_of = f"torch sees {seen} of {len(devices)} devices (CUDA_VISIBLE_DEVICES?)"
        found.append(Finding(NAME, "note", told_of, "unset it if a worker is to own the others"))
    return found


def _blind(told: Mapping[str, Any], devices: list[str], wanted: tuple[str, ...]) -> Finding:
    there = (
        f"{counted(len(devices), 'CUDA device')} ({devices[0]}), driver {told.get('driver', '?')}"
    )
    if told.get("built_for") is None:
        told_of = f"{there}, but torch {told['torch']} is built for the CPU alone"
        advice = "install a torch built for CUDA, or leave them unused"
        return Finding(NAME, "fault" if wanted else "warning", told_of, advice)
    why = "; ".join(told.get("warnings", ())) or "it does not say why"
    told_of = f"{there}, but torch (for CUDA {told['built_for']}) sees none: {why[:300]}"
    advice = "update the driver, or install a torch built for an older CUDA"
    return Finding(NAME, "fault", told_of, advice)


def _seen(told: Mapping[str, Any], seen: int) -> str:
    names = ", ".join(sorted(set(told.get("names", ()))))
    by = f", driver {told['driver']}" if told.get("driver") else ""
    on = f"torch {told['torch']}, CUDA {told['built_for']}{by}"
    return f"{counted(seen, 'CUDA device')}: {names} ({on})"
