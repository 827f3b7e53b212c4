"""What a person does from the hall of a live event: fire a post, leave one out, move what is to come, add a fresh one.

Each act takes the name that the client gave to the press of the button: pressed twice, it counts once and is answered as
the first time. Everything of an act is one commit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from channels.duration import format_duration
from channels.message import Message
from scheduler.changes import Back, Change, Moved, Stored
from scheduler.delivery import acts, pin
from scheduler.delivery.acts import Person, Refused
from scheduler.plan import Wanted
from scheduler.store import approvals, audit, breakers, deliveries, handmade, shifts, taps
from scheduler.store.engine import Store

_WAITING = ("planned", "retrying")
_STOPPED = ("held", "failed", "skipped")
_FARTHEST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Event:
    """A live event: its piece's number and name, and the start that its file gives."""

    piece: int
    name: str
    starts_at: datetime


def fire(store: Store, event: Event, part: str, person: Person, tap: str = "", *, approval: bool = False) -> str:
    """Send that post now, whatever its time. What failed or was left out is sent as by `retry`. `approval`: whether this
    desk wants one; then this is no way around it."""

    def act(db: Connection) -> str:
        rows = _posts(db, event, part)
        told = [_fired(db, row, person, approval) for row in rows]
        for row in rows:
            breakers.try_now(db, row.channel)
            _audit(db, row, person, "fire")
        return _joined(told)

    return _once(store, tap, person.now, act)


def skip(store: Store, event: Event, part: str, person: Person, tap: str = "") -> str:
    """Leave that post out."""

    def act(db: Connection) -> str:
        told = []
        for row in _posts(db, event, part):
            values = {"state": "skipped", "reason": "", "error": f"skipped by {person.name}"}
            if not deliveries.move(db, row.id, (*_WAITING, "held", "failed"), **values):
                raise Refused(f"{_what(row)} is {row.state}; only what has not gone out can be left out.")
            _audit(db, row, person, "skip")
            told.append(f"{_what(row)} does not go out.")
        return _joined(told)

    return _once(store, tap, person.now, act)


def shift(store: Store, event: Event, by: timedelta, person: Person, tap: str = "") -> str:
    """Move every post that has a time and has not gone out, later or (below zero) earlier."""

    def act(db: Connection) -> str:
        total = shifts.of(db, event.piece, event.starts_at) + by
        if abs(total) > _FARTHEST:
            raise Refused("An event can be moved by a week at most here. For more, change starts_at in its file.")
        shifts.put(db, event.piece, event.starts_at, total, person.now)
        rows = [row for row in handmade.live(db, event.piece) if _is_to_come(row)]
        moves = [change for row in rows if (change := _moved(row, by, person.now))]
        deliveries.apply(db, moves)
        approvals.retime(db, event.piece, {(row.channel, row.part): row.due_at + by for row in rows}, pin.of)
        detail = f"by {_by(by)}, {_by(total)} in all"
        audit.write(db, person.now, person.name, "shift", piece=event.name, detail=detail)
        many = "1 post is" if len(rows) == 1 else f"{len(rows)} posts are"
        return f"{many} moved by {_by(by)}; the event runs {_running(total)}."

    return _once(store, tap, person.now, act)


def say(store: Store, event: Event, messages: Sequence[Message], at: datetime | None, person: Person, tap: str) -> str:
    """Put in a fresh post, rendered for each channel; its part is the name that the client gave it. `at` None: now."""

    def act(db: Connection) -> str:
        due = at or person.now
        for message in messages:
            lang = event.name.partition("/")[0]
            want = Wanted(message.channel, message.part, due, None, None, False, "", "", lang, None, live=True)
            number = handmade.add(db, event.piece, want, message)
            if number is None:
                raise Refused(f"A post of this event is called '{message.part}' already. Give it another name.")
            where = {"piece": event.name, "channel": message.channel, "detail": message.text[:200]}
            audit.write(db, person.now, person.name, "fresh post", delivery=number, **where)
        channels = ", ".join(message.channel for message in messages)
        return f"The post goes out {'now' if at is None else 'at its time'} on {channels}."

    return _once(store, tap, person.now, act)


def _once(store: Store, tap: str, now: datetime, act: Callable[[Connection], str]) -> str:
    with store.write() as db:
        known = taps.answer(db, tap)
        if known is not None:
            return known
        told = act(db)
        taps.keep(db, tap, now, told)
        return told


def _posts(db: Connection, event: Event, part: str) -> list[Any]:
    rows = [row for row in handmade.live(db, event.piece) if row.part == part and row.state != "cancelled"]
    if not rows:
        raise Refused(f"{event.name} has no post '{part}'. See its posts with: julki live {event.name} --list")
    return rows


def _fired(db: Connection, row: Any, person: Person, approval: bool) -> str:
    """Its own time stays what it is: it is looked at now, and lateness does not count."""
    if row.state in _WAITING:
        done = deliveries.move(db, row.id, (row.state,), ready_at=person.now, waived=True)
    elif row.state in _STOPPED and row.reason == "uncertain":
        raise Refused(f"{_what(row)} may be out already. {row.error}")
    elif row.state in _STOPPED:
        return acts.again(db, row, person, approval=approval)
    else:
        done = False
    if not done:
        raise Refused(f"{_what(row)} is {row.state} already.")
    return f"{_what(row)} goes out now."


def _is_to_come(row: Any) -> bool:
    """What was fired goes out as it was asked for, whatever the hall's clock says."""
    return row.state in (*_WAITING, "held") and row.due_at is not None and not row.waived


def _moved(row: Any, by: timedelta, now: datetime) -> Change | None:
    stored = Stored._make(getattr(row, name) for name in Stored._fields)
    want = stored.wanted()._replace(due_at=row.due_at + by)
    if row.state == "held" and row.reason == "late" and want.due_at is not None and want.due_at > now:
        return Back(row.id, row.state, want)
    return Moved(row.id, want)


def _by(by: timedelta) -> str:
    return f"{'-' if by < timedelta(0) else ''}{format_duration(abs(by))}"


def _running(total: timedelta) -> str:
    if not total:
        return "on time"
    return f"{format_duration(abs(total))} {'late' if total > timedelta(0) else 'early'}"


def _what(row: Any) -> str:
    return f"'{row.part}' on {row.channel}"


def _joined(told: Sequence[str]) -> str:
    return " ".join(dict.fromkeys(told))


def _audit(db: Connection, row: Any, person: Person, act: str) -> None:
    audit.write(db, person.now, person.name, act, piece=row.name, channel=row.channel, delivery=row.id, detail=row.part)
