from pathlib import Path

import pytest

from colrow.errors import ColrowError, SpecFileError
from colrow.specfile import SweepFile, read_spec, read_sweep, refuse_non_finite


def test_yaml_and_json_give_the_same_mapping(write):
    yaml = write("model: {name: mlp}\ntraining:\n  epochs: 3\n  lr: 1e-3\n")
    json = write('{"model": {"name": "mlp"}, "training": {"epochs": 3, "lr": 1e-3}}', "s.json")
    assert read_spec(yaml) == read_spec(json)
    assert read_spec(yaml)["training"] == {"epochs": 3, "lr": 0.001}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001), ("-2E+5", -2e5), ("1.5", 1.5), (".5", 0.5), ("7", 7), ("-inf", "-inf"),
        ("2026-01-01", "2026-01-01"), ("1e", "1e"), (".inf", float("inf")), ("e3", "e3"),
    ],
)  # fmt: skip
def test_a_number_is_read_as_one(write, text, value):
    assert read_spec(write(f"a: {text}")) == {"a": value}


def test_text_that_is_not_yaml_is_refused_with_line_and_column(write):
    with pytest.raises(SpecFileError, match=r"spec\.yaml, line 2, column 5: this is not YAML: "):
        read_spec(write("model: {name: mlp}\na: b: c\n"))


def test_json_cut_short_is_refused_with_line_and_column(write):
    with pytest.raises(SpecFileError, match=r"line 1, column \d+: this is not YAML"):
        read_spec(write('{"model": {"name": "mlp"', "s.json"))


def test_a_key_given_twice_is_refused_with_its_place(write):
    with pytest.raises(SpecFileError, match=r"line 3, column 1: .*the key 'seed' is given twice"):
        read_spec(write("seed: 1\nmodel: 2\nseed: 3\n"))


@pytest.mark.parametrize(
    ("text", "what"),
    [("", "empty"), ("- 1", "a list"), ("word", "a text"), ("3", "a number"), ("true", "true or")],
)
def test_what_is_no_mapping_is_refused_by_its_kind(write, text, what):
    with pytest.raises(SpecFileError, match=f"is {what}.*it must be a mapping"):
        read_spec(write(text))


def test_a_missing_file_is_named():
    with pytest.raises(SpecFileError, match=r"nowhere\.yaml cannot be read: No such file"):
        read_spec(Path("nowhere.yaml"))


def test_a_folder_is_no_spec(tmp_path):
    with pytest.raises(SpecFileError, match="cannot be read: Is a directory"):
        read_spec(tmp_path)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_bytes(b"seed: \xff\n")
    with pytest.raises(SpecFileError, match=r"not a text in UTF-8 \(byte 6 is 0xff\)"):
        read_spec(path)


def test_control_characters_are_refused(write):
    with pytest.raises(SpecFileError, match="this is not YAML"):
        read_spec(write("a: \x00"))


def test_a_file_of_10_mb_is_refused_unread(write):
    with pytest.raises(SpecFileError, match="larger than 1 MiB"):
        read_spec(write("a: " + "x" * 10_000_000))


def test_deep_nesting_is_refused(write):
    with pytest.raises(SpecFileError, match="nested too deeply"):
        read_spec(write("a: " + "[" * 5000))


def test_aliases_that_explode_are_refused(write):
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(SpecFileError, match="more than 100000 values"):
        read_spec(write("\n".join(lines)))


def test_a_tag_that_would_run_code_is_refused(write):
    with pytest.raises(SpecFileError, match="could not determine a constructor"):
        read_spec(write("a: !!python/object/apply:os.getcwd []"))


def test_a_sweep_given_as_a_spec_says_which_command_to_use(write):
    with pytest.raises(SpecFileError, match="use `colrow sweep "):
        read_spec(write("base: {}\naxes: {}"))


