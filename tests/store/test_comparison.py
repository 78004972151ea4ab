import math

import pytest

from crs_core.statistics import Delta, Stat
from store import attempts, comparison, jobs, sweeps
from store.attempts import Outcome
from store.errors import BadQuery, NotFound


def run(bench, spec, *, planned=None, outcome=Outcome.SUCCEEDED, kind="k", **values) -> str:
    """Make a job that has ended with these values."""
    claim = bench.begin(spec, planned_compute_reduction=planned)
    started = bench.started(threads=spec.resources.threads or 1)
    bench.record(claim, started, bench.points(5, validation_accuracy=0.5, **values))
    bench.write(attempts.finish, claim.attempt_id, outcome, kind=kind)
    return claim.job_id


def compare(bench, **how) -> comparison.Comparison:
    return bench.read(comparison.compare, **how)


@pytest.fixture
def paper(bench):
    """Exact and two ratios of topk, three seeds each but one."""
    accuracies = {
        ("exact", 1.0): (0.98, 0.97, 0.99),
        ("topk", 0.4): (0.97, 0.97, 0.97),
        ("topk", 0.1): (0.90, 0.80),
        ("nps", 0.4): (0.60, 0.70, 0.80),
    }
    ids = []
    for (policy, ratio), group in accuracies.items():
        for seed, accuracy in enumerate(group):
            spec = bench.spec(policy, ratio, seed=seed)
            ids.append(
                run(
                    bench,
                    spec,
                    planned=1 - ratio,
                    best_test_accuracy=accuracy,
                    compute_reduction=(1 - ratio) * 0.9,
                    seconds=10 * ratio + seed,
                )
            )
    return bench, ids


def test_jobs_that_differ_in_the_seed_alone_are_one_group(paper):
    bench, ids = paper
    found = compare(bench, job_ids=ids)
    assert [(g.label, g.n) for g in found.groups] == [
        ("exact", 3), ("nps 40 %", 3), ("topk 40 %", 3), ("topk 10 %", 2),
    ]  # fmt: skip
    exact, nps, topk, low = found.groups
    assert (exact.policy, exact.ratio, low.policy, low.ratio) == ("exact", 1.0, "topk", 0.1)
    assert (exact.model, exact.dataset) == ("mlp", "digits")
    assert topk.x == Stat(pytest.approx(0.54), pytest.approx(0), 3)
    assert nps.y == Stat(pytest.approx(0.7), pytest.approx(0.1), 3)
    assert low.y.std == pytest.approx(math.sqrt(0.005))
    assert [m.seed for m in nps.members] == [0, 1, 2]
    assert nps.members[1].y == 0.7
    assert topk.planned_compute_reduction.mean == pytest.approx(0.6)
    assert topk.settings["approximation.0.forward"] == 0.4
    assert "seed" not in topk.settings
    assert "training.epochs" not in topk.settings


def test_what_a_job_may_use_does_not_take_it_out_of_its_group(bench):
    """One was retried with more time, one gives way, and one waits for a slot with memory."""
    limits = ({}, {"wall_time_s": 600.0}, {"preemptible": True})
    ids = [
        run(bench, bench.spec(seed=seed, resources=said), best_test_accuracy=0.9)
        for seed, said in enumerate(limits)
    ]
    others = [
        run(bench, bench.spec(resources=said), best_test_accuracy=0.9)
        for said in ({"threads": 2}, {"kind": "cpu"})
    ]
    waits = bench.submit(bench.spec(seed=9, resources={"memory_gb": 8.0}))
    found = compare(bench, job_ids=[*ids, *others, waits])
    assert sorted((g.n, g.pending) for g in found.groups) == [(1, 0), (1, 0), (3, 1)]
    assert {path for g in found.groups for path in g.settings} == {
        "resources.threads", "resources.kind",
    }  # fmt: skip


def test_differences_are_taken_seed_by_seed_to_the_exact_group(paper):
    bench, ids = paper
    found = compare(bench, job_ids=ids)
    exact, nps, topk, low = found.groups
    assert found.baseline == exact.key
    assert (exact.is_baseline, topk.is_baseline) == (True, False)
    assert {g.baseline for g in found.groups} == {exact.key}
    assert exact.delta_y is None
    assert topk.delta_y == Delta(pytest.approx(-0.01), pytest.approx(0.01), 3, paired=True)
    assert low.delta_y == Delta(pytest.approx(-0.125), pytest.approx(0.0636396), 2, paired=True)
    assert nps.seconds_ratio == pytest.approx(5 / 11)


def test_each_group_is_weighed_against_its_baseline(paper):
    bench, ids = paper
    exact, nps, topk, low = compare(bench, job_ids=ids).groups
    assert exact.evidence is None
    assert (topk.evidence.mean, topk.evidence.n) == (pytest.approx(-0.01), 3)
    # Differences of -1, 0 and -2 points: mean -1, deviation 1, t(0.975, 2) = 4.303.
    assert topk.evidence.low == pytest.approx(-0.01 - 4.302653 * 0.01 / math.sqrt(3))
    assert topk.evidence.margin == pytest.approx(0.002)
    assert [g.evidence.verdict for g in (nps, topk, low)] == [
        "worse", "undecided", "undecided",
    ]  # fmt: skip
    wide = compare(bench, job_ids=ids, margin=5).groups
    assert next(g for g in wide if g.key == topk.key).evidence.verdict == "within"


