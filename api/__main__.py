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

from api.addresses import is_loopback
from api.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

KEEP_ALIVE_S = 75  # longer than clients poll, so that a connection is not closed under a request


class StartError(Exception):
    """The service cannot start; the message says what to do."""


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
    if not is_loopback(host):
        raise StartError(
            f"host {host!r} is not a loopback address, and Colrow has no logins yet, so anyone "
            "who reaches it could start jobs; use --host 127.0.0.1 and an SSH tunnel"
        )
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
            f"cannot listen on {host}:{port}: {error.strerror}; choose another port with --port, "
            "or stop what listens there"
        ) from None
    return made


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Raises StartError."""
    with listen(settings.host, settings.port) as listening:
        app = _application(settings)
        from crs_core.spec import broken_offers

        config = uvicorn.Config(
            app,
            lifespan="on",
            access_log=False,
            log_level="warning",
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=settings.stop_s,
        )
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        for told in broken_offers():
            logging.getLogger("colrow.api").warning("%s", told)
        logging.getLogger("colrow.api").info("serving on http://%s:%d", shown, port)
        # What is there by now stays: a long list must not have the collector look through it again.
        gc.collect()
        gc.freeze()
        asyncio.run(Server(config, app.state.service.hub.close).serve(sockets=[listening]))


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
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        serve(Settings())
    except ValidationError as error:
        fields = (f"COLROW_{e['loc'][0]}".upper() + f": {e['msg']}" for e in error.errors())
        sys.stderr.write("the environment is not right: " + "; ".join(fields) + "\n")
        return 2
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
