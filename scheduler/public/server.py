"""The built site, served to the world where no other web server does."""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from scheduler.web import Headed, Server

if TYPE_CHECKING:
    from scheduler.desk.assemble import Desk

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; style-src 'self'; frame-ancestors 'none'; base-uri 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
_FEEDS = {
    "rss.xml": "application/rss+xml",
    "atom.xml": "application/atom+xml",
    "feed.json": "application/feed+json",
}
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".xml": "application/xml",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".vtt": "text/vtt",
    ".woff2": "font/woff2",
}
"""Told here because what the machine's own list says differs from machine to machine."""


def serve(desk: Desk) -> Server:
    """The site's server, not yet started; host and port are those of `[public]`."""
    table = desk.settings.public
    below = urlsplit(desk.settings.site.url).path.rstrip("/")
    return Server("public", application(site_folder(desk), below), table.host, table.port)


def site_folder(desk: Desk) -> Path | None:
    """Where the website channel builds; None where there is no such channel."""
    for table in desk.settings.channels.values():
        path = getattr(table.options, "path", None)
        if table.adapter == "website" and path is not None:
            return desk.workspace.root / str(path)
    return None


def application(folder: Path | None, below: str = "") -> Starlette:
    """`below` is the path of the site's address, where its pages expect to be: `/news` of `https://example.org/news`."""
    routes: list[BaseRoute] = [Mount(below or "/", Site(folder))] if folder else []
    if below:
        routes.append(Route(below, lambda _request: RedirectResponse(f"{below}/")))
    return Starlette(routes=routes, middleware=[Middleware(Headed, headers=HEADERS)])


class Site(StaticFiles):
    """A folder as a site: `index.html` for folders, `404.html` for what is not there, and nothing hidden.

    The folder need not be there yet. Links that lead out of it lead nowhere.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, html=True, check_dir=False)
        self.config_checked = True

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if isinstance(response, RedirectResponse):
            # relative: what the caller claims the host to be is not repeated to anyone
            response.headers["location"] = f"/{quote(scope['path'].strip('/'))}/"
        if isinstance(response, FileResponse):
            response.headers["content-type"] = content_type(Path(response.path).name)
        response.headers.setdefault("cache-control", "no-cache")
        return response

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """A file that is just being written begins with a dot; so does whatever else is not for the world."""
        if any(part.startswith(".") and part not in (".", ".well-known") for part in Path(path).parts):
            return "", None
        return super().lookup_path(path)


def content_type(name: str) -> str:
    """The type of a file of the site, by its name."""
    suffix = Path(name).suffix.lower()
    found = _FEEDS.get(name) or _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{found}; charset=utf-8" if found.startswith("text/") or found.endswith(("xml", "json")) else found
