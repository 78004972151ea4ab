"""The texts: vocabularies, counts of words, checksums, origins.

Counts are of words with one `<eos>` per line. Torch is not imported, and nothing is read: that the
counts of `pydoc` do not hang on the version of Python is a matter of its reader.
"""

from crs_core.data.facts.kinds import FileFacts, PackageFile, TextFacts, TextFiles


def _wikitext(name: str, size: int, sha256: str) -> FileFacts:
    mirrors = (
        "https://raw.githubusercontent.com/pytorch/examples/main/word_language_model/data/wikitext-2/",
        "https://github.com/pytorch/examples/raw/main/word_language_model/data/wikitext-2/",
    )
    return FileFacts(name, size, sha256, urls=tuple(m + name for m in mirrors))


PTB = TextFacts(
    name="ptb",
    title="Penn Treebank, words of the Wall Street Journal",
    vocabulary=10_000,
    train=929_589,
    validation=73_760,
    test=82_430,
    # No address: the text has no open licence, so everybody brings the files that they may use.
    origin=TextFiles(
        train=FileFacts(
            "ptb.train.txt",
            5_101_618,
            "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
        ),
        validation=FileFacts(
            "ptb.valid.txt",
            399_782,
            "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
        ),
        test=FileFacts(
            "ptb.test.txt",
            449_945,
            "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
        ),
    ),
    source=(
        "M. P. Marcus, B. Santorini, M. A. Marcinkiewicz, Building a Large Annotated Corpus of "
        "English: The Penn Treebank, 1993; preprocessing and split: T. Mikolov et al., "
        "Interspeech 2010"
    ),
    license="No open licence (LDC99T42, research use): the files must be brought, not fetched",
)

WIKITEXT_2 = TextFacts(
    name="wikitext-2",
    title="WikiText-2, words of Wikipedia articles",
    vocabulary=33_278,
    train=2_088_628,
    validation=217_646,
    test=245_569,
    origin=TextFiles(
        train=_wikitext(
            "train.txt",
            10_797_148,
            "9e9fa1ad55b1c2c95b08e37dd8e653f638fac2c6de904b79e813611eefbc985f",
        ),
        validation=_wikitext(
            "valid.txt",
            1_121_681,
            "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8",
        ),
        test=_wikitext(
            "test.txt",
            1_256_449,
            "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0",
        ),
    ),
    source=(
        "S. Merity, C. Xiong, J. Bradbury, R. Socher, Pointer Sentinel Mixture Models, "
        "arXiv:1609.07843, 2016; the files that PyTorch's word language model example ships"
    ),
    license="CC BY-SA 3.0 (Wikipedia text)",
)

PYDOC = TextFacts(
    name="pydoc",
    title="Topics of the Python manual, as the interpreter ships them",
    vocabulary=2_000,
    train=80_000,
    validation=5_000,
    test=8_000,
    origin=PackageFile(package="pydoc_data", distribution="Python", path="topics.py"),
    source="The Python Software Foundation, pydoc_data.topics of the interpreter that trains",
    license="PSF License Version 2",
)

TEXTS = (PTB, WIKITEXT_2, PYDOC)
