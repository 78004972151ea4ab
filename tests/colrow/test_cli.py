"""The command line as a person meets it: what it lists, prints and refuses.

Past 300 lines, since it is one idea: every command that needs no service of its own.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from colrow.bars import figures
from colrow.commands.session import console
from colrow.tables import facts_table


def test_the_version_is_shown(colrow):
    assert colrow("--version").out.startswith("colrow 0.")


def test_help_names_every_command(colrow):
    shown = colrow("--help").out
    listed = [line.split()[0] for line in shown.partition("Commands:\n")[2].splitlines()]
    assert listed == [
        "up", "submit", "sweep", "plan", "presets", "ls", "queue", "show", "watch", "log",
        "cancel", "pause", "resume", "retry", "clone", "delete", "checkpoints", "download",
        "compare", "export", "report", "notifier", "doctor", "train", "demo", "reproduce",
        "backup", "restore", "login", "logout", "worker", "token", "db", "webhook",
    ]  # fmt: skip


def test_plan_says_what_a_schedule_changes(colrow, tmp_path):
    text = Path("colrow/examples/mlp-mnist.yaml").read_text()
    spec = tmp_path / "scheduled.yaml"
    spec.write_text(
        text.replace("min_samples: 10", "min_samples: 10, schedule: {exact_last: 0.5}", 1)
    )
    ended = colrow("plan", str(spec))
    assert ended.code == 0
    assert "planned compute reduction 39.7 %" in ended.out
    assert "over the whole training, its schedule included" in " ".join(ended.out.split())


def test_plan_says_that_an_adaptive_budget_is_a_bound(colrow, tmp_path):
    text = Path("colrow/examples/mlp-mnist.yaml").read_text()
    spec = tmp_path / "adaptive.yaml"
    spec.write_text(text.replace("policy: topk", "policy: {name: topk, coverage: 0.9}", 1))
    ended = colrow("plan", str(spec))
    assert "at most" in ended.out
    assert "planned compute reduction at least 79.5 %" in ended.out


def test_plan_shows_every_product_and_the_planned_reduction(colrow):
    ended = colrow("plan", "colrow/examples/mlp-mnist.yaml")
    assert ended.code == 0
    assert ended.out.count("weight gradient") == 3
    assert ended.out.count("input gradient") == 2
    assert "planned compute reduction 79.5 %" in ended.out


def test_plan_says_why_a_gradient_is_cheaper_than_its_own_ratio(colrow, write, spec):
    rule = {"policy": "topk", "forward": 0.5, "backward": 1.0}
    told = colrow("plan", write(spec(approximation=[rule]))).out
    assert "The gradient products work on the inputs that forward kept" in " ".join(told.split())
    backward = {"policy": "topk", "forward": 1.0, "backward": 0.5}
    assert "gradient products" not in colrow("plan", write(spec(approximation=[backward]))).out


def test_plan_shows_the_gates_of_a_rule(colrow, write):
    rule = {"layers": "lstm*", "policy": "topk", "forward": 0.5, "gates": ["input"]}
    spec = {
        "model": {"name": "lstm", "hidden": 8, "layers": 1, "sequence_length": 10},
        "dataset": {"name": "pydoc", "train_limit": 1000},
        "approximation": [rule],
        "training": {"epochs": 1, "batch_size": 4},
    }
    told = colrow("plan", write(spec)).out
    assert "topk gate input" in told
    assert "lstm1" in told


def test_submit_prints_the_id_alone_on_stdout(remote, client, write, spec):
    ended = remote("submit", write(spec(), "nice.yaml"), "--tag", "a", "--priority", 2)
    job = client.job(ended.out.strip())
    assert (job["name"], job["tags"], job["priority"]) == ("nice", ["a"], 2)
    assert "colrow watch" in ended.err
    client.cancel(job["id"])


def test_ls_lists_what_is_asked_for(remote, client, spec):
    job = client.submit(spec(), name="[bold]odd[/bold] :smile:", tags=["listed"])
    ended = remote("ls", "--tag", "listed", "--limit", 1)
    assert job["id"] in ended.out
    assert "[bold]odd[/bold] :smile:" in ended.out
    assert "only the newest 1" in ended.err
    none = remote("ls", "--tag", "none")
    assert (none.out, none.err.startswith("no such jobs")) == ("", True)
    client.cancel(job["id"])


def test_show_log_cancel_retry_and_delete_go_through(remote, client, spec):
    job = client.submit(spec())["id"]
    assert "queued" in remote("show", job).out
    assert remote("log", job).out == ""
    assert remote("cancel", job).out == f"{job} cancelled\n"
    assert remote("retry", job).out == f"{job} queued\n"
    assert remote("cancel", job).code == 0
    assert remote("delete", job).out == f"{job} deleted\n"


def test_show_says_why_an_attempt_was_lost(client, spec, capsys):
    job = client.submit(spec())["id"]
    attempt = {"number": 1, "state": "lost", "worker": "worker-1", "resumed_from": None}
    attempt |= {"reason": {"kind": "worker_lost", "message": "it was killed"}, "notes": ["slow"]}
    attempt |= dict.fromkeys(
        ("device_name", "device_count", "threads", "shared", "start_s", "versions", "git_revision",
         "environment")
    )  # fmt: skip
    console().print(facts_table(client.job(job) | {"attempts": [attempt]}))
    assert "lost on worker-1, worker_lost: it was killed; slow" in capsys.readouterr().out
    client.cancel(job)


def test_what_is_written_to_a_pipe_has_no_blanks_at_the_ends_of_lines(remote, client, spec):
    job = client.submit(spec(), name="n")["id"]
    for words in (("show", job), ("ls",), ("queue",), ("doctor",)):
        out = remote(*words).out
        assert out
        assert not re.search(r" +$", out, re.MULTILINE), words
    client.cancel(job)


def test_behind_a_bar_stands_only_what_is_known():
    assert figures({}, steps_per_s=None, left_s=None) == "loss –  accuracy –"
    summary = {"train_loss": {"last": 0.5}, "validation_accuracy": {"last": 0.9}}
    told = figures(summary, steps_per_s=1234.5, left_s=75)
    assert told == "loss 0.5  accuracy 90.0 %  1,234 steps/s  1:15 left"


def test_watching_a_cancelled_job_fails_and_says_so(remote, client, spec):
    job = client.submit(spec())["id"]
    client.cancel(job)
    ended = remote("watch", job)
    assert ended.code == 1
    assert f"job {job} was cancelled" in ended.err


def test_a_sweep_is_shown_dry_and_then_made(remote, client, write, spec):
    path = write({"base": spec(), "axes": {"seed": [0, 1, 2]}}, "seeds.yaml")
    before = len(list(client.sweeps()))
    dry = remote("sweep", path, "--dry-run")
    assert "3 jobs, planned compute reduction" in dry.out
    assert "seed=2" in dry.out
    assert len(list(client.sweeps())) == before
    made = remote("sweep", path)
    sweep = client.sweep_state(made.out.strip())
    assert (sweep["name"], len(sweep["jobs"])) == ("seeds", 3)
    assert "sweep " + sweep["id"] in remote("compare").err
    table = remote("compare", sweep["id"]).out
    assert "topk" in table
    assert "reduction planned" in table
    assert "at most 0.2 points are lost" in table
    wide = remote("compare", sweep["id"], "--metric", "test_loss", "--margin", 3).out
    assert "loss (n)" in wide
    assert "at most 3 % of exact are lost" in wide
    client.cancel_sweep(sweep["id"])


def test_export_writes_a_file_whole(remote, client, spec, tmp_path):
    job = client.submit(spec())["id"]
    client.cancel(job)
    words = ("export", "--job", job, "--table", "jobs", "--format", "json")
    assert json.loads(remote(*words).out)
    path = tmp_path / "out.json"
    assert remote(*words, "-o", path).code == 0
    assert json.loads(path.read_text())
    assert not list(tmp_path.glob("*.part"))


def test_train_trains_keeps_a_checkpoint_and_goes_on(colrow, write, spec, tmp_path):
    folder = tmp_path / "run"
    path = write(spec(report={"every_steps": 5, "checkpoint_every_s": 0}))
    first = colrow("train", path, "-o", folder, "--threads", 1)
    assert first.code == 0, first.err
    assert "compute reduction, performed" in first.out
    result = json.loads((folder / "result.json").read_text())
    assert result["completed"]
    assert result["summary"]["best_test_accuracy"] > 0.1
    assert len(list(folder.glob("*.pt"))) <= 3
    # As if it had been killed before its last checkpoint.
    newest = max(folder.glob("*.pt"), key=lambda p: int(p.stem.removeprefix("step-")))
    newest.unlink()
    second = colrow("train", path, "-o", folder, "--threads", 1)
    assert second.code == 0, second.err
    assert "going on from step-" in second.out
    again = json.loads((folder / "result.json").read_text())
    assert again["summary"]["best_test_accuracy"] == result["summary"]["best_test_accuracy"]
    other = colrow("train", write(spec(seed=77)), "-o", folder, "--threads", 1)
    assert other.code == 1
    assert "holds the training of another spec" in other.err


def test_train_on_two_devices_gives_what_one_gives_and_goes_on(colrow, write, spec, tmp_path):
    alone, folder = tmp_path / "one", tmp_path / "two"
    base = spec(approximation=[], report={"every_steps": 5, "checkpoint_every_s": 0})
    one = colrow("train", write(base), "-o", alone, "--threads", 1)
    assert one.code == 0, one.err
    path = write(base | {"resources": {"devices": 2}})
    two = colrow("train", path, "-o", folder, "--threads", 2)
    assert two.code == 0, two.err
    assert "2 devices train together: each takes" in two.out
    expected, found = (json.loads((f / "result.json").read_text()) for f in (alone, folder))
    assert found["completed"]
    assert found["summary"].keys() == expected["summary"].keys()
    for name in ("train_loss", "validation_loss", "best_test_accuracy", "gradient_norm"):
        assert found["summary"][name] == pytest.approx(expected["summary"][name], rel=1e-3)
    assert {p.suffix for p in folder.iterdir()} == {".json", ".jsonl", ".pt"}
    assert not (folder / "trainer.json").exists()
    # Called again it is at its end; what was told before stays.
    again = colrow("train", path, "-o", folder, "--threads", 2)
    assert again.code == 0, again.err
    assert json.loads((folder / "result.json").read_text())["summary"] == found["summary"]
    refused = colrow("train", write(base), "-o", folder)
    assert refused.code == 1
    assert 'resources is {"devices": 2} there and null here' in refused.err


def test_a_failure_on_two_devices_is_told_in_its_own_words(failing, write, spec):
    bad = spec(**{"dataset.name": "mnist"}, resources={"devices": 2})
    told = failing("train", "--offline", write(bad))
    assert "train-images-idx3-ubyte" in told
    assert "torch.distributed" not in told


def test_a_batch_too_small_for_the_devices_is_refused_before_anything_starts(failing, write, spec):
    told = failing("train", write(spec(**{"training.batch_size": 2}, resources={"devices": 3})))
    assert "a batch of 2 can't be shared by 3 devices" in told


STUDY = {
    "kind": "matmul_error",
    "operation": {"name": "matmul", "m": 9, "n": 20, "p": 6},
    "method": {"name": "nps", "replacement": True, "scaled": True},
    "ratios": [0.1, 0.5],
    "draws": 50,
}


def test_plan_shows_the_sizes_of_a_study(colrow, write):
    ended = colrow("plan", write(STUDY))
    assert ended.code == 0, ended.err
    assert re.search(r"50.0 % +20 +10 +1.08 k +540 +50.0 %", ended.out)
    assert "50 draws of each size; MACs: 108 k exact, 32.4 k planned" in ended.out
    refused = colrow("plan", write(STUDY | {"ratios": [0.1, 0.11]}))
    assert refused.code != 0
    assert "ratios: 0.1 and 0.11 both keep 2 of 20 pairs" in refused.err


def test_train_shows_the_errors_of_a_study_and_keeps_its_points(colrow, write, tmp_path):
    folder = tmp_path / "study"
    ended = colrow("train", write(STUDY), "-o", folder, "--threads", 1)
    assert ended.code == 0, ended.err
    result = json.loads((folder / "result.json").read_text())
    assert [point["step"] for point in result["points"]] == [2, 10]
    error = result["points"][0]["values"]["frobenius_error"]
    assert f"{error:.4g}" in ended.out
    assert "0.7071" in ended.out  # the bound at k = 2
    assert colrow("train", write(STUDY), "-o", folder, "--threads", 1).code == 0
    again = json.loads((folder / "result.json").read_text())
    assert again["points"][0]["values"]["frobenius_error"] == error


def test_train_without_a_folder_leaves_nothing(colrow, write, spec, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    assert colrow("train", write(spec()), "--threads", 1).code == 0
    # The compiler's cache is torch's own, made once for every user of a machine.
    left = [path for path in (tmp_path / "tmp").iterdir() if "torchinductor" not in path.name]
    assert not left


def test_db_upgrade_makes_the_database_of_the_home(colrow, tmp_path):
    ended = colrow("db", "upgrade")
    assert ended.code == 0
    assert (tmp_path / "home" / "colrow.db").exists()
    assert ": schema 0" in ended.out


def test_a_reader_that_goes_away_is_no_failure_with_words():
    ended = subprocess.run(
        f"{sys.executable} -m colrow --help | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stderr == ""
