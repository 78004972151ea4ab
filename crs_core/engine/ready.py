"""Get ready to train before there is a job: for a process that then forks one per job.

After a fork only the forking thread goes on, and CUDA works in the child only if its parent never
touched it. So nothing here starts a thread or opens a device; it only imports.
"""

import gc

import numpy as np
import torch


def get_ready() -> None:
    """Import what a training would import late, and keep it out of the way of forks."""
    # Torch imports its compiler, which takes longer than torch itself, for the first optimizer.
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    # What the collector never touches stays in memory that parent and children share.
    gc.collect()
    gc.freeze()


def begin_after_fork() -> str | None:
    """Make a forked process its own; say why it cannot train, if that is so."""
    np.random.seed()
    if torch.cuda._is_in_bad_fork():  # noqa: SLF001
        return "CUDA was opened before the fork"
    return None
