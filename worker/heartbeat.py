"""The worker's own heartbeat: its row kept, and the sweep that mends what only time can.

It needs no broker. Where queued work fits an idle slot it rings the bell for others and looks
itself, so a worker whose ears are shut (the broker is gone, its connection hangs) goes on all the
same.
"""

import logging
import math
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from sqlalchemy.orm import Session

from store import changes, preemption, workers
from store.errors import NotFound
from store.session import UNAVAILABLE
from store.sweeper import SweepReport, sweep
from worker import host
from worker.devices import uses
from worker.housekeeping import Housekeeping
from worker.slot import Slot

log = logging.getLogger(__name__)


class Heartbeat:
    """A thread that beats and sweeps, and one that looks for work when it is told to."""

    def __init__(self, slot: Slot, ring: Callable[[], object]) -> None:
        self._slot = slot
        self._ring = ring
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        # Of one thread that lives as long as the worker: it is the parent of trainers.
        self._lookout = ThreadPoolExecutor(1, thread_name_prefix="lookout")
        self._looking: Future[bool] | None = None
        self._housekeeping = Housekeeping(
            slot.database, slot.storage, slot.scratch, older_s=slot.settings.lease_s
        )

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the job of the lookout has; the row then says `stopped`."""
        self._slot.stop()
        self._lookout.shutdown()
        self._ended.set()
        self._slot.state_changed.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._beat_and_sweep()
        finally:
            if not self._ended.is_set():
                # A worker without a heartbeat is taken for dead: let it be started anew.
                log.critical("the heartbeat has failed, so the worker stops")
                os.kill(os.getpid(), signal.SIGTERM)

    def _beat_and_sweep(self) -> None:
        due_s = 0.0
        while not self._has_ended():
            try:
                self._beat()
                now_s = time.monotonic()
                if now_s >= min(due_s, self._idle_until_s()):
                    due_s = now_s + self._slot.settings.sweep_s
                    self._sweep()
                    if now_s >= self._idle_until_s():
                        self._leave()
            except UNAVAILABLE as error:
                log.warning("the database cannot be reached, trying again: %s", error)
                self._ended.wait(min(1.0, self._slot.settings.sweep_s))
            next_s = min(due_s, self._idle_until_s())
            self._slot.state_changed.wait(max(0.0, next_s - time.monotonic()))
        try:
            self._beat()
        except UNAVAILABLE as error:
            log.warning("the database was not told that this worker stopped: %s", error)

    def _has_ended(self) -> bool:
        self._slot.state_changed.clear()  # before the look: what comes after it is not overheard
        return self._ended.is_set()

    def _idle_until_s(self) -> float:
        """Give the moment until which a slot that stays idle is kept."""
        after_s = self._slot.settings.until_idle_s
        if after_s is None or self._slot.state != "idle":
            return math.inf
        return self._slot.idle_since_s + after_s

    def _leave(self) -> None:
        """End the worker: nothing that it could have run has waited for so long."""
        log.info("no job for %g s, so the worker ends", self._slot.settings.until_idle_s)
        self._slot.stop()
        os.kill(os.getpid(), signal.SIGTERM)

    def _beat(self) -> None:
        settings = self._slot.settings
        state, datasets = self._slot.state, host.datasets(settings)
        used, found = host.memory(settings.cuda_devices)[1], uses(settings.cuda_devices)

        def beat(session: Session) -> None:
            workers.beat(
                session,
                self._slot.key,
                state,
                memory_used_bytes=used,
                datasets=datasets,
                device_use=found,
            )

        try:
            with self._slot.database.write() as session:
                beat(session)
        except NotFound:  # somebody deleted our row
            self._slot.register()

    def _sweep(self) -> None:
        with self._slot.database.write() as session:
            report = sweep(session)
        with self._slot.database.write() as session:
            asked = preemption.give_way(session)
        with self._slot.database.write() as session:  # alone: its lock is a transaction's last one
            changes.trim(session)
        for job_id in asked:
            log.info(
                "job %s: it is asked to give way to one of higher priority",
                job_id,
                extra={"job": job_id},
            )
        self._tell(report)
        self._housekeeping.run_soon()
        if report.ring and not self._slot.stopping.is_set():
            self._slot.idle_since_s = time.monotonic()  # it is about to have work
            self._look()
            self._ring()

    def _tell(self, report: SweepReport) -> None:
        for job_id in report.requeued:
            log.warning(
                "job %s: its worker was lost, it waits for the next attempt",
                job_id,
                extra={"job": job_id},
            )
        for job_id in report.failed:
            log.warning(
                "job %s: too many of its attempts were lost, it has failed",
                job_id,
                extra={"job": job_id},
            )

    def _look(self) -> None:
        if self._slot.state != "idle":
            return
        if self._looking is not None:
            if not self._looking.done():
                return
            self._looking.result()
        self._looking = self._lookout.submit(self._slot.work)
