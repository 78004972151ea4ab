"""A job's log: text by range of characters, the oldest dropped past a cap."""

from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from store.keys import job_key_of
from store.tables import LogChunk
from store.text import clean

MAX_CHUNK = 65_536
MAX_LOG = 4 * 1024 * 1024


@dataclass(frozen=True)
class LogText:
    """Characters `start` to `end` of a log that has `total`; those before `first` were dropped."""

    text: str
    start: int
    end: int
    first: int
    total: int


def size(session: Session, job_key: int) -> int:
    """Give the length of a job's log: where its next text begins."""
    return _extent(session, job_key)[1]


def append(
    session: Session, job_key: int, attempt_number: int, text: str, *, at: int | None = None
) -> None:
    """Add text at the end, and drop whole chunks at the front once the log is over MAX_LOG.

    `at` is where the text begins; what the log has from there on is not written again. So a call
    may be repeated whose commit was not answered.
    """
    _, total = _extent(session, job_key)
    text = clean(text)  # of the same length
    if at is not None:
        text = text[max(0, total - at) :]
    if not text:
        return
    skipped = max(0, len(text) - MAX_LOG)
    pieces = [text[i : i + MAX_CHUNK] for i in range(skipped, len(text), MAX_CHUNK)]
    session.execute(
        insert(LogChunk),
        [
            {
                "job_key": job_key,
                "start": total + skipped + i * MAX_CHUNK,
                "attempt_number": attempt_number,
                "length": len(piece),
                "text": piece,
            }
            for i, piece in enumerate(pieces)
        ],
    )
    floor = total + len(text) - MAX_LOG
    if floor > 0:
        session.execute(
            delete(LogChunk).where(
                LogChunk.job_key == job_key, LogChunk.start + LogChunk.length <= floor
            )
        )


def read(session: Session, job_id: str, *, start: int = 0, limit: int = MAX_CHUNK * 4) -> LogText:
    """Read a range; a negative `start` counts from the end. Raises NotFound."""
    job_key = job_key_of(session, job_id)
    first, total = _extent(session, job_key)
    begin = min(max(start if start >= 0 else total + start, first), total)
    chunks = session.execute(
        select(LogChunk.start, LogChunk.text)
        .where(
            LogChunk.job_key == job_key,
            LogChunk.start + LogChunk.length > begin,
            LogChunk.start < begin + limit,
        )
        .order_by(LogChunk.start)
    ).all()
    text = "".join(chunk.text for chunk in chunks)
    if chunks:
        text = text[begin - chunks[0].start :][:limit]
    return LogText(text, begin, begin + len(text), first, total)


def _extent(session: Session, job_key: int) -> tuple[int, int]:
    """Give where the log begins and ends, in characters of all that was ever written."""
    first, total = session.execute(
        select(func.min(LogChunk.start), func.max(LogChunk.start + LogChunk.length)).where(
            LogChunk.job_key == job_key
        )
    ).one()
    return first or 0, total or 0
