"""Start a worker: `python -m worker`. What it needs is in the environment (`worker.settings`)."""

import logging
import sys
import tempfile
from functools import partial

from pydantic import ValidationError
from sqlalchemy.exc import ArgumentError

from crs_core.spec import broken_offers
from store import place, queue
from store.deliveries import Bell
from store.errors import Conflict, StorageError, StorageSetting, StoreError
from store.files import Storage, stays
from store.objects import open_storage
from store.session import UNAVAILABLE, Database
from worker import devices, folders, host
from worker.app import make_app
from worker.heartbeat import Heartbeat
from worker.host import Name, NameTaken
from worker.settings import Settings, trainer_environment
from worker.slot import Slot
from worker.starting import explain, open_database, set_up_logging, wait_for

log = logging.getLogger("worker")


def main() -> int:
    """Run until told to stop. 2: it cannot be started as it was asked to."""
    try:
        set_up_logging("worker")
        settings = Settings()
        demand_devices(settings)
        database = open_database(settings.database_url, pool_size=4)
        database.on_deliveries = Bell(settings.broker_url)
        name, slot = enter(settings, database)
        slot.warm_up()
    except ValidationError as error:
        return _refuse(explain(error))
    except OSError as error:
        return _refuse(f"the folder of COLROW_HOME cannot be used: {error}")
    except (ArgumentError, ModuleNotFoundError, NameTaken, NoDevice, StoreError) as error:
        return _refuse(str(error))
    return _serve(settings, name, slot)


class NoDevice(Exception):  # noqa: N818 - named by what is so
    """A device that the worker is to own is not on this machine."""


def demand_devices(settings: Settings) -> None:
    """Raise NoDevice for a CUDA device that is not here: each job would fail on it.

    Where NVML cannot tell, torch can, in a process like a trainer's.
    """
    wanted = settings.cuda_devices
    if not wanted:
        return
    gone = devices.missing(wanted)
    if gone is None:
        seen = devices.seen_by_torch(trainer_environment(1, wanted))
        gone = wanted if seen is not None and seen < len(wanted) else ()
    if gone:
        raise NoDevice(
            f"there is no CUDA device {', '.join(gone)} on this machine; name those that "
            "`nvidia-smi -L` shows with --devices or COLROW_DEVICES, or `cpu`; `colrow doctor` "
            "tells what driver and torch see"
        )


def _serve(settings: Settings, name: Name, slot: Slot) -> int:
    heartbeat = Heartbeat(slot, lambda: queue.ring(settings.broker_url))
    app = make_app(settings, slot, heartbeat)
    worker = app.Worker(
        hostname=f"colrow@{name.text}",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    for told in broken_offers():
        log.warning("%s", told)
    log.info("worker %s waits for jobs", name.text)
    worker.start()
    slot.close()
    slot.database.close()
    return int(worker.exitcode or 0)


def enter(settings: Settings, database: Database) -> tuple[Name, Slot]:
    """Take a name that nobody else has, here or in the database, and enter the slot under it.

    Raises OSError when the home cannot be written to: no file of a job could be then.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=settings.home):
        pass
    storage, place_id = _reach(settings, database)
    scratch = None if stays(storage) else folders.scratch(settings.home, place_id)
    after = 0
    while True:
        name = host.take_name(settings, after=after)
        slot = Slot(settings, database, host.describe(settings, name.text), storage, scratch)
        try:
            wait_for(slot.start, "the database")
        except Conflict:  # a worker of another home on this host
            name.lock.close()
            if name.number is None:
                raise
            after = name.number
        else:
            return name, slot


def _reach(settings: Settings, database: Database) -> tuple[Storage, str]:
    """Give the place of files, checked, and its id; one that does not answer is waited for."""
    storage = open_storage(settings.storage, settings.home)
    place_id = wait_for(
        partial(place.settle, database, storage),
        "the place of checkpoints",
        absent=(StorageError, *UNAVAILABLE),
        wrong=(StorageSetting,),
    )
    return storage, place_id


def _refuse(why: str) -> int:
    log.error("the worker cannot start: %s", why)
    return 2


if __name__ == "__main__":
    sys.exit(main())
