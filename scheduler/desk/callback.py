"""The loopback address to which a browser comes back after somebody has let the desk in (RFC 8252, 7.3).

It lives for one answer. Nothing that it was sent is written anywhere, and nothing of it is shown again.
"""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

HOST = "127.0.0.1"
PATH = "/callback"
_MOST_FIELDS = 20
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Connection": "close",
}
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title} · Julki</title><meta name="viewport" content="width=device-width">
<style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem;color:#1a1a1a;
background:#fff}}@media(prefers-color-scheme:dark){{body{{color:#eee;background:#111}}}}</style></head>
<body><main><h1>{title}</h1><p>{text}</p></main></body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is told, in the browser and in the terminal."""

    good: bool
    text: str
    stray: bool = False
    """It was no answer at all, and the right one may still come."""


Accept = Callable[[Mapping[str, str]], Outcome]


def fields(address: str) -> dict[str, str]:
    """What an address says behind its question mark. An odd one says nothing."""
    try:
        return dict(parse_qsl(urlsplit(address.strip()).query, max_num_fields=_MOST_FIELDS))
    except ValueError:
        return {}


class Callback:
    """Listens on `port` of this machine alone, from the beginning. `accept` is called once, with the answer's fields.
    Raises `OSError` where the port is taken."""

    def __init__(self, port: int, accept: Accept) -> None:
        self.outcome: Outcome | None = None
        self._accept = accept
        self._once = threading.Lock()
        self._done = threading.Event()
        self._server = _Server((HOST, port), _Handler)
        self._server.callback = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self._server.server_address[1]}{PATH}"

    def __enter__(self) -> Callback:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, seconds: float) -> Outcome | None:
        """What became of it; None where nobody came in time."""
        self._done.wait(seconds)
        return self.outcome

    def take(self, answer: Mapping[str, str]) -> Outcome:
        """The first answer counts; a page that is loaded again is told the same. What is no answer ends nothing."""
        with self._once:
            if self.outcome is not None:
                return self.outcome
            found = self._accept(answer)
            if not found.stray:
                self.outcome = found
            return found

    def told(self) -> None:
        """The browser has its page, and the terminal may go on."""
        self._done.set()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    callback: Callback

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is nobody's fault, and its address line holds the code."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10
    server_version, sys_version = "Julki", ""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the standard library's
        """Not a word: the address line holds the code."""

    def do_GET(self) -> None:
        own = self.server.callback
        if urlsplit(self.path).path != PATH or self.headers.get("Host") != urlsplit(own.address).netloc:
            self._page(404, "Nothing is here", "This address only waits for the answer to signing in.")
            return
        outcome = own.take(fields(self.path))
        try:
            title = "Signed in" if outcome.good else "Not signed in"
            self._page(200 if outcome.good else 400, title, f"{outcome.text} You can close this page.")
        finally:
            if not outcome.stray:
                own.told()

    def _page(self, status: int, title: str, text: str) -> None:
        content = _PAGE.format(title=html.escape(title), text=html.escape(text)).encode()
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
