"""`colrow reproduce` with results of earlier days: beside the report, in files, in a service."""

import json

import pytest

from colrow.reproduction import mnist, records, runs
from colrow.reproduction.experiments import EXPERIMENTS
from colrow.reproduction.parts import Experiment, NoLoss, Number
from colrow.reproduction.runs import Scale

EXPERIMENT = Experiment(
    "mine",
    "My table",
    "What is run.",
    (mnist.MLP_EXACT, mnist.MLP_TOPK40),
    (
        Number("exact is good", mnist.MLP_EXACT, 0.98, 0.01),
        NoLoss("nothing is lost", mnist.MLP_TOPK40, mnist.MLP_EXACT, 0.002),
    ),
    figure="curves",
)
QUICK = Scale(quick=True, seeds=2)
WORDS = ("reproduce", "mine", "--quick", "--seeds", 2)


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setattr(
        "colrow.reproduction.experiments.EXPERIMENTS", {**EXPERIMENTS, "mine": EXPERIMENT}
    )


@pytest.fixture
def at(service, colrow, monkeypatch):
    """The command line at the service in this process."""
    monkeypatch.setattr("colrow.commands.session.Session.client", service.client)
    monkeypatch.setattr(service.client, "close", lambda: None)  # it is used again
    return lambda *words: colrow("--server", "http://x", *words)


@pytest.fixture
def trained(service):
    """A service that has four results, of which the last but one diverged."""
    runs.queue(service.client, EXPERIMENT, QUICK)
    for place, job in enumerate(service.client.jobs(sort="created_at")):
        if place == 2:
            service.diverge()
        else:
            values = {"best_test_accuracy": 0.97 + 0.001 * place, "seconds": 8.0}
            service.train(job["id"], values)
    return service


def told(folder):
    """Give a report without the time at which it was written."""
    text = (folder / "README.md").read_text()
    return [line for line in text.splitlines() if not line.startswith("Written ")]


def test_a_report_of_records_alone_is_that_of_the_service(trained, at, colrow, tmp_path):
    folder = tmp_path / "out"
    ended = at(*WORDS, "--report", "--out", folder)
    assert ended.code == 0, ended.err
    before, lines = told(folder), (folder / records.RESULTS).read_text()
    assert [json.loads(line)["state"] for line in lines.splitlines()].count("diverged") == 1
    ended = colrow(*WORDS, "--report", "--out", folder)
    assert ended.code == 0, ended.err
    assert "4 of 4 results are recorded in" in ended.err
    assert told(folder) == before
    assert (folder / records.RESULTS).read_text() == lines
    assert (folder / "figures/mine.svg").exists()
    assert "1 of 2, 1 diverged" in "\n".join(before)


def test_a_report_elsewhere_takes_records_by_name(trained, at, colrow, tmp_path):
    assert at(*WORDS, "--report", "--out", tmp_path / "one").code == 0
    file = tmp_path / "one" / records.RESULTS
    ended = colrow(*WORDS, "--report", "--out", tmp_path / "two", "--with", file)
    assert ended.code == 0, ended.err
    assert told(tmp_path / "two") == told(tmp_path / "one")
    assert (tmp_path / "two" / records.RESULTS).read_text() == file.read_text()


def test_only_what_is_neither_recorded_nor_in_the_service_is_queued(trained, at, tmp_path):
    folder = tmp_path / "out"
    assert at(*WORDS, "--report", "--out", folder).code == 0
    for job in list(trained.client.jobs()):
        if job["seed"] == 0:
            trained.client.delete(job["id"])
    ended = at(*WORDS[:-1], 3, "--queue", "--out", folder)
    assert ended.code == 0, ended.err
    assert "4 of 6 results are recorded" in ended.err
    assert "mine: 2 jobs queued" in ended.out, "the third seeds"
    ended = at(*WORDS[:-1], 3, "--queue", "--out", tmp_path / "new")
    assert "mine: 2 jobs queued" in ended.out, "the first seeds, which are recorded elsewhere"


def test_what_is_recorded_is_not_waited_for(trained, at, tmp_path):
    folder = tmp_path / "out"
    assert at(*WORDS, "--report", "--out", folder).code == 0
    job = next(iter(trained.client.jobs(sort="created_at")))
    trained.client.delete(job["id"])
    trained.client.submit(job["spec"], tags=[runs.TAG])
    ended = at(*WORDS, "--out", folder)
    assert ended.code == 0, ended.err
    assert "2 of 2" in "\n".join(told(folder)), "its result counts, though it is queued again"


def test_results_of_other_tables_stay_in_the_file(trained, at, colrow, tmp_path):
    folder = tmp_path / "out"
    assert at(*WORDS, "--report", "--out", folder).code == 0
    before = (folder / records.RESULTS).read_text()
    ended = colrow("reproduce", "figure1a", "--quick", "--report", "--out", folder)
    assert ended.code == 0, ended.err
    assert (folder / records.RESULTS).read_text() == before


def test_a_torn_file_is_told_and_stops_nothing(trained, at, colrow, tmp_path):
    folder = tmp_path / "out"
    assert at(*WORDS, "--report", "--out", folder).code == 0
    file = folder / records.RESULTS
    whole = file.read_text()
    file.write_text(whole[:-100])
    ended = colrow(*WORDS, "--report", "--out", folder)
    assert ended.code == 0
    assert f"{file}, line 4: cut off, or no JSON; it is left out" in ended.err
    assert len(file.read_text().splitlines()) == 3
    assert at(*WORDS, "--report", "--out", folder).code == 0
    assert file.read_text() == whole


def test_without_service_and_records_there_is_nothing_to_report(failing, tmp_path):
    said = failing(*WORDS, "--report", "--out", tmp_path / "out")
    assert "no result is recorded in" in said
    assert "--server" in said
    assert not (tmp_path / "out").exists()
    said = failing(*WORDS, "--report", "--with", tmp_path / "gone")
    assert "there are no recorded results in" in said


def test_the_small_version_does_not_write_over_the_full_report(trained, at, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert at(*WORDS, "--report").code == 0
    assert (tmp_path / "build/reproduction/README.md").exists()
    assert not (tmp_path / "docs").exists()
