"""What any job costs, whatever its kind, before it is run. Torch is not imported."""

from crs_core.cost import Cost, plan_cost
from crs_core.spec import JobSpec, StudySpec
from crs_core.study.plan import study_cost


def plan_job(spec: JobSpec | StudySpec) -> Cost:
    """Count the MACs of a job, exact and planned, and its steps; a study has no layers.

    Raises SpecError where no single field tells that the spec cannot be run.
    """
    return study_cost(spec) if isinstance(spec, StudySpec) else plan_cost(spec)
