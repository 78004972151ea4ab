import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from crs_core.errors import SpecError
from crs_core.spec import parse_spec
from store import attempts, changes, jobs, sweeps
from store.attempts import Outcome
from store.cursors import encode_cursor
from store.errors import BadQuery, IdempotencyMismatch, NotFound
from store.grid import MAX_JOBS, expand
from store.grouping import at

BASE = {
    "model": {"name": "mlp", "hidden": [20]},
    "dataset": {"name": "digits"},
    "training": {"epochs": 2},
}
TOPK = BASE | {"approximation": [{"policy": "topk", "forward": 0.4}]}


def test_axes_are_crossed_and_the_last_varies_fastest():
    members = expand(TOPK, {"approximation.0.forward": [0.1, 0.2], "seed": [0, 1, 2]})
    found = [(m.spec.approximation[0].forward, m.spec.seed) for m in members]
    assert found == [(0.1, 0), (0.1, 1), (0.1, 2), (0.2, 0), (0.2, 1), (0.2, 2)]
    assert members[1].label == "forward=0.1, seed=1"
    assert members[1].settings == {"approximation.0.forward": 0.1, "seed": 1}


def test_no_axis_makes_the_base_alone():
    (member,) = expand(BASE, {})
    assert member.spec == parse_spec(BASE)
    assert member.label == ""


def test_each_variant_is_crossed_with_every_axis():
    variants = [{"approximation": []}, {"approximation": [{"policy": "topk", "forward": 0.3}]}]
    members = expand(BASE, {"seed": [0, 1]}, variants)
    assert [m.label for m in members] == [
        "approximation=exact, seed=0",
        "approximation=exact, seed=1",
        "approximation=topk 0.3, seed=0",
        "approximation=topk 0.3, seed=1",
    ]


def test_variants_that_differ_in_any_word_of_a_rule_have_names_of_their_own():
    names = {
        "topk 0.3": {},
        "topk 0.3 fc1": {"layers": "fc1"},
        "topk 0.3 backward=0.3": {"backward": 0.3},
        "topk 0.3 min_samples=1": {"min_samples": 1},
        "topk coverage=0.9 0.3": {"policy": {"name": "topk", "coverage": 0.9}},
        "topk mode=backward_only backward=0.3": {
            "mode": "backward_only", "forward": None, "backward": 0.3,
        },
        "topk 0.3 schedule={shape: step, milestones: 5+9}": {
            "schedule": {"shape": "step", "milestones": [5, 9]},
        },
    }  # fmt: skip
    rules = [{"policy": "topk", "forward": 0.3} | changes for changes in names.values()]
    rules = [{key: v for key, v in rule.items() if v is not None} for rule in rules]
    members = expand(BASE, {}, [{"approximation": [rule]} for rule in rules])
    assert [m.label for m in members] == [f"approximation={name}" for name in names]


def test_gates_are_part_of_the_name():
    texts = BASE | {"model": {"name": "lstm"}, "dataset": {"name": "pydoc"}}
    rule = {"policy": "topk", "forward": 0.3, "layers": "lstm*", "gates": ["input", "cell"]}
    (member,) = expand(texts, {}, [{"approximation": [rule]}])
    assert member.label == "approximation=topk 0.3 lstm* gates=input+cell"


def test_paths_of_one_last_word_are_written_out():
    base = BASE | {"approximation": [{"policy": "topk"}, {"policy": "nps", "layers": "fc1"}]}
    axes = {"approximation.0.forward": [0.1], "approximation.1.forward": [0.2], "seed": [3]}
    (member,) = expand(base, axes)
    assert member.label == "approximation.0.forward=0.1, approximation.1.forward=0.2, seed=3"


def test_the_variant_at_fault_is_named():
    bad = [{"policy": "topk", "forward": 1.5}]
    variants = [{"approximation": []}, {"approximation": bad}]
    with pytest.raises(SpecError) as caught:
        expand(BASE, {"seed": [4]}, variants)
    (error,) = caught.value.errors
    assert error.msg.endswith("(at variants.1: approximation=topk 1.5, seed=4)")


def test_the_base_is_not_changed():
    before = repr(TOPK)
    expand(TOPK, {"approximation.0.forward": [0.1]})
    assert repr(TOPK) == before


def test_specs_that_come_out_equal_are_made_once():
    axes = {"approximation": [[], [{"policy": "topk", "forward": 1.0}], []], "seed": [0, 0]}
    assert len(expand(BASE, axes)) == 2


def test_a_path_into_what_the_base_leaves_out_starts_from_the_defaults():
    members = expand(TOPK, {"training.optimizer.lr": [0.5], "report.every_steps": [7]})
    assert members[0].spec.training.optimizer.name == "adam"
    assert members[0].spec.training.optimizer.lr == 0.5
    assert members[0].spec.report.every_steps == 7


def test_a_path_into_a_policy_given_by_its_name_alone():
    base = BASE | {"approximation": [{"policy": "nps", "forward": 0.4}]}
    members = expand(base, {"approximation.0.policy.scaled": [False, True]})
    assert [m.spec.approximation[0].policy.scaled for m in members] == [False, True]


def test_the_name_of_a_policy_is_called_policy():
    members = expand(TOPK, {"approximation.0.policy.name": ["topk", "nps"], "model.hidden": [[5]]})
    assert members[1].label == "policy=nps, hidden=[5]"


