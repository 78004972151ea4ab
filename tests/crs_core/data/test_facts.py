"""What is known of data sets without opening them."""

import subprocess
import sys
import time

import pytest

from crs_core.data.facts import FACTS, PackageFile, present
from crs_core.spec import Dataset


def test_every_data_set_that_a_spec_can_name_has_facts():
    names = Dataset.model_json_schema()["properties"]["name"]["enum"]
    assert set(names) == set(FACTS)
    assert all(name == facts.name for name, facts in FACTS.items())


def test_some_of_the_training_part_is_held_back_for_validation():
    assert all(0 < facts.validation < facts.train for facts in FACTS.values())


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_sizes_of_the_files_follow_from_the_shapes(name):
    facts = FACTS[name]
    _, height, width = facts.input_shape
    assert [f.unpacked_size for f in facts.files] == [
        16 + facts.train * height * width,
        8 + facts.train,
        16 + facts.test * height * width,
        8 + facts.test,
    ]


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_files_are_fetched_over_https(name):
    facts = FACTS[name]
    assert facts.size_bytes == sum(f.size for f in facts.files) > 1e7
    for file in facts.files:
        assert len(file.urls) == 2
        assert all(u.startswith("https://") and u.endswith(f"/{file.name}") for u in file.urls)


def test_a_data_set_of_an_installed_package_needs_no_folder(tmp_path):
    assert present("digits", None)
    assert present("digits", tmp_path)
    assert [f.name for f in FACTS.values() if f.bundled] == ["digits", "pydoc"]
    assert FACTS["digits"].files == ()
    assert FACTS["digits"].size_bytes == 0


def test_a_package_without_the_right_file_is_not_the_data_set(shipped_digits):
    assert not present("digits", None)
    shipped_digits.write_bytes(bytes(57_522))
    assert not present("digits", None)
    shipped_digits.write_bytes(bytes(57_523))
    assert present("digits", None)


def test_without_its_package_a_data_set_is_not_present(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert not present("digits", None)


def test_a_module_of_one_file_ships_nothing():
    assert PackageFile("this", "this", "digits.csv.gz", size=0, sha256="").locate() is None


def test_without_a_folder_or_its_files_a_data_set_is_not_present(tmp_path):
    assert not present("mnist", None)
    assert not present("mnist", tmp_path)
    assert not present("mnist", tmp_path / "nowhere")


@pytest.mark.parametrize("packed", [True, False])
def test_files_of_the_right_size_are_present(small_mnist, packed):
    small_mnist.write(packed=packed)
    assert present("mnist", small_mnist.folder)
    for path in small_mnist.home.iterdir():
        content = path.read_bytes()
        path.write_bytes(content[:-1])
        assert not present("mnist", small_mnist.folder)
        path.write_bytes(content)
    next(small_mnist.home.iterdir()).unlink()
    assert not present("mnist", small_mnist.folder)


def test_a_gzipped_file_may_lie_beside_unpacked_ones(small_mnist):
    small_mnist.write()
    packed = small_mnist.home / "t10k-images-idx3-ubyte.gz"
    packed.unlink()
    packed.with_suffix("").write_bytes(small_mnist.unpacked[packed.name])
    assert present("mnist", small_mnist.folder)


def test_a_text_that_may_not_be_handed_on_has_no_address():
    assert all(file.urls == () for file in FACTS["ptb"].files)
    assert all(len(file.urls) == 2 for file in FACTS["wikitext-2"].files)


def test_plain_files_of_the_right_size_are_present(tmp_path):
    home = tmp_path / "ptb"
    home.mkdir()
    for file in FACTS["ptb"].files:
        assert not present("ptb", tmp_path)
        (home / file.name).write_bytes(bytes(file.size))
    assert present("ptb", tmp_path)
    # A plain file has no packed form, so nothing of a name cut short counts.
    (home / "ptb.test.txt").rename(home / "ptb.test")
    assert not present("ptb", tmp_path)


def test_the_manual_s_topics_are_present_whatever_their_size():
    assert present("pydoc", None)


def test_looking_is_cheap(small_mnist):
    small_mnist.write()
    begin = time.perf_counter()
    for _ in range(100):
        present("mnist", small_mnist.folder)
        present("digits", None)
    assert time.perf_counter() - begin < 0.5


def test_facts_import_neither_torch_nor_numpy():
    code = (
        "import sys; from crs_core.data.facts import FACTS, present; "
        "[present(name, None) for name in FACTS]; "
        "sys.exit(bool({'torch', 'numpy', 'sklearn'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
