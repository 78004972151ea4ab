import pytest

from crs_core.engine.schedules import learning_rate, rate_share
from crs_core.rules import TrainingLength
from crs_core.spec import SGD, Constant, Cosine, Exponential, Linear, Schedule, StepDecay, Training

CASES: list[tuple[Schedule, list[float]]] = [
    (Constant(), [1, 1, 1, 1, 1, 1, 1, 1]),
    (StepDecay(milestones=(1, 3), factor=0.5), [1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25]),
    (
        StepDecay(milestones=(3, 5), factor=0.1, unit="steps"),
        [1, 1, 1, 0.1, 0.1, 0.01, 0.01, 0.01],
    ),
    (Exponential(decay=0.5), [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]),
    (Exponential(decay=0.5, after=1), [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]),
    (Exponential(decay=0.5, after=2), [1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25]),
    (Cosine(), [1, 0.961940, 0.853553, 0.691342, 0.5, 0.308658, 0.146447, 0.038060]),
    (Cosine(warmup_steps=4, final_share=0.2), [0.25, 0.5, 0.75, 1, 1, 0.882843, 0.6, 0.317157]),
    (Linear(), [1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]),
    (Linear(warmup_steps=2, final_share=0.4), [0.5, 1, 1, 0.9, 0.8, 0.7, 0.6, 0.5]),
    (Linear(warmup_steps=8), [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1]),
]


@pytest.mark.parametrize(("schedule", "expected"), CASES, ids=lambda c: repr(c)[:60])
def test_shares_of_eight_steps_in_epochs_of_two(schedule: Schedule, expected: list[float]) -> None:
    shares = [rate_share(schedule, s, total_steps=8, steps_per_epoch=2) for s in range(8)]
    assert shares == pytest.approx(expected, abs=1e-6)


def test_the_rate_is_the_optimizers_times_the_share() -> None:
    training = Training(
        steps=8, optimizer=SGD(lr=0.3), schedule=StepDecay(milestones=(2,), factor=0.1)
    )
    length = TrainingLength(train=100, validation=10, steps_per_epoch=2, steps=8)
    rates = [learning_rate(training, step, length) for step in (3, 4)]
    assert rates == pytest.approx([0.3, 0.03])


def test_the_paper_s_rates_for_the_wide_residual_network() -> None:
    schedule = StepDecay(milestones=(40_000, 60_000), unit="steps")
    training = Training(steps=75_000, optimizer=SGD(lr=0.1), schedule=schedule)
    length = TrainingLength(train=45_000, validation=5_000, steps_per_epoch=351, steps=75_000)
    steps = (0, 39_999, 40_000, 59_999, 60_000, 74_999)
    rates = [learning_rate(training, step, length) for step in steps]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001])
