"""The example package: planned, built, trained and resumed as one of ours."""

import dataclasses
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

from crs_core.cost import plan_cost
from crs_core.data.facts import known, present
from crs_core.data.load import load
from crs_core.engine import Place, ResumePoint, train
from crs_core.errors import DatasetError, SpecError
from crs_core.layers import Conv2d, Linear, layer_shapes
from crs_core.models import build
from crs_core.own import DataSet, Found, Network, Offer
from crs_core.rules import layer_plan
from crs_core.spec import (
    STORED,
    Dataset,
    JobSpec,
    OwnModel,
    own_datasets,
    own_networks,
    parse_spec,
)
from crs_core.spec import own as own_module

pytestmark = pytest.mark.usefixtures("example")


def make_spec(**changes: Any) -> JobSpec:
    return parse_spec(
        {
            "model": {"name": "residual-mlp", "width": 20, "blocks": 3},
            "dataset": {"name": "tumours"},
            "approximation": [{"layers": "blocks.*", "policy": "topk", "forward": 0.5}],
            "training": {"epochs": 6, "batch_size": 25},
            **changes,
        }
    )


def errors(**changes: Any) -> dict[str, str]:
    with pytest.raises(SpecError) as caught:
        layer_plan(make_spec(**changes))
    return {e.loc: e.msg for e in caught.value.errors}


def test_defaults_are_filled_in_and_a_spec_is_the_same_after_it_was_stored():
    spec = make_spec(model={"name": "residual-mlp"})
    dumped = spec.model_dump(mode="json")
    assert dumped["model"] == {"name": "residual-mlp", "width": 48, "blocks": 2}
    assert parse_spec(json.loads(json.dumps(dumped))) == spec


