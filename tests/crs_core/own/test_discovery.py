"""What packages offer, sound and broken."""

import os
import subprocess
import sys
import types
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from crs_core.own import DataSet, Network, find, named_function
from crs_core.spec import Part

ROOT = Path(__file__).parents[3]
MODULE = "a_package_of_this_test"


class Sizes(Part):
    width: int = 3


NETWORK = Network(title="A network", parameters=Sizes, layers=lambda *_: {}, build="a.b:c")
DATASET: dict[str, Any] = {
    "title": "A data set",
    "input_shape": (1, 2, 3),
    "classes": 2,
    "train": 9,
    "validation": 2,
    "test": 4,
    "load": "a.b:c",
    "source": "",
    "license": "",
}


@pytest.fixture(autouse=True)
def _module(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType(MODULE)
    module.__dict__.update(network=NETWORK, dataset=DataSet(**DATASET), text="a text")
    monkeypatch.setitem(sys.modules, MODULE, module)


def point(name: str, attribute: str = "network") -> EntryPoint:
    return EntryPoint(name, f"{MODULE}:{attribute}", "colrow.models")


def test_what_is_sound_is_offered_by_its_name():
    found = find([point("mine"), point("also-mine")], Network, taken=["mlp"])
    assert list(found.offers) == ["also-mine", "mine"]
    assert found.offers["mine"].what is NETWORK
    assert found.broken == ()


@pytest.mark.parametrize(
    ("offered", "reason"),
    [
        (point("mlp"), "the name is one of Colrow's own; choose another"),
        (point("Mine"), "a name has up to 50 small letters, digits, dots, dashes"),
        (point("x" * 51), "a name has up to 50 small letters"),
        (point("mine", "gone"), f"AttributeError: module '{MODULE}' has no attribute 'gone'"),
        (
            EntryPoint("mine", "no_such_package:network", ""),
            "ModuleNotFoundError: No module named 'no_such_package'",
        ),
        (point("mine", "text"), f"TypeError: {MODULE}:text is str, but crs_core.own.Network is"),
        (point("mine", "dataset"), f"TypeError: {MODULE}:dataset is DataSet, but crs_core.own.N"),
    ],
)
def test_what_is_broken_is_told_and_takes_nothing_else_along(offered, reason):
    found = find([offered, point("sound")], Network, taken=["mlp"])
    assert list(found.offers) == ["sound"]
    (broken,) = found.broken
    assert str(broken).startswith(f"{offered.name!r} of package (unknown) can't be used: {reason}")


@pytest.mark.parametrize("statement", ["import sys; sys.exit(3)", "1 / 0", "x ="])
def test_a_package_that_fails_while_it_is_imported_stops_nobody(tmp_path, monkeypatch, statement):
    (tmp_path / "failing_package.py").write_text(statement)
    monkeypatch.syspath_prepend(tmp_path)
    found = find([EntryPoint("mine", "failing_package:x", "")], Network, taken=[])
    assert found.offers == {}
    assert len(found.broken) == 1


def test_a_description_that_imports_torch_is_refused(tmp_path):
    """In a process of its own, with a stand-in: this one has torch already."""
    (tmp_path / "torch.py").write_text("")
    (tmp_path / "heavy_package.py").write_text("import torch\nnetwork = 1")
    code = (
        "from importlib.metadata import EntryPoint; from crs_core.own import Network, find; "
        "print(find([EntryPoint('mine', 'heavy_package:network', '')], Network, taken=[]).broken)"
    )
    environment = {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert "heavy_package:network imports torch, which the api and supervisors must not" in said


def test_of_two_packages_with_one_name_the_second_is_told():
    found = find([point("mine"), point("mine", "network")], Network, taken=[])
    assert list(found.offers) == ["mine"]
    assert "has that name already; rename one" in found.broken[0].reason


def test_an_unknown_name_is_told_with_what_there_is_and_what_is_broken():
    found = find([point("mine"), point("hurt", "text")], Network, taken=["mlp"])
    assert found.unknown("nothing", ["mlp"]) == "'nothing' is not known; there are: 'mlp', 'mine'"
    assert "'hurt' of package (unknown) can't be used: TypeError" in found.unknown("hurt", ["mlp"])


class Careless(BaseModel):
    width: int = 3


class Named(Part):
    name: str = "x"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parameters": 3}, "parameters must be a class derived of crs_core.spec.Part; got 3"),
        ({"parameters": Careless}, "Careless must refuse fields that it does not know"),
        ({"parameters": Named}, "Named has a field `name`, which is the network's own name"),
        ({"layers": None}, "layers must be a function; got None"),
        ({"build": "a.b.c"}, "build must be text like 'package.module:function'; got 'a.b.c'"),
        ({"build": len}, "build must be text like"),
    ],
)
def test_a_network_described_wrongly_is_refused(changes, said):
    sound = {"title": "", "parameters": Sizes, "layers": lambda *_: {}, "build": "a:b"}
    with pytest.raises(ValueError, match="^" + said.replace("(", r"\(")):
        Network(**sound | changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"classes": 0}, "classes must be a whole number above 0; got 0"),
        ({"validation": 1.5}, "validation must be a whole number above 0; got 1.5"),
        ({"train": 2}, "train counts those for validation too, so it must be above 2; got 2"),
        ({"input_shape": (3, 4)}, "input_shape must be channels, height and width; got (3, 4)"),
        ({"input_shape": (3, 0, 4)}, "input_shape must be"),
        ({"load": ""}, "load must be text like 'package.module:function'; got ''"),
    ],
)
def test_a_data_set_described_wrongly_is_refused(changes, said):
    with pytest.raises(ValueError) as caught:
        DataSet(**DATASET | changes)
    assert str(caught.value).startswith(said)


def test_a_named_function_is_imported_and_nothing_else_is_taken_for_one():
    assert named_function("math:prod")([2, 3]) == 6
    with pytest.raises(TypeError, match="math:pi is no function, but float"):
        named_function("math:pi")
    with pytest.raises(AttributeError):
        named_function("math:nothing")
