"""What the two web faces share: a server in a thread of its own, and headers that every answer carries."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Mapping

import structlog
import uvicorn
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger("julki.web")

_STARTING = 10.0
_STOPPING = 3.0
"""Seconds; a stop of the whole desk may take ten."""
_MOST_CONNECTIONS = 200
_LONGEST_HEADERS = 16 * 1024


class Server:
    """Serves `app` from a background thread. `address` is None before the start, after the stop, and where the port
    could not be had: then an error is logged and publishing goes on without this face."""

    def __init__(self, what: str, app: ASGIApp, host: str, port: int) -> None:
        self.what = what
        self.app = app
        self.address: str | None = None
        self._host, self._port = host, port
        self._server: _Quiet | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Returns when the first request can be answered, or the port is known to be taken."""
        try:
            listener = _listen(self._host, self._port)
        except OSError as error:
            refusal = _refusal(self.what, self._host, self._port, error)
            log.error(refusal, host=self._host, port=self._port)  # noqa: TRY400  the sentence says it all
            return
        self._server = _Quiet(_config(self.app))
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name=self.what, daemon=True)
        self._thread.start()
        self._server.up.wait(_STARTING)
        self.address = _address(self._host, listener)

    def stop(self) -> None:
        """Ends what is under way within three seconds; stopping twice is fine."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(_STOPPING)
        self._server = self._thread = self.address = None


class _Quiet(uvicorn.Server):
    """uvicorn that says when it is up. Outside the main thread it leaves signals alone: they belong to the daemon."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS,
        h11_max_incomplete_event_size=_LONGEST_HEADERS,
        timeout_graceful_shutdown=1,
    )


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises `OSError`."""
    family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _address(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _refusal(what: str, host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        why = f"port {port} is in use by another program"
    elif error.errno == errno.EACCES:
        why = f"port {port} may only be opened by the administrator; choose one above 1024"
    else:
        why = f"{host}:{port} can't be opened ({error.strerror})"
    return f"The {what} is not there: {why}. Publishing goes on. Set another port in config/julki.toml, [{what}]."


class Headed:
    """Puts these headers on every answer, whoever made it."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self.app = app
        self.headers = dict(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        await self.app(scope, receive, headed if scope["type"] == "http" else send)
