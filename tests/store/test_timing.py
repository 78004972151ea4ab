"""Times are set side by side where nothing but the jobs differs, and else are marked."""

import pytest

from store import attempts, comparison, jobs
from store.attempts import Outcome
from store.tables import Attempt
from store.timing import NOTHING, Against, RanOn, Timed, against, kind_of

QUICK = "Quick 9000, 1 thread"


def begin(bench, worker, spec=None, **said):
    """Submit a job, have the worker claim it, and tell that it trains."""
    bench.submit(spec or bench.spec())
    claim = bench.claim(worker)
    known = {"environment": {"processor": "Quick 9000"}} | said
    bench.record(claim, bench.started(**known))
    return claim


def end(bench, claim, **values):
    bench.record(claim, bench.points(5, seconds=1.0) if not values else bench.points(5, **values))
    bench.write(attempts.finish, claim.attempt_id, Outcome.SUCCEEDED)


def shared(bench, claim):
    with bench.database.read() as session:
        return session.get_one(Attempt, claim.attempt_id).shared


@pytest.fixture
def two(bench):
    """Two slots of one host and one of another."""
    return [
        bench.worker("a/1", host="a"),
        bench.worker("a/2", host="a"),
        bench.worker("b/1", host="b"),
    ]


def test_an_attempt_that_had_its_host_to_itself_says_so(bench, two):
    for worker in (two[0], two[1], two[0]):
        claim = begin(bench, worker)
        assert shared(bench, claim) is None
        end(bench, claim)
        assert shared(bench, claim) is False


def test_attempts_that_ran_at_once_on_one_host_were_both_shared(bench, two):
    first = begin(bench, two[0])
    elsewhere = begin(bench, two[2])
    second = begin(bench, two[1])
    end(bench, first)
    end(bench, second)
    end(bench, elsewhere)
    assert [shared(bench, claim) for claim in (first, second, elsewhere)] == [True, True, False]


def test_two_containers_of_one_machine_share_it_though_their_host_names_differ(bench):
    left = bench.worker("c1/1", host="c1", machine="m")
    right = bench.worker("c2/1", host="c2", machine="m")
    namesake = bench.worker("x/1", host="c1", machine="n")
    first, second = begin(bench, left), begin(bench, right)
    end(bench, first)
    end(bench, second)
    assert (shared(bench, first), shared(bench, second)) == (True, True)
    alone, elsewhere = begin(bench, left), begin(bench, namesake)
    end(bench, alone)
    end(bench, elsewhere)
    assert (shared(bench, alone), shared(bench, elsewhere)) == (False, False)


def test_where_a_machine_is_not_known_its_name_tells(bench):
    known = bench.worker("a/1", host="a", machine="m")
    older = bench.worker("a/2", host="a")
    first, second = begin(bench, known), begin(bench, older)
    end(bench, first)
    end(bench, second)
    assert (shared(bench, first), shared(bench, second)) == (True, True)


def test_an_attempt_beside_one_that_was_lost_was_shared(bench, two):
    lost = begin(bench, two[0])
    beside = begin(bench, two[1])
    bench.write(attempts.release, lost.attempt_id, kind="worker_lost", message="gone")
    end(bench, beside)
    assert (shared(bench, lost), shared(bench, beside)) == (True, True)


def test_gpus_of_one_host_are_shared_device_by_device(bench):
    gpu = {"kind": "cuda", "host": "g"}
    narrow = bench.worker("g/0", devices=["0"], **gpu)
    other = bench.worker("g/1", devices=["1"], **gpu)
    wide = bench.worker("g/01", devices=["0", "1"], **gpu)
    on_gpu = {"device": "cuda:0", "versions": {"gpu": "NVIDIA H100"}}
    both = bench.spec(resources={"kind": "cuda", "devices": 2})
    one = begin(bench, narrow, **on_gpu)
    two = begin(bench, other, **on_gpu)
    end(bench, one)
    assert shared(bench, one) is False
    three = begin(bench, wide, both, **on_gpu)
    end(bench, three)
    end(bench, two)
    assert (shared(bench, two), shared(bench, three)) == (True, True)
    four = begin(bench, wide, both, **on_gpu)
    end(bench, four)
    assert shared(bench, four) is False


def test_a_job_on_the_cpu_is_disturbed_by_one_on_a_gpu_but_not_the_other_way_round(bench):
    gpu = bench.worker("g/0", kind="cuda", devices=["0"], host="g")
    cpu = bench.worker("g/cpu", host="g")
    on_gpu = begin(bench, gpu, device="cuda:0")
    on_cpu = begin(bench, cpu)
    end(bench, on_gpu)
    end(bench, on_cpu)
    assert (shared(bench, on_gpu), shared(bench, on_cpu)) == (False, True)


