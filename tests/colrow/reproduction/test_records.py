"""Results that last: what is kept of a job, how files are read, and what of them counts.

Past 300 lines, since it is one idea: a file of results and all that can be wrong with it.
"""

import uuid
from itertools import pairwise

import pytest

from colrow.reproduction import mnist, recorded, records
from colrow.reproduction.experiments import EXPERIMENTS
from colrow.reproduction.identity import identity
from colrow.reproduction.measured import MOST_POINTS, measured, merged, record
from colrow.reproduction.parts import Experiment
from colrow.reproduction.records import Source, Track, Weights
from colrow.reproduction.runs import Runs, Scale
from crs_core.planning import plan_job
from crs_core.spec import StudySpec, parse_any
from tests.colrow.reproduction.jobs import SPEC, VERSIONS, attempt, by_training, curve, job, made


def test_a_record_holds_what_a_report_needs_of_a_job():
    found = record(job(), [curve("validation_accuracy", [20, 40], [0.9, None])])
    assert (found.state, found.summary) == (
        "succeeded", {"best_test_accuracy": 0.981235, "seconds": 71.25},
    )  # fmt: skip
    assert found.planned_compute_reduction == 0.123457
    assert found.curve("validation_accuracy") == ((20, 40), (0.9, None))
    assert found.source.revision == "a" * 40
    assert found.source.machine == ("cpu", 1, "Quick 9000", None, None)
    assert found.source.versions == VERSIONS | {"processor": "Quick 9000"}
    assert found.source.caveat is None
    assert found.finished_at.isoformat() == "2026-11-24T10:20:30.500000+00:00"
    assert identity(found.spec) == identity(SPEC)


def test_a_job_that_diverged_is_recorded_with_what_it_said():
    reason = {"kind": "diverged", "message": "the loss is nan at step 7"}
    found = record(job(state="failed", reason=reason))
    assert (found.state, found.reason) == ("diverged", "the loss is nan at step 7")


def test_a_long_learning_curve_is_thinned_alike_for_every_seed_and_keeps_its_end():
    steps = list(range(10, 10_010, 10))
    found = record(job(), [curve("validation_accuracy", steps, [s / 1e5 for s in steps])])
    kept, values = found.curve("validation_accuracy")
    assert len(kept) <= MOST_POINTS
    assert kept[-1] == 10_000
    assert len({b - a for a, b in pairwise(kept)}) == 1
    assert values[-1] == 0.1
    other = record(job(), [curve("validation_accuracy", steps, [0.5] * 1000)])
    assert other.curve("validation_accuracy")[0] == kept


def test_of_a_study_every_point_is_kept_and_the_reduction_is_the_mean():
    study = EXPERIMENTS["figure1a"].settings[0].spec(0, quick=True)
    curves = [
        curve("frobenius_error", [2, 6], [0.123456789, 0.2]),
        curve("spectral_error", [2, 6], [0.123456789, 0.3]),
        curve("compute_reduction", [2, 6], [0.9, 0.7]),
        curve("expectation_gap", [2, 6], [1.0, 1.0]),
    ]
    found = record(job(study), curves)
    (track,) = found.tracks
    assert track.values["frobenius_error"] == (0.123457, 0.2)
    assert track.values["spectral_error"] == (0.1235, 0.3)
    assert "expectation_gap" not in track.values
    assert found.summary["compute_reduction"] == pytest.approx(0.8)


def test_of_weights_only_the_largest_keeps_its_histogram():
    small = Weights("fc2", 6, 0.0, 1.0, 0.0, 0.5, (-1.0, 0.0, 1.0), (0.5, 0.5))
    large = Weights("fc1", 99, 0.0, 1.0, 0.0, 0.5, (-1.0, 0.0, 1.0), (0.123456, 0.876544))
    found = record(job(), (), [large, small])
    assert found.weights[0].counts == (0.1235, 0.8765)
    assert (found.weights[1].name, found.weights[1].counts) == ("fc2", ())


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_record_of_every_setting_is_read_back_as_the_same_training(name, tmp_path):
    made_of = {}
    for setting in EXPERIMENTS[name].settings:
        spec = setting.spec(0, quick=False)
        made_of[identity(spec)] = record(job(spec, id=setting.label))
    file = tmp_path / records.RESULTS
    file.write_text(records.text(made_of))
    found = recorded.read(file)
    assert found.records == made_of
    assert found.notes == ()


