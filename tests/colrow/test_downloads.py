"""Checkpoints from the command line and from Python: whole, checked, gone on with after a cut."""

import hashlib
import os
from pathlib import Path

import httpx
import pytest

from colrow.client import Client
from colrow.errors import ColrowError, LocalError, Unreachable
from crs_core.events import CheckpointSaved
from store import place, recording
from store.files import Folder
from tests.colrow.in_process import InProcess, serving

CONTENT = os.urandom(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def service(tmp_path):
    with serving(tmp_path) as made:
        yield made


@pytest.fixture
def job_id(service, spec, tmp_path):
    """A job with the checkpoints of steps 10 (best) and 20."""
    from store import attempts

    made = service.client.submit(spec())["id"]
    storage = Folder(tmp_path / "home", is_home=True)
    place.settle(service.database, storage)
    source = tmp_path / "source"
    with service.database.write() as session:
        claim = attempts.claim(session, service.worker)
        for step, content in ((10, CONTENT), (20, CONTENT[::-1])):
            source.write_bytes(content)
            sha256 = hashlib.sha256(content).hexdigest()
            name = f"step-{step}.pt"
            storage.put(source, f"jobs/{made}/a1/{name}", sha256)
            saved = CheckpointSaved(
                step=step, name=name, size_bytes=len(content), sha256=sha256, best=step == 10
            )
            recording.record(session, claim.attempt_id, [saved])
    return made


@pytest.fixture
def command(colrow, service, monkeypatch, tmp_path):
    """The command line, talking to the service inside this process."""
    monkeypatch.setattr("colrow.commands.session.Session.client", service.client)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return colrow


def test_checkpoints_are_listed_newest_first(command, job_id):
    lines = command("checkpoints", job_id).out.splitlines()
    steps = [line.split()[1] for line in lines if line.strip()[:1].isdigit()]
    assert steps == ["20", "10"]
    assert sum("best" in line.split() for line in lines[2:]) == 1


def test_the_newest_is_downloaded_unless_another_is_named(command, service, job_id):
    ended = command("download", job_id)
    assert ended.code == 0
    path = Path(ended.out.strip())
    assert path.name == f"{job_id}-a1-step-20.pt"
    assert path.read_bytes() == CONTENT[::-1]
    assert command("download", job_id, "--best", "-o", "mine.pt").out == "mine.pt\n"
    assert Path("mine.pt").read_bytes() == CONTENT
    first = service.client.checkpoints(job_id)[-1]["id"]
    Path("folder").mkdir()
    ended = command("download", job_id, "--checkpoint", first, "-o", "folder")
    assert Path(ended.out.strip()) == Path("folder") / f"{job_id}-a1-step-10.pt"
    assert not list(Path().glob(".*.part"))


def test_what_cannot_be_downloaded_is_told(command, service, job_id, spec):
    Path("there.pt").touch()
    for words, told in {
        ("-o", "there.pt"): "there.pt is there already",
        ("-o", "no/such/x.pt"): "no/such is no folder",
        ("--checkpoint", "99"): "the job has no checkpoint 99; there are: ",
        ("--checkpoint", "1", "--best"): "give only one of them",
    }.items():
        ended = command("download", job_id, *words)
        assert ended.code == 1
        assert told in ended.err
    empty = service.client.submit(spec())["id"]
    assert "has no checkpoint to download" in command("download", empty).err
    assert command("checkpoints", empty).err == "the job has no checkpoint\n"


class Cut(httpx.BaseTransport):
    """Cuts every answer off after some bytes, and notes what parts were asked for."""

    def __init__(self, inner, bytes_each):
        self.inner, self.bytes_each, self.ranges = inner, bytes_each, []

    def handle_request(self, request):
        answer = self.inner.request("GET", str(request.url), headers=dict(request.headers))
        self.ranges.append(request.headers.get("range"))

        def pieces():
            yield answer.content[: self.bytes_each]
            if len(answer.content) > self.bytes_each:
                raise httpx.ReadError("cut")

        return httpx.Response(answer.status_code, headers=answer.headers, content=pieces())


def cut_client(service, bytes_each):
    inner = service.client._transport.http._transport
    assert isinstance(inner, InProcess)
    cut = Cut(inner.app, bytes_each)
    return Client("http://127.0.0.1:8750", transport=cut), cut


def test_a_cut_is_mended_from_where_it_was(service, job_id, tmp_path, monkeypatch):
    monkeypatch.setattr("colrow.downloads.DELAYS_S", (0.001, 0.001))
    client, cut = cut_client(service, 70_000)
    checkpoint = service.client.checkpoints(job_id)[1]
    seen = []
    client.download(job_id, checkpoint, tmp_path / "x.pt", told=seen.append)
    assert (tmp_path / "x.pt").read_bytes() == CONTENT
    assert cut.ranges == [None, *(f"bytes={n}-" for n in (70_000, 140_000, 210_000, 280_000))]
    assert seen == sorted(seen)
    assert seen[-1] == len(CONTENT)


def test_a_service_that_gives_nothing_is_given_up_and_gone_on_with_later(
    service, job_id, tmp_path, monkeypatch
):
    monkeypatch.setattr("colrow.downloads.DELAYS_S", (0.001, 0.001))
    checkpoint = service.client.checkpoints(job_id)[1]
    client, cut = cut_client(service, 100_000)
    cut.bytes_each = 100_000
    part = tmp_path / f".x.pt.{SHA256[:12]}.part"
    part.write_bytes(CONTENT[:200_000])
    cut.bytes_each = 0
    with pytest.raises(Unreachable):
        client.download(job_id, checkpoint, tmp_path / "x.pt")
    assert part.stat().st_size == 200_000
    cut.bytes_each = 1_000_000
    client.download(job_id, checkpoint, tmp_path / "x.pt")
    assert cut.ranges[-1] == "bytes=200000-"
    assert (tmp_path / "x.pt").read_bytes() == CONTENT
    assert not part.exists()


def test_what_is_damaged_on_the_way_or_there_is_not_kept(service, job_id, tmp_path):
    checkpoint = service.client.checkpoints(job_id)[1]
    part = tmp_path / f".x.pt.{SHA256[:12]}.part"
    part.write_bytes(b"0" * 200_000)
    with pytest.raises(ColrowError, match="did not arrive as the service has it recorded"):
        service.client.download(job_id, checkpoint, tmp_path / "x.pt")
    assert not part.exists()
    assert not (tmp_path / "x.pt").exists()


def test_a_place_that_cannot_be_written_to_is_told(service, job_id, tmp_path):
    checkpoint = service.client.checkpoints(job_id)[1]
    with pytest.raises(LocalError, match="cannot be written"):
        service.client.download(job_id, checkpoint, tmp_path / "no" / "x.pt")
