"""What a command loads: those that only talk to a service are quick to start."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "words",
    [
        ["--help"], ["plan", "colrow/examples/digits.yaml"], ["--server", "http://x", "ls"],
        ["presets"], ["token", "--help"],
    ],
)  # fmt: skip
def test_a_light_command_loads_neither_torch_nor_the_service(words):
    code = (
        "import sys; from colrow import cli\n"
        f"sys.argv = ['colrow', *{words!r}]\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'sqlalchemy', 'fastapi', 'celery', 'store', 'api', 'worker'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stderr.splitlines()[-1] == "[]"
