"""What the client and the command line tell a person when something cannot be done.

ColrowError           one clear sentence: what came, what is needed, what to do
|- SpecFault          fields of a spec at fault, wherever that was found
|- Unreachable        no service answers at the address
|- SpecFileError      a spec file is missing, is no YAML, or is no mapping
`- LocalError         something on this machine: a folder, a port, a process
"""

from collections.abc import Sequence
from typing import Any


class ColrowError(Exception):
    """A failure that was foreseen; from the service with `status`, for a bad spec with `errors`."""

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        title: str = "",
        errors: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.detail = detail
        self.status = status
        self.title = title
        self.errors = tuple(errors)
        """(dotted path, what is wrong) of every field at fault."""
        lines = [f"  {loc or 'spec'}: {msg}" for loc, msg in errors]
        super().__init__("\n".join([detail, *lines]))


class SpecFault(ColrowError):  # noqa: N818 - named by what is so
    """A spec that cannot be run: each field at fault has its line."""

    def __init__(self, errors: Sequence[tuple[str, str]], **said: Any) -> None:
        many = "1 field" if len(errors) == 1 else f"{len(errors)} fields"
        verb = "is" if len(errors) == 1 else "are"
        detail = f"{many} of the spec {verb} at fault; nothing was run"
        super().__init__(detail, errors=errors, **said)


def lost(detail: str) -> ColrowError:
    """Make the error of an id that is not there, and say where ids are shown."""
    where = "`colrow ls` lists the jobs there are"
    if detail.startswith("there is no sweep"):
        where = "`colrow show JOB` tells a job's sweep"
    elif detail.startswith("there is no worker"):
        where = "`colrow doctor` and the page name them"
    return ColrowError(f"{detail}; {where}", status=404, title="Not found")


class Unreachable(ColrowError):  # noqa: N818 - named by what is so
    """No service answers at the address."""


class SpecFileError(ColrowError):
    """A spec file that cannot be read as a mapping."""


class LocalError(ColrowError):
    """A folder, a port or a process of this machine is in the way."""