def test_the_front_holds_what_nothing_beats_in_both(paper):
    bench, ids = paper
    found = compare(bench, job_ids=ids)
    assert [g.label for g in found.groups if g.is_pareto] == ["exact", "topk 40 %", "topk 10 %"]


def test_a_loss_is_better_when_it_is_lower(bench):
    ids = [
        run(bench, bench.spec("exact"), test_loss=0.5, compute_reduction=0.0),
        run(bench, bench.spec("topk", 0.5), test_loss=0.4, compute_reduction=0.5),
    ]
    found = compare(bench, job_ids=ids, y="test_loss")
    assert [(g.label, g.is_pareto) for g in found.groups] == [("exact", False), ("topk 50 %", True)]


def test_time_saved_is_measured_against_the_baseline(paper):
    bench, ids = paper
    found = compare(bench, job_ids=ids, x="time_saved")
    exact, topk = (next(g for g in found.groups if g.label == n) for n in ("exact", "topk 40 %"))
    assert exact.x.mean == pytest.approx(0)
    assert topk.x.mean == pytest.approx(1 - 5 / 11)
    planned = compare(bench, job_ids=ids, x="planned_compute_reduction")
    assert [g.x.mean for g in planned.groups] == pytest.approx([0, 0.6, 0.6, 0.9])


def test_without_an_exact_job_there_is_no_baseline(bench):
    ids = [run(bench, bench.spec(), best_test_accuracy=0.9, seconds=1.0)]
    found = compare(bench, job_ids=ids, x="time_saved")
    (group,) = found.groups
    assert (found.baseline, group.baseline, group.delta_y) == (None, None, None)
    assert (group.x, group.seconds_ratio, group.is_pareto) == (Stat(None, None, 0), None, False)
    assert group.y == Stat(0.9, None, 1)


def test_each_training_has_its_own_baseline(bench):
    for epochs in (2, 3):
        for policy in ("exact", "topk"):
            run(bench, bench.spec(policy, training={"epochs": epochs}), best_test_accuracy=0.5)
    ids = [job.id for job in bench.read(jobs.list_jobs).items]
    found = compare(bench, job_ids=ids)
    assert found.baseline is None
    assert len({g.baseline for g in found.groups}) == 2
    assert {g.label for g in found.groups} == {
        "exact, epochs=2", "exact, epochs=3", "topk 40 %, epochs=2", "topk 40 %, epochs=3",
    }  # fmt: skip


def test_only_jobs_that_succeeded_count(bench):
    spec = bench.spec
    ids = [
        run(bench, spec(seed=0), best_test_accuracy=0.9, compute_reduction=0.5),
        run(bench, spec(seed=1), outcome=Outcome.FAILED, best_test_accuracy=0.1),
        bench.submit(spec(seed=2)),
    ]
    running = bench.begin(spec(seed=3), priority=9)
    bench.record(running, bench.points(1, best_test_accuracy=0.2))
    (group,) = compare(bench, job_ids=[*ids, running.job_id]).groups
    assert (group.n, group.pending, group.y) == (1, 2, Stat(0.9, None, 1))
    assert [(m.state, m.reason, m.y) for m in group.members] == [
        ("succeeded", None, 0.9), ("failed", "k", None), ("queued", None, None),
        ("running", None, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "verdict", "says"),
    [
        ("out_of_memory", "within", "within"),
        ("diverged", "undecided", "undecided: 2 of 4 diverged"),
    ],
)
def test_those_that_diverged_count_in_the_verdict(bench, kind, verdict, says):
    ids = [
        run(bench, bench.spec("exact", 1.0, seed=seed), best_test_accuracy=0.9) for seed in range(4)
    ]
    ids += [run(bench, bench.spec(seed=seed), best_test_accuracy=0.9) for seed in range(2)]
    ids += [run(bench, bench.spec(seed=seed), outcome=Outcome.FAILED, kind=kind) for seed in (2, 3)]
    (group,) = (g for g in compare(bench, job_ids=ids).groups if not g.is_baseline)
    assert (group.n, group.evidence.n) == (2, 2)
    assert (group.evidence.verdict, group.evidence.says) == (verdict, says)
    assert [m.reason for m in group.members] == [None, None, kind, kind]


def test_against_a_baseline_that_diverged_in_part_nothing_is_decided(bench):
    ids = [run(bench, bench.spec(seed=seed), best_test_accuracy=0.9) for seed in range(3)]
    exact = [bench.spec("exact", 1.0, seed=seed) for seed in range(3)]
    ids += [run(bench, spec, best_test_accuracy=0.9) for spec in exact[:2]]
    ids += [run(bench, exact[2], outcome=Outcome.FAILED, kind="diverged")]
    (group,) = (g for g in compare(bench, job_ids=ids).groups if not g.is_baseline)
    assert (group.evidence.verdict, group.evidence.mean) == ("undecided", 0.0)
    assert group.evidence.says == "undecided: 1 of 3 of the baseline diverged"


