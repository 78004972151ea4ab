"""Runs in MLflow, read back with MLflow's own client."""

import math
import shutil
import sys
from dataclasses import replace

import pytest

from colrow.errors import ColrowError
from colrow.exporting import mlflow
from colrow.exporting.jobs import Value, read_jobs

# MLflow's store, here in the same process, speaks to SQLAlchemy in a way that ends some day.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """A database with MLflow's tables, which take some seconds to make."""
    from mlflow.tracking import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def output(empty, tmp_path):
    folder = tmp_path / "tracked"
    folder.mkdir()
    shutil.copyfile(empty, folder / "mlflow.db")
    return folder


@pytest.fixture
def tracked(output):
    from mlflow.tracking import MlflowClient

    return MlflowClient(mlflow.address(str(output)))


def write(filled, output, *, jobs=(), sweeps=(), metrics=()):
    read = read_jobs(filled.service.client, sweeps=sweeps, jobs=jobs, metrics=metrics)
    return mlflow.write(read, str(output), sweep_names={filled.sweep: "Two/seeds"})


def runs(tracked):
    """Every run that is not deleted, by the id of its job."""
    experiments = [experiment.experiment_id for experiment in tracked.search_experiments()]
    found = tracked.search_runs(experiments)
    by_job = {run.data.tags["colrow.job"]: run for run in found}
    assert len(by_job) == len(found)
    return by_job


def history(tracked, run, metric):
    points = tracked.get_metric_history(run.info.run_id, metric)
    return sorted((point.step, point.value) for point in points)


def test_a_sweep_is_an_experiment_and_a_job_a_run_with_all_that_it_left(filled, output, tracked):
    done = write(filled, output, sweeps=[filled.sweep])
    assert (done.written, done.kept) == (2, 0)
    found = runs(tracked)
    assert set(found) == set(filled.jobs)
    (experiment,) = {run.info.experiment_id for run in found.values()}
    assert tracked.get_experiment(experiment).name == f"Two/seeds {filled.sweep[-12:]}"
    run = found[filled.jobs[0]]
    assert history(tracked, run, "train_loss") == [
        (10, 0.1), (20, 0.05), (30, 1 / 30), (40, 0.025),
    ]  # fmt: skip
    assert run.data.params["training.batch_size"] == "50"
    assert run.data.params["model.hidden"] == "[16, 8]"
    assert run.data.params["approximation.0.policy.name"] == "topk"
    assert run.data.params["seed"] == "4"
    tags = run.data.tags
    assert (tags["colrow.tags"], tags["tag.paper"]) == ("a<b>, paper", "true")
    assert (tags["colrow.state"], tags["mlflow.user"]) == ("succeeded", "local")
    assert run.info.status == "FINISHED"
    assert run.info.end_time >= run.info.start_time > 0


def test_a_point_that_is_not_finite_is_nan_and_times_follow_the_seconds(filled, output, tracked):
    write(filled, output, jobs=[filled.jobs[0]])
    run = runs(tracked)[filled.jobs[0]]
    ((step, value),) = history(tracked, run, "gradient_norm")
    assert (step, math.isnan(value)) == (40, True)
    points = tracked.get_metric_history(run.info.run_id, "train_loss")
    assert sorted(p.timestamp - run.info.start_time for p in points) == [2000, 4000, 6000, 8000]


def test_states_become_those_of_mlflow(filled, output, tracked):
    write(filled, output)
    found = runs(tracked)
    assert found[filled.alone].info.status == "FAILED"
    assert found[filled.waiting].info.status == "SCHEDULED"
    assert found[filled.waiting].info.end_time is None
    (experiment,) = {found[job].info.experiment_id for job in (filled.alone, filled.waiting)}
    assert tracked.get_experiment(experiment).name == "colrow"


def test_written_twice_nothing_is_doubled(filled, output, tracked):
    write(filled, output)
    before = {job: run.info.run_id for job, run in runs(tracked).items()}
    again = write(filled, output, jobs=[filled.jobs[0]])
    assert (again.written, again.kept) == (0, 1)
    done = write(filled, output)
    assert (done.written, done.kept) == (0, 4)
    assert {job: run.info.run_id for job, run in runs(tracked).items()} == before


def test_a_job_that_went_on_and_an_export_that_broke_off_are_written_anew(
    filled, output, tracked, monkeypatch
):
    write(filled, output)
    before = runs(tracked)
    filled.service.client.cancel(filled.waiting)
    broken = before[filled.jobs[1]].info.run_id
    tracked.delete_tag(broken, mlflow.DIGEST)  # as if it had ended before the last request
    done = write(filled, output)
    assert (done.written, done.kept) == (2, 2)
    found = runs(tracked)
    assert found[filled.waiting].info.status == "KILLED"
    assert found[filled.jobs[1]].info.run_id != broken
    assert history(tracked, found[filled.jobs[1]], "seconds") == [(40, 8.0)]


def test_curves_longer_than_a_request_are_whole(filled, output, tracked):
    job = next(read_jobs(filled.service.client, sweeps=(), jobs=[filled.alone], metrics=()))
    long = [Value(step, step / 7, job.began_s) for step in range(2500)]
    mlflow.write([replace(job, curves={"train_loss": long})], str(output), sweep_names={})
    assert history(tracked, runs(tracked)[filled.alone], "train_loss") == [
        (step, step / 7) for step in range(2500)
    ]


def test_what_mlflow_refuses_and_a_server_that_is_not_there_are_told(filled):
    with pytest.raises(ColrowError, match=r"MLflow refused: .*filesystem"):
        write(filled, "file:///tmp/x")
    with pytest.raises(ColrowError, match=r"no MLflow answers at 127.0.0.1 .* `mlflow server`"):
        write(filled, "http://user:secret@127.0.0.1:9")


def test_a_missing_client_is_told_by_its_extra(filled, output, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow.tracking", None)
    with pytest.raises(ColrowError, match=r"pip install 'colrow\[mlflow\]'"):
        write(filled, output)
