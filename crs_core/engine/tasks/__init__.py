"""What a network can learn: one task per kind of data set."""

from collections.abc import Callable, Mapping

import torch

from crs_core.data.facts import ImageFacts, known
from crs_core.data.load import load
from crs_core.data.texts import load_text
from crs_core.engine.place import Place
from crs_core.engine.randomness import Randomness
from crs_core.engine.ranks import Ranks
from crs_core.engine.tasks.images import ImageTask, Preparation
from crs_core.engine.tasks.task import Part, Task
from crs_core.engine.tasks.texts import TextTask
from crs_core.events import TaskName
from crs_core.models.language import LANGUAGE_NETWORKS
from crs_core.rules import training_length
from crs_core.spec import GPTModel, JobSpec, LSTMModel

__all__ = ["Part", "Task", "make_task"]


def make_task(
    spec: JobSpec, place: Place, randomness: Randomness, device: torch.device, ranks: Ranks
) -> Task:
    """Load the data that a spec names and make its task. Raises SpecError, DatasetError."""
    task = known()[spec.dataset.name].task
    with ranks.first_alone():
        return TASKS[task](spec, place, randomness, device, ranks)


def _images(
    spec: JobSpec, place: Place, randomness: Randomness, device: torch.device, ranks: Ranks
) -> ImageTask:
    facts = known()[spec.dataset.name]
    assert isinstance(facts, ImageFacts)
    return ImageTask(
        load(spec.dataset, place.data_dir, download=place.download),
        Preparation(spec.dataset, facts, randomness),
        batch_size=spec.training.batch_size,
        length=training_length(spec),
        randomness=randomness,
        device=device,
        ranks=ranks,
    )


def _texts(
    spec: JobSpec,
    place: Place,
    randomness: Randomness,  # noqa: ARG001 - words have one order
    device: torch.device,
    ranks: Ranks,
) -> TextTask:
    assert isinstance(spec.model, LSTMModel | GPTModel)
    return TextTask(
        load_text(spec.dataset, place.data_dir, download=place.download),
        batch_size=spec.training.batch_size,
        sequence_length=spec.model.sequence_length,
        sums_steps=LANGUAGE_NETWORKS[spec.model.name].sums_steps,
        length=training_length(spec),
        device=device,
        ranks=ranks,
    )


TASKS: Mapping[TaskName, Callable[[JobSpec, Place, Randomness, torch.device, Ranks], Task]] = {
    "classification": _images,
    "language-modelling": _texts,
}
"""One function per kind of data set."""
