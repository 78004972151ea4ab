"""What the client and the command line take from the environment; no other file here reads it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from colrow.errors import ColrowError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8750


@dataclass(frozen=True)
class Settings:
    """Variables `COLROW_…` of a person's shell, with what holds when they are not set."""

    server: str
    """COLROW_SERVER: the address of the service."""
    home: Path
    """COLROW_HOME: the data folder of `colrow up`."""
    data: Path | None
    """COLROW_DATA: the folder of the data sets; left out, `datasets` in the data folder."""
    storage: str | None
    """COLROW_STORAGE: where checkpoints lie; left out, in the data folder."""
    host: str
    """COLROW_HOST"""
    port: int
    """COLROW_PORT"""
    database_url: str | None
    """COLROW_DATABASE_URL: left out, an SQLite file in the data folder."""
    broker_url: str | None
    """COLROW_BROKER_URL: for `colrow worker`; `colrow up` brings a broker of its own."""
    token: str | None = None
    """COLROW_TOKEN: shown to the service, whichever it is."""
    private: bool = False
    """COLROW_PRIVATE: `colrow up` asks for a token on loopback too."""
    devices: str | None = None
    """COLROW_DEVICES: what a worker that is started here owns."""
    log_format: Literal["text", "json"] = "text"
    """COLROW_LOG_FORMAT: how `colrow up` and its processes say what happens."""

    def datasets(self, home: Path | None = None) -> Path:
        """Give the folder of the data sets beside this data folder."""
        return self.data or (home or self.home) / "datasets"


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings. Raises ColrowError when one makes no sense."""

    def value(name: str) -> str | None:
        return environment.get(f"COLROW_{name}") or None

    port = value("PORT") or str(DEFAULT_PORT)
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise ColrowError(f"COLROW_PORT is {port!r}; a port is a number from 1 to 65535")
    log_format = value("LOG_FORMAT") or "text"
    if log_format not in ("text", "json"):
        raise ColrowError(f"COLROW_LOG_FORMAT is {log_format!r}; it is `text` or `json`")
    return Settings(
        server=value("SERVER") or f"http://{DEFAULT_HOST}:{port}",
        home=Path(value("HOME") or "~/.colrow").expanduser(),
        data=Path(data).expanduser() if (data := value("DATA")) else None,
        storage=value("STORAGE"),
        host=value("HOST") or DEFAULT_HOST,
        port=int(port),
        database_url=value("DATABASE_URL"),
        broker_url=value("BROKER_URL"),
        token=value("TOKEN"),
        private=(value("PRIVATE") or "").lower() in ("1", "true", "yes", "on"),
        devices=value("DEVICES"),
        log_format="json" if log_format == "json" else "text",
    )


def inherited() -> dict[str, str]:
    """Copy the environment, for a child process. A person's token is not for it."""
    return {name: value for name, value in os.environ.items() if name != "COLROW_TOKEN"}
