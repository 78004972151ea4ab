"""`colrow doctor`: what is wrong with the service and this machine, and what to do about it.

Each check is a function of the `Place` that gives findings; none of them mends or keeps anything.

finding     what a check found
place       what is looked at
database broker disk datasets devices service files     one check each
fleet       clocks, versions, workers, messages: what only the database can tell
report      the table, and JSON
"""

from collections.abc import Callable, Sequence

from colrow.local.doctor import (
    broker,
    database,
    datasets,
    devices,
    disk,
    files,
    fleet,
    report,
    service,
)
from colrow.local.doctor.finding import Finding
from colrow.local.doctor.place import Place, Wanted, look
from colrow.settings import Settings

__all__ = ["Finding", "Wanted", "examine", "run"]

Check = Callable[[Place], Sequence[Finding]]


def run(settings: Settings, wanted: Wanted) -> bool:
    """Examine, print the report, and give whether no fault was found."""
    findings = examine(look(settings, wanted))
    (report.print_json if wanted.as_json else report.print_table)(findings)
    return not any(finding.status == "fault" for finding in findings)


def examine(place: Place) -> list[Finding]:
    """Do every check, whatever the others found."""
    findings = _tried(database.NAME, database.check, place)
    can_ask = all(f.status in ("ok", "warning") for f in findings)
    findings += _tried(broker.NAME, broker.check, place)
    findings += _tried(disk.NAME, disk.check, place)
    findings += _tried(datasets.NAME, datasets.check, place)
    findings += _tried(devices.NAME, devices.check, place)
    findings += _tried(service.NAME, service.check, place)
    if can_ask:
        findings += _tried(files.NAME, files.check, place)
        return findings + _tried("workers", fleet.check, place)
    told = "files, clocks, versions, workers and webhooks cannot be told without the database"
    return [*findings, Finding("workers", "skipped", told)]


def _tried(name: str, check: Check, place: Place) -> list[Finding]:
    try:
        return list(check(place))
    except Exception as error:  # noqa: BLE001 - the other checks are still worth doing
        told = f"this check itself failed, {type(error).__name__}: {error}"
        return [Finding(name, "fault", told, "this is a defect of Colrow; please report it")]
