"""The example package, installed into a folder of its own, and forgotten again."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crs_core.spec import own_datasets, own_networks

SOURCE = Path(__file__).parent / "example_package"


def install(folder: Path) -> Path:
    """Install the example as a user would, but into `folder`; give where it lies."""
    copy, target = folder / "source", folder / "installed"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--no-cache-dir", "--target", str(target), str(copy)]
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run(command, check=True, env=environment, capture_output=True)
    return target


def forget() -> None:
    """Have the next question look for packages anew."""
    own_networks.cache_clear()
    own_datasets.cache_clear()
    for name in [n for n in sys.modules if n.partition(".")[0] == "colrow_example"]:
        del sys.modules[name]


@contextmanager
def on_the_path(folder: Path) -> Iterator[None]:
    """Let this process find what is installed in `folder`, for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        forget()
        yield
    forget()
