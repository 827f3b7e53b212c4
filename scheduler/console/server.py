"""The desk's own pages: the board, health, figures. Read-only, and only for whoever sits at the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from scheduler.console import board, metrics
from scheduler.console.pulse import Pulse, health
from scheduler.web import Headed, Server

if TYPE_CHECKING:
    from scheduler.desk.assemble import Desk

log = structlog.get_logger("julki.console")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def serve(desk: Desk, daemon: Pulse | None = None) -> Server:
    """The console's server, not yet started; host and port are those of `[console]`."""
    table = desk.settings.console
    if table.host not in _LOOPBACK:
        log.warning("the console has no sign-in: whoever reaches this address sees what is planned", host=table.host)
    return Server("console", application(desk, daemon), table.host, table.port)


def application(desk: Desk, pulse: Pulse | None = None) -> Starlette:
    pages = _Pages(desk, pulse)
    routes = [
        Route("/", pages.board),
        Route("/board.css", pages.style),
        Route("/healthz", pages.health),
        Route("/metrics", pages.metrics),
    ]
    hosts = {*_LOOPBACK, desk.settings.console.host}
    return Starlette(
        routes=routes, middleware=[Middleware(Headed, headers=HEADERS), Middleware(Neighbours, hosts=hosts)]
    )


class _Pages:
    """Plain functions: Starlette runs each in a thread."""

    def __init__(self, desk: Desk, pulse: Pulse | None) -> None:
        self._desk, self._pulse = desk, pulse
        self._environment = Environment(
            loader=PackageLoader("scheduler.console"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._page = self._environment.get_template("board.html")
        self._style = self._environment.get_template("board.css").render()

    def board(self, _request: Request) -> Response:
        return HTMLResponse(self._page.render(board=board.look(self._desk)))

    def style(self, _request: Request) -> Response:
        return Response(self._style, media_type="text/css")

    def health(self, _request: Request) -> Response:
        found = health(self._desk.store, self._pulse, self._desk.clock())
        return JSONResponse(found.as_json(), 200 if found.status == "ok" else 503)

    def metrics(self, _request: Request) -> Response:
        return Response(metrics.exposition(self._desk, self._pulse), media_type=metrics.CONTENT_TYPE)


class Neighbours:
    """Refuses whoever calls this machine by a name that is not its own: a web page elsewhere may have made its own
    name point here, to read the board through somebody's browser (DNS rebinding)."""

    def __init__(self, app: ASGIApp, hosts: set[str]) -> None:
        self.app = app
        self.hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and host_of(Headers(scope=scope).get("host", "")) not in self.hosts:
            text = "These pages are only for the machine that Julki runs on. Open them there, as http://localhost.\n"
            await PlainTextResponse(text, 421)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def host_of(header: str) -> str:
    """The name in a Host header, without port and brackets: `[::1]:8020` → `::1`."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()