STUDIED = (
    "frobenius_error", "spectral_error", "element_error", "rms_error", "zero_error",
    "compute_reduction", "product_seconds", "exact_product_seconds",
)  # fmt: skip
TRAINED = (
    "best_test_accuracy", "test_accuracy", "validation_accuracy", "train_loss", "seconds",
    "sampling_seconds", "compute_reduction", "peak_memory_bytes",
)  # fmt: skip


def as_it_ends(spec):
    """Give a record as long as a job's of this spec will be."""
    whole = parse_any(spec)
    plan = plan_job(whole)
    if isinstance(whole, StudySpec):
        steps = list(range(1, 1 + len(whole.ratios)))
        curves = [curve(metric, steps, [0.0123456789] * len(steps)) for metric in STUDIED]
    else:
        steps = list(range(plan.steps_per_epoch, plan.steps + 1, plan.steps_per_epoch))
        curves = [curve("validation_accuracy", steps, [0.98765432] * len(steps))]
    versions = VERSIONS | {"colrow": "0.1.0", "cores": "16", "memory": "128.0 GiB"}
    summary = {name: {"last": 98.7654321} for name in TRAINED}
    said = {"id": str(uuid.uuid4()), "summary": summary, "attempts": [attempt(versions=versions)]}
    return record(job(spec, **said), curves)


def test_the_whole_paper_stays_below_a_megabyte():
    found = {
        key: as_it_ends(setting.spec(seed, quick=False))
        for experiment in EXPERIMENTS.values()
        for setting in experiment.settings
        for seed, key in Scale().keys(setting).items()
    }
    assert len(found) > 400
    assert len(records.text(found).encode()) < 1_000_000


def test_a_result_of_the_service_counts_before_a_recorded_one():
    weights = (Weights("fc1", 3, 0.0, 1.0, 0.0, 0.5),)
    before = by_training(made(0, weights=weights), made(1))
    ours = by_training(made(0, job="of-the-service"), made(2))
    found = merged(before, ours)
    assert [each.job for each in found.values()] == ["of-the-service", "job-1", "job-2"]
    same = merged(before, by_training(made(0)))
    assert next(iter(same.values())).weights == weights, "once read, they stay"


def test_jobs_without_a_result_are_not_recorded():
    jobs = [
        job(state="running", finished_at=None),
        job(mnist.MLP_EXACT.spec(1, quick=True), state="cancelled"),
        job(
            mnist.MLP_EXACT.spec(2, quick=True),
            state="failed", reason={"kind": "out_of_memory", "message": ""},
        ),
    ]  # fmt: skip
    wanted = Experiment("e", "e", "", (mnist.MLP_EXACT,))
    assert measured(None, Runs(jobs), [wanted], Scale(quick=True)) == {}


def test_the_newest_job_with_a_result_counts_and_a_strange_spec_is_passed_over():
    strange = job() | {"spec": {"model": {"name": "gone"}}, "id": "s"}
    runs = Runs([strange, job(id="c", state="queued"), job(id="b"), job(id="a")])
    assert runs.job(identity(SPEC))["id"] == "b"
    diverged = job(id="d", state="failed", reason={"kind": "diverged", "message": ""})
    assert Runs([diverged, job(id="a")]).job(identity(SPEC))["id"] == "d"
    assert Runs([job(id="x", state="cancelled"), job(id="y", state="queued")]).job(
        identity(SPEC)
    )["id"] == "y"  # fmt: skip


def test_a_record_says_what_speaks_against_its_times():
    assert record(job(time_caveat="shared host")).source.caveat == "shared host"
    assert Source().caveat == "not recorded"


def test_sources_are_equal_where_code_and_machine_are():
    a, b = (Source(revision="a", versions={"x": "1", "y": order}) for order in "22")
    assert a.key == b.key
    assert a.key != Source(revision="b", versions={"x": "1", "y": "2"}).key


def test_a_track_demands_as_many_values_as_steps():
    with pytest.raises(ValueError, match="seconds has 1 values for 2 steps"):
        Track(steps=(1, 2), values={"seconds": (1.0,)})
