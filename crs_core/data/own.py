"""Data sets of installed packages: read by their function, held to what their package said."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crs_core.data.facts import ImageFacts, OwnSource
from crs_core.errors import DatasetError
from crs_core.own import named_function

Arrays = tuple[NDArray[Any], NDArray[Any]]


def read_own(facts: ImageFacts, folder: Path | None) -> tuple[Arrays, Arrays]:
    """Give images and labels for training, and those for testing, from the package's function.

    Images are float32 or uint8, N C H W; labels int64.

    Raises DatasetError where files are missing, the function can't be imported, or what it gives is
    not what the package said.
    """
    source = facts.origin
    assert isinstance(source, OwnSource)
    home = None if folder is None else folder / facts.name
    missing = [f for f in source.files if home is None or not (home / f).is_file()]
    if missing:
        raise DatasetError(
            f"{facts.name}, of package {source.package}, needs {', '.join(missing)} in "
            f"{home or 'a data folder, but none is given'}; put what is missing there"
        )
    try:
        function = named_function(source.load)
    except (ImportError, AttributeError, TypeError) as error:
        raise DatasetError(
            f"package {source.package} names {source.load!r} as what reads {facts.name}, but that "
            f"can't be had ({type(error).__name__}: {error}); mend the package"
        ) from error
    read: object = function(home)
    if not isinstance(read, tuple) or len(read) != 4:
        raise _wrong(source, facts, "four arrays in a tuple", type(read).__name__)
    x, y, test_x, test_y = map(np.asarray, read)
    return (
        _checked(facts, source, x, y, facts.train),
        _checked(facts, source, test_x, test_y, facts.test),
    )


def _checked(
    facts: ImageFacts,
    source: OwnSource,
    images: NDArray[Any],
    labels: NDArray[Any],
    count: int,
) -> Arrays:
    shape = (count, *facts.input_shape)
    if images.shape != shape or images.dtype not in (np.float32, np.uint8):
        found = f"{images.dtype} of {images.shape}"
        raise _wrong(source, facts, f"images as float32 or uint8 of {shape}", found)
    if images.dtype == np.float32 and not np.isfinite(images).all():
        raise _wrong(source, facts, "finite images", "some that are not")
    if labels.shape != (count,) or not np.issubdtype(labels.dtype, np.integer):
        found = f"{labels.dtype} of {labels.shape}"
        raise _wrong(source, facts, f"labels as whole numbers of {(count,)}", found)
    wrong = labels[(labels < 0) | (labels >= facts.classes)]
    if wrong.size:
        raise _wrong(source, facts, f"labels from 0 to {facts.classes - 1}", f"label {wrong[0]}")
    return np.ascontiguousarray(images), labels.astype(np.int64)


def _wrong(source: OwnSource, facts: ImageFacts, needed: str, found: str) -> DatasetError:
    return DatasetError(
        f"{source.load} of package {source.package} gives {found}, but {facts.name} needs "
        f"{needed}; mend the package"
    )
