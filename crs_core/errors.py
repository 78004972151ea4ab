"""What can go wrong in the library, as a tree of classes.

    CrsError                    everything below
    |- SpecError                the spec asks for what cannot be; carries `errors`, one per field
    |- ShapeError               tensors that do not fit together (also a ValueError)
    |- RatioError               a ratio, budget or score outside its range (also a ValueError)
    |- DatasetError             files of a data set are missing, damaged or not to be had
    |- CheckpointError          a checkpoint is damaged, or belongs to another job
    |- DivergedError            the loss is no longer a finite number
    |- DiskError                a file cannot be written: no room, or no permission
    |- RankLostError            another process of the same training is gone
    `- DeviceError              the device asked for is not there
       `- OutOfMemoryError      the device, or the host, has no memory left

A message says what came in, what is needed and what to do.
"""

from dataclasses import dataclass


class CrsError(Exception):
    """Any failure that the library foresees."""


@dataclass(frozen=True)
class FieldError:
    """One field of a spec and what is wrong with it."""

    loc: str
    """Dotted path, as in `approximation.0.forward`; empty for the whole."""
    msg: str


class SpecError(CrsError, ValueError):
    """A spec that cannot be run. `errors` names every field at fault."""

    def __init__(self, errors: list[FieldError]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{e.loc}: {e.msg}" if e.loc else e.msg for e in errors))

    @classmethod
    def at(cls, loc: str, msg: str) -> "SpecError":
        """Make the error of a single field."""
        return cls([FieldError(loc, msg)])


class ShapeError(CrsError, ValueError):
    """Tensors that do not fit together."""


class RatioError(CrsError, ValueError):
    """A ratio, budget or score outside its range."""


class DatasetError(CrsError):
    """Files of a data set that are missing, damaged or not to be had."""


class CheckpointError(CrsError):
    """A checkpoint that is damaged, or belongs to another job."""


class DivergedError(CrsError):
    """A loss that is no longer a finite number."""


class DiskError(CrsError):
    """A file that cannot be written: no room, or no permission."""


class RankLostError(CrsError):
    """Another process of the same training that is gone. Not the cause: that one may tell it."""


class DeviceError(CrsError):
    """A device that is not there, or has no memory left."""


class OutOfMemoryError(DeviceError):
    """A device, or the host, with no memory left."""
