"""A reader of /events as light as can be, so that it is the api that is measured."""

import json
import queue
import socket
import threading
import time
from typing import Any, NamedTuple
from urllib.parse import urlsplit


class Seen(NamedTuple):
    """An event, and when it was read (`time.perf_counter`)."""

    at_s: float
    name: str
    data: dict[str, Any]


class Reader:
    """One open stream, read by a thread of its own into `seen`."""

    def __init__(self, address: str, path: str = "/api/v1/events") -> None:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or 80
        self.seen: queue.SimpleQueue[Seen] = queue.SimpleQueue()
        self._begun = threading.Event()
        self._socket = socket.create_connection((host, port))
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        threading.Thread(target=self._read, daemon=True).start()
        if not self._begun.wait(30):
            raise RuntimeError(f"no stream at {address}{path}")

    def _read(self) -> None:
        name, data = "", ""
        with self._socket.makefile("r", encoding="utf-8") as lines:
            for line in lines:
                field, _, value = line.rstrip("\r\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    data = value
                elif field == "retry":
                    self._begun.set()
                elif not field and name:
                    self.seen.put(Seen(time.perf_counter(), name, json.loads(data)))
                    name = ""

    def close(self) -> None:
        """End the stream and its thread."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
