"""Servers of one's own, to be killed: PostgreSQL and Redis from the programs of this machine."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import redis

from tests.system.installation import wait_until


def postgres_programs() -> Path | None:
    """Give the folder of `initdb` and `pg_ctl`, the newest version's; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def _version(path: Path) -> int:
    name = path.parent.parent.name
    return int(name) if name.isdigit() else 0


def redis_program() -> str | None:
    """Give the path of `redis-server`; None where there is none."""
    return shutil.which("redis-server")


def free_port() -> int:
    """Give a port that nobody listens on just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


class Postgres:
    """A PostgreSQL server in a folder, on a port of its own."""

    def __init__(self, folder: Path) -> None:
        programs = postgres_programs()
        assert programs is not None, "PostgreSQL is not installed"
        self._programs = programs
        self.port = free_port()
        # PostgreSQL does not run as root.
        self._user = "postgres" if os.getuid() == 0 else None
        self.data = folder / "postgres"
        self.data.mkdir(mode=0o700)
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            for place in (folder, self.data):
                os.chown(place, account.pw_uid, account.pw_gid)
        self._do("initdb", "-U", "postgres", "--auth=trust", "--no-sync")

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -k '' -c listen_addresses=127.0.0.1 -c fsync=off"
        self._do("pg_ctl", "-w", "-l", str(self.data / "said"), "-o", options, "start")

    def restart_at_once(self) -> None:
        """Stop as a power cut would, and start again: what is not committed is lost."""
        self._do("pg_ctl", "-m", "immediate", "stop")
        self.start()

    def stop(self) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            self._do("pg_ctl", "-m", "immediate", "stop")

    def _do(self, program: str, *words: str) -> None:
        command: Sequence[str] = (str(self._programs / program), "-D", str(self.data), *words)
        # Without a pipe: the server inherits it, and reading its end would wait for the server's.
        subprocess.run(
            command,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self._user,
            cwd=self.data,
        )


class Redis:
    """A Redis server on a port of its own; what it holds outlives a restart, as in a cluster."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "redis"
        self.folder.mkdir()
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = redis_program()
        assert program is not None, "Redis is not installed"
        options = {"port": str(self.port), "bind": "127.0.0.1", "dir": str(self.folder)}
        options |= {"save": "", "appendonly": "yes", "loglevel": "warning"}
        self.process = subprocess.Popen(
            [program, *(x for k, v in options.items() for x in (f"--{k}", v))],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(self.answers, "Redis answers")

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    @contextlib.contextmanager
    def client(self) -> Iterator[redis.Redis]:
        client = redis.Redis.from_url(self.url)
        try:
            yield client
        finally:
            client.close()

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
