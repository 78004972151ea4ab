"""Claim: the speed table of the service, with 1,000,000 points and 10,000 jobs in the database.

Each case is asked of Colrow on SQLite and on PostgreSQL and, with --mlflow, of an MLflow of its own
virtual environment on SQLite: all take turns, so that a load that comes and goes on the machine
meets all alike. One api process, one keep-alive client, over HTTP; a time ends with the last byte
of the answer. What a case is stands in the docstrings of `benchmarks/parts/colrow.py`.

Shown are the median, in round brackets the least and the most, and in square ones the median of the
processor time that client, server and PostgreSQL spent on it together (of the writers: thousand
points per second of processor time): where other work fills the cores, that is what is left of a
time. Whether an aim is met is said of the median; "busy" where the processor time alone meets it.

    python -m benchmarks.service
    python -m benchmarks.service --mlflow /somewhere/venv/bin/mlflow
    python -m benchmarks.service --quick        a tenth of the data, fewer trials
"""

import argparse
import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from benchmarks.parts import seed, tables
from benchmarks.parts.colrow import Colrow, colrow
from benchmarks.parts.databases import KINDS, POSTGRESQL
from benchmarks.parts.peer import MLflow, mlflow
from benchmarks.parts.server import Meter

Contestant = Colrow | MLflow
Numbers = dict[str, list[float]]
"""Of each contestant, by name."""
READS = {
    "curve": ("one curve of 10,000 points, whole", 40, 0.3),
    "reduced": ("20 curves of 1000 points to 320 each", 60, 0.15),
    "listed": ("list 1000 jobs, 10 metrics", 150, None),
    "page": ("filter, order, page of 100", 20, None),
    "groups": ("mean and std of 20 groups of 5 seeds", 50, None),
}
"""Title, milliseconds, megabytes."""
DISK = {"Colrow, SQLite": 40.0, "Colrow, PostgreSQL": 110.0}


@dataclass(frozen=True)
class Row:
    """One line of the table: a number per trial and contestant, and what it is held to."""

    title: str
    aim: str
    limit: float
    values: Numbers
    processor: Numbers = field(default_factory=dict)
    is_least: bool = False
    """Whether the limit is what there must be at least."""

    def meets(self, value: float, name: str) -> bool:
        """Hold a number to the limit."""
        if self.is_least:
            return value >= self.limit
        return value <= (DISK.get(name, 0) if self.title.startswith("disk") else self.limit)


@dataclass
class Turns:
    """What trials of a case gave, by contestant: the number first, and the processor seconds."""

    answers: dict[str, list[Any]]
    processor_s: Numbers

    def numbers(self, by: float, part: int = 0) -> Numbers:
        """Give one part of each answer, times a factor."""
        return {
            name: [by * (each[part] if isinstance(each, tuple) else each) for each in some]
            for name, some in self.answers.items()
        }

    @property
    def processor_ms(self) -> Numbers:
        """Give the processor time in milliseconds."""
        return {name: [1e3 * each for each in some] for name, some in self.processor_s.items()}


def turns(contestants: Sequence[Contestant], case: str, trials: int) -> Turns:
    """Let all that have the case take turns at it; the first turn of each is not counted."""
    able = [one for one in contestants if hasattr(one, case)]
    found = Turns({one.name: [] for one in able}, {one.name: [] for one in able})
    for _ in range(trials + 1):
        for one in able:
            meter = Meter(one.processes())
            found.answers[one.name].append(getattr(one, case)())
            found.processor_s[one.name].append(meter.read_s() + one.elsewhere_s)
            one.elsewhere_s = 0.0
    for name in found.answers:
        del found.answers[name][0], found.processor_s[name][0]
    return found


