"""What a person may do to a delivery, a channel, or everything. Each act is audited with who and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from sqlalchemy import Connection

from channels.contract import Channel, can_withdraw
from scheduler.delivery import key, pin
from scheduler.delivery.states import sources
from scheduler.store import approvals, attempts, audit, breakers, deliveries, messages, pauses
from scheduler.store.engine import Store

Scope = Literal["all", "channel", "client", "project"]


class Refused(Exception):
    """The act can't be done; the message says why, in plain words."""


@dataclass(frozen=True)
class Person:
    """Who acts, and when. `name` is what the audit shows."""

    name: str
    now: datetime


def retry(store: Store, number: int, person: Person, *, approval: bool = True) -> str:
    """Held, failed or skipped: due now, lateness waived; but at its own time where that is still to come. Answers what
    will happen, in plain words. `approval`: whether this desk wants one; then this is no way around it."""
    with store.write() as db:
        row = _get(db, number)
        early = row.due_at is not None and row.due_at > person.now
        told = again(db, row, person, approval=approval, early=early)
        _audit(db, row, person, "retry")
        if not early:
            breakers.try_now(db, row.channel)
    return told


def again(db: Connection, row: Any, person: Person, *, approval: bool, early: bool = False) -> str:
    """As `retry`, within a transaction. `early`: its own time is still to come, and is kept."""
    states = sources("planned", "person")
    if approval and row.state == "held" and row.reason in approvals.REASONS:
        raise Refused(f"{_what(row)} needs somebody's approval first. {row.error}")
    if row.state in ("planned", "retrying"):
        if early:
            raise Refused(f"{_what(row)} goes out by itself when it is due. {_EARLIER}")
        moved = deliveries.move(db, row.id, (row.state,), ready_at=person.now, waived=True)
    else:
        moved = deliveries.move(db, row.id, states, **_afresh(db, row, person, early))
    _require(moved, row, "retried", states)
    if row.live and not early:
        fired(db, row, person)
    if row.state == "failed" and row.part.isdigit():
        # Refused for what it was: it is made of the file again, and what has not gone out behind it.
        messages.thaw(db, row.piece_id, row.channel)
    if early:
        return f"{_what(row)} is planned again and goes out when it is due. {_EARLIER}"
    return f"{_what(row)} goes out now."


def fired(db: Connection, row: Any, person: Person) -> None:
    """A hall's post is due when somebody sent it, and late when that is long ago; it is approved for then."""
    deliveries.move(db, row.id, ("planned", "retrying"), due_at=person.now, ready_at=person.now, waived=True)
    approvals.retime(db, row.piece_id, {(row.channel, row.part): person.now}, pin.of)


_EARLIER = "To send it earlier, change its date in the file."


def _afresh(db: Connection, row: Any, person: Person, early: bool) -> dict[str, Any]:
    """A new publication under a new key; but under the old one where nobody knows how the last attempt ended and the
    channel can tell by the key: a person's retry must not make it two."""
    own = key.of_delivery(row.uid, row.channel, row.part, row.generation)
    again = attempts.repeated(db, row.id, own)
    when = {"waived": False, "ready_at": row.due_at} if early else {"waived": True, "ready_at": person.now}
    fresh = {"state": "planned", "reason": "", "error": "", "attempts": 0}
    return when | fresh | {"generation": row.generation + (0 if again else 1), "links_page": None}


def skip(store: Store, number: int, person: Person) -> str:
    with store.write() as db:
        row = _get(db, number)
        states = sources("skipped", "person")
        moved = deliveries.move(db, number, states, state="skipped", reason="", error=f"skipped by {person.name}")
        _require(moved, row, "skipped", states)
        _audit(db, row, person, "skip")
    return f"{_what(row)} does not go out. Bring it back with: julki retry {number}"


def hold(store: Store, number: int, person: Person, reason: str = "") -> str:
    way = f"Let it go out with: julki retry {number}"
    why = f"Held by {person.name}{f': {reason}' if reason else ''}. {way}"
    with store.write() as db:
        row = _get(db, number)
        states = sources("held", "person")
        _require(deliveries.move(db, number, states, state="held", reason="person", error=why), row, "held", states)
        _audit(db, row, person, "hold", reason)
    return f"{_what(row)} is held. {way}"


