"""A mock of X's API v2 over real HTTP: posts, media, the timeline, signing in, limits, and the ways in which it fails.

    with MockX() as x:
        x.fail_next("accepted-then-503")
        ...  # point an adapter at x.url
        assert [post.text for post in x.ledger.live()] == [...]

Where X's OpenAPI document lies beside the checkout, a request that it does not allow is answered 400, stands in
`x.violations`, and fails the test at the end of the `with`.

Faults, each for the next call that makes a post: `accepted-then-503`, `accepted-then-cut`, `accepted-then-hang`,
`accepted-then-html`, `accepted-then-errors`, `accepted-then-drip`; the same without accepting it: `503`, `cut`, `hang`,
`html`, `errors`, `drip`; or an answer of your own: `(status, headers, body)`. `fail_read` does as much for the timeline, `fail_upload` for uploads,
`fail_token` for signing in, `fail` for any place; `storm` answers 429 to posts for a while.

The hooks are called in the thread that answers, and the answer waits for them: `on_ask` with the text of a post, before
anything else (False: the connection is cut, nothing accepted); `on_accept` with the post that stands in the ledger now,
before the answer; `on_answer` after it; `on_read` before the timeline is told; `on_token_ask` before tokens are changed,
`on_token` when they were issued, before the answer.
"""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.mocks.x.exchange import CUT, DRIP, HANG, Call, Headers, Reply
from tests.mocks.x.faults import FAULTS, Fault
from tests.mocks.x.routes import answer
from tests.mocks.x.world import World

__all__ = ["FAULTS", "Fault", "MockX"]

_HANG, _DRIP = 60.0, 0.1
"""Seconds: that a hanging answer hangs, and between two bytes of a dripping one."""


class MockX(World):
    """The server, on a free port of 127.0.0.1, for as long as the `with` lasts. What it can be told, `World` says."""

    def __init__(self, port: int = 0, **told: Any) -> None:
        super().__init__(**told)
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.mock = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> MockX:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self.strict and kind is None and self.violations:
            raise AssertionError("the mock X objects: " + "; ".join(self.violations))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    mock: MockX

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is a part of the play."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the standard library's
        """Quiet."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        mock = self.server.mock
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            # The client died while it was sending.
            self.close_connection = True
            return
        origin = "http://" + self.headers.get("Host", mock.url.removeprefix("http://"))
        call = Call(self.command, self.path, Headers(self.headers), body, origin)
        with mock.ledger.lock:
            mock.ledger.requests.append((call.method, call.path))
        try:
            reply = answer(mock, call)
        except Exception as error:  # noqa: BLE001 - whatever it is, a test must hear of it
            mock.note(f"{call.method} {call.path}: the mock itself tripped, {error!r}")
            reply = Reply(CUT)
        if reply.status == HANG:
            mock.released.wait(_HANG)
        elif reply.status == DRIP:
            self._drip()
        if reply.status > 0:
            self._send(reply)
        else:
            self._cut()
        reply.then()

    def _drip(self) -> None:
        """Blanks, which JSON may begin with, until the mock ends or nobody listens any more."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(600):
            self.wfile.write(b" ")
            if self.server.mock.released.wait(_DRIP):
                return

    def _send(self, reply: Reply) -> None:
        content = reply.content()
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
