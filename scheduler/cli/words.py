"""How things are said: states by a word and a shape, times in the site's zone, counts."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

COLOURS: Mapping[str, str] = {"held": "yellow", "failed": "red", "retrying": "yellow", "published": "green"}


def clean(text: str) -> str:
    """`text` without what could steer a terminal: control characters and marks that turn the direction of reading."""
    if text.isprintable():
        return text
    return "".join(" " if _steers(char) else char for char in text)


def _steers(char: str) -> bool:
    return char != "\n" and (
        unicodedata.category(char) in ("Cc", "Cs") or char in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )


def zulu(at: datetime | None, *, exact: bool = False) -> str | None:
    """UTC with `Z`, to the second; `exact`: to the millisecond, for what was measured and not written."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds" if exact else "seconds").replace("+00:00", "Z")


def as_json(value: Any) -> str:
    """One document. Where stdout is not UTF-8 every other letter is escaped."""
    plain = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return json.dumps(value, ensure_ascii=not plain, indent=2).encode("utf-8", "backslashreplace").decode("utf-8")


def state(name: str) -> str:
    from scheduler.delivery.states import SHAPES

    return f"{SHAPES.get(name, ' ')} {name}"


def day(at: datetime, zone: ZoneInfo) -> str:
    """`Monday 30 November 2026`."""
    local = at.astimezone(zone)
    return f"{local:%A} {local.day} {local:%B %Y}"


def moment(at: datetime | None, zone: ZoneInfo) -> str:
    """`2026-11-30 09:00`, in the site's zone; a time fired by hand has none."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else "by hand"


def count(number: int, one: str, many: str = "") -> str:
    """`1 piece`, `1,204 pieces`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


_MADE_UP = re.compile(r"[0-9a-f]{32}")
"""What a client calls a fresh post."""


def what(piece: str, part: str) -> str:
    """A delivery's piece, and its part where it is one of several."""
    if part == "main":
        return piece
    return f"{piece} ({'a fresh post' if _MADE_UP.fullmatch(part) else part})"
