"""A mock of X's API v2 over real HTTP: posts, pictures, the timeline, and the ways in which it fails.

    with MockX() as x:
        x.fail_next("accepted-then-503")
        ...  # point an adapter at x.url
        assert [post.text for post in x.ledger.live()] == [...]

Faults, each for the next call that makes a post: `accepted-then-503`, `accepted-then-cut`, `accepted-then-hang`,
`accepted-then-html`; the same without accepting it: `503`, `cut`, `hang`, `html`; or an answer of your own: `(status,
headers, body)`. `fail_read` does as much for the timeline, `storm` answers 429 for a while.

`lag` is how old a post is before the timeline shows it. The hooks are called in the thread that answers, and the answer
waits for them: `on_ask` with the text of a post, before anything else (False: the connection is cut, nothing accepted);
`on_accept` with the post that stands in the ledger now, before the answer; `on_answer` after it; `on_read` before the
timeline is told.
"""

from __future__ import annotations

import base64
import html
import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.mocks.x.ledger import USER, Ledger, Post

Answer = tuple[int, dict[str, str], Any]
Fault = str | Answer
FAULTS = (
    "accepted-then-503",
    "accepted-then-cut",
    "accepted-then-hang",
    "accepted-then-html",
    "503",
    "cut",
    "hang",
    "html",
)
"""Those that have names. After all of them nobody knows whether the post is out."""
_SIGNED = re.compile(r'OAuth .*oauth_signature="[^"]+"')
_LINK = re.compile(r"https?://\S+")
_ACCEPTED = "accepted-then-"