def test_a_job_says_what_it_ran_on_and_what_speaks_against_its_times(bench, two):
    alone = begin(bench, two[2])
    waiting = bench.submit()
    assert (bench.job(waiting).device, bench.job(waiting).time_caveat) == (None, None)
    running = bench.job(alone.job_id)
    assert (running.device, running.time_caveat) == (QUICK, None)
    end(bench, alone)
    assert bench.job(alone.job_id).time_caveat is None
    bench.write(jobs.request_cancel, waiting)
    first, second = begin(bench, two[0]), begin(bench, two[1])
    end(bench, first)
    end(bench, second)
    listed = {job.id: job.time_caveat for job in bench.read(jobs.list_jobs).items}
    assert listed[first.job_id] == listed[second.job_id] == "shared host"


def test_a_job_whose_attempts_ran_on_several_kinds_has_no_device(bench, two):
    first = begin(bench, two[0])
    bench.write(attempts.release, first.attempt_id, kind="worker_lost", message="gone")
    second = bench.claim(two[2])
    bench.record(second, bench.started(environment={"processor": "Slow 1"}))
    end(bench, second)
    job = bench.job(first.job_id)
    assert (job.device, job.time_caveat) == (None, "several devices")


def test_what_was_recorded_before_there_was_a_column_for_it_is_not_known(bench, two):
    claim = begin(bench, two[0])
    end(bench, claim)
    with bench.database.write() as session:
        session.get_one(Attempt, claim.attempt_id).shared = None
    assert bench.job(claim.job_id).time_caveat == "not recorded"


@pytest.mark.parametrize(
    ("device", "name", "count", "threads", "kind"),
    [
        ("cpu", "EPYC", 1, 1, "EPYC, 1 thread"),
        ("cpu", None, 1, 4, "cpu, 4 threads"),
        ("cpu", "EPYC", 2, 1, "2 x EPYC, 1 thread"),
        ("cuda:0", "H100", 1, 8, "H100"),
        ("cuda:0", "H100", 4, 8, "4 x H100"),
        (None, None, None, None, "cpu"),
    ],
)
def test_a_kind_of_device_is_what_times_hang_on(device, name, count, threads, kind):
    assert kind_of(device, name, count, threads) == kind


def t(seconds, device=QUICK, caveat=None):
    return Timed(seconds, RanOn(device, caveat))


def test_only_times_that_are_a_measure_are_compared():
    base = [t(10.0), t(30.0, caveat="shared host"), t(None), t(12.0)]
    ours = [t(5.0), t(50.0, caveat="shared host"), t(7.0)]
    assert against(ours, base) == Against(11.0, (True, False, True), None)


def test_of_two_kinds_that_one_counts_of_which_both_have_most():
    base = [t(10.0), t(1.0, "H100"), t(3.0, "H100")]
    ours = [t(5.0), t(6.0), t(1.0, "H100"), t(1.5, "H100"), t(9.0, "A100")]
    assert against(ours, base) == Against(2.0, (False, False, True, True, False), None)


def test_where_none_is_a_measure_all_are_compared_and_it_is_said():
    host = {"caveat": "shared host"}
    assert against([t(5.0, **host)], [t(10.0), t(20.0)]) == Against(15.0, (True,), "shared host")
    assert against([t(5.0)], [t(10.0, **host)]) == Against(10.0, (True,), "shared host")


def test_different_devices_are_not_compared_at_all():
    assert against([t(5.0, "A")], [t(10.0, "B")]) == Against(None, (), "another device")
    several = t(5.0, None, "several devices")
    assert against([several], [t(10.0)]).caveat == "another device"
    assert against([several], [several]) == Against(None, (), "several devices")
    assert against([Timed(1.0, NOTHING)], [Timed(2.0, NOTHING)]).caveat == "not recorded"


def test_without_times_there_is_nothing_to_say():
    assert (
        against([], [t(1.0)]) == against([t(1.0)], []) == against([t(None)], [t(1.0)]) == Against()
    )


def test_a_comparison_marks_shared_times_and_keeps_them_off_the_front(bench, two):
    values = {"best_test_accuracy": 0.9, "validation_accuracy": 0.9}
    exact = begin(bench, two[0], bench.spec("exact"))
    topk = begin(bench, two[1], bench.spec("topk"))
    end(bench, exact, seconds=10.0, **values)
    end(bench, topk, seconds=5.0, **values)
    ids = [exact.job_id, topk.job_id]

    def groups(**how):
        found = bench.read(comparison.compare, job_ids=ids, x="time_saved", **how).groups
        return {group.policy: group for group in found}

    marked = groups()["topk"]
    assert (marked.seconds_ratio, marked.time_caveat, marked.is_pareto) == (
        0.5,
        "shared host",
        False,
    )
    assert groups()["exact"].time_caveat is None
    assert marked.x.mean == 0.5
    # Once each has run alone, only those times count.
    for policy, seconds in (("exact", 8.0), ("topk", 2.0)):
        claim = begin(bench, two[0], bench.spec(policy, seed=1))
        end(bench, claim, seconds=seconds, **values)
        ids.append(claim.job_id)
    clean = groups()["topk"]
    assert (clean.seconds_ratio, clean.time_caveat, clean.is_pareto) == (0.25, None, True)
    assert [member.x for member in clean.members] == [None, 0.75]
