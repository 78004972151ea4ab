"""The report of a reproduction, of jobs that a real api holds."""

import dataclasses

import pytest

from colrow.report import html
from colrow.report.document import Mark, Table
from colrow.reproduction import mnist, paper, products, runs
from colrow.reproduction.experiments import EXPERIMENTS
from colrow.reproduction.identity import identity
from colrow.reproduction.measured import measured
from colrow.reproduction.parts import Experiment, NoLoss, Number, Order
from colrow.reproduction.records import Record
from colrow.reproduction.results import Results
from colrow.reproduction.runs import Scale
from crs_core.spec import parse_any
from crs_core.study.plan import study_plan

QUICK = Scale(quick=True, seeds=2)
LOW = mnist.sampled(mnist.MLP, "topk", 0.1)
EXPERIMENT = Experiment(
    "mine",
    "My table",
    "What is run.",
    (mnist.MLP_EXACT, mnist.MLP_TOPK40, LOW),
    (
        Number("exact is good", mnist.MLP_EXACT, 0.98, 0.01),
        NoLoss("nothing is lost", mnist.MLP_TOPK40, mnist.MLP_EXACT, 0.002),
        Order("more is better", (mnist.MLP_TOPK40,), (LOW,)),
    ),
    figure="ratios",
)


@pytest.fixture
def trained(service):
    runs.queue(service.client, EXPERIMENT, QUICK)
    accuracies = {"exact": 0.97, 0.4: 0.975, 0.1: 0.80}
    jobs = list(service.client.jobs(sort="created_at"))
    for place, job in enumerate(jobs):
        rules = job["spec"]["approximation"]
        accuracy = accuracies[rules[0]["forward"] if rules else "exact"] + 0.0001 * (place % 2)
        if place == len(jobs) - 1:
            service.diverge()
        else:
            values = {"best_test_accuracy": accuracy, "seconds": 8.0, "sampling_seconds": 2.0}
            service.train(job["id"], values)
    return service.client


def build(client, experiments, scale):
    found = runs.read(client)
    records = measured(client, found, experiments, scale)
    return paper.build(Results(records, scale, found), experiments)


def section(document, title):
    return next(s for s in document.sections if s.title == title)


def test_every_claim_gets_a_line_and_the_lead_counts_them(trained):
    document = build(trained, [EXPERIMENT], QUICK)
    assert "of 3 claims" in document.lead.lower()
    assert "1 hold, 0 do not, and 2 are open" in document.lead
    (claims,) = section(document, "Every claim").blocks
    undecided = (
        "undecided: at least 1 more seed needed to say anything, 1 of 2 of the worse diverged"
    )
    assert [(row[1], row[5]) for row in claims.rows] == [
        ("exact is good", Mark("small version: not judged", "open")),
        ("nothing is lost", Mark("holds", "good")),
        ("more is better", Mark(undecided, "open")),
    ]


def test_every_setting_is_listed_with_what_became_of_its_jobs(trained):
    document = build(trained, [EXPERIMENT], QUICK)
    blocks = section(document, "My table").blocks
    table = next(b for b in blocks if isinstance(b, Table))
    assert [row[0] for row in table.rows] == ["exact", "topk 40 %", "topk 10 %"]
    exact, half, low = table.rows
    assert (exact[1], exact[2], exact[8]) == ("97.00 ± 0.01 % (2)", "–", "2 of 2")
    assert (half[2], half[6], half[7]) == ("+0.50", "1.00", "25.0 %")
    assert low[8] == Mark("1 of 2, 1 diverged", "bad")
    assert {row[9] for row in table.rows} == {"1"}
    assert [p.name for p in document.pictures] == ["mine"]
    assert "<svg" in html.render(document)


def test_what_is_not_run_is_said_to_be_so(service):
    document = build(service.client, [EXPERIMENT, mnist.FIGURE2B], Scale())
    (claims,) = section(document, "Every claim").blocks
    assert {row[5] for row in claims.rows} == {Mark("not run", "open")}
    table = section(document, "My table").blocks[-1]
    assert table.rows[0][8] == Mark("0 of 5, 5 not run", "open")
    assert not document.pictures


def test_the_command_that_makes_it_again_is_in_it(service):
    document = build(service.client, [EXPERIMENT], QUICK)
    assert section(document, "To make it again").blocks[1].text == (
        "colrow reproduce mine --quick --seeds 2"
    )


def test_studies_are_averaged_over_their_ratios(service):
    study = Experiment(
        "study", "A study", "", products.FIGURE1B.settings[:2],
        (products.FIGURE1B.claims[-1],), figure="errors",
    )  # fmt: skip
    size = Scale(quick=True, seeds=1)
    assert runs.queue(service.client, study, size) == 2
    for job, error in zip(service.client.jobs(sort="created_at"), (0.1, 0.2), strict=True):
        service.measure(job["id"], {2: error, 6: error / 2})
    document = build(service.client, [study], size)
    table = section(document, "A study").blocks[-1]
    assert [row[1] for row in table.rows] == ["0.075 (1)", "0.15 (1)"]
    assert [p.name for p in document.pictures] == ["study"]