class MockX:
    """The server, on a free port of 127.0.0.1, for as long as the `with` lasts."""

    def __init__(self, port: int = 0, *, lag: timedelta = timedelta(0), refuses_duplicates: bool = True) -> None:
        self.ledger = Ledger()
        self.lag = lag
        self.refuses_duplicates = refuses_duplicates
        self.released = threading.Event()
        self.served: Counter[str] = Counter()
        """How often each fault was played, by name (of an answer of one's own: its status)."""
        self.on_ask: Callable[[str], bool] = lambda _text: True
        self.on_accept: Callable[[Post], None] = lambda _post: None
        self.on_answer: Callable[[Post], None] = lambda _post: None
        self.on_read: Callable[[], None] = lambda: None
        self._storm_until = 0.0
        self._faults: list[Fault] = []
        self._read_answers: list[Answer] = []
        self._upload_answers: list[Answer] = []
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.mock = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fail_next(self, fault: Fault) -> None:
        self._faults.append(fault)

    def take_fault(self) -> Fault | None:
        return self._faults.pop(0) if self._faults else None

    def fail_read(self, answer: Answer) -> None:
        self._read_answers.append(answer)

    def take_read_answer(self) -> Answer | None:
        return self._read_answers.pop(0) if self._read_answers else None

    def storm(self, seconds: float) -> None:
        """For so long, every post is answered 429, with the headers that say until when."""
        self._storm_until = time.time() + seconds

    def limit(self) -> Answer | None:
        """The answer to a post while a storm lasts."""
        if time.time() >= self._storm_until:
            return None
        reset = str(int(self._storm_until))
        headers = {"x-rate-limit-limit": "100", "x-rate-limit-remaining": "0", "x-rate-limit-reset": reset}
        return 429, headers, {"title": "Too Many Requests", "detail": "Too Many Requests", "status": 429}

    def fail_upload(self, answer: Answer) -> None:
        self._upload_answers.append(answer)

    def take_upload_answer(self) -> Answer | None:
        return self._upload_answers.pop(0) if self._upload_answers else None

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
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.server.mock.ledger.lock:
            self.server.mock.ledger.requests.append((self.command, address.path))
        if not _SIGNED.match(self.headers.get("Authorization", "")):
            self._problem(401, "Unauthorized", "Unauthorized")
            return
        route = f"{self.command} {re.sub(r'(?<=/)[0-9]{5,}', 'N', address.path)}"
        handle = _ROUTES.get(route)
        if handle is None:
            self._problem(404, "Not Found", "Not Found")
            return
        handle(self, address, json.loads(body) if body else {})

    def create(self, _address: Any, body: dict[str, Any]) -> None:
        mock = self.server.mock
        if not mock.on_ask(body["text"]):
            self._cut()
            return
        fault = mock.limit() or mock.take_fault()
        if fault is not None:
            mock.served[str(fault[0]) if isinstance(fault, tuple) else fault] += 1
        if isinstance(fault, tuple):
            self._reply(*fault)
        elif fault is None or fault.startswith(_ACCEPTED):
            self._create(body, (fault or "").removeprefix(_ACCEPTED))
        else:
            self._fail(fault)

    def _create(self, body: dict[str, Any], fault: str) -> None:
        """Accept the post; then fail all the same, where there is a fault."""
        mock = self.server.mock
        with mock.ledger.lock:
            if mock.refuses_duplicates and mock.ledger.is_duplicate(body["text"]):
                self._problem(403, "Forbidden", "You are not allowed to create a Tweet with duplicate content.")
                return
            media = body.get("media", {}).get("media_ids", [])
            if any(media_id not in mock.ledger.media for media_id in media):
                self._problem(400, "Invalid Request", "One or more parameters to your request was invalid.")
                return
            post = mock.ledger.accept(body["text"], media, body.get("reply", {}).get("in_reply_to_tweet_id"))
        mock.on_accept(post)
        if fault:
            self._fail(fault)
        else:
            self._reply(201, {}, {"data": {"id": post.id, "text": _shown(post), "edit_history_tweet_ids": [post.id]}})
        mock.on_answer(post)

    def _fail(self, fault: str) -> None:
        if fault == "503":
            self._reply(503, {}, [{"message": "over capacity"}])
        elif fault == "html":
            self._reply(200, {"Content-Type": "text/html"}, "<html>Something went wrong</html>")
        elif fault == "hang":
            self.server.mock.released.wait(60)
            self._cut()
        else:
            self._cut()

    def delete(self, address: Any, _body: Any) -> None:
        ledger = self.server.mock.ledger
        found = [post for post in ledger.live() if post.id == address.path.rsplit("/", 1)[1]]
        for post in found:
            post.deleted = True
        if found:
            self._reply(200, {}, {"data": {"deleted": True}})
        else:
            self._problem(404, "Not Found Error", "Could not find tweet.")

    def upload(self, _address: Any, body: dict[str, Any]) -> None:
        if answer := self.server.mock.take_upload_answer():
            self._reply(*answer)
            return
        ledger = self.server.mock.ledger
        with ledger.lock:
            media_id = ledger.next_id()
            ledger.media[media_id] = base64.b64decode(body["media"], validate=True)
        self._reply(200, {}, {"data": {"id": media_id, "media_key": f"3_{media_id}"}})

    def describe(self, _address: Any, body: dict[str, Any]) -> None:
        self.server.mock.ledger.alt[body["id"]] = body["metadata"]["alt_text"]["text"]
        self._reply(200, {}, {"data": {"id": body["id"]}})

    def me(self, _address: Any, _body: Any) -> None:
        self._reply(200, {}, {"data": {"id": USER, "name": "Desk", "username": "desk"}})

    def timeline(self, address: Any, _body: Any) -> None:
        mock = self.server.mock
        mock.on_read()
        if answer := mock.take_read_answer():
            mock.served[f"{answer[0]} on reading back"] += 1
            self._reply(*answer)
            return
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        posts = [post for post in mock.ledger.shown(mock.lag) if _stamp(post) >= query.get("start_time", "")]
        start, size = int(query.get("pagination_token", 0)), int(query.get("max_results", 10))
        page = posts[start : start + size]
        data = [{"id": post.id, "text": _shown(post), "created_at": _stamp(post), **_attached(post)} for post in page]
        meta: dict[str, Any] = {"result_count": len(data)}
        if start + size < len(posts):
            meta["next_token"] = str(start + size)
        self._reply(200, {}, {"meta": meta, **({"data": data} if data else {})})

    def _problem(self, status: int, title: str, detail: str) -> None:
        self._reply(status, {}, {"title": title, "detail": detail, "type": "about:blank", "status": status})

    def _reply(self, status: int, headers: dict[str, str], body: Any) -> None:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def _shown(post: Post) -> str:
    """As X shows it: addresses rewritten, `<&>` escaped, one more address for the pictures."""
    text = _LINK.sub(lambda match: f"https://t.co/{abs(hash(match.group())) % 10**10:010d}", post.text)
    return html.escape(text, quote=False) + (" https://t.co/pictures00" if post.media_ids else "")


def _attached(post: Post) -> dict[str, Any]:
    keys = [f"3_{media_id}" for media_id in post.media_ids]
    return {"attachments": {"media_keys": keys}} if keys else {}


def _stamp(post: Post) -> str:
    return post.created_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


_ROUTES = {
    "POST /2/tweets": _Handler.create,
    "DELETE /2/tweets/N": _Handler.delete,
    "POST /2/media/upload": _Handler.upload,
    "POST /2/media/metadata": _Handler.describe,
    "GET /2/users/me": _Handler.me,
    "GET /2/users/N/tweets": _Handler.timeline,
}
