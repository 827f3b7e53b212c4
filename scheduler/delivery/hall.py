"""What a person does from the hall of a live event: fire a post, leave one out, move what is to come, add a fresh one.

Each act takes the name that the client gave to the press of the button: pressed twice, it counts once and is answered as
the first time. Everything of an act is one commit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from scheduler.store import approvals, audit, breakers, deliveries, handmade, pauses, shifts, taps
from scheduler.store.engine import Store

_WAITING = ("planned", "retrying")
_STOPPED = ("held", "failed", "skipped")
_FARTHEST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Event:
    """A live event: its piece's number, name, client and project, and the start that its file gives."""

    piece: int
    name: str
    starts_at: datetime
    client: str = ""
    project: str = ""


def fire(store: Store, event: Event, part: str, person: Person, tap: str = "", *, approval: bool = False) -> str:
    """Send that post now, whatever its time. What failed or was left out is sent as by `retry`. `approval`: whether this
    desk wants one; then this is no way around it."""

    def act(db: Connection) -> str:
        def one(row: Any) -> str:
            told = _fired(db, row, person, approval)
            breakers.try_now(db, row.channel)
            _audit(db, row, person, "fire")
            return f"{told}{_but(db, event, row.channel) or _unready(db, event, row, approval)}"

        return _each(_posts(db, event, part), one)

    return _once(store, event, f"fire/{part}/{tap}", person.now, act) if tap else _now(store, act)


def skip(store: Store, event: Event, part: str, person: Person, tap: str = "") -> str:
    """Leave that post out."""

    def act(db: Connection) -> str:
        def one(row: Any) -> str:
            values = {"state": "skipped", "reason": "", "error": f"skipped by {person.name}"}
            if not deliveries.move(db, row.id, (*_WAITING, "held", "failed"), **values):
                raise Refused(f"{_what(row)} is {row.state}; only what has not gone out can be left out.")
            _audit(db, row, person, "skip")
            return f"{_what(row)} does not go out."

        return _each(_posts(db, event, part), one)

    return _once(store, event, f"skip/{part}/{tap}", person.now, act) if tap else _now(store, act)


def shift(
    store: Store, event: Event, by: timedelta, person: Person, tap: str = "", seen: timedelta | None = None
) -> str:
    """Move every post that has a time and has not gone out, later or (below zero) earlier; by whole seconds. `seen`: by
    how much the event ran late when the person decided; where somebody else has moved it since, nothing is done."""

    def act(db: Connection) -> str:
        now = shifts.of(db, event.piece, event.starts_at)
        if seen is not None and now != seen:
            raise Refused(f"Somebody has moved it meanwhile: the event runs {_running(now)} now. Look again.")
        return _shifted(db, event, by, person)

    return _once(store, event, f"shift/{tap}", person.now, act) if tap else _now(store, act)


def move(store: Store, event: Event, to: datetime, person: Person, tap: str = "") -> str:
    """The event starts then; what has a time and has not gone out moves along."""

    def act(db: Connection) -> str:
        return _shifted(db, event, to - event.starts_at - shifts.of(db, event.piece, event.starts_at), person)

    return _once(store, event, f"move/{tap}", person.now, act) if tap else _now(store, act)


def _shifted(db: Connection, event: Event, told: timedelta, person: Person) -> str:
    by = timedelta(seconds=round(told.total_seconds()))
    if not by:
        raise Refused("That moves nothing: the event has that time already.")
    total = shifts.of(db, event.piece, event.starts_at) + by
    if abs(total) > _FARTHEST:
        raise Refused("An event can be moved by a week at most here. For more, change starts_at in its file.")
    shifts.put(db, event.piece, event.starts_at, total, person.now)
    rows = [row for row in handmade.live(db, event.piece) if _is_to_come(row, person.now)]
    deliveries.apply(db, [_moved(row, by, person.now) for row in rows])
    approvals.retime(db, event.piece, {(row.channel, row.part): row.due_at + by for row in rows}, pin.of)
    detail = f"by {_by(by)}, {_by(total)} in all"
    audit.write(db, person.now, person.name, "shift", piece=event.name, detail=detail)
    many = "1 post is" if len(rows) == 1 else f"{len(rows)} posts are"
    return f"{many} moved by {_by(by)}; the event runs {_running(total)}."


@dataclass(frozen=True, slots=True)
class Fresh:
    """A post typed in the hall: rendered for each channel, its part the name that the client gave it. `at` None: now.
    `late`: channel → for how many seconds it is still worth sending."""

    messages: Sequence[Message]
    late: Mapping[str, int | None]
    at: datetime | None = None
    expires_at: datetime | None = None


def say(store: Store, event: Event, fresh: Fresh, person: Person, tap: str, *, approval: bool = False) -> str:
    """Put in a fresh post."""

    def act(db: Connection) -> str:
        return " ".join([_said(db, event, fresh, message, person, approval) for message in fresh.messages])

    _refuse_another(store, event, fresh, tap)
    return _once(store, event, f"say/{tap}", person.now, act)


def _refuse_another(store: Store, event: Event, fresh: Fresh, tap: str) -> None:
    """A name that was given to other words is no second press of the same button."""
    with store.read() as db:
        for message in fresh.messages:
            said = handmade.said(db, event.piece, message.channel, message.part)
            if said is not None and said != message.text:
                raise Refused(f"'{tap}' is the name of another post: “{said[:60]}”. Give this one a name of its own.")


