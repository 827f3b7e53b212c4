"""Rows of labels and dots in plain text, and the domains in them, as X reads them (see `channels.urls`)."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator

import regex

_SPACES = r"\x09-\x0d\x20\x85\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_MARKS = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff"
# What ends a row of labels: punctuation (all but `.`, `-` and `_`), spaces, and marks that nobody sees.
_BREAK = rf"!#-,/:-@\[-\^{{-~{_SPACES}{_MARKS}"

BARRED = frozenset(f"{string.ascii_letters}{string.digits}@＠$#＃\ufeff\ufffe\uffff")
"""What no address stands right behind of."""

_BACK = regex.compile(rf"(?r)[^{_BREAK}]*+")
_AHEAD = regex.compile(rf"[^{_BREAK}]*+")
# X reads a sign beyond U+FFFF as two halves, the first of which may stand in front of an address.
_INNER = regex.compile(r"(?<=[^A-Za-z0-9＠＃])[^._\-]|[\U00010000-\U0010ffff]")

Ending = Callable[[str, int], int]
"""Where the top-level domain that begins at this place ends; 0 where there is none."""


class Row:
    """Labels and dots without a break, from `last` at the earliest; the domains in it, in time linear in its length."""

    def __init__(self, text: str, last: int, dot: int, ending: Ending) -> None:
        back, ahead = _BACK.match(text, last, dot), _AHEAD.match(text, dot)
        self.text, self.last = text, last
        self.start, self.end = back.start() if back else dot, ahead.end() if ahead else dot
        self.labels = list(self._labels())
        dots = self.labels[:-1]
        self.ends = [ending(text, stop + 1) for _, stop in dots]
        self.best = self._best()

    def _labels(self) -> Iterator[tuple[int, int]]:
        start = self.start
        while (stop := self.text.find(".", start, self.end)) >= 0:
            yield start, stop
            start = stop + 1
        yield start, self.end

    def _best(self) -> list[int]:
        """For each label: after which one stands the last top-level domain of a domain that begins with it; -1: none."""
        best = [-1] * (len(self.labels) + 1)
        for index in reversed(range(len(self.ends))):
            label = self.text[slice(*self.labels[index])]
            if not label or label[0] in "-_" or label[-1] in "-_":
                continue
            if best[index + 1] >= 0:
                best[index] = best[index + 1]
            elif self.ends[index] and "_" not in label:
                best[index] = index
        return best

    def domains(self) -> Iterator[tuple[int, int]]:
        index = 0
        while index < len(self.ends):
            start, last = self._first(index)
            if last >= 0:
                yield start, self.ends[last]
                self.last, index = self.ends[last], last
            index += 1

    def _first(self, index: int) -> tuple[int, int]:
        """Where the first domain begins that begins in this label, and after which label it ends (-1: none does)."""
        start = self.labels[index][0]
        if start == 0 and self.text[0] not in BARRED:
            # At the very beginning, the first sign is rather in front of an address than a part of it.
            first = 0 if self.text[0] > "\uffff" else 1
            begin, last = self._inside(index, first)
            if last >= 0 and begin == first:
                return begin, last
        free = start == 0 or (start > self.last and self.text[start - 1] not in BARRED)
        if free and self.best[index] >= 0:
            return start, self.best[index]
        first = max(start, self.last)
        return self._inside(index, first if self.text[first] > "\uffff" else first + 1)

    def _inside(self, index: int, first: int) -> tuple[int, int]:
        """The same for domains that begin with a part of this label, at `first` at the earliest."""
        start, stop = self.labels[index]
        last = self.best[index + 1]
        if last < 0 and self.ends[index]:
            # The name in front of the top-level domain has no underline in it.
            last, first = index, max(first, self.text.rfind("_", start, stop) + 1)
        if last < 0 or stop == start or self.text[stop - 1] in "-_":
            return stop, -1
        found = _INNER.search(self.text, first, stop) if first < stop else None
        return (found.start(), last) if found else (stop, -1)
