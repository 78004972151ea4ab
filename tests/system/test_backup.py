"""A service is backed up while it trains, and what is restored trains on, bit for bit."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from colrow.client import Client
from tests.system.installation import long_spec, wait_until
from tests.system.up import StartUp

pytestmark = pytest.mark.system
STEPS = 8000


def colrow(*words: object) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COLROW_")}
    return subprocess.run(
        [sys.executable, "-m", "colrow", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )


def curve(client: Client, job: str) -> list[tuple[int, float | None]]:
    (found,) = client.curves([job], metrics=["train_loss"])
    return list(zip(found["steps"], found["values"], strict=True))


def test_what_is_restored_goes_on_as_the_original_does(up: StartUp, tmp_path: Path) -> None:
    original = up("--port", "0", "--workers", "2", data=tmp_path / "data").wait_until_ready()
    backup = tmp_path / "backup.tar.gz"
    with Client(original.url) as client:
        done = client.submit(long_spec(100), name="done")["id"]
        assert client.wait(done, timeout_s=120)["state"] == "succeeded"
        job = client.submit(long_spec(STEPS))["id"]
        wait_until(lambda: client.job(job)["progress"]["step"] >= 100, "it trains")
        wait_until(lambda: client.checkpoints(job), "it has saved")
        made = colrow("backup", backup, "--data", tmp_path / "data")
        assert made.returncode == 0, made.stderr
        assert "2 jobs" in made.stdout
        state = client.job(job)["state"]
        assert state == "running", "the backup was made in the middle"
        kept = curve(client, done)
    original.process.send_signal(signal.SIGKILL)
    original.process.wait()
    back = colrow("restore", backup, "--data", tmp_path / "restored")
    assert back.returncode == 0, back.stderr
    assert "1 job that ran then is queued again" in back.stdout
    restored = up("--port", "0", "--workers", "2", data=tmp_path / "restored").wait_until_ready()
    with Client(restored.url) as client:
        ended = client.wait(job, timeout_s=300)
        assert ended["state"] == "succeeded", ended
        first, second = ended["attempts"]
        assert first["reason"]["kind"] == "restored"
        assert second["start_step"] > 0
        assert curve(client, done) == kept
        steps = [step for step, _ in curve(client, job)]
        assert steps == sorted(set(steps))
        assert set(steps) >= set(range(10, STEPS + 1, 10))
        in_peace = client.submit(long_spec(STEPS))["id"]
        assert client.wait(in_peace, timeout_s=300)["state"] == "succeeded"
        assert curve(client, job) == curve(client, in_peace)
        target = tmp_path / "weights.pt"
        client.download(job, client.checkpoints(job)[0], target)
        assert target.stat().st_size > 0
    assert restored.stop() == 0
