"""What a person should mend in a file, and where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from typing import Literal

Severity = Literal["error", "warning"]
Place = tuple[int, int]
"""Line and column, both from 1; the column counts characters."""

START: Place = (1, 1)
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend. `file` is relative to the workspace, with `/`; `rule` is a stable kebab-case name."""

    file: str
    line: int
    column: int
    severity: Severity
    rule: str
    message: str


class Unreadable(Exception):
    """The file can't be read any further. Carries what a finding needs but the file's name."""

    def __init__(self, rule: str, place: Place, message: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.place = place


@dataclass
class Notes:
    """The findings of one file, as they are made."""

    file: str
    found: list[Finding] = field(default_factory=list)

    def error(self, rule: str, place: Place, message: str) -> None:
        self.found.append(Finding(self.file, *place, "error", rule, message))

    def warn(self, rule: str, place: Place, message: str) -> None:
        self.found.append(Finding(self.file, *place, "warning", rule, message))

    @property
    def broken(self) -> bool:
        return any(one.severity == "error" for one in self.found)

    def sorted(self) -> tuple[Finding, ...]:
        return tuple(sorted(self.found, key=lambda one: (one.line, one.column, one.rule)))


def suggestion(word: str, known: Iterable[str], *, listing: bool = True) -> str:
    """A sentence with the name that was probably meant; else (if `listing`) with the names that there are."""
    return _suggestion(word, known if isinstance(known, frozenset) else frozenset(known), listing)


@lru_cache(maxsize=4096)
def _suggestion(word: str, known: frozenset[str], listing: bool) -> str:
    names = sorted(known)
    close = get_close_matches(word.lower()[:80], names, 1, 0.7)
    if close:
        return f" Did you mean '{close[0]}'?"
    if not listing:
        return ""
    if not names:
        return " There are none yet."
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f" Known: {', '.join(names[:_SHOWN])}{more}."


def shortened(text: str, length: int = 60) -> str:
    """`text` on one line and not longer than `length`, to be quoted in a message."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"
