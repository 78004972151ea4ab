"""`colrow export --to …`, as a shell calls it."""

import pytest
from mlflow.tracking import MlflowClient
from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer


@pytest.fixture
def job(client, spec):
    made = client.submit(spec(), name="exported", tags=["shown"])["id"]
    client.cancel(made)
    return made


def test_a_job_is_written_for_tensorboard(remote, job, tmp_path):
    ended = remote("export", "--to", "tensorboard", "--job", job, "-o", tmp_path / "runs")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.startswith("1 job written; look at them with: tensorboard --logdir ")
    (name,) = EventMultiplexer().AddRunsFromDirectory(str(tmp_path / "runs")).Reload().Runs()
    assert name == f"exported_{job[-12:]}"


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
def test_a_job_is_written_for_mlflow(remote, job, tmp_path):
    ended = remote("export", "--to", "mlflow", "--job", job, "--output", tmp_path)
    assert ended.code == 0
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    assert (
        f"1 job written, 0 there already; look at them with: mlflow ui --backend-store-uri {uri}"
        in ended.err
    )
    tracked = MlflowClient(uri)
    (experiment,) = [e for e in tracked.search_experiments() if e.name == "colrow"]
    (run,) = tracked.search_runs([experiment.experiment_id])
    assert run.data.tags["colrow.job"] == job
    assert run.info.status == "KILLED"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--to", "tensorboard"], "--to tensorboard needs --output: a folder"),
        (["--to", "mlflow"], "--to mlflow needs --output: a folder, or a tracking server's"),
        (["--to", "mlflow", "-o", "x", "--format", "csv"], "leave out --format and --table"),
        (["--to", "tensorboard", "-o", "x", "--table", "jobs"], "leave out --format and --table"),
        (["--to", "excel", "-o", "x"], "'excel' is not one of 'mlflow', 'tensorboard'"),
        (["--to", "mlflow", "-o", "x", "--sweep", "nope"], "there is no sweep 'nope'"),
        (["--to", "tensorboard", "-o", "/dev/null/x"], "/dev/null/x cannot be written"),
        (["--to", "mlflow", "-o", "/dev/null/x"], "/dev/null/x cannot be written"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told(refused, job, words, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert told in refused("export", *words)