def test_rules_match_its_layers_and_cost_counts_them():
    cost = plan_cost(make_spec())
    assert list(dict.fromkeys(p.layer for p in cost.layers)) == [
        "embed", *(f"blocks.{i}.{n}" for i in range(3) for n in ("expand", "contract")), "out",
    ]  # fmt: skip
    widths = (20 * 40 * 2 * 3, 30 * 20, 20 * 2)
    step = 25 * (3 * widths[0] + 2 * widths[1] + 3 * widths[2])
    assert cost.exact_macs == cost.steps * step
    assert cost.steps == 6 * (369 // 25)
    assert cost.planned_macs == cost.exact_macs - cost.steps * 25 * 3 * widths[0] // 2


def test_a_rule_that_matches_nothing_lists_its_layers():
    said = errors(approximation=[{"layers": "fc*", "policy": "topk"}])
    assert said["approximation.0.layers"].startswith("'fc*' matches no layer; there are: embed, bl")


@pytest.mark.parametrize(
    ("model", "loc", "said"),
    [
        ({"width": 0}, "model.width", "this must be at least 1; got 0"),
        ({"wide": 3}, "model.wide", "this field is not known; did you mean `width`?"),
        ({"width": "x"}, "model.width", "this must be a whole number; got 'x'"),
    ],
)
def test_its_parameters_are_checked_as_ours_are(model, loc, said):
    assert errors(model={"name": "residual-mlp", **model}) == {loc: said}


def test_unknown_names_are_told_with_ours_and_those_of_packages():
    said = errors(model={"name": "residual"}, dataset={"name": "tumor"})
    assert said["model"].startswith("'residual' is not known; there are: 'mlp', 'cnn', ")
    assert said["model"].endswith("'residual-mlp'")
    assert said["dataset.name"].startswith("'tumor' is not known; there are: 'digits', 'mnist', ")
    assert said["dataset.name"].endswith("'tumours'")


def test_a_stored_spec_is_read_though_its_package_is_gone(monkeypatch):
    stored = make_spec().model_dump(mode="json")
    nothing = Found[Any]({}, ())
    monkeypatch.setattr(own_module, "own_networks", lambda: nothing)
    monkeypatch.setattr(own_module, "own_datasets", lambda: nothing)
    read = JobSpec.model_validate(stored, context=STORED)
    assert read.model_dump(mode="json") == stored
    with pytest.raises(SpecError, match="'residual-mlp' is not known; there are: 'mlp'"):
        parse_spec(stored)
    assert isinstance(read.model, OwnModel)
    with pytest.raises(SpecError, match="'residual-mlp' is not known"):
        read.model.offer()


def test_it_is_present_without_a_folder_and_holds_real_examples():
    facts = known()["tumours"]
    assert facts.bundled
    assert facts.size_bytes == 0
    assert present("tumours", None)
    data = load(Dataset(name="tumours"), None)
    assert data.train_x.shape == (369, 1, 1, 30)
    assert [len(data.validation_y), len(data.test_y)] == [60, 140]
    labels = torch.cat([data.train_y, data.validation_y, data.test_y])
    assert torch.bincount(labels).tolist() == [212, 357]
    train = torch.cat([data.train_x, data.validation_x])
    torch.testing.assert_close(train.mean(0), torch.zeros(1, 1, 30), rtol=0, atol=1e-5)


def test_it_trains_and_goes_on_from_a_checkpoint_as_ours_do(tmp_path):
    spec = make_spec()
    whole = train(spec, Place(work_dir=tmp_path / "whole"))
    assert whole.completed
    assert whole.summary["best_test_accuracy"] > 0.9
    assert whole.summary["compute_reduction"] == pytest.approx(plan_cost(spec).reduction)
    asked = iter(range(10_000))
    half = train(spec, Place(work_dir=tmp_path / "a1"), should_stop=lambda: next(asked) == 31)
    assert half.checkpoint is not None
    point = ResumePoint(tmp_path / "a1" / half.checkpoint.name, half.checkpoint.sha256, half.step)
    rest = train(spec, Place(work_dir=tmp_path / "a2", resume_from=(point,)))

    def weights(folder: str, result: Any) -> dict[str, torch.Tensor]:
        path = tmp_path / folder / result.checkpoint.name
        return torch.load(path, weights_only=True)["parts"]["model"]

    one, other = weights("whole", whole), weights("a2", rest)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_its_weights_hang_on_the_seed_and_leave_the_global_generator_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    model = make_spec().model
    one, same, other = (
        build(model, (1, 1, 30), 2, generator=torch.Generator().manual_seed(seed)).out.weight
        for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_planning_imports_neither_torch_nor_the_code_that_works(example):
    code = (
        "import sys; from crs_core.spec import parse_spec; from crs_core.cost import plan_cost; "
        "plan_cost(parse_spec({'model': {'name': 'residual-mlp'}, 'dataset': {'name': 'tumours'}, "
        "'training': {'epochs': 1}})); "
        "sys.exit(bool({'torch', 'sklearn', 'numpy', 'colrow_example.network'} & set(sys.modules)))"
    )
    environment = {"PYTHONPATH": str(example)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def change(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:
    """Have the package say something else of its network or data set."""
    networks, datasets = own_networks(), own_datasets()
    for name, offer in {**networks.offers, **datasets.offers}.items():
        what: Network | DataSet = offer.what
        here = {k: v for k, v in fields.items() if hasattr(what, k)}
        changed = Offer(name, offer.package, dataclasses.replace(what, **here))
        monkeypatch.setitem(
            networks.offers if isinstance(what, Network) else datasets.offers, name, changed
        )


def raising(*_: object) -> dict[str, Linear]:
    raise KeyError("odd")


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        (raising, "package colrow-example 1.0 can't say the layers of residual-mlp for images of "),
        (lambda *_: None, "package colrow-example 1.0 says None for the layers of residual-mlp; a"),
        (lambda *_: {}, "package colrow-example 1.0 says {} for the layers"),
        (lambda *_: {"fc": 3}, "package colrow-example 1.0 says {'fc': 3} for the layers"),
    ],
)
def test_layers_said_wrongly_are_told(monkeypatch, layers, said):
    change(monkeypatch, layers=layers)
    assert errors()["model"].startswith(said)


@pytest.mark.parametrize(
    ("shape", "there"),
    [(Linear(30, 21), "embed is said to have weights (21, 30), but has (20, 30)"),
     (Conv2d(1, 2, (3, 3), (4, 4), (4, 4)), "embed is said to have weights (2, 1, 3, 3), but has")],
)  # fmt: skip
def test_a_network_that_differs_from_what_was_planned_is_refused(monkeypatch, shape, there):
    spec = make_spec()
    said = layer_shapes(spec) | {"embed": shape}
    change(monkeypatch, layers=lambda *_: said)
    with pytest.raises(SpecError, match="differs from its description") as caught:
        build(spec.model, (1, 1, 30), 2)
    assert there in str(caught.value)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("colrow_example.gone:build", "can't be had (ModuleNotFoundError: No module named"),
        ("colrow_example.network:gone", "can't be had (AttributeError: module"),
        (
            "colrow_example.data:np",
            "can't be had (TypeError: colrow_example.data:np is no function",
        ),
        ("colrow_example.offers:layers", "gives dict, but a torch.nn.Module is needed"),
    ],
)
def test_a_builder_that_builds_nothing_is_told(monkeypatch, function, said):
    change(monkeypatch, build=function)
    with pytest.raises(SpecError) as caught:
        build(make_spec().model, (1, 1, 30), 2)
    assert said in str(caught.value)


