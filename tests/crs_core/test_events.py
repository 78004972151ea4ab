import math
from typing import get_args

import pytest

from crs_core.events import METRICS, QUALITY, TaskName, is_better


def test_every_task_is_judged_by_metrics_that_are_known() -> None:
    assert set(QUALITY) == set(get_args(TaskName))
    for quality in QUALITY.values():
        directions = {
            METRICS[f"{part}_{quality}"].better for part in ("validation", "test", "best_test")
        }
        assert directions in ({"higher"}, {"lower"})


@pytest.mark.parametrize(
    ("metric", "better", "worse"),
    [("validation_accuracy", 0.9, 0.8), ("validation_perplexity", 81.5, 92.0)],
)
def test_better_goes_by_the_metric(metric: str, better: float, worse: float) -> None:
    assert is_better(metric, better, worse)
    assert not is_better(metric, worse, better)
    assert not is_better(metric, worse, worse)
    assert is_better(metric, worse, None)
    assert not is_better(metric, math.nan, worse)
