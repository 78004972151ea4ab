"""`colrow demo`: from nothing to the table of a comparison."""

import os
import re
import signal
import subprocess
import sys

import pytest
import yaml

from tests.system.installation import tiny_spec, wait_until
from tests.system.up import FAST, processes_of

pytestmark = pytest.mark.system


@pytest.mark.parametrize("stays_up", [False, True])
def test_the_demo_trains_compares_and_stops_cleanly(tmp_path, stays_up):
    sweep = tmp_path / "sweep.yaml"
    variants = [{"approximation": []}, {"approximation": [{"policy": "topk", "forward": 0.5}]}]
    base = tiny_spec()
    sweep.write_text(yaml.safe_dump({"base": base, "variants": variants, "axes": {"seed": [0, 1]}}))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COLROW_")}
    command = [sys.executable, "-m", "colrow", "demo", "--spec", str(sweep), "--port", "0"]
    command += ["--data", str(tmp_path / "data"), *(() if stays_up else ("--exit",))]
    said = tmp_path / "said.txt"
    with said.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment | FAST
        )
    if stays_up:
        wait_until(lambda: "Ctrl-C stops the service." in said.read_text(), "it stays up")
        process.send_signal(signal.SIGINT)
    assert process.wait(120) == 0, said.read_text()
    assert re.search(r"topk +50 % .* \(2\)", said.read_text())
    assert "4 jobs in" in said.read_text()
    assert not processes_of(tmp_path / "data")
