"""`colrow demo`: from nothing to the table of a comparison."""

import os
import re
import signal
import subprocess
import sys

import httpx
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
    try:
        if stays_up:
            wait_until(lambda: "Ctrl-C stops the service." in said.read_text(), "it stays up")
            process.send_signal(signal.SIGINT)
        assert process.wait(300) == 0, said.read_text()
    finally:
        process.kill()
        process.wait()
    assert re.search(r"topk +50 % .* \(2\)", said.read_text())
    assert "4 jobs in" in said.read_text()
    assert not processes_of(tmp_path / "data")


@pytest.mark.slow
def test_the_digits_demo_trains_to_where_policies_differ(tmp_path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COLROW_")}
    said = tmp_path / "said.txt"
    command = [sys.executable, "-m", "colrow", "demo", "--port", "0", "--data", str(tmp_path / "d")]
    with said.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
    try:
        wait_until(
            lambda: "Ctrl-C stops the service." in said.read_text(), "it is done", timeout_s=300
        )
        url = re.search(r"The page is at (http://\S+);", said.read_text())[1]
        (sweep,) = httpx.get(f"{url}/api/v1/sweeps").json()["items"]
        found = httpx.get(f"{url}/api/v1/comparison", params={"sweep": sweep["id"]}).json()
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    means = {group["label"]: group["y"]["mean"] for group in found["groups"]}
    assert means["exact"] > 0.95
    assert means["exact"] - means["topk 50 %"] < 0.03
    assert means["topk 50 %"] - means["uniform 50 %"] > 0.05
    assert means["uniform 50 %"] - means["uniform 25 %"] > 0.05
