"""The processes that train one job together, and all that they tell each other.

Several devices train one job as torchrun does it: one process (a rank) for each device, all of them
doing the same steps in step. Every rank holds the whole network; of each batch it takes its shard,
and `DistributedDataParallel` makes the mean of their gradients while they are computed. What a
single device would compute is kept up as far as it can be:

    loss            the mean over the whole batch: a shard counts by its examples, also where the
                    batch does not divide evenly
    dropout, crops  drawn for the whole batch by all ranks alike, each takes its shard's part
    batch norm      statistics of the whole batch (`crs_core.engine.batchnorm`)
    texts           the rows of the batch are shared out; each rank carries the state of its own
    evaluation      each rank scores its share of the examples (of a text, of the rows); sums are
                    added up
    seconds, speed  of the first rank; sampling seconds are the mean, peak memory the most

So exact training gives what one device gives, but for the last digits: sums are taken in another
order. Approximate training differs. Each rank scores and chooses pairs on its own shard, from
generators of its own:

    forward, dX     every rank keeps k of the same features, but which ones may differ. The gradient
                    of a pair is 0 on the ranks that dropped it, and counts in the mean as that
    dW              a rank samples its own rows, k of its shard; `min_samples` holds on each rank
    policies        what is unbiased on one device stays so: it is a mean of unbiased gradients.
                    `topk` and `meprop` look at the shard's scores
    refresh_every   norms of weights are the same on all ranks

MACs, kept examples and with them the performed reduction are summed over the ranks; a pair is
covered when any rank chose it; the error of a product is the mean of the ranks' errors, each on
its own shard.

All ranks hear the wish to stop, and stop at the same step. Only the first tells events and writes
checkpoints, which hold the generators, sums and carried states of all of them, so that training
goes on with as many ranks as it had, and with no other number.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from crs_core.errors import DeviceError, RankLostError
from crs_core.shards import Shard, shards


@dataclass(frozen=True)
class Ranks:
    """The ranks of a job, as one of them sees it. Every method is called by all of them alike."""

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the rank that tells and writes."""
        return self.rank == 0

    def shard(self, whole: int) -> Shard:
        """Give this rank's shard of `whole` examples."""
        return shards(whole, self.count)[self.rank]

    def any(self, *wishes: bool) -> tuple[bool, ...]:
        """Tell of each wish whether any rank has it."""
        if self.count == 1:
            return wishes
        flags = torch.tensor(wishes, dtype=torch.int32)
        dist.all_reduce(flags, op=dist.ReduceOp.MAX)
        return tuple(map(bool, flags.tolist()))

    def sum(self, values: Tensor) -> Tensor:
        """Add up what the ranks have, in their order: all get the same bits. On the CPU."""
        return values.cpu() if self.count == 1 else gathered(values.cpu()).sum(0)

    def max(self, value: int) -> int:
        """Give the largest of what the ranks have."""
        return value if self.count == 1 else int(gathered(torch.tensor(value)).max())

    def from_first(self, value: int) -> int:
        """Give what the first rank has."""
        return value if self.count == 1 else int(gathered(torch.tensor(value))[0])

    def of_others(self, state: Any) -> list[Any]:
        """Give the first rank the states of the others, in their order; the others get nothing.

        A state is made of tensors, numbers, texts and containers, as in a checkpoint; tensors
        arrive on the CPU.
        """
        if self.count == 1:
            return []
        file = io.BytesIO()
        torch.save(state, file)
        content = torch.frombuffer(file.getbuffer(), dtype=torch.uint8)
        sizes = gathered(torch.tensor(content.numel())).tolist()
        padded = torch.zeros(max(sizes), dtype=torch.uint8)
        padded[: content.numel()] = content
        parts = [torch.empty_like(padded) for _ in sizes] if self.is_first else None
        dist.gather(padded, parts)
        return [
            torch.load(
                io.BytesIO(part[:size].numpy().tobytes()), map_location="cpu", weights_only=True
            )
            for part, size in zip((parts or [])[1:], sizes[1:], strict=False)
        ]

    @contextmanager
    def first_alone(self) -> Iterator[None]:
        """Have the first rank do what is inside before the others do, as when files are fetched."""
        if not self.is_first:
            self.any(False)  # noqa: FBT003 - a wish; all that counts is that it waits
        yield
        if self.is_first:
            self.any(False)  # noqa: FBT003


ALONE = Ranks()
"""A job on one device."""


def gathered(values: Tensor) -> Tensor:
    """Give what every rank has, one behind the other along a new first dimension."""
    parts = [torch.empty_like(values) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, values.contiguous())
    return torch.stack(parts)


@contextmanager
def joined(devices: int, device: str) -> Iterator[Ranks]:
    """Join the ranks of a job on `devices` devices of a kind: a group that is there, or torchrun's.

    Raises DeviceError where this process is not one of so many.
    """
    if devices == 1:
        yield ALONE
        return
    if not dist.is_available():
        raise DeviceError("this build of torch can't train on several devices; use one")
    is_ours = not dist.is_initialized()
    if is_ours and not dist.is_torchelastic_launched():
        raise DeviceError(
            f"the job wants {devices} devices (`resources.devices`), but this is a process for "
            f"one; use `colrow train`, or start {devices} processes by `torchrun --standalone "
            f"--nproc-per-node {devices}`"
        )
    with _losses_explained():
        if is_ours:
            # What is small is told over the CPU's connections, where nothing waits for the device.
            dist.init_process_group("cpu:gloo,cuda:nccl" if device.startswith("cuda") else "gloo")
        count = dist.get_world_size()
        if count != devices:
            raise DeviceError(
                f"the job wants {devices} devices (`resources.devices`), but {count} processes "
                "were started together; start one for each device"
            )
        yield Ranks(dist.get_rank(), count)
    if is_ours:
        dist.destroy_process_group()


def local_rank(ranks: Ranks) -> int:
    """Give the number of this rank among those of its host."""
    return dist.get_node_local_rank(ranks.rank) if ranks.count > 1 else 0


@contextmanager
def _losses_explained() -> Iterator[None]:
    """Turn the many forms of 'the others are gone' into RankLostError."""
    try:
        yield
    except RuntimeError as error:
        # Gloo raises a plain RuntimeError; its text is all there is to go by.
        if not isinstance(error, dist.DistError) and "gloo" not in str(error):
            raise
        first = (str(error).splitlines() or [""])[0]
        raise RankLostError(
            f"another process of this training has ended or can't be reached; what it says of that "
            f"stands in the log ({first})"
        ) from error
