"""`python -m api`: serve until told to stop."""

import asyncio
import gc
import logging
import socket
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn
from pydantic import ValidationError

from api.connections import patient
from api.login import StartError, demand_an_admin
from api.settings import LogSettings, Settings, explained
from store import loglines

if TYPE_CHECKING:
    from fastapi import FastAPI

KEEP_ALIVE_S = 75  # longer than clients poll, so that a connection is not closed under a request


class Server(uvicorn.Server):
    """Uvicorn that ends open event streams first, and takes a signal for what it says: stop."""

    def __init__(self, config: uvicorn.Config, end_streams: Callable[[], None]) -> None:
        super().__init__(config)
        self.end_streams = end_streams

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Stop; a second Ctrl-C does not wait for open requests."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the streams go, then the rest."""
        self.end_streams()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket. Raises StartError in one sentence."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, so that asyncio turns TCP_NODELAY on for what is accepted here.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(512)
    except OSError as error:
        made.close()
        raise StartError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another address or port "
            "with --host and --port, or stop what listens there"
        ) from None
    return made


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Raises StartError."""
    with listen(settings.host, settings.port) as listening:
        app = _application(settings)
        from crs_core.spec import broken_offers

        service = app.state.service
        if service.login is not None:
            demand_an_admin(service.database, service.login)
        config = configuration(app, settings)
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        for told in broken_offers():
            logging.getLogger("colrow.api").warning("%s", told)
        logging.getLogger("colrow.api").info("serving on http://%s:%d", shown, port)
        # What is there by now stays: a long list must not have the collector look through it again.
        gc.collect()
        gc.freeze()
        asyncio.run(Server(config, service.hub.close).serve(sockets=[listening]))


def configuration(app: "FastAPI", settings: Settings) -> uvicorn.Config:
    """Say how the server serves."""
    return uvicorn.Config(
        app,
        http=patient(settings.slow_s),
        lifespan="on",
        access_log=False,
        log_config=None,  # its lines go where ours do
        log_level="warning",
        # Where none is named, these headers are passed over.
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.stop_s,
    )


def _application(settings: Settings) -> "FastAPI":
    # Only now: what keeps the service from starting is told before a second of importing.
    from sqlalchemy.exc import ArgumentError

    from api.main import create_app
    from store.errors import StoreError

    try:
        return create_app(settings)
    except (ArgumentError, ModuleNotFoundError) as error:
        raise StartError(
            f"COLROW_DATABASE_URL cannot be used ({error}); write it as "
            "sqlite:////folder/colrow.db or postgresql+psycopg://user@host/name"
        ) from None
    except StoreError as error:
        raise StartError(str(error)) from None


def main() -> int:
    """Run as a process."""
    loglines.set_up("text", program="api")
    form: loglines.Form = "text"
    try:
        form = LogSettings().log_format
        loglines.set_up(form, program="api")
        serve(Settings())
    except ValidationError as error:
        _refuse(form, explained(error))
        return 2
    except StartError as error:
        _refuse(form, str(error))
        return 1
    return 0


def _refuse(form: loglines.Form, why: str) -> None:
    """Say why it does not start: to a person nothing but that."""
    if form == "json":
        logging.getLogger("colrow.api").critical("the api cannot start: %s", why)
    else:
        sys.stderr.write(f"{why}\n")


if __name__ == "__main__":
    sys.exit(main())
