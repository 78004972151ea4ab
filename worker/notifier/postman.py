"""Claim what is due, try it once, say what became of it; again until nothing is due."""

import json
import logging
import random
import threading
from importlib.metadata import version

from store import deliveries
from store.deliveries import Sending
from store.loglines import about
from store.session import UNAVAILABLE, Database
from worker.notifier.sending import Answer, post
from worker.notifier.signature import HEADER, sign
from worker.settings import NotifierSettings

LONGEST_S = 8 * 3600.0
log = logging.getLogger(__name__)


class Postman:
    """Sends; any number of threads may call `run` at once."""

    def __init__(self, settings: NotifierSettings, database: Database) -> None:
        self.settings = settings
        self.database = database
        self.stopping = threading.Event()
        self._running = 0
        self._lock = threading.Lock()

    @property
    def idle(self) -> int:
        """How many senders have nothing to do."""
        return max(0, self.settings.webhook_senders - self._running)

    def run(self) -> int:
        """Try what is due, one after the other, until nothing is; give how many were tried."""
        with self._lock:
            self._running += 1
        try:
            tried = 0
            while not self.stopping.is_set() and self._try_one():
                tried += 1
            return tried
        finally:
            with self._lock:
                self._running -= 1

    def _try_one(self) -> bool:
        try:
            with self.database.write() as session:
                sending = deliveries.claim(session)
            if sending is None:
                return False
            with about(delivery=sending.id):
                self._send(sending)
        except UNAVAILABLE as error:
            log.warning("the database cannot be reached, the next look tries again: %s", error)
            return False
        return True

    def _send(self, sending: Sending) -> None:
        settings = self.settings
        body = json.dumps(sending.body, separators=(",", ":"), sort_keys=True).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"Colrow/{version('colrow')}",
            "Colrow-Event": str(sending.body["event"]),
            "Colrow-Delivery": sending.id,
            HEADER: sign(body, sending.secret, int(sending.at)),
        }
        answer = post(
            sending.url,
            body,
            headers,
            allow=settings.webhook_allow,
            timeout_s=settings.webhook_timeout_s,
        )
        self._settle(sending, answer)

    def _settle(self, sending: Sending, answer: Answer) -> None:
        settings = self.settings
        state: deliveries.DeliveryState = "waiting"
        again_in_s = pause_s(sending.tries, settings.webhook_retry_s)
        if answer.error is None:
            state = "delivered"
            log.info("delivered at try %d", sending.tries)
        elif answer.is_final or sending.tries >= settings.webhook_tries:
            state = "given_up"
            log.error("given up after %d tries: %s", sending.tries, answer.error)
        else:
            log.warning(
                "try %d failed, the next is in %.0f s: %s", sending.tries, again_in_s, answer.error
            )
        with self.database.write() as session:
            deliveries.settle(
                session,
                sending,
                state,
                status=answer.status,
                error=answer.error,
                again_in_s=again_in_s,
            )


def pause_s(tries: int, first_s: float) -> float:
    """Give the time before the next try: three times the last, give or take a fifth.

    So that what failed together is not tried again together.
    """
    return min(LONGEST_S, first_s * 3.0 ** (tries - 1)) * random.uniform(0.8, 1.2)
