"""What comes in and what goes back: one HTTP request, and the answer to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Answer = tuple[int, dict[str, str], Any]
"""An answer of a test's own: status, headers, body."""

CUT = 0
"""The status of an answer that never comes: the connection ends."""
HANG = -1
"""The same, after a very long time."""
DRIP = -2
"""An answer that comes byte by byte, and never ends."""


def _nothing() -> None:
    """What most answers have to do afterwards."""


@dataclass(frozen=True)
class Reply:
    """`body` is JSON, or text, or bytes; `then` is called when the answer is out."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    then: Callable[[], None] = _nothing

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300

    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


class Headers:
    """Of a request; upper and lower case are the same."""

    def __init__(self, items: Message) -> None:
        self._items = {name.lower(): str(value) for name, value in items.items()}

    def get(self, name: str, default: str = "") -> str:
        return self._items.get(name.lower(), default)


@dataclass(frozen=True)
class Call:
    """A request as it came. `origin` is how the client calls the server."""

    method: str
    target: str
    headers: Headers
    body: bytes
    origin: str

    @property
    def url(self) -> str:
        return self.origin + self.target

    @cached_property
    def path(self) -> str:
        return urlsplit(self.target).path

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(self.pairs)

    @cached_property
    def media_type(self) -> str:
        return self.headers.get("Content-Type").partition(";")[0].strip().lower()

    @cached_property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    @cached_property
    def data(self) -> dict[str, Any]:
        """The body as fields: of JSON, or of a multipart form, whose files are bytes. Empty where it is neither."""
        if self.media_type == "multipart/form-data":
            return _parts(self.body, self.headers.get("Content-Type"))
        try:
            found = json.loads(self.body) if self.body else {}
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def problem(status: int, title: str, detail: str, **more: Any) -> Reply:
    """An error in the form of X's version 2."""
    return Reply(status, {"title": title, "detail": detail, "type": "about:blank", "status": status, **more})


def _parts(body: bytes, content_type: str) -> dict[str, Any]:
    boundary = content_type.partition("boundary=")[2].strip('" ').encode()
    found: dict[str, Any] = {}
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = head.partition(b'name="')[2].partition(b'"')[0].decode()
        found[name] = _field(content.removesuffix(b"\r\n"), is_file=b"filename=" in head)
    return found


def _field(content: bytes, *, is_file: bool) -> Any:
    """A form has no numbers: digits are taken for one, as X takes them."""
    if is_file:
        return content
    text = content.decode("utf-8", "replace")
    return int(text) if text.isascii() and text.isdigit() else text