def _said(db: Connection, event: Event, fresh: Fresh, message: Message, person: Person, approval: bool) -> str:
    name, lang = message.channel, event.name.partition("/")[0]
    if handmade.twin(db, event.piece, name, message.text):
        raise Refused("The same text is out already, and X takes none twice. Change a word.")
    due, late = fresh.at or person.now, fresh.late.get(name)
    want = Wanted(name, message.part, due, late, fresh.expires_at, False, "", "", lang, None, live=True)
    number = handmade.add(db, event.piece, want, message)
    if number is None:
        raise Refused(f"A post of this event is called '{message.part}' already. Give it another name.")
    where = {"piece": event.name, "channel": name, "detail": message.text[:200]}
    audit.write(db, person.now, person.name, "fresh post", delivery=number, **where)
    if approval:
        return f"The post waits on {name} until somebody approves it (julki approve {number} --by NAME)."
    when = "at its time" if fresh.at else "now"
    return f"The post goes out {when} on {name}.{_but(db, event, name)}"


def _but(db: Connection, event: Event, channel: str) -> str:
    """What will stop it all the same, as far as that is known now."""
    own = {("all", ""), ("channel", channel), ("client", event.client), ("project", event.project)}
    for pause in pauses.current(db):
        if (pause.scope, pause.name) in own:
            what = "everything" if pause.scope == "all" else f"the {pause.scope} {pause.name}"
            return f" But {what} is paused by {pause.by}, so it will be held."
    return ""


def _unready(db: Connection, event: Event, row: Any, approval: bool) -> str:
    """What its file or its second reader has against it."""
    if row.fixed:
        return "" if row.approved_by or not approval else f" But it waits for: julki approve {row.id} --by NAME"
    if handmade.is_broken(db, event.piece):
        return " But its file has errors, so it will be held until they are mended."
    word = approvals.standing(db, [event.piece]).get(event.piece) if approval else None
    if approval and (word is None or word.decision != "approved"):
        return f" But nobody has approved it, so it will be held: julki approve {event.name} --by NAME"
    return ""


def _now(store: Store, act: Callable[[Connection], str]) -> str:
    with store.write() as db:
        return act(db)


def _once(store: Store, event: Event, tap: str, now: datetime, act: Callable[[Connection], str]) -> str:
    """A name is given within one event and for one act."""
    name = f"{event.piece}/{tap}"
    with store.write() as db:
        known = taps.answer(db, name)
        if known is not None:
            return known
        told = act(db)
        taps.keep(db, name, now, told)
        return told


def _each(rows: Sequence[Any], act: Callable[[Any], str]) -> str:
    """Done on every channel where it can be. Raises `Refused` where it can be nowhere."""
    told, refused = [], []
    for row in rows:
        try:
            told.append(act(row))
        except Refused as error:
            refused.append(str(error))
    if not told:
        raise Refused(" ".join(dict.fromkeys(refused)))
    return " ".join(dict.fromkeys([*told, *refused]))


def _posts(db: Connection, event: Event, part: str) -> list[Any]:
    rows = [row for row in handmade.live(db, event.piece) if row.part == part and row.state != "cancelled"]
    if not rows:
        raise Refused(f"{event.name} has no post '{part}'. See its posts with: julki live {event.name} --list")
    return rows


def _fired(db: Connection, row: Any, person: Person, approval: bool) -> str:
    if row.state in _WAITING:
        acts.fired(db, row, person)
        return f"{_what(row)} goes out now."
    if row.state not in _STOPPED:
        raise Refused(f"{_what(row)} is {row.state} already.")
    if row.reason == "uncertain":
        raise Refused(f"{_what(row)} may be out already. {row.error}")
    if approval and row.state == "held" and row.reason in approvals.REASONS:
        raise Refused(f"{_what(row)} needs somebody's approval first. {row.error}")
    acts.again(db, row, person, approval=approval)
    return f"{_what(row)} goes out now."


def _is_to_come(row: Any, now: datetime) -> bool:
    """What was fired, or typed to go out at once, is on its way, whatever the hall's clock says."""
    on_its_way = row.waived or (row.fixed and row.due_at is not None and row.due_at <= now)
    return row.state in (*_WAITING, "held") and row.due_at is not None and not on_its_way


def _moved(row: Any, by: timedelta, now: datetime) -> Change:
    stored = Stored._make(getattr(row, name) for name in Stored._fields)
    due = row.due_at + by
    want = stored.wanted()._replace(due_at=due)
    return Back(row.id, row.state, want) if row.reason == "late" and due > now else Moved(row.id, want)


def _by(by: timedelta) -> str:
    return f"{'-' if by < timedelta(0) else ''}{format_duration(abs(by))}"


def _running(total: timedelta) -> str:
    if not total:
        return "on time"
    return f"{format_duration(abs(total))} {'late' if total > timedelta(0) else 'early'}"


def _what(row: Any) -> str:
    return f"'{row.part}' on {row.channel}"


def _audit(db: Connection, row: Any, person: Person, act: str) -> None:
    audit.write(db, person.now, person.name, act, piece=row.name, channel=row.channel, delivery=row.id, detail=row.part)
