"""Clone, pause and retry from the command line."""

import pytest


def test_a_clone_may_differ_in_what_is_set(remote, client, spec):
    job = client.submit(spec(), name="first", tags=["x"])["id"]
    ended = remote("clone", job, "--set", "seed=7", "--set", "model.hidden=[8, 4]", "--name", "b")
    made = client.job(ended.out.strip())
    assert (made["seed"], made["spec"]["model"]["hidden"]) == (7, [8, 4])
    assert (made["name"], made["tags"]) == ("b", ["x"])
    same = client.job(remote("clone", job).out.strip())
    assert same["spec"] == client.job(job)["spec"]
    for one in (job, made["id"], same["id"]):
        client.cancel(one)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--set", "seed"), "'seed' is not PATH=VALUE, as in seed=2 or training.epochs=40"),
        (("--set", "seed=[1"), "the value of 'seed=[1' is neither YAML nor JSON"),
        (("--set", "seed=-1"), "at least 0"),
        (("--set", "colour=red"), "colour"),
    ],
)
def test_what_cannot_be_set_of_a_clone_is_told(remote, client, spec, words, told):
    job = client.submit(spec())["id"]
    ended = remote("clone", job, *words)
    assert ended.code == 1
    assert told in ended.err
    client.cancel(job)


def test_the_queue_and_a_job_in_it_say_why_it_waits(remote, client, spec):
    wanted = spec(resources={"kind": "cuda"})
    job = client.submit(wanted, name="waits", priority=3)["id"]
    listed = next(line for line in remote("queue").out.splitlines() if job in line)
    assert listed.split()[2:5] == ["waits", "local", "3"]
    assert "a worker: none is running" in listed
    shown = remote("show", job).out
    assert "priority            3\n" in shown
    assert "owner               local\n" in shown
    assert "waits for           a worker: none is running\n" in shown
    assert "starts              not known\n" in shown
    client.cancel(job)
    assert "waits for" not in remote("show", job).out


def test_jobs_are_listed_by_owner(remote, client, spec):
    job = client.submit(spec())["id"]
    assert job in remote("ls", "--owner", "local").out
    assert "no such jobs" in remote("ls", "--owner", "nobody").err
    client.cancel(job)


def test_a_worker_that_is_not_there_cannot_be_forgotten(refused):
    told = refused("worker", "forget", "host/cpu/1")
    assert "there is no worker 'host/cpu/1'; `colrow doctor` and the page name them" in told


def test_a_job_that_does_not_run_cannot_be_paused(remote, client, spec):
    job = client.submit(spec())["id"]
    ended = remote("pause", job)
    assert (ended.code, ended.err) == (
        1,
        "colrow: the job is queued; only a running job can be paused\n",
    )
    ended = remote("resume", job)
    assert (ended.code, ended.out) == (
        0,
        f"{job} queued; it was not paused, so nothing was changed\n",
    )
    client.cancel(job)


def test_a_retry_may_bring_more_time(remote, client, spec):
    job = client.submit(spec(resources={"wall_time_s": 60}))["id"]
    client.cancel(job)
    assert remote("retry", job, "--wall-time", "2h").out == f"{job} queued\n"
    assert client.job(job)["spec"]["resources"]["wall_time_s"] == 7200
    assert "is no length of time" in remote("retry", job, "--wall-time", "soon").err
    client.cancel(job)
