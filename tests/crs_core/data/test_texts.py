"""Texts: words, vocabularies, and what is wrong with files."""

import hashlib
import sys
import types
from pathlib import Path

import pytest
import torch

from crs_core.data import facts as facts_module
from crs_core.data.facts import FACTS, FileFacts, TextFacts, TextFiles
from crs_core.data.pydoc import read_topics
from crs_core.data.texts import Text, load_text, make_text, words_of
from crs_core.errors import DatasetError, SpecError
from crs_core.spec import Dataset

TRAIN, VALIDATION, TEST = b"the cat <unk>\nthe dog\n", b" the dog \n\n", b"cat dog the the\n"


def facts_of(train: bytes, validation: bytes, test: bytes, vocabulary: int = 5) -> TextFacts:
    def file(name: str, content: bytes) -> FileFacts:
        return FileFacts(name, len(content), hashlib.sha256(content).hexdigest())

    def count(content: bytes) -> int:
        return len(content.split()) + content.count(b"\n")

    return TextFacts(
        name="ptb",
        title="A text",
        vocabulary=vocabulary,
        train=count(train),
        validation=count(validation),
        test=count(test),
        origin=TextFiles(file("train", train), file("valid", validation), file("test", test)),
        source="",
        license="",
    )


@pytest.fixture
def small_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A text that stands for PTB; gives the folder of the data sets."""
    monkeypatch.setitem(facts_module.FACTS, "ptb", facts_of(TRAIN, VALIDATION, TEST))
    home = tmp_path / "ptb"
    home.mkdir()
    for name, content in (("train", TRAIN), ("valid", VALIDATION), ("test", TEST)):
        (home / name).write_bytes(content)
    return tmp_path


def read_back(text: Text, part: torch.Tensor) -> str:
    return " ".join(text.words[i] for i in part)


def test_words_are_numbered_by_how_often_training_has_them(small_text):
    text = load_text(Dataset(name="ptb"), small_text)
    # Twice each: <eos> and the, in the order of their letters; then once each.
    assert text.words == ("<eos>", "the", "<unk>", "cat", "dog")
    assert text.train.tolist() == [1, 3, 2, 0, 1, 4, 0]
    assert text.train.dtype == torch.int64


def test_every_line_ends_with_a_word_of_its_own_also_an_empty_one(small_text):
    text = load_text(Dataset(name="ptb"), small_text)
    assert read_back(text, text.validation) == "the dog <eos> <eos>"
    assert read_back(text, text.test) == "cat dog the the <eos>"


def test_a_last_line_without_its_end_counts():
    assert words_of(b"a b\nc", "x.txt") == ["a", "b", "<eos>", "c", "<eos>"]
    assert words_of("ä\u2028b\n".encode(), "x.txt") == ["ä", "b", "<eos>"]


def test_a_limit_keeps_the_beginning_and_the_vocabulary(small_text):
    text = load_text(Dataset(name="ptb", train_limit=3), small_text)
    assert read_back(text, text.train) == "the cat <unk>"
    assert len(text.words) == 5


def test_more_words_than_there_are_are_refused(small_text):
    with pytest.raises(SpecError, match=r"train_limit: 8 words are asked for, but ptb has 7"):
        load_text(Dataset(name="ptb", train_limit=8), small_text)


def test_a_text_has_a_validation_part_of_its_own(small_text):
    with pytest.raises(SpecError, match=r"dataset.validation: ptb has a validation part of its"):
        load_text(Dataset(name="ptb", validation=3), small_text)


def test_unknown_words_become_unk_where_the_text_has_it():
    facts = facts_of(TRAIN, b"a fox\n", TEST)
    parts = {"training": TRAIN, "validation": b"a fox\n", "test": TEST}
    text = make_text({name: words_of(p, name) for name, p in parts.items()}, facts)
    assert read_back(text, text.validation) == "<unk> <unk> <eos>"


def test_rare_words_become_unk_where_the_vocabulary_is_smaller():
    train = b"a a a b b c d\n"
    facts = facts_of(train, b"a d\n", b"b\n", vocabulary=3)
    parts = {"training": train, "validation": b"a d\n", "test": b"b\n"}
    text = make_text({name: words_of(p, name) for name, p in parts.items()}, facts)
    assert text.words == ("<unk>", "a", "b")
    assert read_back(text, text.train) == "a a a b b <unk> <unk> <unk>"
    assert read_back(text, text.validation) == "a <unk> <unk>"


def test_words_outside_the_vocabulary_without_unk_are_named():
    train, test = b"the cat\n", b"a fox and cats and the\n"
    facts = facts_of(train, b"cat\n", test, vocabulary=3)
    parts = {"training": train, "validation": b"cat\n", "test": test}
    with pytest.raises(
        DatasetError,
        match="the test part of ptb has 4 words that its training part has not, as 'a', 'and', "
        "'cats'; write <unk> for them",
    ):
        make_text({name: words_of(p, name) for name, p in parts.items()}, facts)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"  \n"])
def test_a_text_without_words_is_refused(content):
    with pytest.raises(DatasetError, match=r"ptb.test.txt has no words"):
        words_of(content, "ptb.test.txt")


def test_what_is_not_text_is_refused():
    with pytest.raises(DatasetError, match=r"x.txt is not UTF-8 text \(byte 2\)"):
        words_of(b"ab\xff", "x.txt")


def test_another_number_of_words_is_refused():
    parts = {"training": ["a", "b"], "validation": ["a"], "test": ["a"]}
    with pytest.raises(DatasetError, match=r"has 2 words, but 7 are needed: it is truncated"):
        make_text(parts, facts_of(TRAIN, VALIDATION, TEST))


def test_too_few_different_words_are_refused():
    facts = facts_of(TRAIN, VALIDATION, TEST, vocabulary=6)
    parts = {"training": TRAIN, "validation": VALIDATION, "test": TEST}
    with pytest.raises(DatasetError, match="has 5 different words, but 6 are needed"):
        make_text({name: words_of(p, name) for name, p in parts.items()}, facts)


def test_a_missing_file_says_what_to_put_where_and_offers_no_download(tmp_path):
    with pytest.raises(DatasetError) as caught:
        load_text(Dataset(name="ptb"), tmp_path, download=True)
    assert str(caught.value) == (
        f"{tmp_path}/ptb/ptb.train.txt is missing; put the 3 files of ptb (ptb.train.txt, "
        "ptb.valid.txt, ptb.test.txt) there"
    )


def test_a_text_that_can_be_fetched_says_so(tmp_path):
    with pytest.raises(DatasetError, match=r"train.txt is missing; .* or allow downloads$"):
        load_text(Dataset(name="wikitext-2"), tmp_path)


def test_a_truncated_file_is_refused(small_text):
    (small_text / "ptb/valid").write_bytes(VALIDATION[:-1])
    with pytest.raises(DatasetError, match=r"valid has 10 bytes, but 11 are needed: it is trunc"):
        load_text(Dataset(name="ptb"), small_text)


def test_a_damaged_file_is_refused(small_text):
    (small_text / "ptb/valid").write_bytes(VALIDATION.replace(b"dog", b"fox"))
    with pytest.raises(DatasetError, match="valid is damaged or another file: its SHA-256"):
        load_text(Dataset(name="ptb"), small_text)


def test_without_a_folder_a_text_of_files_is_not_to_be_had():
    with pytest.raises(DatasetError, match="no data folder is given"):
        load_text(Dataset(name="ptb"), None)


# -- the manual of Python -------------------------------------------------------------------------


def test_the_manual_has_the_sizes_that_are_known_of_it():
    facts, text = FACTS["pydoc"], load_text(Dataset(name="pydoc"), None)
    sizes = tuple(len(p) for p in (text.train, text.validation, text.test))
    assert sizes == (facts.train, facts.validation, facts.test)
    assert len(text.words) == facts.vocabulary
    assert int(text.train.max()) == facts.vocabulary - 1
    assert (text.test == text.words.index("<unk>")).float().mean() < 0.1


def test_no_paragraph_of_the_manual_stands_in_two_parts():
    def paragraphs(words: list[str]) -> set[str]:
        return set(" ".join(words).split(" <eos>")[:-1])

    train, validation, test = (paragraphs(p) for p in read_topics(FACTS["pydoc"], end="<eos>"))
    assert len(train) > 1000
    assert not train & validation
    assert not train & test
    assert not validation & test


def topics_of(monkeypatch: pytest.MonkeyPatch, topics: dict[str, str] | None) -> None:
    module = None
    if topics is not None:
        module = types.ModuleType("pydoc_data.topics")
        module.topics = topics
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", module)


def small_facts(train: int, validation: int, test: int) -> TextFacts:
    return TextFacts(
        name="pydoc",
        title="",
        vocabulary=9,
        train=train,
        validation=validation,
        test=test,
        origin=FACTS["pydoc"].origin,
        source="",
        license="",
    )


def test_topics_are_split_whole_by_their_place(monkeypatch):
    names = "abcdefgh"
    topics_of(monkeypatch, {n: f"{n} One_1(2)\n\n{n}!" for n in reversed(names)})
    train, validation, test = read_topics(small_facts(9, 9, 8), end="END")
    assert validation == ["d", "one_1", "(", "2", ")", "END", "d", "!", "END"]
    assert test == ["h", "one_1", "(", "2", ")", "END", "h", "!"]
    assert [w for w in train if w in names] == ["a", "a"]


def test_a_paragraph_that_was_there_before_is_left_out(monkeypatch):
    topics_of(monkeypatch, {n: f"the same\n \n{n}" for n in "abcdefgh"})
    assert read_topics(small_facts(5, 2, 2), end="END") == (
        ["the", "same", "END", "a", "END"],
        ["d", "END"],
        ["h", "END"],
    )


def test_too_short_topics_are_refused(monkeypatch):
    topics_of(monkeypatch, {n: n for n in "abcdefgh"})
    with pytest.raises(DatasetError, match="give 2 words where 3 are needed"):
        read_topics(small_facts(4, 3, 2), end="END")


def test_an_interpreter_without_topics_is_told(monkeypatch):
    topics_of(monkeypatch, None)
    with pytest.raises(DatasetError, match="which this interpreter lacks; install the whole of"):
        load_text(Dataset(name="pydoc"), None)


# -- real files -----------------------------------------------------------------------------------


def test_ptb_is_the_ptb(ptb_folder):
    text = load_text(Dataset(name="ptb"), ptb_folder)
    assert read_back(text, text.validation[:7]) == "consumers may want to move their telephones"
    assert len(text.words) == 10_000


def test_wikitext_2_is_the_wikitext_2(wikitext_folder):
    text = load_text(Dataset(name="wikitext-2"), wikitext_folder)
    assert read_back(text, text.test[:6]) == "<eos> = Robert <unk> = <eos>"
    assert len(text.words) == 33_278
