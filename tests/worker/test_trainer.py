"""The subprocess by itself."""

import json
import os
import subprocess
import sys
import time


def test_a_trainer_whose_supervisor_is_gone_ends_before_it_imports_torch(tmp_path):
    config = tmp_path / "trainer.json"
    config.write_text(json.dumps({"supervisor": os.getpid() + 1}))
    begin_s = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "worker.trainer", str(config)],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert time.monotonic() - begin_s < 10
    assert done.returncode == 1
    assert "the supervisor is gone" in done.stderr
    assert " torch\n" not in done.stderr
