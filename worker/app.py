"""Celery: the one task `colrow.wake`, and the bootstep that keeps the heartbeat.

The pool is one *thread*. The consumer stays awake beside a job that takes days, no child process is
forked (80 MB, and the fork of a process with threads), and the thread lives as long as the pool, so
PDEATHSIG of the trainer is tied to the worker.

A message has to reach a worker that is idle. Prefetching is off, so that Celery asks for none while
its thread has a job; but a job that a sweep found runs on another thread, of which Celery knows
nothing. So a busy worker asks for none whoever runs its job (`Ears`), and a message that it had
asked for before, and cannot heed now, goes back into the queue for the others.
"""

from typing import Any

from celery import Celery, bootsteps, signals
from celery.worker.consumer.tasks import Tasks

from store import queue
from store.queue import TASK
from worker import signals as stop_signals
from worker.heartbeat import Heartbeat
from worker.settings import Settings
from worker.slot import Slot

TURN_S = 0.1


def _nothing() -> None:
    return None


def make_app(settings: Settings, slot: Slot, heartbeat: Heartbeat) -> Celery:
    """Make the Celery app of a worker."""
    app = Celery("colrow", set_as_current=False)
    app.conf.update(configuration(settings))

    @app.task(name=TASK, ignore_result=True)  # type: ignore[untyped-decorator]
    def wake() -> None:
        if not slot.work():
            queue.ring(settings.broker_url)

    class Pulse(bootsteps.StartStopStep):  # type: ignore[misc]
        """Starts before the pool, and so stops after it: the last job's end is still told."""

        turning: Any = None

        def start(self, worker: Any) -> None:
            stop_signals.heed(worker, slot.stop)  # the pool then waits for the job to save and end
            heartbeat.start()

        def stop(self, _worker: Any) -> None:
            heartbeat.stop()

        def register_with_event_loop(self, _worker: Any, hub: Any) -> None:
            """Have the loop turn often, as it asks for a message only when it turns.

            Nothing turns it when the pool's thread gets free, so the next message would wait for up
            to a second.
            """
            if self.turning is not None:  # it begins anew after each lost connection
                self.turning.cancel()
            self.turning = hub.call_repeatedly(TURN_S, _nothing)

    class Ears(bootsteps.StartStopStep):  # type: ignore[misc]
        """Asks for no message while the slot is busy; begins anew with each connection."""

        requires = (Tasks,)

        def start(self, consumer: Any) -> None:
            qos = consumer.task_consumer.channel.qos
            has_room = qos.can_consume
            qos.can_consume = lambda: not slot.is_busy and has_room()

    app.steps["worker"].add(Pulse)
    app.steps["consumer"].add(Ears)
    # A receiver of this keeps Celery from setting up logging in its own way.
    signals.setup_logging.connect(lambda **_: None, weak=False)
    return app


def configuration(settings: Settings) -> dict[str, Any]:
    """Give what Celery is told by a slot."""
    return delivery(settings.broker_url) | {
        "worker_concurrency": 1,
        "worker_disable_prefetch": True,
    }


def delivery(broker_url: str) -> dict[str, Any]:
    """Give what Celery is told by all. The traps that each line is for are in the comments."""
    return {
        "broker_url": broker_url,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # a broker may be gone for days
        "broker_transport_options": {"socket_connect_timeout": 5, "socket_keepalive": True},
        "accept_content": ["json"],
        "worker_pool": "threads",
        "worker_prefetch_multiplier": 1,
        "worker_enable_prefetch_count_reduction": False,
        # Late acknowledgement runs a job twice after a lost connection, and again after an hour.
        "task_acks_late": False,
        "task_ignore_result": True,
        "result_backend": None,  # with one, publishing to a dead Redis blocks for 19 s
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        # Concerns late acknowledgement alone; True keeps Celery from warning about it.
        "worker_cancel_long_running_tasks_on_connection_loss": True,
        "worker_redirect_stdouts": False,
    }
