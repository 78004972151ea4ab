"""Files of records: how they are read and merged, and what is told of lines at fault."""

import json

import pytest

from colrow.errors import ColrowError
from colrow.reproduction import recorded, records
from tests.colrow.reproduction.jobs import by_training, made


def test_a_file_that_is_not_there_is_no_records_and_one_that_is_named_must_be(tmp_path):
    assert recorded.read(tmp_path / "none").records == {}
    with pytest.raises(ColrowError, match=r"no recorded results in .*none: no such file"):
        recorded.read(tmp_path / "results.jsonl", [tmp_path / "none"])
    with pytest.raises(ColrowError, match="cannot be read: Is a directory"):
        recorded.read(tmp_path)
    (tmp_path / "latin").write_bytes(b"\xff\xfe{")
    with pytest.raises(ColrowError, match="it is not UTF-8"):
        recorded.read(tmp_path / "latin")


def test_lines_that_cannot_be_used_are_said_and_those_of_other_versions_stay(tmp_path):
    good = records.line(made(0))
    later = json.dumps(json.loads(good) | {"format": 2})
    more = json.dumps(json.loads(good) | {"mood": "fine"})
    gone = json.loads(records.line(made(1)))
    gone["spec"]["model"]["name"] = "transformer-9000"
    gone = json.dumps(gone)
    torn = records.line(made(2))[:-40]
    file = tmp_path / "results.jsonl"
    file.write_text("\n".join([later, good, "", more, gone, "[1, 2]", torn]))
    found = recorded.read(file)
    assert found.records == by_training(made(0))
    said = [note.removeprefix(f"{file}, ") for note in found.notes]
    assert said[0].startswith("line 1: no record of this version (format: ")
    assert said[1].startswith("line 4: no record of this version (mood: ")
    assert said[2].startswith("line 5: its spec is no longer one (model: ")
    assert "'transformer-9000'" in said[2]
    assert said[3].startswith("line 6: no record of this version (the line: ")
    assert said[4] == "line 7: cut off, or no JSON; it is left out"
    assert found.others == (later, more, gone, "[1, 2]")
    written = records.text(found.records, found.others)
    assert written.splitlines() == [good, later, more, gone, "[1, 2]"]


def test_of_many_faults_a_few_are_told_and_the_others_counted(tmp_path):
    file = tmp_path / "results.jsonl"
    file.write_text("no\n" * 9)
    notes = recorded.read(file).notes
    assert len(notes) == 6
    assert notes[-1] == f"{file}: 4 more of its lines are at fault"


def test_a_curve_with_a_value_too_few_is_a_fault_of_its_line(tmp_path):
    whole = json.loads(
        records.line(made(0, tracks=[{"steps": [1], "values": {"zero_error": [2.0]}}]))
    )
    whole["tracks"][0]["values"]["zero_error"] = []
    (tmp_path / "r").write_text(json.dumps(whole) + "\n")
    (note,) = recorded.read(tmp_path / "r").notes
    assert "zero_error has 0 values for 1 steps" in note


def test_of_several_results_of_one_training_the_newest_counts(tmp_path):
    own, other = tmp_path / "own", tmp_path / "other"
    old = made(0)
    new = made(0, job="elsewhere", finished_at="2026-12-01T00:00:00Z")
    own.write_text(records.line(new) + "\n" + records.line(old) + "\n")
    found = recorded.read(own)
    assert found.records == by_training(new)
    assert found.notes == (
        f"{own}, line 2: a result of the same training as line 1; the newer one counts",
    )
    own.write_text(records.line(old) + "\n")
    other.write_text(records.line(new) + "\n" + records.line(made(3)) + "\n")
    found = recorded.read(own, [other])
    assert found.records == by_training(new, made(3))
    assert found.notes == (
        f"{other}: of its trainings 1 had another result in an earlier file; the newer one counts",
    )


def test_the_same_job_in_two_files_is_one_result_and_nothing_to_tell(tmp_path):
    own, other = tmp_path / "own", tmp_path / "other"
    for file in (own, other):
        file.write_text(records.line(made(0)) + "\n")
    found = recorded.read(own, [other])
    assert (len(found.records), found.notes) == (1, ())
