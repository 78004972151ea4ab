"""On what a training ran: the machine, and which revision of this code. For reports."""

import os
import platform
import re
from pathlib import Path

_SOURCE = Path(__file__).parents[1]


def environment() -> dict[str, str]:
    """Name the operating system, the interpreter, and what the machine has."""
    interpreter = f"{platform.python_implementation()}, {platform.python_compiler()}"
    return {"system": platform.platform(), "interpreter": interpreter, **hardware()}


def driver(version: Path = Path("/proc/driver/nvidia/version")) -> dict[str, str]:
    """Give the version of the CUDA driver, where there is one; else nothing."""
    try:
        first = version.read_text().splitlines()[0]
    except (OSError, IndexError):
        return {}
    found = re.search(r"\b\d+\.\d+(\.\d+)?\b", first)
    return {"driver": found[0]} if found else {}


def hardware() -> dict[str, str]:
    """Name the processor, how many of its cores this process may use, and the memory."""
    found = {"processor": processor(), "cores": str(cores())}
    try:
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        found["memory"] = f"{size / 2**30:.1f} GiB"
    except (ValueError, OSError):  # the system does not tell
        pass
    return found


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Give the processor's name as the system has it."""
    try:
        lines = cpuinfo.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, names), "") or platform.processor() or platform.machine()


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def revision(source: Path = _SOURCE) -> dict[str, str]:
    """Give the git revision of the code that runs, where it runs from a checkout; else nothing.

    Read from git's own files, so that no git is needed.
    """
    git = source / ".git"
    try:
        if git.is_file():  # a worktree: the file says where its folder is
            git = source / git.read_text().removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref:"):
            return {"revision": head}
        name = head.removeprefix("ref:").strip()
        shared = git / "commondir"
        places = [git, git / shared.read_text().strip()] if shared.is_file() else [git]
        for place in places:
            if (place / name).is_file():
                return {"revision": (place / name).read_text().strip()}
        for line in (places[-1] / "packed-refs").read_text().splitlines():
            if line.endswith(f" {name}"):
                return {"revision": line.split()[0]}
    except OSError:
        pass
    return {}
