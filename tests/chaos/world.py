"""A whole service of one's own to break: servers, api, workers that are started again.

As under `colrow up` or docker-compose, whatever ends is started again (`tend`). Home is a small
file system in memory where this machine allows to mount one, so that it can be filled.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import migrations
from colrow.client import Client
from colrow.errors import ColrowError
from store import tokens
from store.session import Database
from tests.chaos.proxy import Proxy
from tests.chaos.servers import Postgres, Redis, free_port
from tests.system.installation import Installation, Valkey, Worker, wait_until
from tests.system.up import processes_of

PROFILES = ("embedded", "cluster")
WORKERS = 2
HOME_MB = 600
CLOCK = Path(__file__).parent / "clock"


class World:
    """The service of one storm."""

    def __init__(self, profile: str) -> None:
        assert profile in PROFILES
        self.profile = profile
        self.folder = Path(tempfile.mkdtemp(prefix="colrow-chaos-"))
        self.folder.chmod(0o755)
        self.home = self.folder / "home"
        self.home.mkdir()
        self.is_mounted = _mount(self.home)
        self.postgres: Postgres | None = None
        self.proxy: Proxy | None = None
        self.broker: Valkey | Redis
        self._settings: dict[str, dict[str, str]] = {}
        self._api: subprocess.Popen[bytes] | None = None
        self._port = free_port()
        self._python_path = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join([str(CLOCK), *filter(None, [self._python_path])])
        if profile == "cluster":
            servers = self.folder / "servers"
            servers.mkdir()
            self.postgres = Postgres(servers)
            self.postgres.start()
            self.proxy = Proxy(self.postgres.port)
            url = self.postgres.url
            self.broker = Redis(self.folder)
        else:
            url = f"sqlite:///{self.home}/colrow.db"
            broker = self.home / "broker"
            broker.mkdir()
            self.broker = Valkey(broker)
        self.broker.start()
        migrations.upgrade(url)
        self.installation = Installation(self.home, url, self.broker, Database(url))
        self._token = ""
        if profile == "cluster":  # its api lets nobody in without
            with self.installation.database.write() as session:
                made = tokens.issue(session, "storm", "admin", expires_in_s=24 * 3600)
            self._token = made.secret
        for number in range(1, WORKERS + 1):
            self._settings[f"worker-{number}"] = {}
        self.tend()
        wait_until(self.is_ready, "the api answers")

    # What there is

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def workers(self) -> list[Worker]:
        """The workers that run."""
        return [w for w in self.installation.workers if w.process.poll() is None]

    @property
    def api(self) -> "subprocess.Popen[bytes]":
        assert self._api is not None
        return self._api

    def client(self, *, timeout_s: float) -> Client:
        """Give a client of the api that may do everything."""
        return Client(self.url, token=self._token, timeout_s=timeout_s)

    def is_ready(self) -> bool:
        try:
            with self.client(timeout_s=5) as client:
                client.workers()
        except ColrowError:
            return False
        return True

    # What starts again

    def tend(self) -> None:
        """Start again what has ended."""
        process = self.broker.process
        if process is None or process.poll() is not None:
            self.broker.start()
        running = {worker.name for worker in self.workers}
        for name, settings in self._settings.items():
            if name not in running:
                self.installation.workers = self.workers
                self.installation.start_worker(name, wait=False, **self._worker_settings(settings))
        if self._api is None or self._api.poll() is not None:
            self._start_api()

    def set_clock(self, name: str, shift_s: float) -> None:
        """Have a worker's clock go wrong by so much from its next start on."""
        self._settings[name] = {"test_clock_s": str(shift_s)} if shift_s else {}

    def _worker_settings(self, own: dict[str, str]) -> dict[str, str]:
        settings = dict(own)
        if self.proxy is not None:
            settings["database_url"] = self.installation.database_url.replace(
                f":{self.postgres.port}/" if self.postgres else "", f":{self.proxy.port}/"
            )
        return settings

    def _start_api(self) -> None:
        environment = self.installation.environment(port=str(self._port), host="127.0.0.1")
        with (self.home.parent / "api.log").open("ab") as said:
            self._api = subprocess.Popen(
                [sys.executable, "-m", "api"],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=environment,
                start_new_session=True,
            )

    # The end

    def close(self) -> list[str]:
        """Stop everything; give the command lines of what would not end."""
        with contextlib.suppress(Exception):
            self.api.terminate()
            self.api.wait(20)
        self.installation.close()
        end_s = time.monotonic() + 20
        while (left := processes_of(self.home)) and time.monotonic() < end_s:
            ours = self.broker.process.pid if self.broker.process else None
            left.pop(ours or 0, None)
            if not left:
                break
            time.sleep(0.1)
        self.broker.stop()
        if self.proxy is not None:
            self.proxy.close()
        if self.postgres is not None:
            self.postgres.stop()
        if self._python_path is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = self._python_path
        if self.is_mounted:
            subprocess.run(["umount", str(self.home)], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        return list(left.values())


def _mount(folder: Path) -> bool:
    """Make the folder a small file system in memory, where that is allowed."""
    if os.getuid() != 0 or shutil.which("mount") is None:
        return False
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={HOME_MB}m", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    return done.returncode == 0
