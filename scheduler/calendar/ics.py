"""The calendar for other programmes: iCalendar (RFC 5545) and CSV out, iCalendar in.

An editor's calendar shows each piece once, at the time of its first delivery, with its channels in the description;
an event has a second entry for the event itself. Live posts and parts of a thread have no entry of their own.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from channels.piece import MAIN
from scheduler.calendar.draft import line
from scheduler.calendar.rows import Row, RowProblem, Sheet
from scheduler.calendar.workbook import SheetError

if TYPE_CHECKING:
    import icalendar

LARGEST = 5_000_000
"""Bytes of a calendar to import."""
MOST_EVENTS = 2_000
LONGEST_TEXT = 20_000
_GLANCE = timedelta(minutes=15)
_TITLE_IN_SLUG = 80
_OVER = frozenset(("cancelled", "skipped", "withdrawn"))
_COLUMNS = ("piece", "title", "kind", "channel", "part", "due_at", "state", "url", "starts_at", "ends_at", "place")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Entry:
    """One delivery, as a calendar shows it. Times aware; `uid` is the piece's; `starts_at` is an event's own time.

    `due_at` None: fired by hand; only the CSV shows it.
    """

    uid: str
    piece: str
    title: str
    kind: str
    channel: str
    part: str
    due_at: datetime | None
    state: str
    url: str = ""
    ends_at: datetime | None = None
    place: str = ""
    starts_at: datetime | None = None


def export_ics(entries: Iterable[Entry], title: str, *, now: datetime, zone: ZoneInfo) -> bytes:
    """The calendar as a file. Times are UTC; the description gives them in `zone`, named. `now` stamps the entries."""
    import icalendar

    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Julki//Calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", line(title))
    pieces: dict[str, list[Entry]] = {}
    for entry in entries:
        pieces.setdefault(entry.uid, []).append(entry)
    for found in pieces.values():
        for component in _components(found, now, zone):
            calendar.add_component(component)
    return bytes(calendar.to_ical())


def export_csv(entries: Iterable[Entry]) -> str:
    """One line a delivery, times in UTC with `Z`. A cell that a spreadsheet would calculate gets an apostrophe ahead."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for entry in entries:
        writer.writerow([_cell(getattr(entry, column)) for column in _COLUMNS])
    return out.getvalue()


def import_ics(raw: bytes, zone: ZoneInfo) -> Sheet:
    """The events of a calendar as rows of event drafts; the rows are numbered as the events stand in the file.

    Times become wall time in `zone`; those without a zone are taken as they are. Raises `SheetError` where the file is
    no calendar, or is too large.
    """
    if len(raw) > LARGEST:
        raise SheetError(f"This calendar is larger than {LARGEST // 1_000_000} MB. Export a shorter time from it.")
    rows: list[Row] = []
    problems: list[RowProblem] = []
    text = re.sub(r"\r?\n[ \t]", "", raw.decode("utf-8-sig", "replace"))
    if "BEGIN:VCALENDAR" not in text[:1000].upper():
        raise SheetError("This is not a calendar. Export one as .ics (iCalendar).")
    for number, block in enumerate(_blocks(text), 1):
        if number > MOST_EVENTS:
            problems.append(
                RowProblem(number, "", f"this and all below: more than {MOST_EVENTS} events. Export fewer.")
            )
            break
        _read(number, block, zone, rows, problems)
    return Sheet(tuple(rows), tuple(problems))


def _components(entries: Sequence[Entry], now: datetime, zone: ZoneInfo) -> Iterator[icalendar.Event]:
    timed = [(entry.due_at, entry) for entry in entries if entry.due_at is not None]
    first = entries[0]
    whole = [due for due, entry in timed if entry.part == MAIN] or [due for due, _ in timed]
    if whole:
        event = _component(first, first.uid, now, entries)
        event.add("dtstart", min(whole).astimezone(UTC))
        event.add("dtend", (min(whole) + _GLANCE).astimezone(UTC))
        event.add("description", "\n".join(_lines(entries, zone)))
        event.add("transp", "TRANSPARENT")
        yield event
    if first.starts_at is not None:
        event = _component(first, f"{first.uid}-event", now, entries)
        event.add("dtstart", first.starts_at.astimezone(UTC))
        if first.ends_at is not None and first.ends_at > first.starts_at:
            event.add("dtend", first.ends_at.astimezone(UTC))
        event.add("location", line(first.place))
        yield event


