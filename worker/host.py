"""What this machine offers to a worker: CPUs, memory, devices, data sets; and a name of its own."""

import fcntl
import itertools
import os
import platform
import re
import socket
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO

from crs_core.data.facts import known, present
from crs_core.surroundings import processor
from store.slots import Device
from store.workers import NewWorker
from worker.devices import uses
from worker.settings import Settings

_MEMINFO = Path("/proc/meminfo")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_CGROUP = Path("/sys/fs/cgroup")
_NVIDIA_SMI_S = 10.0


class NameTaken(Exception):  # noqa: N818 - named by what is so
    """Another living worker has the name."""


@dataclass(frozen=True)
class Name:
    """A worker's name; the lock that goes with it is held as long as the file is open."""

    text: str
    lock: IO[bytes]
    number: int | None = None
    """The n of `host/devices/n`; None: somebody chose the name."""


def take_name(settings: Settings, *, after: int = 0) -> Name:
    """Take the name of the settings, or the first free `host/devices/n`; the same after a restart.

    Two living workers with one name would share a row. A lock keeps those of one home apart; what
    other homes have taken the database knows, and then n is looked for `after` that one. Raises
    NameTaken, and OSError when the home cannot be written to.
    """
    folder = _folder(settings)
    if settings.name is not None:
        lock = _lock(folder, settings.name)
        if lock is None:
            raise NameTaken(
                f"another worker runs under the name {settings.name!r}; stop it, or give this one "
                "another name with COLROW_NAME"
            )
        return Name(settings.name, lock)
    for number in itertools.count(after + 1):
        name = f"{socket.gethostname()}/{settings.devices}/{number}"
        lock = _lock(folder, name)
        if lock is not None:
            return Name(name, lock, number)
    raise AssertionError("there is always one more number")


def _folder(settings: Settings) -> Path:
    folder = settings.home / "workers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def home_id(settings: Settings) -> str:
    """Say which folder the locks of names are in, so that two homes of one host are told apart.

    A copy of a home is another one, and so is the same path within another container.
    """
    found = _folder(settings).stat()
    return f"{found.st_dev:x}-{found.st_ino:x}"


def _lock(folder: Path, name: str) -> IO[bytes] | None:
    file = (folder / (re.sub(r"[^A-Za-z0-9._-]", "_", name) + ".lock")).open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def describe(settings: Settings, name: str) -> NewWorker:
    """Say what the slot offers."""
    cuda = settings.cuda_devices
    return NewWorker(
        name=name,
        host=socket.gethostname(),
        pid=os.getpid(),
        kind="cuda" if cuda else "cpu",
        devices=settings.device_names,
        threads=thread_count(settings),
        memory_bytes=memory(cuda)[0],
        datasets=datasets(settings),
        versions=versions(),
        hardware=hardware(settings),
        home_id=home_id(settings),
        machine=machine(),
    )


def machine(boot_id: Path = _BOOT_ID) -> str | None:
    """Give what the containers of this machine have in common until its next start.

    A host's name will not do: a container has one of its own. None where the system does not tell.
    """
    try:
        return boot_id.read_text().strip() or None
    except OSError:
        return None


def versions() -> dict[str, str]:
    """Give the versions that a job's results may depend on; torch is not imported for that."""
    found = {name: version(name) for name in ("torch", "colrow")}
    return {"python": platform.python_version(), **found}


def is_gone(host: str, pid: int) -> bool:
    """Tell whether a process of this host has ended. Of another host nothing is known: False.

    The number may be in use again, by us (in a container it often is) or by some other process; the
    latter is taken for the one that is asked about.
    """
    if host != socket.gethostname():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it is there, and somebody else's
        return False
    return pid == os.getpid()


def thread_count(settings: Settings) -> int:
    """Give the CPU threads of a job that asks for none: the setting, or every CPU we may use."""
    return settings.threads or len(os.sched_getaffinity(0))


def datasets(settings: Settings) -> tuple[str, ...] | None:
    """Name the data sets whose files are there; None when any other can be fetched."""
    if not settings.offline:
        return None
    return tuple(name for name in known() if present(name, settings.datasets))


def memory(cuda_devices: tuple[str, ...]) -> tuple[int | None, int | None]:
    """Give bytes there are and bytes used: of the CUDA devices together, or else of the host."""
    return _cuda_memory(cuda_devices) if cuda_devices else _host_memory()


def hardware(settings: Settings) -> tuple[Device, ...]:
    """Say what each device is. A job asks for it by name and memory, so it must not be guessed."""
    if not settings.cuda_devices:
        return (Device(processor(), _host_memory()[0]),) * len(settings.device_names)
    told = uses(settings.cuda_devices)
    found = [Device(use.name, use.memory_bytes) for use in told if use.name]
    if len(found) != len(settings.cuda_devices):
        rows = _ask_nvidia("name,memory.total", settings.cuda_devices)
        found = [Device(row[0], _mib(row[-1])) for row in rows if len(row) > 1]
    return tuple(found) if len(found) == len(settings.cuda_devices) else ()


def _host_memory() -> tuple[int | None, int | None]:
    """Read what the kernel says, within the container's limit if there is one."""
    limit, used = _number(_CGROUP / "memory.max"), _number(_CGROUP / "memory.current")
    if limit is not None and used is not None:
        return limit, used
    try:
        lines = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
        total, available = (int(lines[k].split()[0]) << 10 for k in ("MemTotal", "MemAvailable"))
    except (OSError, KeyError, ValueError):
        return None, None
    return total, total - available


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # not there, or "max"
        return None


def _cuda_memory(devices: tuple[str, ...]) -> tuple[int | None, int | None]:
    told = uses(devices)
    if len(told) == len(devices) and all(use.memory_bytes for use in told):
        return sum(u.memory_bytes or 0 for u in told), sum(u.memory_used_bytes or 0 for u in told)
    rows = [
        [_mib(size) for size in row] for row in _ask_nvidia("memory.total,memory.used", devices)
    ]
    if not rows or any(size is None for row in rows for size in row):
        return None, None
    return sum(row[0] or 0 for row in rows), sum(row[1] or 0 for row in rows)


def _ask_nvidia(what: str, devices: tuple[str, ...]) -> list[list[str]]:
    """Ask nvidia-smi, a row per device: torch, which knows too, is never imported here."""
    query = [f"--query-gpu={what}", "--format=csv,noheader,nounits", "-i", ",".join(devices)]
    try:
        answer = subprocess.run(
            ["nvidia-smi", *query],
            capture_output=True,
            text=True,
            timeout=_NVIDIA_SMI_S,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [[part.strip() for part in line.split(",")] for line in answer.splitlines()]


def _mib(size: str) -> int | None:
    return int(size) << 20 if size.isdigit() else None
