"""From an error to the event that tells it: cause and advice for the person who reads the job."""

from crs_core.engine.devices import is_out_of_memory
from crs_core.errors import (
    CrsError,
    DatasetError,
    DeviceError,
    DiskError,
    DivergedError,
    OutOfMemoryError,
    SpecError,
)
from crs_core.events import Failed


def failed(error: BaseException) -> Failed:
    """Give the `Failed` event for an error that left `train`.

    Errors of the library keep their own words; any other is named by its class, kind `internal`.
    """
    match error:
        case SpecError():
            return Failed(kind="spec", message=str(error))
        case DatasetError():
            return Failed(kind="dataset", message=str(error))
        case DivergedError():
            return Failed(kind="diverged", message=str(error))
        case OutOfMemoryError():
            return Failed(kind="out_of_memory", message=str(error))
        case DeviceError():
            return Failed(kind="device", message=str(error))
        case DiskError():
            return Failed(kind="disk", message=str(error))
        case CrsError():
            return Failed(kind="internal", message=str(error))
        case _ if is_out_of_memory(error):
            return Failed(
                kind="out_of_memory",
                message=f"no memory left before training began ({error}); give the job a host with "
                "more, or run fewer jobs beside it",
            )
        case _:
            return Failed(kind="internal", message=f"{type(error).__name__}: {error}")