def test_a_value_that_is_not_finite_is_left_out_of_the_mean(bench):
    ids = [
        run(bench, bench.spec(seed=0), best_test_accuracy=0.8),
        run(bench, bench.spec(seed=1), best_test_accuracy=math.nan),
    ]
    (group,) = compare(bench, job_ids=ids).groups
    assert (group.n, group.y) == (2, Stat(0.8, None, 1))


def test_other_metrics_are_taken_at_the_best_validation(bench):
    claim = bench.begin()
    bench.record(
        claim,
        bench.points(1, validation_accuracy=0.9, test_loss=0.3),
        bench.points(2, validation_accuracy=0.8, test_loss=0.2),
    )
    bench.write(attempts.finish, claim.attempt_id, Outcome.SUCCEEDED)
    (group,) = compare(bench, job_ids=[claim.job_id], y="test_loss").groups
    assert group.y.mean == 0.3


def test_test_accuracy_means_the_one_at_the_best_validation(paper):
    bench, ids = paper
    assert compare(bench, job_ids=ids, y="test_accuracy") == compare(bench, job_ids=ids)


def test_groups_by_chosen_paths(paper):
    bench, ids = paper
    found = compare(bench, job_ids=ids, group_by=["approximation.0.policy.name"])
    assert {(g.label, g.n) for g in found.groups} == {
        ("policy=exact", 3), ("policy=topk", 5), ("policy=nps", 3),
    }  # fmt: skip
    topk = next(g for g in found.groups if g.policy == "topk")
    assert topk.ratio is None
    assert topk.settings == {"approximation.0.policy.name": "topk"}
    assert next(g for g in found.groups if g.is_baseline).policy == "exact"


def test_each_model_has_its_own_front(bench):
    small, large = {"name": "mlp", "hidden": [20]}, {"name": "cnn"}
    values = {"best_test_accuracy": 0.9, "compute_reduction": 0.5}
    ids = [run(bench, bench.spec(model=large), **values)]
    ids += [run(bench, bench.spec(model=small), **values | {"best_test_accuracy": 0.8})]
    ids += [run(bench, bench.spec(model=small, forward=0.7), **values | {"best_test_accuracy": 0})]
    found = compare(bench, job_ids=ids).groups
    assert {(g.model, g.y.mean): g.is_pareto for g in found} == {
        ("cnn", 0.9): True, ("mlp", 0.8): True, ("mlp", 0.0): False,
    }  # fmt: skip


def test_times_are_compared_with_an_exact_job_on_the_same_threads_alone(bench):
    fast, slow = ({"kind": "cpu", "threads": n} for n in (4, 1))
    ids = [
        run(bench, bench.spec("exact", resources=fast), seconds=10, best_test_accuracy=0.9),
        run(bench, bench.spec(resources=slow), seconds=20, best_test_accuracy=0.8),
    ]
    (group,) = [g for g in compare(bench, job_ids=ids, x="time_saved").groups if not g.is_baseline]
    assert (group.seconds_ratio, group.x.mean) == (None, None)
    assert group.time_caveat == "another device"
    assert group.delta_y.mean == pytest.approx(-0.1)
    ids += [run(bench, bench.spec("exact", resources=slow), seconds=40, best_test_accuracy=0.9)]
    groups = compare(bench, job_ids=ids, x="time_saved").groups
    (group,) = [g for g in groups if not g.is_baseline]
    assert (group.seconds_ratio, group.x.mean, group.time_caveat) == (0.5, 0.5, None)
    assert sum(g.is_baseline for g in groups) == 2


def test_a_whole_sweep_is_compared(bench):
    base = bench.spec().model_dump(mode="json")
    axes = {"seed": [0, 1]}
    made = [jobs.NewJob(member.spec) for member in sweeps.expand(base, axes)]
    sweep = bench.write(sweeps.create, sweeps.NewSweep("s", base, axes), made).sweep
    (group,) = compare(bench, sweep_ids=[sweep.id]).groups
    assert (group.n, group.pending) == (0, 2)
    assert compare(bench, sweep_ids=[sweep.id], job_ids=[sweep.jobs[0]]).groups == (group,)


def test_what_is_not_there_is_told(bench):
    with pytest.raises(NotFound, match="there is no job 'none'"):
        compare(bench, job_ids=["none"])
    with pytest.raises(NotFound, match="there is no sweep 'none'"):
        compare(bench, sweep_ids=["none"])
    job_id = bench.submit()
    for how in ({"x": "colour"}, {"y": "colour"}):
        with pytest.raises(BadQuery, match=r"cannot compare .* y is one of train_loss"):
            compare(bench, job_ids=[job_id], **how)
    with pytest.raises(BadQuery, match=r"no spec has 'model.colour'"):
        compare(bench, job_ids=[job_id], group_by=["model.colour"])
