"""When editions go out: by the wall clock of the site, whatever daylight saving does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from channels.contract import Period

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SHAPE = re.compile(
    r"(?:daily|weekly (?P<day>[a-z]{3})|monthly (?P<date>\d{1,2})) (?P<hour>\d{1,2}):(?P<minute>\d{2})", re.ASCII
)
_LOOK_AHEAD = 63


@dataclass(frozen=True, slots=True)
class Edition:
    """`day` is the weekday (0 is Monday) or the day of the month; of no meaning for a daily edition."""

    every: Literal["day", "week", "month"]
    day: int
    at: time

    def period(self, at: datetime, zone: ZoneInfo) -> Period:
        """The first edition at or after `at` (aware). Its key is `2026-W47`, `2026-11` or `2026-11-23` by its own date."""
        today = at.astimezone(zone).date()
        dates = (today + timedelta(days=n) for n in range(-1, _LOOK_AHEAD))
        due = ((day, self._due(day, zone)) for day in dates if self._falls_on(day))
        day, moment = next((day, moment) for day, moment in due if moment >= at)
        return Period(self._key(day), moment)

    def _falls_on(self, day: date) -> bool:
        if self.every == "day":
            return True
        return (day.weekday() if self.every == "week" else day.day) == self.day

    def _due(self, day: date, zone: ZoneInfo) -> datetime:
        # fold 0 is the first of two equal times, and moves a time that the clocks skip forward.
        return datetime.combine(day, self.at, zone).astimezone(UTC)

    def _key(self, day: date) -> str:
        if self.every == "week":
            year, week, _ = day.isocalendar()
            return f"{year}-W{week:02}"
        return day.isoformat()[: 7 if self.every == "month" else 10]


def parse_edition(text: str) -> Edition | None:
    """The edition that `text` writes; None for `each`. Raises `ValueError` with the remedy."""
    words = " ".join(text.lower().split())
    if words == "each":
        return None
    match = _SHAPE.fullmatch(words)
    if not match:
        raise ValueError(
            f'"{text}" is not an edition. Write "each", "daily 09:00", "weekly mon 09:00" or "monthly 1 09:00".'
        )
    if int(match["hour"]) > 23 or int(match["minute"]) > 59:
        raise ValueError(f'"{text}" names a time that no clock shows. Write it like 09:00.')
    at = time(int(match["hour"]), int(match["minute"]))
    if match["day"]:
        return Edition("week", _weekday(match["day"]), at)
    if match["date"]:
        return Edition("month", _day_of_month(int(match["date"])), at)
    return Edition("day", 0, at)


def weekly(text: str) -> Edition:
    """The rule that `text` writes (`mon 08:00`). Raises `ValueError` with the remedy."""
    try:
        rule = parse_edition(f"weekly {text}")
    except ValueError:
        rule = None
    if rule is None:
        raise ValueError(f'"{text}" is no time of the week. Write it like "mon 08:00".')
    return rule


def _weekday(name: str) -> int:
    if name not in _DAYS:
        raise ValueError(f'"{name}" is not a weekday. Write one of {", ".join(_DAYS)}.')
    return _DAYS.index(name)


def _day_of_month(day: int) -> int:
    if not 1 <= day <= 28:
        raise ValueError(f"Not every month has a day {day}. Write one from 1 to 28.")
    return day
