"""Addresses in plain text, found as X finds them: with and without `https://`.

The rules are those of the official counter, twitter-text 3.1.0, learnt from how it behaves: what may stand in front of an
address, what a domain is made of, where a path ends. Whatever the text, the time taken grows only with its length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import regex

from channels.domains import any_end, known_end
from channels.labels import BARRED, Ending, Row

_JOINED = frozenset("-_./")
"""What an address stands behind of only with its `https://`."""
_DOT = regex.compile(r"\.(?=\p{L})")
_SCHEME = regex.compile(r"(?r)[Hh][Tt][Tt][Pp][Ss]?://")
_ACCENTED = (
    r"\xc0-\xd6\xd8-\xf6\xf8-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0260\u0263\u0268\u0269\u026f\u0272\u0275\u0280"
    r"\u0283\u0288-\u028c\u0292\u02bb\u0300-\u036f\u0399\u03b9\u1e00-\u1eff\u1fbe\u2c65\u2c66\u2c7e\u2c7f"
)
_LATIN_LABELS = regex.compile(rf"(?:[\-a-zA-Z0-9{_ACCENTED}]++\.)++")

_CLOSING = rf"A-Za-z0-9+\-=_#/{_ACCENTED}\u0400-\u04ff\u1c80-\u1c87"
_INSIDE = r"!*';:,.$%\[\]\u2013~@|&"
_SIGN = rf"[{_CLOSING}{_INSIDE}]"
_PARENS = rf"\((?:{_SIGN}*+\({_SIGN}++\){_SIGN}*+|{_SIGN}++)\)"
_PORT = regex.compile(r"(?::[0-9]++)?+")
_PATH = regex.compile(rf"(?:/(?:(?:[{_INSIDE}]|{_PARENS})*+[{_CLOSING}])*+(?:{_PARENS})*+)?+")
_ASKED = r"(?:\?(?:[!?*'@();:+$%\[\].,~|]*+[A-Za-z0-9\-_&=#/])++)?+"
_QUERY = regex.compile(_ASKED)
_SHORT = regex.compile(rf"[Hh][Tt][Tt][Pp][Ss]?://[Tt]\.[Cc][Oo]/([A-Za-z0-9]++){_ASKED}")

_LONGEST = 4096
_LONGEST_LABEL = 63
_LONGEST_SHORT = 40
_ASSUMED = len("https://")
_STOPS = regex.compile("[。．｡]")


@dataclass(frozen=True, slots=True)
class Address:
    """`text[start:end]` is an address; `sure` where X counts it as one, and not only its writer."""

    start: int
    end: int
    sure: bool


@dataclass(frozen=True, slots=True)
class _Found:
    """`start`, `domain`, `rest` (port, path, query), `end`: where each begins, ends. `before` is the sign in front.

    `name` is the domain as X reads it: with half a sign, where the first half stands in front of the address.
    """

    before: str
    start: int
    domain: int
    name: str
    rest: int
    end: int
    path: bool

    @property
    def alone(self) -> bool:
        """Whether it stands by itself, and is not the end of something else."""
        return self.domain > self.start or self.before not in _JOINED


def counted(text: str) -> list[Address]:
    """The addresses that X counts as such in `text` (which is in NFC), in order, never overlapping."""
    return [address for found in _scan(text, known_end) for address in _read(text, found)]


def addresses(text: str) -> list[Address]:
    """The addresses in `text`, in order, never overlapping: those of `counted`, and what only looks like one."""
    known = counted(text)
    taken = {place for address in known for place in range(address.start, address.end)}
    others = [Address(found.start, found.end, sure=False) for found in _scan(text, any_end) if found.alone]
    free = [other for other in others if taken.isdisjoint(range(other.start, other.end))]
    return sorted([*known, *free], key=lambda address: address.start)


def has_address(text: str) -> bool:
    """Whether a part of `text` is meant as a link: a known domain, or anything with `https://`."""
    return any(found.sure or text[found.start :][:4].lower() == "http" for found in addresses(text))


def _scan(text: str, ending: Ending) -> Iterator[_Found]:
    last = seen = 0
    while dot := _DOT.search(text, seen):
        row = Row(text, last, dot.start(), ending)
        for start, end in row.domains():
            found = _whole(text, last, start, end)
            last = found.end
            yield found
        seen = max(last, row.end)


def _whole(text: str, last: int, domain: int, rest: int) -> _Found:
    start = _scheme(text, last, domain)
    before = text[start - 1 : start] if start > last else ""
    name = text[domain:rest]
    if start == domain and name[0] > "\uffff" and (not before or before in BARRED):
        name = _second_half(name[0]) + name[1:]
    path = _end(_PORT, text, rest)
    query = _end(_PATH, text, path)
    return _Found(before, start, domain, name, rest, _end(_QUERY, text, query), query > path)


def _second_half(char: str) -> str:
    return chr(0xDC00 + (ord(char) & 0x3FF))


def _scheme(text: str, last: int, domain: int) -> int:
    """Where `https://` in front of the domain begins, `domain` where none does."""
    found = _SCHEME.match(text, last, domain)
    if not found:
        return domain
    start = found.start()
    free = start == 0 or (start > last and text[start - 1] not in BARRED)
    return start if free else domain


def _end(pattern: regex.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    return found.end() if found else place


def _read(text: str, found: _Found) -> list[Address]:
    """What X counts of it: nothing, the whole, or (without `https://`) each part that is a domain in Latin letters."""
    if not found.alone or not _valid(text, found):
        return []
    if found.domain > found.start:
        short = _SHORT.match(text, found.start, found.end)
        if short and len(short[1]) > _LONGEST_SHORT:
            return []
        return [Address(found.start, short.end() if short else found.end, sure=True)]
    spans = list(_latin(text, found))
    if spans and found.path:
        start, end = spans[-1]
        spans[-1] = (start, _after(text, end, found.end - found.rest))
    return [Address(start, end, sure=True) for start, end in spans]


def _latin(text: str, found: _Found) -> Iterator[tuple[int, int]]:
    place = free = found.domain
    while labels := _LATIN_LABELS.search(text, place, found.rest):
        place = labels.end()
        dot = place - 1
        while dot >= labels.start() and not (end := known_end(text, dot + 1)):
            dot = text.rfind(".", labels.start(), dot)
        if dot >= labels.start():
            # X looks the part up by its text, and may come upon the same letters further ahead.
            start = text.index(text[labels.start() : end], free)
            place, free = end, start + end - labels.start()
            yield start, free


def _after(text: str, place: int, units: int) -> int:
    """The place `units` UTF-16 units further on: so far X goes on with an address, whatever stands there."""
    while units > 0 and (units := units - 1 - (text[place] > "\uffff")) >= 0:
        place += 1
    return place


def _valid(text: str, found: _Found) -> bool:
    name = found.name
    scheme = found.domain - found.start or _ASSUMED
    length = scheme + found.end - found.start + sum(char > "\uffff" for char in name)
    if length > _LONGEST or any(_coded(label) > _LONGEST_LABEL for label in name.split(".")):
        return False
    return not name.startswith("xn--") or any(_latin(text, found))


def _coded(label: str) -> int:
    """How long the label is in Punycode, or more than is allowed (RFC 3492)."""
    if len(label) > _LONGEST_LABEL or label.isascii():
        return len(label)
    parts = _STOPS.split(label)
    return sum(len(part if part.isascii() else b"xn--" + part.encode("punycode")) for part in parts) + len(parts) - 1