def _component(first: Entry, uid: str, now: datetime, entries: Sequence[Entry]) -> icalendar.Event:
    import icalendar

    event = icalendar.Event()
    event.add("uid", f"{uid}@julki")
    event.add("dtstamp", now.astimezone(UTC))
    event.add("summary", line(first.title))
    event.add("categories", [first.kind])
    states = {entry.state for entry in entries}
    unsure = states & {"held", "failed"}
    event.add("status", "CANCELLED" if states <= _OVER else "TENTATIVE" if unsure else "CONFIRMED")
    url = next((entry.url for entry in entries if entry.url.startswith(("https://", "http://"))), "")
    if url:
        event.add("url", line(url))
    return event


def _lines(entries: Sequence[Entry], zone: ZoneInfo) -> Iterator[str]:
    """A line a channel: its first time, and its states, those of several parts counted."""
    yield f"{entries[0].piece} ({entries[0].kind})"
    for channel in dict.fromkeys(entry.channel for entry in entries):
        mine = [entry for entry in entries if entry.channel == channel]
        states = [entry.state for entry in mine]
        told = ", ".join(f"{states.count(s)} {s}" if len(mine) > 1 else s for s in dict.fromkeys(states))
        due = min((entry.due_at for entry in mine if entry.due_at is not None), default=None)
        when = f"{due.astimezone(zone):%Y-%m-%d %H:%M} {zone.key}" if due else "by hand"
        yield line(f"{channel}: {told}, {when}")


def _cell(value: str | datetime | None) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    text = (value or "").replace("\x00", "")
    return f"'{text}" if text.startswith(_FORMULA) else text


def _blocks(text: str) -> Iterator[str]:
    """The events one by one, without alarms. Time zones are left out: their rules may ask for endless work."""
    block: list[str] = []
    depth = 0
    for row in text.splitlines():
        word = row.strip().upper()
        if word == "BEGIN:VEVENT":
            block, depth = [row], 1
        elif depth and word.startswith("BEGIN:"):
            depth += 1
        elif depth and word.startswith("END:"):
            depth -= 1
            if not depth:
                yield "\r\n".join([*block, "END:VEVENT", ""])
        elif depth == 1:
            block.append(row[:LONGEST_TEXT])


def _read(number: int, block: str, zone: ZoneInfo, rows: list[Row], problems: list[RowProblem]) -> None:
    import icalendar

    try:
        event = icalendar.Event.from_ical(block)
        values = _values(event, zone)
    except (ValueError, AttributeError, KeyError, IndexError, TypeError, OverflowError) as error:
        told = str(error) if isinstance(error, SheetError) else "this entry can't be read. Open and save it again."
        problems.append(RowProblem(number, "", told))
        return
    if "RRULE" in event or "RDATE" in event:
        message = "repeats; only the first is brought in. Copy the draft for the others."
        problems.append(RowProblem(number, values["title"], message))
    rows.append(Row(number, values))


def _values(event: Any, zone: ZoneInfo) -> dict[str, str]:
    title = line(_text(event, "SUMMARY"))
    if not title:
        raise SheetError("the title is missing. Write one in the calendar.")
    if _text(event, "STATUS").upper() == "CANCELLED":
        raise SheetError(f"'{title[:60]}' is cancelled; it is left out.")
    if "DTSTART" not in event:
        raise SheetError(f"'{title[:60]}' has no beginning. Give it one in the calendar.")
    start = event["DTSTART"].dt
    begins = _wall(start, zone)
    url = line(_text(event, "URL"))
    values = {
        "title": title,
        "kind": "event",
        "slug": f"{title[:_TITLE_IN_SLUG]} {begins[:10]}",
        "starts_at": begins,
        "ends_at": _end(event, start, zone),
        "place": line(_text(event, "LOCATION"))[:300],
        "body": _text(event, "DESCRIPTION").strip(),
        "video_url": url if url.startswith(("https://", "http://")) else "",
        "note": f"from the calendar entry {line(_text(event, 'UID'))[:200]}",
    }
    return {name: value for name, value in values.items() if value}


def _text(event: Any, name: str) -> str:
    value = event.get(name, "")
    return str(value[0] if isinstance(value, list) else value)[:LONGEST_TEXT]


def _end(event: Any, start: date, zone: ZoneInfo) -> str:
    """A whole day's end is the day after it (RFC 5545, 3.6.1); shown is the last minute that belongs to it."""
    if "DTEND" in event:
        end = event["DTEND"].dt
    elif "DURATION" in event:
        end = start + event["DURATION"].dt
    else:
        return ""
    if not isinstance(end, datetime):
        last = datetime.combine(max(end - timedelta(days=1), start), time(23, 59))
        return _wall(last, zone)
    return _wall(end, zone)


def _wall(moment: date, zone: ZoneInfo) -> str:
    if not isinstance(moment, datetime):
        return moment.isoformat()
    local = moment.astimezone(zone) if moment.tzinfo else moment
    return f"{local:%Y-%m-%d %H:%M}"
