"""The built page, served from `api/static`; routes of the page itself all get index.html."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import Receive, Scope, Send

UNBUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Colrow</title></head>
<body><h1>Colrow is running, but its page is not built</h1>
<p>Run <code>make setup</code> in the checkout, then load this page again.
The service itself works: see <a href="/api/v1/openapi.json">its OpenAPI document</a>.</p>
</body></html>
"""


def find(folder: Path, path: str) -> Path | None:
    """Find a file below the folder; None if there is none, or the path leads out."""
    root = folder.resolve()
    try:
        file = (root / path).resolve()
    except (OSError, ValueError):
        return None
    return file if file.is_relative_to(root) and file.is_file() else None


class Page:
    """ASGI application for every path that no route took."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a file of the page."""
        answer = self.answer(Request(scope))
        await answer(scope, receive, send)

    def answer(self, request: Request) -> Response:
        """Choose the file, or say that there is no such page."""
        path = request.url.path.removeprefix("/")
        if request.method not in ("GET", "HEAD") or path.startswith("api/"):
            raise HTTPException(404)
        file = find(self.folder, path) if path else None
        wants_html = "text/html" in request.headers.get("accept", "")
        if file is None and (not path or (wants_html and not path.startswith("assets/"))):
            file = find(self.folder, "index.html")
            if file is None:
                return HTMLResponse(UNBUILT, status_code=503)
        if file is None:
            raise HTTPException(404)
        # Names under assets/ carry a hash of their content.
        kept = "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
        return FileResponse(file, headers={"cache-control": kept})
