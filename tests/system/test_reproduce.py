"""`colrow reproduce`: real jobs of a service of its own, gone on with, and a report."""

import os
import re
import subprocess
import sys

import pytest

from tests.system.up import FAST, processes_of

pytestmark = pytest.mark.system


def reproduce(data, out, *words, limit_s=300):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COLROW_")}
    command = [sys.executable, "-m", "colrow", "reproduce", *words, "--quick", "--port", "0"]
    ended = subprocess.run(
        [*command, "--data", str(data), "--out", str(out)],
        env=environment | FAST,
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert not processes_of(data)
    return ended.stdout


def test_a_table_is_run_reported_and_not_run_again(tmp_path):
    words = ("table2", "--seeds", "1")
    first = reproduce(tmp_path / "data", tmp_path / "out", *words)
    assert "table2: 5 jobs queued" in first
    report = (tmp_path / "out/README.md").read_text()
    assert len(re.findall(r"\| 1 of 1 \|", report)) == 5
    assert "## Symmetry of trained weights" in report
    assert (tmp_path / "out/figures/weights-1.svg").exists()
    again = reproduce(tmp_path / "data", tmp_path / "again", *words)
    assert "table2: 0 jobs queued" in again


@pytest.mark.slow
def test_the_small_version_of_everything_can_be_made(tmp_path):
    said = reproduce(tmp_path / "data", tmp_path / "out", limit_s=3600)
    report = (tmp_path / "out/README.md").read_text()
    assert "not run" not in report
    for figure in ("1a", "1b", "1c", "2a", "2b", "2c"):
        assert f"figures/figure{figure}.svg" in report
        assert (tmp_path / f"out/figures/figure{figure}.svg").exists()
    assert "wrn-relations: 10 jobs queued" in said
