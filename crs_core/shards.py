"""How a batch is shared by the devices that train one job together: plain numbers, no torch.

A shard is a stretch of the batch. Shards differ by one example at most, the first ones being the
larger, and every device has at least one example.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shard:
    """The examples from `begin` up to `end`, of `whole`."""

    begin: int
    end: int
    whole: int

    @property
    def size(self) -> int:
        """How many they are."""
        return self.end - self.begin

    @property
    def share(self) -> float:
        """How much of the whole they are."""
        return self.size / self.whole

    @property
    def is_whole(self) -> bool:
        """Whether there are no others."""
        return self.size == self.whole


def shards(whole: int, count: int) -> tuple[Shard, ...]:
    """Cut `whole` examples into `count` shards, one after the other; some are empty if too few."""
    size, larger = divmod(whole, count)
    ends = [(i + 1) * size + min(i + 1, larger) for i in range(count)]
    return tuple(Shard(b, e, whole) for b, e in zip([0, *ends], ends, strict=False))
