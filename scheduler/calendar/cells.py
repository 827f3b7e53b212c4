"""Days and times as people write them in a planning sheet, made into what the front matter takes.

The day stands before the month, as in Finland and Sweden; what could mean two things is refused, with a remedy.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

Cell = int | float | str | bool | time | date | datetime | timedelta | None

_WEEKDAY = re.compile(r"^[^\W\d_]{2,12}\.?,?\s+(?=\d)")
_DAY = r"(?:(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})|(?P<day2>\d{1,2})[./](?P<month2>\d{1,2})[./](?P<year2>\d{4}))"
_CLOCK = r"(?:(?:klo|kl\.?|at)\s*)?(?P<hour>\d{1,2})(?:[.:](?P<minute>\d\d)(?:[.:]\d\d(?:\.0+)?)?)?(?:\s*h)?"
_DATE = re.compile(_DAY, re.ASCII)
_TIME = re.compile(_CLOCK, re.ASCII | re.IGNORECASE)
_MOMENT = re.compile(rf"{_DAY}(?:(?:[T,]|\s)\s*{_CLOCK})?", re.ASCII | re.IGNORECASE)


class CellError(ValueError):
    """What stands in a cell can't be read; the message says what to write."""


def text(cell: Cell) -> str:
    """A cell as a person sees it: whole numbers without `.0`, days and times in one form, nothing for an empty one.

    An apostrophe ahead of a formula's first sign, which keeps spreadsheets from calculating it, is taken off.
    """
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d}" if cell.time() == time() else f"{cell:%Y-%m-%d %H:%M}"
    if isinstance(cell, date | time):
        return f"{cell:%H:%M}" if isinstance(cell, time) else cell.isoformat()
    shown = str(cell).strip()
    return shown[1:] if re.match(r"'[=+\-@]", shown) else shown


def day(written: str) -> str:
    """`2026-11-30` from `30.11.2026`, `30/11/2026`, `ma 30.11.2026` or as it is. Raises `CellError`."""
    match = _DATE.fullmatch(_WEEKDAY.sub("", written))
    if not match:
        raise CellError(f"'{written[:40]}' is not a day. Write it like 30.11.2026 or 2026-11-30.")
    return _date(match, written)


def clock(written: str) -> str:
    """`09:00` from `9`, `9.00`, `klo 9:00`. Raises `CellError`."""
    match = _TIME.fullmatch(written)
    if not match:
        raise CellError(f"'{written[:40]}' is not a time of day. Write it like 9.00 or 09:00.")
    return _time(match, written)


def moment(written: str) -> tuple[str, str]:
    """(day, time) of a cell that holds a day and perhaps a time; the time is "" if there is none. Raises `CellError`."""
    match = _MOMENT.fullmatch(_WEEKDAY.sub("", written))
    if not match:
        raise CellError(f"'{written[:40]}' is not a day. Write it like 30.11.2026 9.00 or 2026-11-30 09:00.")
    return _date(match, written), _time(match, written) if match["hour"] else ""


def _date(match: re.Match[str], written: str) -> str:
    year, month, number = (match[name] or match[name + "2"] for name in ("year", "month", "day"))
    if int(month) > 12 >= int(number):
        raise CellError(f"'{written[:40]}' has no such month; the day stands first. Write it like 30.11.2026.")
    return _checked(lambda: date(int(year), int(month), int(number)).isoformat(), written)


def _time(match: re.Match[str], written: str) -> str:
    return _checked(lambda: f"{time(int(match['hour']), int(match['minute'] or 0)):%H:%M}", written)


def _checked(make: Callable[[], str], written: str) -> str:
    try:
        return make()
    except ValueError:
        message = f"'{written[:40]}' is not in any calendar or on any clock. Write it like 30.11.2026 9.00."
        raise CellError(message) from None