def test_the_command_queues_waits_and_writes(trained, colrow, tmp_path, monkeypatch):
    from colrow.reproduction.experiments import EXPERIMENTS

    monkeypatch.setattr(
        "colrow.reproduction.experiments.EXPERIMENTS", {**EXPERIMENTS, "mine": EXPERIMENT}
    )
    monkeypatch.setattr("colrow.commands.session.Session.client", trained)
    words = ("--server", "http://x", "reproduce", "mine", "--quick", "--seeds", 2)
    ended = colrow(*words, "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert "mine: 0 jobs queued" in ended.out
    assert "Of 3 claims" in (tmp_path / "out/README.md").read_text()
    assert (tmp_path / "out/figures/mine.svg").exists()


def study_of(setting, seed, *, at_half, costs):
    """Give the record of a study whose sizes have these errors and costs, the middle one half."""
    spec = setting.spec(seed, quick=True)
    sizes = study_plan(parse_any(spec)).sizes
    errors = [at_half + 0.1 * (0.5 - size.ratio) for size in sizes]
    track = {
        "steps": [size.k for size in sizes],
        "values": {
            "frobenius_error": errors,
            "spectral_error": [e / 2 for e in errors],
            "compute_reduction": [1 - costs * size.ratio for size in sizes],
            "zero_error": [0.9] * len(sizes),
            "product_seconds": [0.003] * len(sizes),
            "exact_product_seconds": [0.002] * len(sizes),
        },
    }
    said = {
        "job": f"{setting.series}-{seed}", "finished_at": "2026-11-24T10:00:00Z",
        "state": "succeeded", "spec": spec, "planned_compute_reduction": 0.0, "summary": {},
        "tracks": [track], "source": {},
    }  # fmt: skip
    return identity(spec), Record.model_validate(said)


def test_alternatives_have_their_error_their_cost_and_a_figure_of_both():
    experiment = EXPERIMENTS["alternatives"]
    size = Scale(quick=True)
    records = dict(
        study_of(setting, 0, at_half=0.1, costs=3 if "SVD" in setting.series else 1)
        for setting in experiment.settings
    )
    document = paper.build(Results(records, size), [experiment])
    assert [p.name for p in document.pictures] == [
        "alternatives-1", "alternatives-1-costs", "alternatives-2", "alternatives-2-costs",
    ]  # fmt: skip
    assert "a result of zeros" in document.pictures[0].svg
    assert "N(0, 1)" in document.pictures[0].caption
    assert "random walk" in document.pictures[3].svg
    assert "random walk" not in document.pictures[1].svg
    table = section(document, experiment.title).blocks[-1]
    rows = {row[0]: row for row in table.rows}
    at = dict(zip((c.removeprefix(">") for c in table.columns), range(99), strict=False))
    svd = rows["N(0, 1): truncated SVD"]
    assert svd[at["Frobenius"]] == "0.1"
    assert svd[at["spectral"]] == "0.05"
    assert (svd[at["MACs / exact"]], svd[at["time / exact"]]) == ("1.50", "1.5")
    assert rows["N(0, 1): topk"][at["MACs / exact"]] == "0.50"
    assert svd[at["its expectation"]] == "–"
    claims = {row[1]: row for row in section(document, "Every claim").blocks[0].rows}
    assert claims["truncated SVD costs more than the product"][3] == "1.50 of it"


def test_what_is_not_the_papers_is_judged_apart_and_not_counted(trained):
    mine = dataclasses.replace(EXPERIMENT, name="own", title="Of mine", of_paper=False)
    found = runs.read(trained)
    records = measured(trained, found, [EXPERIMENT, mine], QUICK)
    document = paper.build(Results(records, QUICK, found), [EXPERIMENT, mine])
    assert "Of 3 claims" in document.lead
    assert {row[0] for row in section(document, "Every claim").blocks[0].rows} == {"mine"}
    own = section(document, "Beyond the paper").blocks[0]
    assert own.columns[1:3] == ("asked", ">to hold")
    assert {row[0] for row in own.rows} == {"own"}
    only = paper.build(Results(records, QUICK, found), [mine])
    assert only.lead.endswith("What is asked here is beyond the paper.")
    assert "Every claim" not in {s.title for s in only.sections}


def test_times_are_set_side_by_side_on_one_machine_alone(trained):
    found = runs.read(trained)
    records = measured(trained, found, [EXPERIMENT], QUICK)
    key = QUICK.keys(mnist.MLP_TOPK40)[0]
    other = records[key].source.model_copy(update={"threads": 7})
    elsewhere = {**records, key: records[key].model_copy(update={"source": other})}
    for read, time, sources in ((records, "1.00", "1"), (elsewhere, "0:08", "1, 2")):
        document = paper.build(Results(read, QUICK), [EXPERIMENT])
        half = section(document, "My table").blocks[-1].rows[1]
        assert (half[6], half[9]) == (time, sources)