def test_a_spec_given_as_a_sweep_says_which_command_to_use(write):
    with pytest.raises(SpecFileError, match=r"has no `base`.*use `colrow submit "):
        read_sweep(write("model: {name: mlp}"))


def test_a_sweep_file_is_read_whole(write):
    path = write("name: n\nbase: {seed: 1}\naxes: {seed: [1, 2]}\nvariants: [{a: 1}]")
    assert read_sweep(path) == SweepFile({"seed": 1}, {"seed": [1, 2]}, [{"a": 1}], "n")
    assert read_sweep(write("base: {}")) == SweepFile({}, {}, [], "")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("base: {}\nbasis: 1", "has 'basis'; a sweep file has base, axes, variants, name"),
        ("base: [1]", "`base` in .* is a list"),
        ("base: {}\naxes: [1]", "`axes` in .* must map"),
        ("base: {}\naxes: {seed: 3}", "`axes` in .* must map"),
        ("base: {}\naxes: {seed: []}", "`axes` in .* must map"),
        ("base: {}\nvariants: {a: 1}", "`variants` in .* must be a list"),
        ("base: {}\nvariants: [1]", "`variants` in .* must be a list"),
        ("base: {}\nname: 3", "`name` in .* is a number"),
    ],
)
def test_a_part_of_a_sweep_that_is_wrong_is_named(write, text, what):
    with pytest.raises(SpecFileError, match=what):
        read_sweep(write(text))


def test_a_number_that_json_cannot_carry_is_refused_by_its_path():
    refuse_non_finite({"a": [1.0, {"b": 2.5}]})
    with pytest.raises(ColrowError, match=r"  a\.1\.b: this must be a finite number; got nan"):
        refuse_non_finite({"a": [1.0, {"b": float("nan")}]})


def test_what_else_is_wrong_with_a_spec_is_told_beside_a_number_that_is_not_finite(spec):
    bad = spec(**{"training.epochs": 0, "training.batch_size": float("inf"), "model.hidden": "x"})
    with pytest.raises(ColrowError) as caught:
        refuse_non_finite({"spec": bad, "name": "n"})
    assert {loc for loc, _ in caught.value.errors} == {
        "training.epochs", "training.batch_size", "model.hidden",
    }  # fmt: skip
    assert ("training.batch_size", "this must be a finite number; got inf") in caught.value.errors


@pytest.mark.parametrize("path", sorted(Path("colrow/examples").glob("*.yaml")), ids=str)
def test_every_example_can_be_planned(path):
    from crs_core.planning import plan_job
    from crs_core.spec import StudySpec, parse_any
    from store.grid import expand

    if "base:" in path.read_text():
        sweep = read_sweep(path)
        specs = [m.spec for m in expand(sweep.base, sweep.axes, sweep.variants)]
        assert len(specs) >= 9
        assert sweep.name == path.stem
    else:
        specs = [parse_any(read_spec(path))]
    for spec in specs:
        reduction = plan_job(spec).reduction
        if not isinstance(spec, StudySpec):
            assert (reduction == 0) == (not spec.approximation)


def test_the_paper_s_first_figure_has_every_variant_it_draws():
    from store.grid import expand

    for name in ("figure-1a", "figure-1b", "figure-1-mixed"):
        sweep = read_sweep(Path(f"colrow/examples/{name}.yaml"))
        specs = [m.spec for m in expand(sweep.base, sweep.axes, sweep.variants)]
        methods = {(s.method.name, s.method.replacement, s.method.scaled) for s in specs}
        drawn = {
            (p, r, s) for p in ("nps", "uniform") for r in (True, False) for s in (True, False)
        }
        assert methods == {("topk", False, False), *drawn}
        for spec in specs:
            assert (spec.operation.m, spec.operation.n, spec.operation.p) == (100, 100, 100)
            assert [round(100 * ratio) for ratio in spec.ratios] == list(range(5, 101, 5))
            assert spec.draws == 1000
