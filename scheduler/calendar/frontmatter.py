"""Front matter: the YAML between the fences, every scalar as the text that was written.

The C parser gives a stream of events; the tree is built from them here, so that what YAML would let pass in
silence (duplicate keys, aliases, tags) is seen, and nesting and size are refused before they cost time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from scheduler.calendar.finding import Place, Unreadable, shortened
from scheduler.calendar.trouble import trouble

Value = Any
"""`str`, None, a list of values, or a mapping from text to values."""

DEEPEST = 8
MOST = 5000
_CUT = re.compile(r"[ \t]+(#[^\s#].*)")
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(slots=True)
class Block:
    """What the front matter says. `places` and `keys` are by dotted path (`image.alt`, `tags.0`): value's and key's.
    `cuts`: hashtags behind a value, which YAML takes for a comment, and where they stand."""

    values: dict[str, Value] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)
    cuts: list[tuple[Place, str]] = field(default_factory=list)

    def place(self, path: str) -> Place | None:
        """Where the value of `path`, or the nearest thing around it, stands."""
        while path:
            if path in self.places:
                return self.places[path]
            path = path.rpartition(".")[0]
        return None


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is still open; `key` is the mapping's key that waits for its value."""

    holds: Any
    path: str
    key: str | None = None


def parse(head: str, first_line: int) -> Block:
    """The block that `head` writes; `first_line` is its line in the file.

    Raises `Unreadable`: yaml, tab, duplicate-key, alias, too-nested, too-large.
    """
    return _Tree(head, first_line).block


class _Tree:
    def __init__(self, head: str, first_line: int) -> None:
        self.first_line = first_line
        self.lines = head.splitlines() if "#" in head else []
        self.block = Block()
        self.stack: list[_Frame] = []
        self.count = 0
        self.done = False
        for event in self._events(head):
            self._take(event)

    def _events(self, head: str) -> Iterator[Any]:
        try:
            yield from yaml.parse(head, Loader=_Loader)
        except yaml.YAMLError as error:
            raise trouble(error, head, self.first_line) from None

    def _place(self, event: Any) -> Place:
        return event.start_mark.line + self.first_line, event.start_mark.column + 1

    def _take(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._check(event)
            self._scalar(event)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._check(event)
            self._open(event, {} if kind is yaml.MappingStartEvent else [])
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self.stack.pop()
        elif kind is yaml.AliasEvent:
            raise Unreadable("alias", self._place(event), _special("*", "an alias"))

    def _check(self, event: Any) -> None:
        self.count += 1
        if self.count > MOST:
            message = f"The front matter holds over {MOST} values. Move what is text below the closing ---."
            raise Unreadable("too-large", self._place(event), message)
        if event.anchor is not None:
            raise Unreadable("alias", self._place(event), _special("&", "an anchor"))
        if event.tag is not None:
            raise Unreadable("alias", self._place(event), _special("!", "a tag"))
        if not self.stack and (self.done or type(event) is not yaml.MappingStartEvent):
            message = "The front matter is not made of 'key: value' lines. Write, for example, title: A new service."
            raise Unreadable("yaml", self._place(event), message)

    def _scalar(self, event: Any) -> None:
        frame = self.stack[-1]
        plain = event.implicit[0]
        if isinstance(frame.holds, dict) and frame.key is None:
            self._key(frame, event.value, plain, self._place(event))
        else:
            self._add(None if plain and event.value in _NULLS else event.value, self._place(event))
            if plain:
                self._note_cut(event)

    def _note_cut(self, event: Any) -> None:
        """`text: Tervetuloa #avoindata` loses its hashtag. A comment proper has a space behind its sign."""
        mark = event.end_mark
        if event.value and mark.line < len(self.lines) and (cut := _CUT.match(self.lines[mark.line], mark.column)):
            self.block.cuts.append(((mark.line + self.first_line, cut.start(1) + 1), cut[1].rstrip()))

    def _key(self, frame: _Frame, key: str, plain: bool, place: Place) -> None:
        if key == "<<" and plain:
            raise Unreadable("alias", place, "Merge keys (<<) are not read. Write the keys out.")
        path = f"{frame.path}.{key}" if frame.path else key
        if key in frame.holds:
            first = self.block.keys[path][0]
            message = f"'{shortened(key)}' stands twice, here and in line {first}. Delete one of them."
            raise Unreadable("duplicate-key", place, message)
        frame.holds[key] = None
        frame.key = key
        self.block.keys[path] = place

    def _add(self, value: Value, place: Place) -> str:
        """Put the value where it belongs; gives its path."""
        frame = self.stack[-1]
        if isinstance(frame.holds, dict):
            name, frame.key = frame.key or "", None
            frame.holds[name] = value
        else:
            name = str(len(frame.holds))
            frame.holds.append(value)
        path = f"{frame.path}.{name}" if frame.path else name
        self.block.places[path] = place
        return path

    def _open(self, event: Any, holds: Any) -> None:
        if len(self.stack) >= DEEPEST:
            message = (
                f"Lists and groups are nested over {DEEPEST} deep here. Put the text in quotes, or write it flatter."
            )
            raise Unreadable("too-nested", self._place(event), message)
        if not self.stack:
            self.block.values, self.done = holds, True
            self.stack.append(_Frame(holds, ""))
            return
        frame = self.stack[-1]
        if isinstance(frame.holds, dict) and frame.key is None:
            message = "A list or group can't be a key. If this is text with brackets in it, put it in quotes."
            raise Unreadable("yaml", self._place(event), message)
        self.stack.append(_Frame(holds, self._add(holds, self._place(event))))


def _special(sign: str, name: str) -> str:
    return f"YAML takes a value that begins with {sign} for {name}, which is not read. Put the value in quotes."