@pytest.mark.parametrize(
    ("base", "axes", "loc", "message"),
    [
        (TOPK, {"seed": []}, "axes.seed", "an axis needs at least one value"),
        (TOPK, {"seed": [0, -1]}, "seed", r"\(at seed=-1\)"),
        (TOPK, {"approximation.0.forward": [0.1, 1.5]}, "approximation.0.forward", "1.5"),
        (TOPK, {"colour": [1]}, "colour", "this field is not known"),
        (BASE, {"approximation.0.forward": [0.1]}, "approximation", "no position 0"),
        (TOPK, {"approximation.x.forward": [0.1]}, "approximation", "give a number"),
        ({}, {}, "model", "this field is missing"),
        ({}, {"seed": [1]}, "model", r"missing \(at seed=1\)"),
    ],
)
def test_a_combination_that_cannot_be_is_named(base, axes, loc, message):
    with pytest.raises(SpecError, match=message) as caught:
        expand(base, axes)
    assert any(e.loc.startswith(loc) for e in caught.value.errors)


def test_too_many_jobs_are_refused_before_any_is_made():
    with pytest.raises(
        SpecError, match=f"makes {10**12} jobs; a sweep may have at most {MAX_JOBS}"
    ):
        expand(TOPK, {"seed": range(10**6), "training.batch_size": range(10**6)})


def create(bench, *, name="s", key=None, seeds=(0, 1, 2)) -> sweeps.SubmittedSweep:
    axes = {"seed": list(seeds)}
    new = sweeps.NewSweep(name=name, base=BASE, axes=axes)
    made = [jobs.NewJob(m.spec, name=m.label, tags=("t",)) for m in expand(BASE, axes)]
    return bench.write(sweeps.create, new, made, idempotency_key=key)


def test_a_sweep_makes_its_jobs_in_the_order_of_the_grid(bench):
    made = create(bench)
    assert made.created
    sweep = bench.read(sweeps.get, made.sweep.id)
    assert sweep == made.sweep
    assert (sweep.name, sweep.owner, sweep.base, sweep.axes) == (
        "s",
        "local",
        BASE,
        {"seed": [0, 1, 2]},
    )
    found = [bench.job(job_id) for job_id in sweep.jobs]
    assert [job.spec["seed"] for job in found] == [0, 1, 2]
    assert {job.sweep_id for job in found} == {sweep.id}
    assert {job.tags for job in found} == {("t",)}
    page = bench.read(jobs.list_jobs, jobs.JobFilter(sweeps=[sweep.id]))
    assert len(page.items) == 3
    told = bench.read(changes.since, 0).items
    assert [c.sweep_id for c in told] == [sweep.id] * 4


def test_a_sweep_counts_its_jobs_by_state(bench):
    sweep_id = create(bench).sweep.id
    claim = bench.claim()
    bench.write(attempts.finish, claim.attempt_id, Outcome.SUCCEEDED)
    bench.claim()
    counts = bench.read(sweeps.get, sweep_id).counts
    assert {s: n for s, n in counts.items() if n} == {"queued": 1, "running": 1, "succeeded": 1}
    (listed,) = bench.read(sweeps.list_sweeps).items
    assert (listed.counts, listed.jobs) == (counts, ())


def test_sweeps_are_listed_newest_first_by_pages(bench):
    for name in "abcde":
        create(bench, name=name, seeds=(0,))
    first = bench.read(sweeps.list_sweeps, limit=3)
    second = bench.read(sweeps.list_sweeps, limit=3, cursor=first.next)
    assert [s.name for s in first.items + second.items] == list("edcba")
    assert second.next is None


@pytest.mark.parametrize("key", ["a", None, 1.5, 2**70, True])
def test_a_cursor_of_sweeps_with_other_things_inside_is_refused(bench, key):
    create(bench, seeds=(0,))
    with pytest.raises(BadQuery, match="cursor"):
        bench.read(sweeps.list_sweeps, cursor=encode_cursor([key]))


@pytest.mark.parametrize("word", ["²", "٣", "9" * 5000, "1234567"])
def test_a_place_in_a_list_is_a_few_plain_digits(word):
    with pytest.raises(SpecError, match="stands for a position in a list; give a number as 0"):
        expand(TOPK, {f"approximation.{word}.forward": [0.4]})
    assert at(TOPK, f"approximation.{word}") is None


def test_the_same_key_makes_one_sweep_and_concurrent_twins_wait(bench):
    barrier = threading.Barrier(4)

    def send(_: int) -> str:
        barrier.wait()
        return create(bench, key="k").sweep.id

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(send, range(4)))) == 1
    assert len(bench.read(jobs.list_jobs).items) == 3
    assert not create(bench, key="k").created
    with pytest.raises(IdempotencyMismatch):
        create(bench, key="k", seeds=(0,))


def test_a_key_of_a_job_is_no_key_of_a_sweep(bench):
    bench.submit(key="k")
    with pytest.raises(IdempotencyMismatch):
        create(bench, key="k")


def test_cancelling_a_sweep_cancels_what_has_not_ended(bench):
    sweep_id = create(bench).sweep.id
    claim = bench.claim()
    bench.write(attempts.finish, claim.attempt_id, Outcome.SUCCEEDED)
    running = bench.claim()
    for _ in range(2):
        counts = bench.write(sweeps.cancel, sweep_id).counts
        assert (counts["succeeded"], counts["running"], counts["cancelled"]) == (1, 1, 1)
    assert bench.job(running.job_id).wish == "cancel"
    with pytest.raises(NotFound, match="there is no sweep 'none'"):
        bench.write(sweeps.cancel, "none")


def test_a_large_sweep_is_made_at_once(bench):
    sweep = create(bench, seeds=range(1000)).sweep
    assert sweep.counts["queued"] == 1000
    assert bench.job(sweep.jobs[999]).queue_position == 1000
