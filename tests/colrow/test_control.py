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


def test_a_job_that_does_not_run_cannot_be_paused(remote, client, spec):
    job = client.submit(spec())["id"]
    ended = remote("pause", job)
    assert (ended.code, ended.err) == (
        1,
        "colrow: the job is queued; only a running job can be paused\n",
    )
    assert remote("resume", job).out == f"{job} queued\n"
    client.cancel(job)


def test_a_retry_may_bring_more_time(remote, client, spec):
    job = client.submit(spec(resources={"wall_time_s": 60}))["id"]
    client.cancel(job)
    assert remote("retry", job, "--wall-time", "2h").out == f"{job} queued\n"
    assert client.job(job)["spec"]["resources"]["wall_time_s"] == 7200
    assert "is no length of time" in remote("retry", job, "--wall-time", "soon").err
    client.cancel(job)
