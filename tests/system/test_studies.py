"""Studies through the real service: a sweep over methods to its curves, and a cancelled one."""

import pytest

from colrow.client import Client
from colrow.errors import ColrowError
from tests.system.installation import wait_until

pytestmark = pytest.mark.system

BASE = {
    "kind": "matmul_error",
    "operation": {"name": "matmul", "m": 30, "n": 40, "p": 20},
    "ratios": [0.1, 0.5, 1.0],
    "draws": 300,
    "resources": {"threads": 1},
}
NPS = {"name": "nps", "replacement": True, "scaled": True}


def test_a_sweep_over_methods_ends_in_curves_and_a_long_study_can_be_stopped_and_run_again(up):
    service = up().wait_until_ready()
    with Client(service.url) as client:
        variants = [{"method": "topk"}, {"method": NPS}, {"method": "svd"}]
        sweep = client.sweep(BASE, variants=variants, name="study")
        done = [client.wait(job, timeout_s=120) for job in sweep["jobs"]]
        assert [job["state"] for job in done] == ["succeeded"] * 3, done
        assert {job["dataset"] for job in done} == {"normal(0,1)"}
        curves = {(c["job"], c["metric"]): c for c in client.curves(sweep=sweep["id"])}
        topk, nps, svd = (curves[job["id"], "frobenius_error"] for job in done)
        for curve in (topk, nps, svd):
            assert curve["steps"] == [4, 20, 40]
        assert topk["values"][2] == 0
        assert nps["values"][0] > topk["values"][0] > svd["values"][0]
        bound = curves[done[1]["id"], "error_bound"]["values"]
        assert bound == pytest.approx([4**-0.5, 20**-0.5, 40**-0.5], rel=1e-6)
        with pytest.raises(ColrowError, match="a study has its errors ratio by ratio"):
            client.comparison(sweep=[sweep["id"]], y="frobenius_error")
        compared = client.comparison(sweep=[sweep["id"]], y="seconds")
        assert {g["label"] for g in compared["groups"]} >= {"topk", "nps replacement scaled"}

        long = client.submit(BASE | {"method": NPS, "draws": 1_000_000})["id"]
        wait_until(lambda: client.job(long)["state"] == "running", "the study runs")
        client.cancel(long)
        assert client.wait(long, timeout_s=60)["state"] == "cancelled"
        short = client.submit(BASE | {"method": NPS})["id"]
        assert client.wait(short, timeout_s=60)["state"] == "succeeded"
        again = {c["metric"]: c for c in client.curves(jobs=[short])}
        assert again["frobenius_error"]["values"] == nps["values"]
    assert service.stop() == 0
