"""Wall time: what a writer's clock shows, in the site's zone, and the moment that it means.

One rule for the days on which the clocks change: a time that does not exist or exists twice is refused, with
what to write instead. A bare date is the start of that day, which always exists, once.
The test for gap and fold is that of PEP 495: the offsets of fold 0 and fold 1 differ.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

_SHAPE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:(?:[Tt]| +)(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,]\d{1,9})?)?"
    r"(?: *([Zz]|[+-]\d\d(?::?\d\d(?::\d\d)?)?))?)?",
    re.ASCII,
)
_YEARS = range(1900, 3000)
_LOOK_LIKE = "Write it like 2026-11-30 09:00, or with an offset like 2026-11-30 09:00+02:00."


class WallTimeError(ValueError):
    """The text names no moment. `rule` is the finding's; the message says what to write."""

    rule = "bad-time"


class Gap(WallTimeError):
    """The clocks go forward over it: no clock ever shows this time."""

    rule = "publish-at-gap"


class Ambiguous(WallTimeError):
    """The clocks go back over it: it is shown twice."""

    rule = "publish-at-ambiguous"


def to_utc(text: str, zone: str) -> datetime:
    """The moment (aware, UTC, whole seconds) that `text` means on a clock in `zone` (an IANA name).

    Takes `2026-11-30`, `2026-11-30 09:00`, with `T`, seconds, and an offset or `Z`.
    Raises `Gap`, `Ambiguous` or a plain `WallTimeError`.
    """
    match = _SHAPE.fullmatch(text.strip())
    if not match:
        raise WallTimeError(f"'{text.strip()[:60]}' is not a time. {_LOOK_LIKE}")
    year, month, day, hour, minute, second, offset = match.groups()
    try:
        wall = datetime(  # noqa: DTZ001 - the zone is put on below
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0)
        )
        fixed = _offset(offset) if offset else None
    except ValueError:
        raise WallTimeError(f"'{text.strip()}' is not in any calendar or on any clock. {_LOOK_LIKE}") from None
    if wall.year not in _YEARS:
        raise WallTimeError(f"the year {year} can't be meant. {_LOOK_LIKE}")
    if fixed is not None:
        return wall.replace(tzinfo=fixed).astimezone(UTC)
    return _in_zone(wall, zone, whole_day=hour is None)


def as_wall(at: datetime, zone: str) -> str:
    """What a clock in `zone` shows, as `to_utc` reads it: `2026-11-30 09:00`; with an offset where it is shown twice."""
    local = at.astimezone(ZoneInfo(zone))
    text = local.strftime("%Y-%m-%d %H:%M:%S" if local.second else "%Y-%m-%d %H:%M")
    return text + _written_offset(local) if local.utcoffset() != _other(local).utcoffset() else text


def describe(at: datetime, zone: str) -> str:
    """The moment for a person, the zone named: `2026-11-30 09:00 Europe/Helsinki`."""
    return f"{as_wall(at, zone)} {zone}"


def _offset(text: str) -> timezone:
    if text in "Zz":
        return UTC
    digits = text[1:].replace(":", "").ljust(6, "0")
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    if hours > 18 or minutes > 59 or seconds > 59:
        raise ValueError(text)
    size = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return timezone(-size if text[0] == "-" else size)


@lru_cache(maxsize=4096)
def _in_zone(wall: datetime, zone: str, *, whole_day: bool) -> datetime:
    first = wall.replace(tzinfo=ZoneInfo(zone))
    second = first.replace(fold=1)
    before, after = _utcoffset(first), _utcoffset(second)
    if before == after:
        return first.astimezone(UTC)
    if before > after:
        if whole_day:
            return first.astimezone(UTC)
        raise Ambiguous(_twice(first, second, zone))
    change = _change(first, second)
    if whole_day:
        return change
    raise Gap(_never(wall, before, after, change, zone))


def _never(wall: datetime, before: timedelta, after: timedelta, change: datetime, zone: str) -> str:
    meant = wall + (after - before)
    shown = f"{meant:%H:%M}" if meant.date() == wall.date() else f"{meant:%Y-%m-%d %H:%M}"
    stroke = change.replace(tzinfo=None) + before
    return f"{wall:%Y-%m-%d %H:%M} does not exist in {zone} (the clocks go forward at {stroke:%H:%M}). Write {shown}."


def _twice(first: datetime, second: datetime, zone: str) -> str:
    stroke = _change(first, second).replace(tzinfo=None) + _utcoffset(first)
    summer = first.dst() != second.dst()
    names = ("summer time", "winter time") if summer else ("the first time", "the second time")
    text = f"{first:%Y-%m-%d %H:%M}"
    return (
        f"{text} comes twice in {zone} (the clocks go back at {stroke:%H:%M}). "
        f"Write {text}{_written_offset(first)} ({names[0]}) or {text}{_written_offset(second)} ({names[1]})."
    )


def _change(first: datetime, second: datetime) -> datetime:
    """The moment (UTC) at which the zone's offset changes around this wall time, to the second."""
    ends = sorted((first.astimezone(UTC), second.astimezone(UTC)))
    low, high, zone = ends[0] - timedelta(seconds=1), ends[1], first.tzinfo
    was = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        if middle.astimezone(zone).utcoffset() == was:
            low = middle
        else:
            high = middle
    return high


def _utcoffset(at: datetime) -> timedelta:
    return at.utcoffset() or timedelta(0)


def _other(local: datetime) -> datetime:
    return local.replace(fold=1 - local.fold)


def _written_offset(at: datetime) -> str:
    size = int(_utcoffset(at).total_seconds())
    hours, rest = divmod(abs(size), 3600)
    tail = f":{rest % 60:02d}" if rest % 60 else ""
    return f"{'-' if size < 0 else '+'}{hours:02d}:{rest // 60:02d}{tail}"
