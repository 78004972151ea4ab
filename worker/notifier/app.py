"""Celery: the task `colrow.deliver`, and the lookout for what no message tells of.

A message says that something may be due, and one of the pool's threads sends until nothing is. What
becomes due by time alone (the next try of one that failed, a try whose process was killed, all that
was written while the broker was gone) is seen by the lookout, which looks into the database every
few seconds and rings; where the broker is down it sends by itself. So Redis may lose everything.
"""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from celery import Celery, bootsteps, signals

from store import deliveries
from store.loglines import carried
from store.session import UNAVAILABLE
from worker import signals as stop_signals
from worker.app import delivery
from worker.notifier.postman import Postman
from worker.settings import NotifierSettings

log = logging.getLogger(__name__)


class Lookout:
    """A thread that looks for what is due."""

    def __init__(self, postman: Postman) -> None:
        self._postman = postman
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)
        self._senders = ThreadPoolExecutor(
            postman.settings.webhook_senders, thread_name_prefix="sender"
        )

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the tries that are under way."""
        self._postman.stopping.set()
        self._thread.join()
        self._senders.shutdown(cancel_futures=True)

    def _run(self) -> None:
        settings = self._postman.settings
        while not self._postman.stopping.is_set():
            try:
                self._look()
            except UNAVAILABLE as error:
                log.warning("the database cannot be reached, trying again: %s", error)
            self._postman.stopping.wait(settings.webhook_look_s)

    def _look(self) -> None:
        with self._postman.database.read() as session:
            due = deliveries.count_due(session, most=self._postman.idle)
        for _ in range(due):
            if not deliveries.ring(self._postman.settings.broker_url):
                for _ in range(due):
                    self._senders.submit(carried(self._postman.run))
                return


def make_app(settings: NotifierSettings, postman: Postman) -> Celery:
    """Make the Celery app of the notifier."""
    app = Celery("colrow-notifier", set_as_current=False)
    app.conf.update(configuration(settings))
    lookout = Lookout(postman)

    @app.task(name=deliveries.TASK, ignore_result=True)  # type: ignore[untyped-decorator]
    def deliver() -> None:
        postman.run()

    class Pulse(bootsteps.StartStopStep):  # type: ignore[misc]
        """Starts before the pool, and so stops after it."""

        def start(self, worker: Any) -> None:
            stop_signals.heed(worker, postman.stopping.set)
            lookout.start()

        def stop(self, _worker: Any) -> None:
            lookout.stop()

    app.steps["worker"].add(Pulse)
    # A receiver of this keeps Celery from setting up logging in its own way.
    signals.setup_logging.connect(lambda **_: None, weak=False)
    return app


def configuration(settings: NotifierSettings) -> dict[str, Any]:
    """Give what Celery is told."""
    return delivery(settings.broker_url) | {
        "task_default_queue": deliveries.QUEUE,
        "worker_concurrency": settings.webhook_senders,
    }
