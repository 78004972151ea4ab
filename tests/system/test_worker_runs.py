"""A worker runs what is submitted, quickly and with little memory."""

import time

import pytest

from tests.system.conftest import tiny_spec


@pytest.mark.system
def test_a_submitted_job_runs_to_its_end(either):
    either.start_worker()
    job_id = either.submit(tiny_spec())
    job = either.wait(job_id, "succeeded", "failed")
    assert job.state == "succeeded"
