"""A receiver that really listens and does as it is told, and a postman with something to send."""

import contextlib
import http.server
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from crs_core.spec import parse_spec
from store import attempts, jobs, webhooks, workers
from store.session import Database
from store.tables import Delivery
from worker.notifier.postman import Postman
from worker.settings import NotifierSettings

SECRET = "a secret of the receiver"


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """An HTTP server on a loopback address; `answer` writes what it answers."""

    server: http.server.ThreadingHTTPServer
    requests: list[Request] = field(default_factory=list)
    answer: Callable[[http.server.BaseHTTPRequestHandler], None] | None = None

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


def say(status: int, **headers: str) -> Callable[[http.server.BaseHTTPRequestHandler], None]:
    """Answer with a status and headers (`location="…"`)."""

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


@contextlib.contextmanager
def receiving(
    host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            names = {name.lower(): value for name, value in self.headers.items()}
            receiver.requests.append(Request(self.path, names, self.rfile.read(length)))
            self.close_connection = True
            with contextlib.suppress(OSError):
                (receiver.answer or say(204))(self)

        do_GET = do_POST

        def log_message(self, *_: Any) -> None: ...

    server = http.server.ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver = Receiver(server)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(20)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


class Bench:
    """A database with deliveries that are due, and who sends them."""

    def __init__(self, database: Database, **settings: Any) -> None:
        self.database = database
        self.settings = NotifierSettings(
            database_url=database.url,
            broker_url="redis://127.0.0.1:9",
            **{"webhook_allow": "127.0.0.0/8", "webhook_timeout_s": 5.0, **settings},
        )
        self.postman = Postman(self.settings, database)

    def with_settings(self, **settings: Any) -> "Bench":
        return Bench(self.database, **settings)

    def end_job(self, url: str, *, secret: str = SECRET) -> str:
        """Run a job to its end whose webhook is at `url`; give its id."""
        spec = parse_spec(
            {
                "model": {"name": "mlp", "hidden": [4]},
                "dataset": {"name": "digits"},
                "training": {"epochs": 1},
            }
        )
        with self.database.write() as session:
            job_id = jobs.submit(session, jobs.NewJob(spec)).job.id
            new = webhooks.NewWebhook(url=url, receiver="r", secret=secret, job_id=job_id)
            webhooks.add(session, new)
            worker = workers.NewWorker(
                name="w", host="h", pid=1, kind="cpu", devices=["cpu"], threads=1
            )
            claim = attempts.claim(session, workers.register(session, worker))
            assert claim is not None
            attempts.finish(session, claim.attempt_id, attempts.Outcome.SUCCEEDED)
        return job_id

    def delivery(self, job_id: str) -> webhooks.Delivery:
        with self.database.read() as session:
            (webhook,) = webhooks.of_job(session, job_id)
        return webhook.deliveries[0]

    def make_due(self) -> None:
        """Let the pauses have passed."""
        with self.database.write() as session:
            for row in session.query(Delivery):
                row.next_at = 0


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """What the resolver says of names of the test: one list after the other, the last for good."""
    answers: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *args: Any, **named: Any) -> Any:
        if host not in answers:
            return real(host, port, *args, **named)
        given = answers[host]
        addresses = given.pop(0) if len(given) > 1 else given[0]
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port))
            for a in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return answers


@pytest.fixture
def certificates(tmp_path: Path) -> Callable[[str], ssl.SSLContext]:
    """Make a certificate for a name, and have it trusted by whoever trusts `tmp_path/ca.pem`."""
    import subprocess

    def make(name: str) -> ssl.SSLContext:
        key, pem = tmp_path / "key.pem", tmp_path / "ca.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-days", "2", "-subj", f"/CN={name}",
             "-addext", f"subjectAltName=DNS:{name}",
             "-keyout", str(key), "-out", str(pem)],
            check=True, capture_output=True,
        )  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem, key)
        return context

    return make
