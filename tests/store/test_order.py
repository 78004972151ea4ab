"""Jobs start in the order that the queue shows: for any mix of owners, priorities, caps, slots."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from crs_core.spec import parse_any
from store import clock, order, queue, shares, slots
from store.attempts import Outcome
from store.slots import Device, Slot
from store.tables import Base, Job, Owner
from tests.store.conftest import Bench, make_spec

OWNERS = ("ada", "bob", "eve")
H100, A100 = (
    Device("NVIDIA H100 80GB HBM3", 80 * 10**9),
    Device("NVIDIA A100-SXM4-40GB", 40 * 10**9),
)
HOST, BIG_HOST = Device("AMD EPYC 9654", 16 * 10**9), Device("AMD EPYC 9654", 512 * 10**9)
SLOTS = (
    Slot("cpu", (HOST,)),
    Slot("cpu", (HOST,), frozenset({"digits"})),
    Slot("cpu", (BIG_HOST, BIG_HOST)),
    Slot("cuda", (A100,)),
    Slot("cuda", (A100, H100)),
    Slot("cuda", (H100,) * 4, frozenset({"mnist"})),
    Slot("cuda", (Device(),)),
)
NEEDS: tuple[dict[str, Any], ...] = (
    {},
    {"kind": "cpu"},
    {"kind": "cuda"},
    {"devices": 2},
    {"kind": "cuda", "devices": 4},
    {"memory_gb": 40},
    {"kind": "cuda", "devices": 2, "memory_gb": 60},
    {"device_name": "*h100*"},
    {"device_name": "*EPYC*"},
    {"kind": "cuda", "device_name": "*A100*", "devices": 2},
)


@dataclass(frozen=True)
class World:
    """Owners with their past and caps, jobs, slots, and which slot claims or ends when."""

    owners: dict[str, tuple[int, int | None]]
    jobs: list[tuple[str, int, dict[str, Any], str]]
    slots: list[Slot]
    turns: list[tuple[int, bool]] = field(default_factory=list)


def worlds(offered: st.SearchStrategy[list[Slot]]) -> st.SearchStrategy[World]:
    past, cap = st.sampled_from([0, 0, 130, 1010]), st.sampled_from([None, None, 0, 1, 2, 5])
    job = st.tuples(
        st.sampled_from(OWNERS), st.sampled_from([0, 0, 0, 1, 7]),
        st.sampled_from([{}] * 5 + list(NEEDS)),
        st.sampled_from(["digits"] * 3 + ["mnist", "study"]),
    )  # fmt: skip
    return st.builds(
        World,
        owners=st.fixed_dictionaries({name: st.tuples(past, cap) for name in OWNERS}),
        jobs=st.lists(job, min_size=4, max_size=12),
        slots=offered,
        turns=st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=16),
    )


def make(bench: Bench, world: World) -> list[int]:
    """Write the world into an empty database, and give the keys of its workers."""
    with bench.database.write() as session:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name not in ("scheduler", "change_head"):
                session.execute(delete(table))
    for owner, priority, resources, dataset in world.jobs:
        if dataset == "study":
            spec = parse_any(
                {"kind": "matmul_error", "method": "topk", "resources": {**resources, "devices": 1}}
            )
        else:
            spec = make_spec(resources=resources, dataset={"name": dataset})
        bench.submit(spec, owner=owner, priority=priority)
    with bench.database.write() as session:
        now = clock.read(session)
        for owner in session.scalars(select(Owner)):
            owner.recent_device_s, owner.max_running = world.owners[owner.name]
            owner.recent_at = now
    return [register(bench, f"w{n}", slot) for n, slot in enumerate(world.slots)]


def register(bench: Bench, name: str, slot: Slot) -> int:
    return bench.worker(
        name, kind=slot.kind, devices=[str(n) for n in range(len(slot.devices))],
        hardware=slot.devices, datasets=slot.datasets,
    )  # fmt: skip


def shown(bench: Bench) -> list[queue.Queued]:
    return list(bench.read(queue.read, limit=1000))


def needs(bench: Bench) -> dict[str, tuple[slots.Need, str, int]]:
    """Give of each queued job what it needs, its owner, and how many more that owner may run."""
    with bench.database.read() as session:
        rows = session.execute(
            select(Job.id, *slots.NEEDS, Owner.name, Owner.key)
            .join(Owner)
            .where(Job.state == "queued")
        ).all()
        standing = shares.read(session)
    room = {key: 99 if s.room is None else s.room for key, s in standing.items()}
    return {row.id: (slots.need_of(row), row.name, room[row.key]) for row in rows}


ONCE_PER_DATABASE = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@ONCE_PER_DATABASE
@given(worlds(st.lists(st.sampled_from(SLOTS), min_size=1, max_size=4)))
def test_a_slot_takes_the_first_job_of_the_queue_that_fits_it_and_may_run(bench, world):
    keys = make(bench, world)
    running = []
    for turn, ends in world.turns:
        if ends and running:
            bench.end(running.pop(0), Outcome.SUCCEEDED)
        which = turn % len(keys)
        wanted = needs(bench)
        expected = next(
            (
                place.job_id
                for place in shown(bench)
                if slots.chosen(world.slots[which], wanted[place.job_id][0])
                and wanted[place.job_id][2] > 0
            ),
            None,
        )
        claim = bench.claim(keys[which])
        assert (claim and claim.job_id) == expected
        if claim is not None:
            running.append(claim)


@ONCE_PER_DATABASE
@given(worlds(st.sampled_from(SLOTS).map(lambda slot: [slot] * 2)))
def test_slots_that_are_alike_take_the_jobs_exactly_as_the_queue_shows_them(bench, world):
    keys = make(bench, world)
    before = shown(bench)
    assert [place.position for place in before] == list(range(1, len(before) + 1))
    started = []
    while (claim := bench.claim(keys[len(started) % 2])) is not None:
        started.append(claim.job_id)
    may = [place.job_id for place in before if place.waits_for is None]
    assert started == may
    assert [place.job_id for place in before][: len(may)] == may, "who waits for more comes last"
    left = shown(bench)
    assert all(place.waits_for for place in left)
    for place in left[:3]:
        assert bench.job(place.job_id).queue_position == place.position


@ONCE_PER_DATABASE
@given(worlds(st.lists(st.sampled_from(SLOTS), min_size=1, max_size=4)))
def test_what_fits_a_slot_is_the_same_in_sql_as_for_one_job(bench, world):
    make(bench, world)
    with bench.database.read() as session:
        seen = order.view(session)
        rows = session.execute(order.whole(seen)).all()
        query = select(Job.key, *slots.NEEDS)
        wanted = {row.key: slots.need_of(row) for row in session.execute(query)}
    assert len(rows) == len(world.jobs)
    for row in rows:
        fits = [slots.chosen(slot, wanted[row.key]) is not None for slot in seen.slots]
        assert row.fits == "".join(str(int(one)) for one in fits)
        assert (slots.lack(seen.slots, wanted[row.key]) is None) == any(fits)
