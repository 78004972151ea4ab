"""`colrow reproduce`: real jobs of a service of its own, gone on with, and a report."""

import os
import re
import subprocess
import sys

import pytest

from tests.system.up import FAST, processes_of

pytestmark = pytest.mark.system


def reproduce(data, out, *words, limit_s=300):
    said = call(*words, "--port", "0", "--data", str(data), "--out", str(out), limit_s=limit_s)
    assert not processes_of(data)
    return said


def call(*words, limit_s=300):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COLROW_")}
    ended = subprocess.run(
        [sys.executable, "-m", "colrow", "reproduce", *words, "--quick"],
        env=environment | FAST,
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def test_a_table_is_run_reported_and_not_run_again(tmp_path):
    words = ("table2", "--seeds", "1")
    first = reproduce(tmp_path / "data", tmp_path / "out", *words)
    assert "table2: 6 jobs queued" in first
    report = (tmp_path / "out/README.md").read_text()
    assert len(re.findall(r"\| 1 of 1 \|", report)) == 6
    assert "## Symmetry of trained weights" in report
    assert (tmp_path / "out/figures/weights-1.svg").exists()
    again = reproduce(tmp_path / "data", tmp_path / "again", *words)
    assert "table2: 0 jobs queued" in again
    results = tmp_path / "out/results.jsonl"
    assert len(results.read_text().splitlines()) == 6
    call(*words, "--report", "--out", str(tmp_path / "alone"), "--with", str(results))
    alone = (tmp_path / "alone/README.md").read_text()
    assert _undated(alone) == _undated(report), "no service is needed for the same report"
    assert (tmp_path / "alone/figures/weights-1.svg").exists()
    elsewhere = reproduce(tmp_path / "elsewhere", tmp_path / "out", *words)
    assert "6 of 6 results are recorded" in elsewhere
    assert "table2: 0 jobs queued" in elsewhere


def _undated(report):
    return [line for line in report.splitlines() if not line.startswith("Written ")]


@pytest.mark.slow
def test_the_small_version_of_everything_can_be_made(tmp_path):
    said = reproduce(tmp_path / "data", tmp_path / "out", limit_s=3600)
    report = (tmp_path / "out/README.md").read_text()
    assert "not run" not in report
    figures = [f"figure{name}" for name in ("1a", "1b", "1c", "2a", "2b", "2c")]
    for figure in (*figures, "alternatives-1-costs", "convolution-2", "gpt"):
        assert f"figures/{figure}.svg" in report
        assert (tmp_path / f"out/figures/{figure}.svg").exists()
    assert "wrn-relations: 10 jobs queued" in said