def arrays(**changes: Any) -> tuple[Any, ...]:
    made = {
        "x": np.zeros((429, 1, 1, 30), np.float32),
        "y": np.zeros(429, np.int64),
        "test_x": np.zeros((140, 1, 1, 30), np.uint8),
        "test_y": np.ones(140, np.uint8),
    }
    return tuple((made | changes).values())


@pytest.mark.parametrize(
    ("read", "said"),
    [
        ([1], "gives list, but tumours needs four arrays in a tuple"),
        (arrays(x=np.zeros((428, 1, 1, 30), np.float32)), "gives float32 of (428, 1, 1, 30), but "),
        (arrays(x=np.zeros((429, 1, 1, 30))), "gives float64 of (429, 1, 1, 30), but tumours needs "
         "images as float32 or uint8 of (429, 1, 1, 30)"),
        (arrays(x=np.full((429, 1, 1, 30), np.nan, np.float32)), "gives some that are not, but "),
        (arrays(test_y=np.zeros(140)), "gives float64 of (140,), but tumours needs labels as"),
        (arrays(test_y=np.full(140, 2)), "gives label 2, but tumours needs labels from 0 to 1"),
        (arrays(y=np.full(429, -1)), "gives label -1, but"),
    ],
)  # fmt: skip
def test_data_that_are_not_as_described_are_refused(monkeypatch, read, said):
    from crs_core.data import own as reader

    monkeypatch.setattr(reader, "named_function", lambda _: lambda _folder: read)
    with pytest.raises(DatasetError) as caught:
        load(Dataset(name="tumours"), None)
    assert f"colrow_example.data:load of package colrow-example 1.0 {said}" in str(caught.value)


def test_files_that_a_package_needs_are_looked_for(monkeypatch, tmp_path):
    change(monkeypatch, files=("table.csv",))
    assert not known()["tumours"].bundled
    assert not present("tumours", tmp_path)
    with pytest.raises(DatasetError) as caught:
        load(Dataset(name="tumours"), tmp_path)
    assert str(caught.value) == (
        f"tumours, of package colrow-example 1.0, needs table.csv in {tmp_path / 'tumours'}; put "
        "what is missing there"
    )
    (tmp_path / "tumours").mkdir()
    (tmp_path / "tumours" / "table.csv").write_text("")
    assert present("tumours", tmp_path)
    assert len(load(Dataset(name="tumours"), tmp_path).test_y) == 140
