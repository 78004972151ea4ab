"""Schedules of rules against the length of the training."""

import pytest

from crs_core.errors import SpecError
from crs_core.rules import layer_plan, plan_at
from crs_core.spec import JobSpec, parse_spec


def scheduled(schedule: dict) -> JobSpec:
    """A training of 40 steps."""
    return parse_spec(
        {
            "model": {"name": "mlp"},
            "dataset": {"name": "digits"},
            "approximation": [{"policy": "topk", "forward": 0.4, "schedule": schedule}],
            "training": {"steps": 40},
        }
    )


@pytest.mark.parametrize(
    ("schedule", "loc", "message"),
    [
        (
            {"exact_first_steps": 10, "exact_last": 0.75},
            "approximation.0.schedule",
            "the first 10 steps and the last 0.75 of the training are exact, which leaves nothing "
            "of its 40 steps to sample; give a smaller `exact_first_steps` or `exact_last`",
        ),
        (
            {"exact_first_steps": 41},
            "approximation.0.schedule",
            "the first 41 steps of the training are exact, which leaves nothing of its 40 steps to "
            "sample; give a smaller `exact_first_steps`",
        ),
        (
            {"exact_last": 0.995},
            "approximation.0.schedule",
            "the last 0.995 of the training are exact, which leaves nothing of its 40 steps to "
            "sample; give a smaller `exact_last`",
        ),
        (
            {"shape": "step", "milestones": [5, 40]},
            "approximation.0.schedule.milestones",
            "step 40 is past the last sampled step, 39 (of 40 steps, counted from 0); give at "
            "most 39",
        ),
        (
            {"shape": "linear", "end_step": 35, "exact_last": 0.25},
            "approximation.0.schedule.end_step",
            "step 35 is past the last sampled step, 29 (of 40 steps, counted from 0); give at "
            "most 29",
        ),
    ],
)
def test_a_schedule_that_does_not_fit_the_training_is_refused(schedule, loc, message):
    with pytest.raises(SpecError) as caught:
        layer_plan(scheduled(schedule))
    (error,) = caught.value.errors
    assert (error.loc, error.msg) == (loc, message)


def test_the_plan_of_a_layer_carries_its_schedule():
    schedule = {"shape": "step", "milestones": [39]}
    plan = layer_plan(scheduled(schedule))
    assert plan[0].schedule is not None
    assert [plan_at(plan[0], step, 40).forward for step in (38, 39)] == [1.0, 0.4]
