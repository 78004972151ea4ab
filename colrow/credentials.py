"""The file of tokens that `colrow login` keeps: an address and its token a line, for one person.

It lies in the data folder (COLROW_HOME, else ~/.colrow), as `tokens`.
"""

import os
import stat
from pathlib import Path
from urllib.parse import urlsplit

from colrow.errors import ColrowError


def file_in(home: Path) -> Path:
    """Give the file's path in a data folder."""
    return home / "tokens"


def read(file: Path) -> dict[str, str]:
    """Read every address with its token. Raises ColrowError when others can read it too."""
    try:
        with file.open() as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            if mode & 0o077:
                raise ColrowError(
                    f"{file} holds tokens and others can read it (mode {mode:03o}); run "
                    f"`chmod 600 {file}`, and have the tokens revoked if others may have done so"
                )
            lines = [line.split() for line in opened.read().splitlines()]
    except FileNotFoundError:
        return {}
    return {line[0]: line[1] for line in lines if len(line) == 2}


def token_for(file: Path, server: str) -> str | None:
    """Give the token for a server, where there is one. Raises ColrowError."""
    return read(file).get(_plain(server))


def keep(file: Path, server: str, token: str | None) -> None:
    """Keep a server's token, or with None forget it. The file is never there half written."""
    kept = read(file) | {_plain(server): token}
    text = "".join(f"{address} {secret}\n" for address, secret in kept.items() if secret)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(opened, "w") as writing:
        writing.write(text)
        writing.flush()
        os.fsync(writing.fileno())
    beside.replace(file)


def _plain(server: str) -> str:
    """Write an address in one form: the parts that name no service are left out."""
    try:
        parts = urlsplit(server)
    except ValueError:  # no address at all; who connects to it is told so
        return server
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/").lower()
