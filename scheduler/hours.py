"""Allowed hours: `07:00-20:00`, by the wall clock of the site."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator

_SHAPE = re.compile(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Hours:
    """From `opens` until just before `closes`, every day; over midnight where `closes` is the earlier of the two."""

    opens: time
    closes: time

    def __str__(self) -> str:
        return f"{self.opens:%H:%M}-{self.closes:%H:%M}"

    def next(self, at: datetime, zone: ZoneInfo) -> datetime:
        """`at` itself (aware) where it is allowed, else when the hours next begin (UTC)."""
        if self._allowed(at.astimezone(zone).time()):
            return at
        today = at.astimezone(zone).date()
        starts = (self._opening(today + timedelta(days=days), zone) for days in range(4))
        return next(start for start in starts if start >= at and self._allowed(start.astimezone(zone).time()))

    def _allowed(self, clock: time) -> bool:
        if self.opens < self.closes:
            return self.opens <= clock < self.closes
        return clock >= self.opens or clock < self.closes

    def _opening(self, day: date, zone: ZoneInfo) -> datetime:
        # fold 0 is the first of two equal times; a time that the clocks skip is moved forward with them
        return datetime.combine(day, self.opens, zone).astimezone(UTC)


def parse_hours(text: str) -> Hours:
    """The hours that `text` writes. Raises `ValueError` with the remedy."""
    match = _SHAPE.fullmatch(text.strip())
    if not match:
        raise ValueError(f"'{text}' are not hours of a day. Write them like 07:00-20:00.")
    opens, closes = _clock(match[1], match[2], text), _clock(match[3], match[4], text)
    if opens == closes:
        raise ValueError(f"'{text}' begins when it ends. Leave hours out where every hour is allowed.")
    return Hours(opens, closes)


def _clock(hour: str, minute: str, text: str) -> time:
    if (int(hour), int(minute)) == (24, 0):
        return time()
    if int(hour) > 23 or int(minute) > 59:
        raise ValueError(f"'{text}' names a time that no clock shows. Write them like 07:00-20:00.")
    return time(int(hour), int(minute))


def _typed(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError('hours are text. Write them like "07:00-20:00".')  # noqa: TRY004  pydantic tells only this kind
    return parse_hours(value)


WrittenHours = Annotated[Hours, BeforeValidator(_typed)]
"""A pydantic field that takes written hours."""
