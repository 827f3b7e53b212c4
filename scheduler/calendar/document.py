"""A file's bytes as text, and the text as front matter and body."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from scheduler.calendar.finding import START, Place, Unreadable

LARGEST = 1024 * 1024
"""Bytes of a whole file."""
LARGEST_HEAD = 64 * 1024
"""Characters of the front matter."""

_OPEN = re.compile(r"(?:[ \t]*\n)*---[ \t]*(?:\n|\Z)")
_CLOSE = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.MULTILINE)
# What YAML and XML both refuse to hold; a byte-order mark is junk anywhere but at the start.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Document:
    """Front matter and body, lines ended by `\\n` alone. `control` is where the first stripped control character stood."""

    head: str
    head_line: int
    body: str
    body_line: int
    control: Place | None = None


def contents(file: Path) -> bytes:
    """The file's bytes; of one that is too large no more than it takes to know that. Raises `OSError`."""
    with file.open("rb") as opened:
        return opened.read(LARGEST + 1)


def without_control(text: str) -> str:
    """`text` without the characters that no feed, page or mail may hold."""
    return _CONTROL.sub("", text)


def split(raw: bytes) -> Document:
    """Front matter and body. Raises `Unreadable`: too-large, not-utf-8, empty, no-/unterminated-front-matter."""
    text = _decoded(raw)
    control = _CONTROL.search(text)
    place = _place(text, control.start()) if control else None
    text = _CONTROL.sub("", text) if control else text
    if not text.strip():
        raise Unreadable("empty", START, "The file is empty. Write the piece, or delete the file.")
    opening = _OPEN.match(text)
    if not opening:
        raise _no_front_matter(text)
    head_line = text.count("\n", 0, opening.end()) + 1
    closing = _CLOSE.search(text, opening.end())
    if not closing:
        message = "The front matter is never closed. Put a line with only --- after its last line."
        raise Unreadable("unterminated-front-matter", (max(head_line - 1, 1), 1), message)
    if closing.start() - opening.end() > LARGEST_HEAD:
        message = "The front matter is over 64 KiB. Move what is text below the closing ---."
        raise Unreadable("too-large", (head_line - 1, 1), message)
    head = text[opening.end() : closing.start()]
    return Document(head, head_line, text[closing.end() :], head_line + head.count("\n") + 1, place)


def _decoded(raw: bytes) -> str:
    if len(raw) > LARGEST:
        raise Unreadable("too-large", START, "The file is over 1 MiB. Is it really a text? Shorten it or split it.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line_start = raw.rfind(b"\n", 0, error.start) + 1
        column = len(raw[line_start : error.start].decode("utf-8", "replace")) + 1
        place = (raw.count(b"\n", 0, error.start) + 1, column)
        message = "This is not UTF-8 text. Save the file again with the encoding UTF-8."
        raise Unreadable("not-utf-8", place, message) from None
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _no_front_matter(text: str) -> Unreadable:
    first = text.lstrip()
    line = text.count("\n", 0, len(text) - len(first)) + 1
    if first.startswith("+++"):
        message = "The front matter is TOML (+++). Write it as YAML: 'key: value' lines between two lines of ---."
    else:
        message = "There is no front matter. Begin the file with a line ---, then title: …, then another line ---."
    return Unreadable("no-front-matter", (line, 1), message)


def _place(text: str, offset: int) -> Place:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
