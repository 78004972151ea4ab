"""All workers of a database keep their files in one place; another one is refused."""

import json
import shutil
import threading

import pytest

from store import clock, place, workers
from store.errors import StorageSetting
from store.files import MARK, Folder
from store.tables import StorageRow


@pytest.fixture
def folder(tmp_path):
    return lambda name="one": Folder(tmp_path / name)


def known(bench):
    return bench.read(lambda session: session.get_one(StorageRow, 1).place)


def save_a_checkpoint(bench):
    claim = bench.begin()
    bench.record(claim, bench.started(), bench.saved(10))
    bench.write(workers.beat, bench.worker(), "stopped")


def test_the_first_place_becomes_the_databases(bench, folder):
    place.settle(bench.database, folder())
    assert json.loads(folder().mark())["place"] == known(bench)
    place.settle(bench.database, folder())
    assert place.is_there(bench.database, folder())
    assert not place.is_there(bench.database, folder("two"))


def test_another_place_is_refused_while_checkpoints_are_kept(bench, folder):
    place.settle(bench.database, folder())
    save_a_checkpoint(bench)
    with pytest.raises(StorageSetting, match=r"/one, and .*/two is not that place .*mounted") as no:
        place.settle(bench.database, folder("two"))
    assert "colrow db abandon-checkpoints" in str(no.value)
    assert folder("two").mark() is None
    place.settle(bench.database, folder())


def test_another_place_is_refused_while_workers_use_the_first(bench, folder):
    place.settle(bench.database, folder())
    worker = bench.worker()
    with pytest.raises(StorageSetting):
        place.settle(bench.database, folder("two"))
    bench.write(workers.beat, worker, "stopped")
    place.settle(bench.database, folder("two"))
    assert place.is_there(bench.database, folder("two"))


def test_a_copy_with_its_mark_is_the_same_place(bench, folder, tmp_path):
    place.settle(bench.database, folder())
    save_a_checkpoint(bench)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    place.settle(bench.database, folder("two"))


def test_a_place_that_was_given_up_is_forgotten_with_its_checkpoints(bench, folder):
    place.settle(bench.database, folder())
    save_a_checkpoint(bench)
    assert bench.write(place.abandon) == 1
    place.settle(bench.database, folder("two"))
    assert place.is_there(bench.database, folder("two"))


def test_first_workers_at_once_agree_and_those_elsewhere_are_refused(bench, folder):
    bench.worker()
    refused = []

    def settle(name):
        try:
            place.settle(bench.database, folder(name))
        except StorageSetting:
            refused.append(name)

    threads = [threading.Thread(target=settle, args=(name,)) for name in ("one", "two") * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(refused) in (["one"] * 3, ["two"] * 3)


def test_a_mark_that_is_not_one_is_told(bench, folder, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / MARK).write_text("{}")
    with pytest.raises(StorageSetting, match="cannot be read"):
        place.settle(bench.database, folder())


def test_a_hold_ends_by_itself_and_a_longer_one_stays(bench):
    assert not bench.read(place.is_held)
    bench.write(place.hold, 60)
    bench.write(place.hold, 1)
    assert bench.read(place.is_held)
    bench.write(lambda s: setattr(s.get_one(StorageRow, 1), "held_until", clock.read(s) - 1))
    assert not bench.read(place.is_held)
