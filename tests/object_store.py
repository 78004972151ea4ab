"""A real server of the S3 protocol for tests (moto), as a process that can be frozen and thawed."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass

import pytest

BRISK = {"config_kwargs": {"connect_timeout": 1, "read_timeout": 1, "retries": {"max_attempts": 1}}}
"""Settings of s3fs under which a server that does not answer is soon given up."""


class S3Server:
    """The server; what it holds ends with it."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end_s = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None, "the S3 server has ended"
            assert time.monotonic() < end_s, "the S3 server does not start"
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/moto-api/", timeout=5).close()
        except urllib.error.HTTPError as error:
            error.close()
            return True
        except OSError:
            return False
        return True

    def freeze(self) -> None:
        """Have it answer nobody."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it answer again."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()

    def environment(self) -> dict[str, str]:
        """Give what a process needs to reach it."""
        return {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": self.url,
            "FSSPEC_S3": json.dumps(BRISK),
        }


@dataclass(frozen=True)
class Bucket:
    """A bucket of a test's own, and a prefix in it."""

    server: S3Server
    name: str

    @property
    def address(self) -> str:
        """What COLROW_STORAGE says."""
        return f"s3://{self.name}/lab"

    def names(self) -> list[str]:
        """List everything below the prefix."""
        import fsspec

        system, root = fsspec.core.url_to_fs(self.address)
        system.invalidate_cache()
        return sorted(str(key).removeprefix(f"{root}/") for key in system.find(root))


def make_bucket(server: S3Server) -> Bucket:
    """Make one; the environment must be the server's."""
    import fsspec

    name = f"colrow-{uuid.uuid4().hex[:12]}"
    system, _ = fsspec.core.url_to_fs(f"s3://{name}")
    system.mkdir(name)
    return Bucket(server, name)


def enter(server: S3Server, patch: pytest.MonkeyPatch) -> None:
    """Have this process, and those it starts, reach the server."""
    import fsspec

    for variable, value in server.environment().items():
        patch.setenv(variable, value)
    patch.setitem(fsspec.config.conf, "s3", BRISK)
