"""Where results come from: which code, which machine, when. Every line of a report names it."""

from collections.abc import Iterable

from colrow.figures import NONE
from colrow.report.document import Table
from colrow.reproduction.records import Record, Source

_SOFTWARE = {"python": "Python", "torch": "torch", "colrow": "Colrow", "cuda": "CUDA"}
_REVISION_DIGITS = 12


class Sources:
    """The sources of a report's results, numbered from the oldest on."""

    def __init__(self, records: Iterable[Record]) -> None:
        """Take every record of the report; one that stands in several tables counts once."""
        by_source: dict[str, dict[str, Record]] = {}
        for record in sorted(records, key=lambda r: r.finished_at):
            by_source.setdefault(record.source.key, {})[record.job] = record
        self._found = {key: list(jobs.values()) for key, jobs in by_source.items()}
        self._numbers = {key: number for number, key in enumerate(self._found, start=1)}

    def said(self, records: Iterable[Record]) -> str:
        """Name the sources of some of the records by their numbers."""
        numbers = sorted({self._numbers[record.source.key] for record in records})
        return ", ".join(map(str, numbers)) or NONE

    def table(self) -> Table:
        """List them."""
        rows = []
        for key, records in self._found.items():
            source = records[0].source
            dates = sorted({f"{r.finished_at:%Y-%m-%d}" for r in records})
            rows.append(
                (
                    str(self._numbers[key]),
                    (source.revision or NONE)[:_REVISION_DIGITS],
                    _software(source),
                    source.device or NONE,
                    str(source.threads or NONE),
                    _hardware(source),
                    dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}",
                    str(len(records)),
                )
            )
        columns = (
            ">source", "git revision", "versions", "device", ">threads a job", "hardware",
            "finished", ">jobs",
        )  # fmt: skip
        return Table(columns, tuple(rows))


def _software(source: Source) -> str:
    return ", ".join(
        f"{title} {source.versions[name]}"
        for name, title in _SOFTWARE.items()
        if name in source.versions
    )


def _hardware(source: Source) -> str:
    versions = source.versions
    said = [versions[name] for name in ("gpu", "processor") if name in versions]
    said += [f"{versions['cores']} cores"] if "cores" in versions else []
    return ", ".join([*said, versions["memory"]] if "memory" in versions else said) or NONE
