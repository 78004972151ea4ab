"""Which measured times a person may set side by side, in words."""

from collections.abc import Iterable

from colrow.answers import Attempt, Group, JobItem
from colrow.figures import NONE

ANOTHER = "another device"
MARK = "†"
SAYS = {
    "shared host": "other attempts ran on the same host at the same time",
    "shared device": "other attempts ran on the same device at the same time",
    "several devices": "the attempts of a job ran on several kinds of device",
    "another device": "no job ran on the kind of device that an exact one ran on",
    "not recorded": "whether others ran beside it was not recorded",
}
"""What a caveat means."""


def ratio(group: Group) -> str:
    """Write a group's time over that of its baseline, marked where it is no measure."""
    if group["seconds_ratio"] is None:
        return f"{NONE} {MARK}" if group["time_caveat"] else NONE
    return f"{group['seconds_ratio']:.2f}" + (f" {MARK}" if group["time_caveat"] else "")


def footnote(groups: Iterable[Group]) -> str | None:
    """Say what the marks of these groups are for, in a line; None where there are none."""
    caveats = dict.fromkeys(g["time_caveat"] for g in groups if g["time_caveat"])
    return explained(caveat for caveat in caveats if caveat)


def explained(caveats: Iterable[str]) -> str | None:
    """Say what caveats mean, in a line; None where there are none."""
    told = [f"{caveat} ({SAYS.get(caveat, 'as the service says')})" for caveat in caveats]
    return f"{MARK} no measure of time: {'; '.join(told)}" if told else None


def caveat(jobs: Iterable[JobItem]) -> str | None:
    """Say why the times of these jobs can't be set side by side, where they can't."""
    jobs = list(jobs)
    own = next((job["time_caveat"] for job in jobs if job["time_caveat"]), None)
    return own or (ANOTHER if len({job["device"] for job in jobs}) > 1 else None)


def ran_on(job: JobItem) -> str:
    """Name the kind of device of a job, and what speaks against its times."""
    caveat = f" ({job['time_caveat']})" if job["time_caveat"] else ""
    return f"{job['device'] or NONE}{caveat}"


def told(attempt: Attempt) -> list[str]:
    """Tell of an attempt on what it ran and how quickly it began, in phrases."""
    name, count = attempt["device_name"], attempt["device_count"]
    words = []
    if name:
        words.append(f"{count} x {name}" if count and count > 1 else name)
    if attempt["threads"]:
        words.append(f"{attempt['threads']} thread{'s' if attempt['threads'] > 1 else ''}")
    if attempt["shared"]:
        words.append("others beside it")
    if attempt["start_s"] is not None:
        start = (attempt["environment"] or {}).get("start")
        words.append(f"{start + ' ' if start else ''}start in {attempt['start_s']:.2f} s")
    return words


def surroundings(attempt: Attempt) -> dict[str, str]:
    """Give what an attempt ran on, by name: versions, revision, system, hardware, variables."""
    revision = {"revision": attempt["git_revision"]} if attempt["git_revision"] else {}
    found = (attempt["versions"] or {}) | revision | (attempt["environment"] or {})
    return {name: value for name, value in found.items() if name not in ("start", "imported_s")}
