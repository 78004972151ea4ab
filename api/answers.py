"""From the store's views to answers, where names alone do not do it."""

from typing import Any

from api.schemas.curves import Comparison, Curve
from api.schemas.jobs import Job, JobItem
from api.schemas.service import Worker
from crs_core.events import METRICS
from crs_core.spec import STORED, facets
from store import comparison, curves, views, workers
from store.policies import in_a_word


def fields_of(view: Any) -> dict[str, Any]:
    """Give the fields of a view by name, each as it is."""
    return dict(vars(view))  # a list of a thousand jobs comes here a thousand times


def job(view: views.Job) -> Job:
    """Make the whole answer."""
    return Job.model_validate(_fields(view), context=STORED)


def job_item(view: views.Job, *, with_spec: bool) -> JobItem:
    """Make a line of a list."""
    fields = _fields(view)
    if not with_spec:
        fields["spec"] = None
    return JobItem.model_validate(fields, context=STORED)


def _fields(view: views.Job) -> dict[str, Any]:
    spec = view.spec
    shown = facets(spec)
    return fields_of(view) | {
        "model": shown.model,
        "dataset": shown.dataset,
        "policy": in_a_word(shown.policies),
        "seed": spec["seed"],
    }


def curve(found: curves.Curve) -> Curve:
    """Make the answer; values of a reduced curve, which is to be looked at, have 7 digits."""
    values = found.values
    if found.reduced:
        values = [None if v is None else float(f"{v:.7g}") for v in values]
    return Curve.model_validate(fields_of(found) | {"values": values})


def worker(view: workers.WorkerView) -> Worker:
    """Make the answer; a worker that should be alive and is not was lost."""
    lost = not view.alive and view.state != "stopped"
    return Worker.model_validate(fields_of(view) | ({"state": "lost"} if lost else {}))


def compared(found: comparison.Comparison) -> Comparison:
    """Make the answer, with the direction in which y is better."""
    return Comparison.model_validate(fields_of(found) | {"better": METRICS[found.y].better})
