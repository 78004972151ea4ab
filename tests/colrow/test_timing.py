"""Times of jobs in words: what they hang on, and why some are no measure."""

from io import StringIO

from rich.console import Console

from colrow import timing
from colrow.tables import facts_table
from tests.colrow.in_process import serving


def job(device="EPYC, 1 thread", caveat=None):
    return {"device": device, "time_caveat": caveat}


def test_jobs_on_one_kind_of_device_that_had_it_to_themselves_can_be_compared():
    assert timing.caveat([job(), job()]) is None
    assert timing.caveat([job(), job("H100")]) == "another device"
    assert timing.caveat([job(), job(caveat="shared host")]) == "shared host"


def test_a_job_names_its_device_and_what_speaks_against_its_times():
    assert timing.ran_on(job()) == "EPYC, 1 thread"
    assert timing.ran_on(job(caveat="shared host")) == "EPYC, 1 thread (shared host)"
    assert timing.ran_on(job(None)) == "–"


def test_show_tells_where_an_attempt_ran_with_what_and_how_soon(tmp_path, spec):
    with serving(tmp_path) as service:
        made = service.client.submit(spec())["id"]
        service.train(made, {"seconds": 1.0})
        found = service.client.job(made)
    (attempt,) = found["attempts"]
    attempt |= {
        "shared": True, "start_s": 0.034, "device_name": "NVIDIA H100", "device_count": 2,
        "environment": {"start": "warm", "imported_s": "0.00", "MKL_DYNAMIC": "FALSE"},
    }  # fmt: skip
    out = StringIO()
    Console(file=out, width=200).print(facts_table(found))
    said = out.getvalue()
    assert (
        "succeeded on host-1/0, 2 x NVIDIA H100, 1 thread, others beside it, warm start in 0.03 s"
        in said
    )
    assert f"revision {'a' * 40}" in said
    assert "MKL_DYNAMIC FALSE" in said
    assert "imported_s" not in said
