import pytest

from crs_core.engine import failed
from crs_core.errors import (
    CheckpointError,
    DatasetError,
    DeviceError,
    DiskError,
    DivergedError,
    OutOfMemoryError,
    SpecError,
)

CASES: list[tuple[BaseException, str, str]] = [
    (SpecError.at("seed", "too odd"), "spec", "seed: too odd"),
    (DatasetError("no file"), "dataset", "no file"),
    (DivergedError("loss is nan"), "diverged", "loss is nan"),
    (OutOfMemoryError("too big"), "out_of_memory", "too big"),
    (
        ImportError("x.so: failed to map segment from shared object"),
        "out_of_memory",
        "no memory left before training began (x.so: failed to map segment from shared object); "
        "give the job a host with more, or run fewer jobs beside it",
    ),
    (DeviceError("not there"), "device", "not there"),
    (DiskError("full"), "disk", "full"),
    (CheckpointError("damaged"), "internal", "damaged"),
    (KeyError("x"), "internal", "KeyError: 'x'"),
]


@pytest.mark.parametrize(("error", "kind", "message"), CASES, ids=lambda c: str(c)[:20])
def test_every_error_has_its_kind_and_keeps_its_words(
    error: BaseException, kind: str, message: str
) -> None:
    told = failed(error)
    assert (told.kind, told.message) == (kind, message)