def rows(contestants: Sequence[Contestant], trials: int) -> Iterator[Row]:
    """Measure case by case, and give the lines as they are known."""
    taken = turns(contestants, "write", trials)
    title = "write 1000 points in one batch, ms"
    yield Row(title, "<= 12", 12, taken.numbers(1e3), taken.processor_ms)
    taken = turns(contestants, "write_parallel", max(3, trials // 5))
    title = "4 writers in parallel, thousand points/s"
    rates = taken.numbers(1e-3), taken.numbers(1e-3, part=2)
    yield Row(title, ">= 40", 40, *rates, is_least=True)
    errors = {name: [sum(some)] for name, some in taken.numbers(1, part=1).items()}
    yield Row("… of them, writes refused", "0", 0, errors)
    for case, (title, ms, megabytes) in READS.items():
        taken = turns(contestants, case, trials)
        yield Row(f"{title}, ms", f"<= {ms}", ms, taken.numbers(1e3), taken.processor_ms)
        if megabytes is not None:
            sizes = {name: some[:1] for name, some in taken.numbers(1e-6, part=1).items()}
            yield Row("… of them, MB", f"<= {megabytes}", megabytes, sizes)
    taken = turns(contestants, "seen", trials)
    yield Row("point written to point read in a page, ms", "< 1000", 1000, taken.numbers(1e3))
    disk = {one.name: [one.disk()] for one in contestants}
    yield Row("disk per point, bytes", "<= 40 SQLite, <= 110 PostgreSQL", 0, disk)
    memory = {one.name: [1e-9 * one.memory()] for one in contestants}
    yield Row("memory of the server after all this, GB", "<= 0.2", 0.2, memory)
    taken = turns(contestants, "cold_start", 3)
    title = "cold start to the first answer, s"
    yield Row(title, "<= 2", 2, taken.numbers(1), taken.processor_s)


def cells(row: Row, contestants: Sequence[Contestant]) -> list[str]:
    """Write a line: ours with whether the aim is met, the peer's with the ratio of the medians."""
    ours = statistics.median(row.values[contestants[0].name])
    line = [row.title, row.aim]
    for one in contestants:
        values = row.values.get(one.name)
        if values is None:
            line.append("–")
            continue
        middle, said = statistics.median(values), tables.spread(values)
        alone = None
        if one.name in row.processor:
            alone = statistics.median(row.processor[one.name])
            said += f" [{tables.number(alone)}]"
        if not one.name.startswith("Colrow"):
            line.append(f"{said}, x {middle / ours:.2g}" if ours else said)
        elif row.meets(middle, one.name):
            line.append(f"{said} yes")
        elif alone is not None and row.meets(alone, one.name):
            line.append(f"{said} busy")
        else:
            line.append(f"{said} **no**")
    return line


def main() -> None:
    """Measure every case and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the data, 5 trials")
    parser.add_argument("--trials", type=int, help="of each case [15, quick 5]")
    parser.add_argument("--kind", choices=KINDS, action="append", help="only this database")
    parser.add_argument("--postgresql", default=POSTGRESQL, help="address of the server")
    parser.add_argument("--mlflow", help="the command mlflow of a virtual environment of its own")
    given = parser.parse_args()
    size = seed.QUICK if given.quick else seed.FULL
    trials = given.trials or (5 if given.quick else 15)
    print(
        f"{tables.machine()}, {tables.versions('colrow', 'sqlalchemy', 'fastapi', 'uvicorn')}; "
        f"{size.jobs:,} jobs, {size.points:,} points, {trials} trials\n"
    )
    with ExitStack() as stack:
        contestants: list[Contestant] = [
            stack.enter_context(colrow(kind, size, given.postgresql))
            for kind in given.kind or KINDS
        ]
        if given.mlflow:
            contestants.append(stack.enter_context(mlflow(given.mlflow, size)))
        head = ["case", "aim", *(one.name for one in contestants)]
        tables.print_table(head, (cells(row, contestants) for row in rows(contestants, trials)))
    print(f"\nload average at the end: {tables.load()}")


if __name__ == "__main__":
    main()
