"""Small data sets of IDX files and of records, and a server that misbehaves as told."""

import gzip
import hashlib
import io
import struct
import sys
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from crs_core.data import facts as facts_module
from crs_core.data import load as load_module
from crs_core.data.facts import (
    CIFAR_100,
    FACTS,
    MNIST,
    DatasetFacts,
    FileFacts,
    IdxFiles,
    RecordFile,
    RecordFiles,
)

TRAIN, VALIDATION, TEST, HEIGHT, WIDTH = 11, 3, 5, 28, 28


def idx(values: np.ndarray) -> bytes:
    """Write an array of bytes as an IDX file."""
    header = struct.pack(">HBB", 0, 8, values.ndim)
    return header + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def file_facts(name: str, unpacked: bytes) -> FileFacts:
    packed = gzip.compress(unpacked, mtime=0)
    return FileFacts(
        f"{name}.gz",
        len(packed),
        hashlib.sha256(packed).hexdigest(),
        len(unpacked),
        hashlib.sha256(unpacked).hexdigest(),
        urls=(f"http://127.0.0.1:9/{name}.gz",),
    )


@dataclass
class SmallMnist:
    """MNIST in small, known to the library as `mnist` for the time of one test."""

    folder: Path
    facts: DatasetFacts
    images: np.ndarray
    labels: np.ndarray
    unpacked: dict[str, bytes]

    @property
    def home(self) -> Path:
        return self.folder / "mnist"

    @property
    def packed(self) -> dict[str, bytes]:
        return {name: gzip.compress(b, mtime=0) for name, b in self.unpacked.items()}

    def write(self, *, packed: bool = True) -> None:
        self.home.mkdir()
        for name, content in (self.packed if packed else self.unpacked).items():
            (self.home / (name if packed else name.removesuffix(".gz"))).write_bytes(content)


@pytest.fixture
def small_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallMnist:
    """A data set of 11 + 5 images that stands for MNIST; its files are not written yet."""
    draw = np.random.default_rng(3)
    images = draw.integers(0, 256, (TRAIN + TEST, HEIGHT, WIDTH), np.uint8)
    images[0, 0, :2] = 0, 255
    labels = draw.integers(0, 10, TRAIN + TEST, np.uint8)
    unpacked = {
        "train-images-idx3-ubyte.gz": idx(images[:TRAIN]),
        "train-labels-idx1-ubyte.gz": idx(labels[:TRAIN]),
        "t10k-images-idx3-ubyte.gz": idx(images[TRAIN:]),
        "t10k-labels-idx1-ubyte.gz": idx(labels[TRAIN:]),
    }
    files = [file_facts(name.removesuffix(".gz"), content) for name, content in unpacked.items()]
    small = replace(MNIST, train=TRAIN, validation=VALIDATION, test=TEST, origin=IdxFiles(*files))
    use(small, monkeypatch)
    return SmallMnist(tmp_path, small, images, labels, unpacked)


def use(facts: DatasetFacts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the library know these facts as those of MNIST."""
    monkeypatch.setitem(facts_module.FACTS, "mnist", facts)
    assert load_module.FACTS["mnist"] is facts


@dataclass
class SmallCifar:
    """CIFAR-100 in small, known to the library as `cifar-100` for the time of one test."""

    folder: Path
    images: np.ndarray
    labels: np.ndarray
    contents: dict[str, bytes]
    archive: bytes

    @property
    def home(self) -> Path:
        return self.folder / "cifar-100"

    @property
    def origin(self) -> RecordFiles:
        origin = FACTS["cifar-100"].origin
        assert isinstance(origin, RecordFiles)
        return origin

    def write(self) -> None:
        self.home.mkdir()
        for name, content in self.contents.items():
            (self.home / name).write_bytes(content)

    def write_archive(self) -> Path:
        self.home.mkdir(exist_ok=True)
        path = self.home / self.origin.archive.name
        path.write_bytes(self.archive)
        return path

    def use(self, monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
        small = replace(FACTS["cifar-100"], origin=replace(self.origin, **changes))
        monkeypatch.setitem(facts_module.FACTS, "cifar-100", small)


def packed(contents: dict[str, bytes], folder: str = "cifar-100-binary") -> bytes:
    """Make a gzipped tar file with a folder, a stranger and the files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        directory = tarfile.TarInfo(folder)
        directory.type = tarfile.DIRTYPE
        tar.addfile(directory)
        for name, content in {"fine_label_names.txt": b"apple\n", **contents}.items():
            member = tarfile.TarInfo(f"{folder}/{name}" if "/" not in name else name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def small_cifar(tmp_path, monkeypatch) -> SmallCifar:
    """A data set of 11 + 5 images that stands for CIFAR-100; nothing is written yet."""
    draw = np.random.default_rng(7)
    count = TRAIN + TEST
    images = draw.integers(0, 256, (count, 3, 32, 32), np.uint8)
    labels = draw.integers(0, 100, count, np.uint8)
    coarse = draw.integers(100, 200, count, np.uint8)  # must not be taken for the label
    records = np.concatenate([coarse[:, None], labels[:, None], images.reshape(count, -1)], 1)
    contents = {"train.bin": records[:TRAIN].tobytes(), "test.bin": records[TRAIN:].tobytes()}
    archive = packed(contents)
    train, test = (RecordFile(n, len(c), (digest(c),)) for n, c in contents.items())
    origin = RecordFiles(
        train=(train,),
        test=(test,),
        label_bytes=2,
        archive=replace(CIFAR_100.origin.archive, size=len(archive), sha256=digest(archive)),
    )
    small = replace(CIFAR_100, train=TRAIN, validation=VALIDATION, test=TEST, origin=origin)
    monkeypatch.setitem(facts_module.FACTS, "cifar-100", small)
    return SmallCifar(tmp_path, images, labels, contents, archive)


@pytest.fixture
def shipped_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of digits in an installed package that hides the real scikit-learn; not written."""
    for name in [n for n in sys.modules if n.partition(".")[0] == "sklearn"]:
        monkeypatch.delitem(sys.modules, name)
    path = tmp_path / "site/sklearn/datasets/data/digits.csv.gz"
    path.parent.mkdir(parents=True)
    (tmp_path / "site/sklearn/__init__.py").write_text("raise AssertionError('it was imported')")
    monkeypatch.syspath_prepend(tmp_path / "site")
    return path


@dataclass
class Server:
    """Serves `files`; `honours_range` and `breaks_after` are its manners, one answer each."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    honours_range: bool = True
    breaks_after: list[int] = field(default_factory=list)
    """Each answer takes one off the front and ends the connection after so many bytes."""
    says_length: bool = True
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """(path, Range) of every request."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A real HTTP server on this machine."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            told.requests.append((self.path, wanted))
            content = told.files.get(self.path.lstrip("/"))
            if content is None:
                self.send_error(404)
                return
            begin = 0
            if wanted and told.honours_range:
                begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
                self.send_response(206)
                self.send_header(
                    "Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}"
                )
            else:
                self.send_response(200)
            if told.says_length:
                self.send_header("Content-Length", str(len(content) - begin))
            self.send_header("Connection", "close")
            self.end_headers()
            body = content[begin:]
            self.wfile.write(body[: told.breaks_after.pop(0)] if told.breaks_after else body)
            self.close_connection = True

        def log_message(self, *_args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told = Server(f"http://127.0.0.1:{http.server_port}/")
    thread = threading.Thread(target=http.serve_forever, args=(0.02,))
    thread.start()
    yield told
    http.shutdown()
    thread.join()
    http.server_close()
