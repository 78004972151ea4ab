"""How a trainer is started on several devices: by torchrun, a process for each device.

    worker          supervises and reads what is told, as always
    |- agent        torchrun, in a session of its own; TERM goes to it, and it passes it on
       |- rank 0    `python -m worker.trainer`; tells events, writes checkpoints
       `- rank 1    …; tells nothing but its failure

Torchrun knows nothing of dying with its parent, but that wish outlives `exec`. So the agent begins
as this file, `python -m worker.launch N FILE`, which makes the wish and becomes torchrun; a rank
makes it towards the agent, whose main thread starts the ranks and stays until they have ended. A
kill -9 of the worker so ends the agent, and the agent's end the ranks.

Torchrun restarts nothing: the next attempt does, from a checkpoint. All ranks are on this machine,
so they talk over its loopback device, whatever its name resolves to.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from worker.lifeline import die_with

_OF_TORCHRUN = (
    "--standalone",
    "--max-restarts=0",
    "--local-addr=127.0.0.1",
    f"--log-dir={os.devnull}",  # else it leaves folders behind
)
_RANK = "${local_rank}"
"""Torchrun puts the number of a rank in its place."""
_LOOPBACK = {"GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"}
_PATIENCE_S = 3600
"""Of torchrun with ranks that were told to end. Whoever told it kills it before, if it takes long.
"""
_DEATH = re.compile(r"rank\s*: (\d+) \(local_rank.*?exitcode\s*: (-?\d+)", re.DOTALL)
_TERM = -15
_TOLD_TO_END = re.compile(r"^.*Received \d+ death signal", re.MULTILINE)


def command(devices: int) -> tuple[str, ...]:
    """Give what starts a trainer on several devices; the path of its assignment follows."""
    return (sys.executable, "-m", "worker.launch", str(devices))


def environment(trainer: Mapping[str, str]) -> dict[str, str]:
    """Give the environment of torchrun and its ranks, from that of a trainer on one device."""
    return {
        **_LOOPBACK,
        **trainer,
        "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": str(_PATIENCE_S),
        # Keeps torch from advising against what the engine does on purpose, at every start.
        "TORCH_CPP_LOG_LEVEL": "ERROR",
    }


def lost_rank(tail: str) -> tuple[int, int] | None:
    """Find which rank a signal ended, and its exit code (negative), in what torchrun said last.

    Others that end because that one is gone, by an error or by torchrun's TERM, do not count.
    """
    deaths = [(int(rank), int(code)) for rank, code in _DEATH.findall(tail)]
    return next((death for death in deaths if death[1] < 0 and death[1] != _TERM), None)


class Words:
    """What ranks print, up to torchrun's account, a screen long, of how it was told to end."""

    def __init__(self) -> None:
        self._is_over = False

    def __call__(self, text: str) -> str:
        """Give of the next piece what a person may want to read."""
        if self._is_over:
            return ""
        account = _TOLD_TO_END.search(text)
        self._is_over = account is not None
        return text[: account.start()] if account else text


def main(devices: int, config: Path) -> None:
    """Become torchrun, which starts `devices` trainers for the assignment in the file."""
    die_with(json.loads(config.read_text())["supervisor"])
    trainer = ("-m", "worker.trainer", str(config), str(os.getpid()), _RANK)
    words = (*_OF_TORCHRUN, f"--nproc-per-node={devices}", *trainer)
    os.execv(  # noqa: S606 - our own command line, no shell
        sys.executable, [sys.executable, "-m", "torch.distributed.run", *words]
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
