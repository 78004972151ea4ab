"""What of its slot an attempt gets: devices, threads, the environment of its trainer."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from crs_core.spec import JobSpec, StudySpec
from store.attempts import Claim
from worker import launch
from worker.settings import trainer_environment


@dataclass(frozen=True)
class Allotment:
    """The part of a slot that one job was given."""

    spec: JobSpec | StudySpec
    places: Sequence[int]
    """Of the slot's devices those that the job gets."""
    owned: Sequence[str]
    """The slot's CUDA devices as the driver names them."""
    slot_threads: int

    @classmethod
    def of(cls, claim: Claim, owned: Sequence[str], slot_threads: int) -> "Allotment":
        """Give what a claimed job gets."""
        return cls(claim.spec, claim.devices, owned, slot_threads)

    @property
    def devices(self) -> int:
        """How many devices it is trained on together."""
        return self.spec.resources.devices if isinstance(self.spec, JobSpec) else 1

    @property
    def threads(self) -> int:
        """Those of one device."""
        threads = self.spec.resources.threads or self.slot_threads
        return max(1, threads // self.devices)

    @property
    def cuda_devices(self) -> tuple[str, ...]:
        """Its CUDA devices; none where it trains on the CPU."""
        if self.spec.resources.kind == "cpu" or not self.owned:
            return ()
        return tuple(self.owned[place] for place in self.places)

    @property
    def device(self) -> str:
        """The device as torch names it in the trainer, or in each of several."""
        return "cuda:0" if self.cuda_devices else "cpu"

    @cached_property
    def environment(self) -> dict[str, str]:
        """The variables of its trainer."""
        alone = trainer_environment(self.threads, self.cuda_devices)
        return alone if self.devices == 1 else launch.environment(alone)
