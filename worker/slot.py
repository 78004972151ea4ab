"""A slot: claim the best fitting job, supervise it to its end, claim the next, until none fits."""

import logging
import threading
import time
from pathlib import Path

from store import workers
from store.attempts import Claim, claim
from store.errors import NotFound
from store.files import Folder, Storage
from store.session import UNAVAILABLE, Database, brief
from store.sweeper import end_left_behind
from store.workers import NewWorker, WorkerState
from worker import host
from worker.settings import Settings, trainer_environment
from worker.spare import Spare
from worker.tasks import Post, supervise

log = logging.getLogger(__name__)


class Slot:
    """One worker's place for one job at a time."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        worker: NewWorker,
        storage: Storage | None = None,
        scratch: Path | None = None,
    ) -> None:
        self.settings = settings
        self.storage = storage or Folder(settings.home, is_home=True)
        self.scratch = scratch
        """Where trainers work, and what may be cleared; None: in the home, which may not."""
        self.database = database
        self.stopping = threading.Event()
        self.state_changed = threading.Event()
        """Set when `state` has changed; whoever tells of it clears it."""
        self.idle_since_s = time.monotonic()
        """When there was work last, by the monotonic clock."""
        self._worker = worker
        self._spare = Spare() if settings.warm_spare else None
        self._key: int | None = None
        self._turn = threading.Lock()
        self._is_busy = False

    @property
    def state(self) -> WorkerState:
        """What the slot does, as the database is told."""
        if self.stopping.is_set() and not self._is_busy:
            return "stopped"
        return "busy" if self._is_busy else "idle"

    def start(self) -> None:
        """Enter the slot. What its process before this one left is given back, and not waited for.

        The lock on the name says that no other process of this home is the slot, and the process
        id that the former one has ended; of other homes nothing is known. Raises Conflict while one
        of those has the name.
        """
        name, home = self._worker.name, self._worker.home_id
        with self.database.write() as session:
            former = workers.process_of(session, name)
            is_ours = former is not None and former.home_id in (None, home)
            is_gone = former is not None and host.is_gone(former.host, former.pid)
            left = end_left_behind(session, name) if is_ours and is_gone else ()
        for job_id in left:
            log.warning(
                "job %s: the process before this one left it, it was given back",
                job_id,
                extra={"job": job_id},
            )
        self.register()

    def warm_up(self) -> None:
        """Have a trainer ready for a job that asks for nothing special."""
        if self._spare is not None:
            devices = self.settings.cuda_devices[:1]
            self._spare.prepare(trainer_environment(self._worker.threads, devices))

    def close(self) -> None:
        """End what the slot keeps beside its jobs."""
        if self._spare is not None:
            self._spare.close()

    def register(self) -> int:
        """Enter the slot into the database, anew if it was there before."""
        with self.database.write() as session:
            self._key = workers.register(session, self._worker)
        return self._key

    @property
    def key(self) -> int:
        """The key of the slot's row."""
        return self._key if self._key is not None else self.register()

    def stop(self) -> None:
        """Claim nothing more; the job that runs saves and is given back."""
        self.stopping.set()
        self.state_changed.set()

    @property
    def is_busy(self) -> bool:
        """Whether a job runs here, whichever thread claimed it."""
        return self._is_busy

    def work(self) -> bool:
        """Run jobs until none fits. False: nobody looked, so whoever was called must be told again.

        That is so while another thread has its turn, perhaps for days, and when the slot stops. The
        calling thread is the parent of the trainers, and must not end before this returns.
        """
        if self.stopping.is_set() or not self._turn.acquire(blocking=False):
            return False
        try:
            # Between two jobs the slot stays busy: each change is told, and costs a transaction.
            while (taken := self._claim()) is not None:
                self._tell(is_busy=True)
                supervise(taken, self._post())
        finally:
            self._tell(is_busy=False)
            self._turn.release()
        return True

    def _post(self) -> Post:
        return Post(
            self.settings,
            self.database,
            self._worker.threads,
            self.stopping,
            spare=self._spare,
            storage=self.storage,
            scratch=self.scratch,
        )

    def _claim(self) -> Claim | None:
        if self.stopping.is_set():
            return None
        try:
            try:
                return self._claim_once()
            except NotFound:  # somebody deleted our row
                self.register()
                return self._claim_once()
        except UNAVAILABLE as error:
            log.warning("no job can be claimed, the next sweep tries again: %s", brief(error))
            return None

    def _claim_once(self) -> Claim | None:
        key = self.key
        with self.database.write() as session:
            return claim(session, key, lease_s=self.settings.lease_s)

    def _tell(self, *, is_busy: bool) -> None:
        if is_busy == self._is_busy:
            return
        self._is_busy = is_busy
        self.idle_since_s = time.monotonic()
        self.state_changed.set()
