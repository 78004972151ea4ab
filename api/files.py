"""A file in answer to a request: whole, or the part that `Range` asks for (RFC 9110, section 14).

Who was cut off goes on with `Range`, and with `If-Range` only if it is still the same file.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response, StreamingResponse

from api.errors import problem
from store.checkpoints import StoredCheckpoint
from store.errors import FileDamaged
from store.files import Storage

_RANGE = re.compile(r"bytes=(?:(\d{1,19})-(\d{1,19})?|-(\d{1,19}))", re.IGNORECASE)


@dataclass(frozen=True)
class Asked:
    """What a request says of the part that it wants."""

    range: str | None
    if_range: str | None
    if_none_match: str | None


def part_of(text: str, size: int) -> tuple[int, int] | None:
    """Read a `Range` header as (start, end), the end excluded; None: it is to be passed over.

    Of several ranges the whole file may be given instead. An empty part cannot be satisfied.
    """
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        return max(0, size - int(suffix)), size
    start, end = int(first), size if last is None else min(int(last) + 1, size)
    if last is not None and int(last) < start:
        return None
    return min(start, size), end


def answer(storage: Storage, file: StoredCheckpoint, asked: Asked) -> Response:
    """Give the file. Raises StorageError (FileGone, FileDamaged), before anything is sent."""
    etag, size = f'"{file.sha256}"', file.size_bytes
    headers = {"etag": etag, "accept-ranges": "bytes"}
    if asked.if_none_match is not None and _names(asked.if_none_match, etag):
        return Response(status_code=304, headers=headers)
    found = storage.size(file.path)
    if found != size:
        raise FileDamaged(f"{file.path} has {found:,} bytes, not {size:,}: it is damaged")
    start, end = 0, size
    wants_part = asked.range is not None and asked.if_range in (None, etag)
    part = part_of(asked.range, size) if asked.range is not None and wants_part else None
    if part is not None:
        start, end = part
        headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
        if start >= end:
            return problem(
                416,
                "range",
                "There is no such part",
                f"Range {asked.range!r} asks for none of the file's {size:,} bytes",
                headers={**headers, "content-range": f"bytes */{size}"},
            )
    headers |= _described(file, end - start)
    return StreamingResponse(
        storage.read(file.path, start, end),
        status_code=200 if part is None else 206,
        headers=headers,
        media_type="application/octet-stream",
    )


def _names(header: str, etag: str) -> bool:
    return header.strip() == "*" or etag in [
        t.strip().removeprefix("W/") for t in header.split(",")
    ]


def _described(file: StoredCheckpoint, length: int) -> Mapping[str, str]:
    job_id = file.path.split("/")[1]
    sha256 = b64encode(bytes.fromhex(file.sha256)).decode()
    return {
        "content-length": str(length),
        "content-disposition": f'attachment; filename="{job_id}-a{file.attempt}-{file.name}"',
        "repr-digest": f"sha-256=:{sha256}:",
    }
