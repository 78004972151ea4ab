"""What is read of a job for other tools."""

import math

import pytest

from colrow.errors import ColrowError
from colrow.exporting.jobs import exported, read_jobs

ITEM = {
    "id": "019ab4f2-7c1e-7d3a-9b52-0c6f1d2e3a4b", "name": "", "state": "running",
    "created_at": "2026-11-01T10:00:00Z", "started_at": "2026-11-01T10:00:30Z",
    "finished_at": None, "sweep_id": None, "owner": "local", "policy": "topk", "tags": [],
    "notes": "", "spec": {"seed": 3}, "curves": {},
}  # fmt: skip
BEGAN_S = 1793527230.0


def curve(*points):
    steps, values = zip(*points, strict=True)
    return {"steps": list(steps), "values": list(values), "non_finite": []}


def test_every_job_is_read_once_in_the_order_given(filled):
    read = read_jobs(
        filled.service.client, sweeps=[filled.sweep], jobs=[filled.jobs[1]], metrics=()
    )
    assert [job.id for job in read] == [filled.jobs[1], filled.jobs[0]]


def test_nothing_named_means_every_job(filled):
    read = read_jobs(filled.service.client, sweeps=(), jobs=(), metrics=())
    assert [job.id for job in read] == [*filled.jobs, filled.alone, filled.waiting]


def test_a_job_that_is_not_there_is_told(filled):
    with pytest.raises(ColrowError, match="there is no job"):
        read_jobs(filled.service.client, sweeps=(), jobs=["nope"], metrics=())


def test_parameters_stand_at_dotted_paths_and_curves_are_whole(filled):
    job = next(read_jobs(filled.service.client, sweeps=(), jobs=[filled.jobs[0]], metrics=()))
    assert job.parameters["training.batch_size"] == 50
    assert job.parameters["model.hidden"] == [16, 8]
    assert job.parameters["approximation.0.policy.name"] == "topk"
    assert job.parameters["seed"] == 4
    assert [(v.step, v.value) for v in job.curves["train_loss"]] == [
        (10, 0.1), (20, 0.05), (30, 1 / 30), (40, 0.025),
    ]  # fmt: skip
    assert math.isnan(job.curves["gradient_norm"][0].value)
    assert job.tags == ("a<b>", "paper")


def test_only_the_metrics_that_are_asked_for_are_read(filled):
    client = filled.service.client
    job = next(read_jobs(client, sweeps=(), jobs=[filled.jobs[0]], metrics=["seconds"]))
    assert list(job.curves) == ["seconds"]


def test_a_step_was_when_the_curve_of_seconds_says():
    loss = curve((0, 5.0), (5, 4.0), (10, 3.0), (30, 2.0), (99, 1.0))
    curves = {"train_loss": loss, "seconds": curve((10, 4.0), (20, None), (50, 12.0))}
    job = exported(ITEM | {"curves": curves})
    times = [v.at_s - BEGAN_S for v in job.curves["train_loss"]]
    assert times == [0.0, 2.0, 4.0, 8.0, 12.0]


def test_without_that_curve_every_step_was_at_the_start():
    job = exported(ITEM | {"curves": {"train_loss": curve((1, 5.0), (9, 4.0))}})
    assert [v.at_s for v in job.curves["train_loss"]] == [BEGAN_S, BEGAN_S]


def test_the_digest_tells_a_job_that_went_on():
    again = exported(ITEM | {"curves": {"train_loss": curve((1, 5.0))}})
    assert exported(ITEM).digest == exported(dict(ITEM)).digest != again.digest
