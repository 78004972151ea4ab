"""`colrow reproduce`: at a service, with one of one's own, or from recorded results alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from colrow import settings
from colrow.commands.reproduce import Wanted, report, run
from colrow.commands.session import Session
from colrow.errors import ColrowError
from colrow.local.own_service import Place, own_token, serving
from colrow.local.weights import reader_of
from colrow.reproduction.experiments import chosen
from colrow.reproduction.runs import Scale


@dataclass(frozen=True)
class Asked:
    """What the command line says."""

    names: Sequence[str]
    scale: Scale
    out: Path | None
    also: Sequence[Path]
    queue_only: bool
    report_only: bool
    data: Path | None
    port: int | None
    workers: int | None


def reproduce(session: Session, asked: Asked) -> None:
    """Queue, wait and report, as far as it was asked for."""
    wanted = Wanted(
        experiments=chosen(asked.names, quick=asked.scale.quick),
        scale=asked.scale,
        out=asked.out or Path("build" if asked.scale.quick else "docs") / "reproduction",
        others=asked.also,
        queues=not asked.report_only,
        waits=not (asked.queue_only or asked.report_only),
        writes=not asked.queue_only,
    )
    own = settings.read()
    home = asked.data or own.home
    if session.server is not None:
        run(session, wanted, weights=reader_of(home))
        return
    if asked.queue_only:
        raise ColrowError(
            "--queue leaves jobs to a service that goes on; name it, as in "
            "`colrow --server http://127.0.0.1:8750 reproduce --queue`"
        )
    if asked.report_only and asked.data is None:
        report(session, wanted)
        return
    port = own.port if asked.port is None else asked.port
    place = Place(home, port, asked.workers)
    with serving(place) as (address, _):
        run(Session(address, own_token(place, address)), wanted, weights=reader_of(home))
