"""The live events that there are, and the one that is meant when nobody says which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from scheduler.delivery.acts import Refused
from scheduler.desk.assemble import Desk
from scheduler.desk.hall import Hall
from scheduler.store import pieces, shifts

_LONGEST = timedelta(days=14)
"""No event is looked for that began longer ago."""
_MOST = 20


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """`starts_at` and `ends_at` as the hall runs now; without an end it lasts until midnight."""

    name: str
    title: str
    starts_at: datetime
    ends_at: datetime


def ahead(desk: Desk) -> list[LiveEvent]:
    """Those that are on or to come, in order; at most 20."""
    now = desk.clock()
    with desk.store.read() as db:
        rows = [(row.spec["starts"], row.identity) for row in pieces.intents(db) if _is_live(row)]
    found: list[LiveEvent] = []
    for starts, name in sorted(rows):
        if datetime.fromisoformat(starts) > now - _LONGEST and len(found) < _MOST:
            found += [one for one in _event(desk, name) if one.ends_at > now]
    return sorted(found, key=lambda one: (one.starts_at, one.name))


def meant(events: Sequence[LiveEvent], now: datetime, zone: ZoneInfo) -> LiveEvent | None:
    """The only one that is on now; else the only one that begins later today."""
    on = [one for one in events if one.starts_at <= now < one.ends_at]
    today = now.astimezone(zone).date()
    later = [one for one in events if one.starts_at > now and one.starts_at.astimezone(zone).date() == today]
    found = on or later
    return found[0] if len(found) == 1 else None


def _is_live(row: object) -> bool:
    spec = getattr(row, "spec", None) or {}
    return "starts" in spec and getattr(row, "status", "") == "ready"


def _event(desk: Desk, name: str) -> Iterator[LiveEvent]:
    try:
        hall = Hall(desk, name)
    except Refused:
        return
    event = hall.piece.event
    if event is None:
        return
    with desk.store.read() as db:
        row = pieces.by_name(db, name)
        late = shifts.of(db, row.id, event.starts_at) if row else timedelta(0)
    starts = event.starts_at + late
    ends = (event.ends_at or _midnight(event.starts_at, desk.settings.zone)) + late
    yield LiveEvent(name, hall.piece.title, starts, ends)


def _midnight(at: datetime, zone: ZoneInfo) -> datetime:
    """The end of its day."""
    return datetime.combine(at.astimezone(zone).date() + timedelta(days=1), time(), zone)
