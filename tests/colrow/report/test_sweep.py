"""The report of a sweep, read from a real api."""

import pytest

from colrow.errors import ColrowError
from colrow.report import html
from colrow.report.document import Mark, Table
from colrow.report.sweep import build, family, sweep_file

BASE = {
    "model": {"name": "mlp", "hidden": [16]},
    "dataset": {"name": "digits"},
    "training": {"epochs": 2, "batch_size": 50},
}
VARIANTS = [
    {"approximation": []},
    {"approximation": [{"policy": "topk", "forward": 0.5, "min_samples": 1}]},
    {"approximation": [{"policy": "nps", "forward": 0.25, "min_samples": 1}]},
]


def values(accuracy, reduction):
    return {
        "best_test_accuracy": accuracy, "compute_reduction": reduction, "seconds": 75.0,
        "sampling_seconds": 15.0,
    }  # fmt: skip


@pytest.fixture
def sweep(service):
    made = service.client.sweep(BASE, axes={"seed": [4, 7, 9]}, variants=VARIANTS, name="Three")
    results = [(0.98, 0.0), (0.979, 0.5), (0.90, 0.75)]
    for place, job in enumerate(made["jobs"]):
        accuracy, reduction = results[place // 3]
        if place == 8:
            service.diverge()
        else:
            service.train(job, values(accuracy + 0.0001 * (place % 3), reduction))
    return service.client, made["id"]


def section(document, title):
    return next(s for s in document.sections if s.title == title)


def test_it_says_what_was_found_and_how_sure_it_is(sweep):
    document = build(*sweep)
    assert document.title == "Three"
    assert "0.2 points, of 2 approximate settings: 1 within, 1 worse, 0 undecided" in document.lead
    assert "9 jobs (8 succeeded, 1 failed)" in document.lead
    found = section(document, "What was found")
    table = next(b for b in found.blocks if isinstance(b, Table))
    assert [row[0] for row in table.rows] == ["exact", "topk 50 %", "nps 25 %"]
    assert table.rows[0][4] == "baseline"
    assert table.rows[1][4] == Mark("within", "good")
    assert table.rows[2][4] == Mark("worse: 1 of 3 diverged", "bad")
    assert [row[8] for row in table.rows] == ["–", "–", "seed 9: diverged"]
    assert table.rows[1][1] == "97.91 ± 0.01 % (3)"


def test_a_setting_whose_jobs_all_diverged_has_that_as_its_verdict(service):
    made = service.client.sweep(BASE, axes={"seed": [4, 7]}, variants=VARIANTS[:2])
    for place, job in enumerate(made["jobs"]):
        service.train(job, values(0.9, 0.0)) if place < 2 else service.diverge()
    found = section(build(service.client, made["id"]), "What was found")
    table = next(b for b in found.blocks if isinstance(b, Table))
    assert table.rows[1][4] == Mark("2 of 2 diverged", "bad")
    assert table.rows[1][8] == "seed 4, 7: diverged"


def test_it_draws_the_trade_off_and_the_curves(sweep):
    document = build(*sweep)
    names = [p.name for p in document.pictures]
    assert names == ["trade-off", "validation_accuracy", "train_loss"]
    page = html.render(document)
    assert page.count("<svg") == 3


def test_it_lists_every_job_and_what_it_ran_on(sweep):
    document = build(*sweep)
    (jobs,) = section(document, "Every job").blocks
    assert len(jobs.rows) == 9
    failed = [row for row in jobs.rows if isinstance(row[2], Mark)]
    assert [row[2] for row in failed] == [Mark("failed: diverged", "bad")]
    assert jobs.rows[0][:4] == ("exact", "4", "succeeded", "98.00 %")
    assert jobs.rows[0][6:9] == ("1:15", "20.0 %", "Quick 9000, 1 thread")
    (where,) = section(document, "What it ran on").blocks
    said = dict(where.rows)
    assert said["torch"] == "2.9 (8 jobs)" or said["torch"] == "2.9"
    assert said["processor"] == "Quick 9000"
    assert said["git revision"] == "a" * 40
    assert said["measured times"] == "can be compared"


def test_it_can_be_made_again_from_what_it_says(sweep, tmp_path):
    from colrow.specfile import read_sweep

    client, sweep_id = sweep
    path = tmp_path / "sweep.yaml"
    path.write_text(sweep_file(client.sweep_state(sweep_id)))
    read = read_sweep(path)
    assert (read.name, read.axes) == ("Three", {"seed": [4, 7, 9]})
    plan = client.plan_sweep(read.base, axes=read.axes, variants=read.variants)
    assert plan["count"] == 9
    text = " ".join(str(b) for b in section(build(client, sweep_id), "To make it again").blocks)
    assert "Seeds 4, 7, 9" in text
    assert "colrow sweep sweep.yaml" in text


def test_another_margin_is_another_verdict(sweep):
    document = build(*sweep, margin=50)
    assert "50 points, of 2 approximate settings: 1 within, 0 worse, 1 undecided" in document.lead


def test_a_sweep_without_a_result_has_nothing_to_report(service):
    made = service.client.sweep(BASE, axes={"seed": [0, 1]})
    with pytest.raises(ColrowError, match=r"no job of sweep .* has succeeded yet"):
        build(service.client, made["id"])


def test_the_command_writes_the_files(sweep, colrow, tmp_path, monkeypatch):
    client, sweep_id = sweep
    monkeypatch.setattr("colrow.commands.session.Session.client", client)
    ended = colrow("report", sweep_id, "--out", tmp_path / "out", "--margin", 1)
    assert ended.code == 0, ended.err
    assert ended.out.strip() == str(tmp_path / "out" / "report.html")
    assert (tmp_path / "out/figures/trade-off.svg").exists()
    assert "At a margin of 1 points" in (tmp_path / "out/report.md").read_text()


def test_a_sweep_of_studies_shows_errors_and_the_bound(service):
    base = {"kind": "matmul_error", "ratios": [0.2, 1.0], "draws": 5}
    made = service.client.sweep(
        base, axes={"method": [{"name": "topk"}, {"name": "nps"}], "seed": [0, 1]}, name="Errors"
    )
    for job in made["jobs"]:
        service.measure(job, {20: 0.25, 100: 0.0})
    document = build(service.client, made["id"])
    assert "Errors of 2 ways to approximate a product. 4 jobs (4 succeeded)" in document.lead
    picture, table, _ = section(document, "Errors of products").blocks
    assert [row[1] for row in table.rows] == ["0.125", "0.125"]
    assert ">bound 1/√k</text>" in picture.svg


def test_points_that_differ_in_more_than_the_ratio_are_lines_of_their_own(service):
    rules = [
        {"policy": "topk", "forward": 0.5},
        {"policy": "topk", "forward": 0.25},
        {"policy": {"name": "topk", "exploration": 0.5}, "forward": 0.5},
        {"policy": "topk", "forward": 0.5, "backward": 0.5},
    ]
    made = service.client.sweep(BASE, variants=[{"approximation": [rule]} for rule in rules])
    for place, job in enumerate(made["jobs"]):
        service.train(job, values(0.9 + 0.01 * place, 0.5 + 0.01 * place))
    comparison = service.client.comparison(sweep=[made["id"]])
    names = {g["label"]: family(g) for g in comparison["groups"]}
    assert names == {
        "topk 50 %": "topk",
        "topk 25 %": "topk",
        "topk exploration 50 % 50 %": "topk exploration 50 %",
        "topk 50 % · backward 50 %": "topk · backward 50 %",
    }
