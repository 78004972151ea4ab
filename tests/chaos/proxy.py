"""A network between workers and their database that can be cut and mended."""

import contextlib
import selectors
import socket
import threading

_TICK_S = 0.05


class Proxy:
    """Passes connections to a port on, from a port of its own.

    `silent`: nothing is passed any more, and nobody is told (a pulled cable). `refusing`: open
    connections are reset, new ones refused.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.silent = False
        self.refusing = False
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """End every connection and listen no more."""
        self._ends.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        self._listener.settimeout(_TICK_S)
        while not self._ends.is_set():
            with contextlib.suppress(TimeoutError):
                near, _ = self._listener.accept()
                if self.refusing:
                    near.close()
                    continue
                try:
                    far = socket.create_connection(("127.0.0.1", self._target), timeout=2)
                except OSError:
                    near.close()
                    continue
                thread = threading.Thread(target=self._pass, args=(near, far), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pass(self, near: socket.socket, far: socket.socket) -> None:
        with near, far, selectors.DefaultSelector() as selector:
            for one, other in ((near, far), (far, near)):
                one.settimeout(None)
                selector.register(one, selectors.EVENT_READ, other)
            while not self._ends.is_set() and not self.refusing:
                if self.silent:
                    self._ends.wait(_TICK_S)
                    continue
                for key, _ in selector.select(_TICK_S):
                    source = key.fileobj
                    assert isinstance(source, socket.socket)
                    try:
                        data = source.recv(1 << 16)
                        if data:
                            key.data.sendall(data)
                    except OSError:
                        data = b""
                    if not data:
                        return
