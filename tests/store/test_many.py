"""More jobs than a database takes parameters of one statement."""

import sqlite3
import uuid
from functools import partial

import pytest
from sqlalchemy import event, select

from crs_core.events import Points
from store import curves, jobs, order, slots, sweeps
from store.comparison import compare
from store.dialects import among
from store.errors import NotFound
from store.jobs import JobFilter
from store.qualities import usual_quality
from store.slots import Device, Slot
from store.tables import Job
from tests.store.conftest import make_spec

MORE = 66_000
"""PostgreSQL takes 65,535 parameters, SQLite as it is usually built 32,766."""


@pytest.fixture(autouse=True)
def few_parameters(bench):
    """Let SQLite take 60 parameters, so that a few more jobs are too many for one each."""
    if bench.database.dialect == "sqlite":

        @event.listens_for(bench.database.engine, "checkout")
        def limit(connection, *_):
            connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 60)


@pytest.fixture
def strangers():
    return [str(uuid.UUID(int=number)) for number in range(MORE)]


def test_members_are_found_whatever_their_type_and_number(bench, strangers):
    ids = [bench.submit(), bench.submit()]
    with bench.database.read() as session:
        query = select(Job.id).where(among(session, Job.id, [*strangers, ids[1]]))
        assert session.scalars(query).all() == [ids[1]]
        key = session.scalar(select(Job.key).where(Job.id == ids[0]))
        query = select(Job.id).where(among(session, Job.key, [key, *range(10**6, 10**6 + MORE)]))
        assert session.scalars(query).all() == [ids[0]]
        for column in (Job.id, Job.key):
            assert session.scalars(select(Job.id).where(among(session, column, []))).all() == []
        odd = among(session, Job.id, ["'); --", '"', "ä\u2028"])
        assert session.scalars(select(Job.id).where(odd)).all() == []


def test_very_many_ids_can_be_asked_for(bench, strangers):
    known = bench.submit()
    page = bench.read(jobs.list_jobs, JobFilter(ids=[*strangers, known]))
    assert [job.id for job in page.items] == [known]
    with pytest.raises(NotFound, match="there is no job"):
        bench.read(curves.read, [known, *strangers])
    with pytest.raises(NotFound, match="there is no job"):
        bench.read(compare, job_ids=[known, *strangers])
    assert bench.read(usual_quality, strangers, []) == "best_test_accuracy"


def test_many_jobs_that_succeeded_are_compared_and_read(bench):
    ids = []
    for seed in range(64):
        claim = bench.begin(bench.spec(seed=seed))
        bench.record(claim, Points(step=1, epoch=1.0, values={"best_test_accuracy": 0.5}))
        bench.end(claim)
        ids.append(claim.job_id)
    (group,) = bench.read(compare, job_ids=ids).groups
    assert (group.n, group.y.mean) == (64, 0.5)
    found = bench.read(curves.read, ids)
    assert [curve.job_id for curve in found] == ids


def test_jobs_may_ask_for_devices_by_any_number_of_names(bench):
    bench.submit()
    slot = Slot("cuda", (Device("NVIDIA A100", 40 << 30),))
    globs = [f"*A100{'*' * (number % 50)}[0-9]*" for number in range(MORE)] + ["nvidia*"]
    with bench.database.read() as session:
        query = select(Job.key).where(slots.fits(slot, globs, partial(among, session)))
        assert len(session.scalars(query).all()) == 1


def test_the_names_that_ended_jobs_asked_for_are_in_nobodys_way(bench):
    ended, _ = (
        bench.submit(make_spec(resources={"kind": "cuda", "device_name": name}))
        for name in ("A*", "H*")
    )
    bench.write(jobs.request_cancel, ended)
    assert bench.read(order.view).patterns == ("H*",)


def test_a_sweep_is_cancelled_in_a_few_statements_however_large(bench):
    said = []
    event.listen(bench.database.engine, "before_cursor_execute", lambda *a: said.append(a[2]))
    new = sweeps.NewSweep(name="many", base={}, axes={})
    sweep = bench.write(sweeps.create, new, [jobs.NewJob(make_spec())] * 300).sweep
    running = bench.claim()
    said.clear()
    counts = bench.write(sweeps.cancel, sweep.id).counts
    assert (counts["cancelled"], counts["running"]) == (299, 1)
    assert bench.job(running.job_id).wish == "cancel"
    assert len(said) < 30
