"""When a trainer is told to stop, for which reason, and when it is killed."""

import time

from crs_core.events import Event, Points
from store import jobs
from store.attempts import Claim, Wish
from store.views import Reason
from worker.process import Trainer


class Stopping:
    """Of one attempt. `stop_s` is what a trainer gets at least to end its step and save."""

    def __init__(self, claim: Claim, stop_s: float) -> None:
        self.was_killed = False
        """Whether it did not stop in time."""
        self.out_of_time: Reason | None = None
        """Why it was stopped, if that is because it has run for as long as it may."""
        self._claim = claim
        self._stop_s = stop_s
        self._began_s = time.monotonic()
        self._kill_at_s: float | None = None
        self._step_s: float | None = None
        """How long a step takes, as it was told last."""

    @property
    def was_asked(self) -> bool:
        """Whether the trainer was told to stop, even if that was taken back since."""
        return self._kill_at_s is not None

    def note(self, event: Event) -> None:
        """Learn from what the trainer tells how long its steps take."""
        if isinstance(event, Points) and (speed := event.values.get("steps_per_s", 0.0)) > 0:
            self._step_s = 1 / speed

    def obey(self, trainer: Trainer, wish: Wish, *, is_worker_stopping: bool) -> None:
        """Stop it where that is wanted, kill it where it takes too long or we have lost it."""
        if wish is Wish.FENCED:
            trainer.kill()
        elif self._kill_at_s is not None:
            if is_worker_stopping:  # then nobody waits for us as long as a step may take
                self._kill_at_s = min(self._kill_at_s, time.monotonic() + self._stop_s)
            if time.monotonic() >= self._kill_at_s and not self.was_killed:
                self.was_killed = True
                trainer.kill()
        elif wish is not Wish.GO_ON or is_worker_stopping or self._is_out_of_time():
            self._kill_at_s = time.monotonic() + self._grace_s(is_worker_stopping)
            trainer.stop()

    def _grace_s(self, is_worker_stopping: bool) -> float:  # noqa: FBT001 - the one question
        """Give how long the trainer gets to end its step and save.

        A worker that stops is not waited for any longer. Otherwise a step may take longer than
        that: it gets as long as three, or, before any was told of, as long as it has run.
        """
        if is_worker_stopping:
            return self._stop_s
        return max(self._stop_s, self._ran_s if self._step_s is None else 3 * self._step_s)

    @property
    def _ran_s(self) -> float:
        return time.monotonic() - self._began_s

    def _is_out_of_time(self) -> bool:
        left_s, limit_s = self._claim.wall_time_left_s, self._claim.spec.resources.wall_time_s
        if left_s is None or limit_s is None or self._ran_s < left_s:
            return False
        self.out_of_time = jobs.out_of_time(limit_s - left_s + self._ran_s, limit_s)
        return True