def confirm(store: Store, number: int, permalink: str, person: Person) -> str:
    """A person saw it out, at that address."""
    if not permalink.startswith(("https://", "http://")):
        raise Refused(
            f"'{permalink}' is not an address. Give the one where it stands, like https://x.com/…/status/123."
        )
    remote_id = urlsplit(permalink).path.rstrip("/").rsplit("/", 1)[-1]
    values = {"state": "published", "published_at": person.now, "permalink": permalink, "remote_id": remote_id}
    with store.write() as db:
        row = _get(db, number)
        states = sources("published", "person")
        _require(deliveries.move(db, number, states, **values, reason="", error=""), row, "confirmed", states)
        _audit(db, row, person, "confirm", permalink)
    return f"{_what(row)} counts as published, at {permalink}."


def withdraw(store: Store, number: int, person: Person, channel: Channel | None) -> str:
    """Asks the lane to take back what is out; it does so at its next pass."""
    with store.write() as db:
        row = _get(db, number)
        if not can_withdraw(channel):
            raise Refused(f"What went out on {row.channel} can't be taken back.")
        moved = deliveries.move(db, number, ("published",), withdraw=True, ready_at=None)
        _require(moved, row, "withdrawn", ("published",))
        _audit(db, row, person, "withdraw")
    return f"{_what(row)} is being taken back."


def _now(due: datetime) -> datetime:
    return due


def pause(store: Store, scope: Scope, name: str, reason: str, person: Person) -> str:
    what = _scope(scope, name)
    with store.write() as db:
        for known in pauses.current(db):
            if (known.scope, known.name) == (scope, name):
                raise Refused(f"{what} is paused already, by {known.by}{f': {known.reason}' if known.reason else ''}.")
        pauses.begin(db, scope, name, reason, person.name, person.now)
        audit.write(db, person.now, person.name, "pause", detail=f"{what}: {reason}".rstrip(": "))
    return f"{what} is paused. What falls due meanwhile is held. Go on with: julki resume"


def resume(store: Store, scope: Scope, name: str, person: Person) -> tuple[str, Sequence[Any]]:
    """The answer, and what was held meanwhile, and what a channel refused before it was paused for its credentials: a
    person chooses what of it still goes out."""
    what = _scope(scope, name)
    with store.write() as db:
        if not pauses.end(db, scope, name, person.name, person.now):
            stopped = ", ".join(_scope(p.scope, p.name) for p in pauses.current(db)) or "nothing"
            raise Refused(f"{what} is not paused. Paused now: {stopped}.")
        audit.write(db, person.now, person.name, "resume", detail=what)
        reasons = ("paused", "unauthorized") if scope == "channel" else ("paused",)
        held = [
            row
            for row in deliveries.queue(db, "held")
            if row.reason in reasons and (scope == "all" or getattr(row, scope) == name)
        ]
    return f"{what} goes on.", held


def brake(
    store: Store,
    channel: str,
    most: int,
    before: datetime,
    now: datetime,
    begins: Callable[[datetime], datetime] = _now,
) -> int:
    """After a start: more than `most` that were due before then wait until somebody asks for them; how many. `begins`:
    when what is due then may go out, by the channel's hours."""
    message = "{count} were overdue on {channel} when the desk started. Send this one: julki retry {id}. Drop it: julki skip {id}"
    with store.write() as db:
        rows = [row for row in deliveries.overdue(db, channel, before) if begins(row.due_at) < before]
        if len({(row.period, row.lang, row.segment) if row.period else row.id for row in rows}) <= most:
            return 0  # an edition is one mail, however many pieces are in it
        found = [row.id for row in rows]
        for number in found:
            text = message.format(count=len(found), channel=channel, id=number)
            deliveries.move(db, number, ("planned", "retrying"), state="held", reason="backlog", error=text)
        audit.write(db, now, audit.DESK, "held", channel=channel, detail=f"a backlog of {len(found)}")
    return len(found)


def _get(db: Connection, number: int) -> Any:
    row = deliveries.get(db, number)
    if row is None:
        raise Refused(f"There is no delivery {number}. See their numbers with: julki queue")
    return row


def _require(moved: bool, row: Any, done: str, states: Sequence[str]) -> None:
    if not moved:
        busy = " and an attempt is under way; try again in a moment" if row.state in states else ""
        raise Refused(f"{_what(row)} is {row.state}{busy}. Only what is {' or '.join(states)} can be {done}.")


def _audit(db: Connection, row: Any, person: Person, act: str, detail: str = "") -> None:
    audit.write(db, person.now, person.name, act, piece=row.name, channel=row.channel, delivery=row.id, detail=detail)


def _what(row: Any) -> str:
    part = "" if row.part == "main" else f" ({row.part})"
    return f"{row.name}{part} on {row.channel}"


def _scope(scope: str, name: str) -> str:
    return "Everything" if scope == "all" else f"The {scope} {name}"
