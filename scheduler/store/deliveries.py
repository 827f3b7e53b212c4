"""Deliveries: how the plan's changes land, and what people ask about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, or_, select, update

from scheduler.plan import Back, Change, Dropped, Moved, New, Stored, Wanted
from scheduler.store.tables import Attempt, Delivery, Piece, Source

_STORED = (
    Delivery.piece_id,
    Delivery.id,
    Delivery.state,
    Delivery.reason,
    Delivery.channel,
    Delivery.part,
    Delivery.due_at,
    Delivery.late,
    Delivery.expires_at,
    Delivery.archive,
    Delivery.period,
    Delivery.segment,
    Delivery.lang,
    Delivery.after_id,
)
_OPEN = ("planned", "retrying", "held")


def stored(db: Connection) -> Iterator[tuple[int, list[Stored]]]:
    """Every delivery, grouped by piece, pieces in the order of their numbers. Streamed: there may be 100,000."""
    query = select(*_STORED).order_by(Delivery.piece_id, Delivery.id).execution_options(yield_per=2000)
    rows = (Stored._make(row) for row in db.execute(query))
    for piece, group in groupby(rows, itemgetter(0)):
        yield piece, list(group)


def apply(db: Connection, changes: Sequence[Change]) -> dict[str, int]:
    """Write the changes; each only where the delivery still is as the plan saw it. How many of each there were."""
    new = [change for change in changes if isinstance(change, New)]
    moved = [change for change in changes if isinstance(change, Moved)]
    back = [change for change in changes if isinstance(change, Back)]
    dropped = [change for change in changes if isinstance(change, Dropped)]
    _insert(db, new)
    _move(db, moved)
    _bring_back(db, back)
    _drop(db, dropped)
    return {"new": len(new), "moved": len(moved), "back": len(back), "cancelled": len(dropped)}


def _insert(db: Connection, changes: Sequence[New]) -> None:
    empty = {"state": "planned", "waived": False, "changed": False, "withdraw": False, "generation": 0, "attempts": 0}
    text = dict.fromkeys(("reason", "error", "digest", "remote_id", "permalink"), "")
    rows = [{"piece_id": piece, **want._asdict(), "ready_at": want.due_at, **empty, **text} for piece, want in changes]
    for start in range(0, len(rows), 1000):
        db.execute(insert(Delivery), rows[start : start + 1000])


def _values(want: Wanted) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in want._asdict().items() if name not in ("channel", "part")}


_COLUMNS = [name for name in Wanted._fields if name not in ("channel", "part")]
_TABLE = Delivery.__table__


def _move(db: Connection, changes: Sequence[Moved]) -> None:
    """A new time counts for what waits; of what is out only the end can change."""
    if not changes:
        return
    rows = [{"row": change.id, **_values(change.wanted)} for change in changes]
    ready = {name: bindparam(f"new_{name}") for name in _COLUMNS} | {"ready_at": bindparam("new_due_at")}
    waiting = update(_TABLE).where(_TABLE.c.id == bindparam("row"), _TABLE.c.state.in_(_OPEN)).values(ready)
    db.execute(waiting, rows)
    out = update(_TABLE).where(_TABLE.c.id == bindparam("row"), _TABLE.c.state == "published")
    db.execute(out.values(expires_at=bindparam("new_expires_at")), rows)


def _bring_back(db: Connection, changes: Sequence[Back]) -> None:
    if not changes:
        return
    rows = [{"row": change.id, "was": change.state, **_values(change.wanted)} for change in changes]
    fresh = {"state": "planned", "reason": "", "error": "", "ready_at": bindparam("new_due_at")}
    same = (_TABLE.c.id == bindparam("row"), _TABLE.c.state == bindparam("was"))
    db.execute(update(_TABLE).where(*same).values({name: bindparam(f"new_{name}") for name in _COLUMNS} | fresh), rows)


def _drop(db: Connection, changes: Sequence[Dropped]) -> None:
    if not changes:
        return
    rows = [{"row": change.id, "was": change.state} for change in changes]
    same = (_TABLE.c.id == bindparam("row"), _TABLE.c.state == bindparam("was"))
    why = "its file no longer asks for it"
    db.execute(update(_TABLE).where(*same).values(state="cancelled", reason="dropped", error=why), rows)


def mark_changed(db: Connection, pieces: Sequence[int]) -> None:
    """These pieces were edited: what is out, or under way, is to be looked at again."""
    for start in range(0, len(pieces), 500):
        same = (Delivery.piece_id.in_(pieces[start : start + 500]), Delivery.digest != "")
        db.execute(
            update(Delivery)
            .where(*same)
            .values(changed=True, ready_at=func.coalesce(Delivery.ready_at, Delivery.due_at))
        )


def hold_doubtful(db: Connection, pieces: Mapping[int, str], channels: Sequence[str], why: str) -> None:
    """A newcomer that may be an old piece under a new name waits for a person, except on `channels`."""
    for piece, old in pieces.items():
        same = (Delivery.piece_id == piece, Delivery.state == "planned", Delivery.channel.not_in(channels))
        db.execute(update(Delivery).where(*same).values(state="held", reason="rename", error=why.format(old=old)))


_QUEUE = (
    Delivery.id,
    Piece.name,
    Delivery.channel,
    Delivery.part,
    Delivery.state,
    Delivery.due_at,
    Delivery.published_at,
    Delivery.remote_id,
    Delivery.permalink,
    Delivery.attempts,
    Delivery.error,
    Delivery.reason,
    Piece.path,
    Piece.gone_at,
    Piece.title,
)


def queue(db: Connection, state: str | None = None) -> Sequence[Row[Any]]:
    """Every delivery (of that state), the next due last."""
    query = select(*_QUEUE).join(Piece, Piece.id == Delivery.piece_id).order_by(Delivery.due_at, Delivery.id)
    return db.execute(query.where(Delivery.state == state) if state else query).all()


def counts(db: Connection) -> dict[tuple[str, str], int]:
    """(Channel, state) → how many."""
    query = select(Delivery.channel, Delivery.state, func.count()).group_by(Delivery.channel, Delivery.state)
    return {(channel, state): number for channel, state, number in db.execute(query)}


def planned(db: Connection, until: datetime) -> Sequence[Row[Any]]:
    """What is still to go out until then, in order: piece, kind, channel, part, due_at, state, title."""
    columns = (Piece.name, Source.kind, Delivery.channel, Delivery.part, Delivery.due_at, Delivery.state, Piece.title)
    query = (
        select(*columns)
        .join(Piece, Piece.id == Delivery.piece_id)
        .join(Source, Source.path == Piece.path, isouter=True)
        .where(Delivery.state.in_((*_OPEN, "publishing")), or_(Delivery.due_at.is_(None), Delivery.due_at <= until))
        .order_by(Delivery.due_at, Piece.name, Delivery.id)
    )
    return db.execute(query).all()


def get(db: Connection, number: int) -> Row[Any] | None:
    """One delivery, whole, with its piece's `name` and `uid`."""
    query = select(_TABLE, Piece.name, Piece.uid).join(Piece, Piece.id == Delivery.piece_id)
    return db.execute(query.where(Delivery.id == number)).first()


def move(db: Connection, number: int, states: Sequence[str], **values: Any) -> bool:
    """Compare and set: change the delivery only while it is in one of `states`, and has no attempt under way."""
    busy = select(Attempt.id).where(Attempt.delivery_id == number, Attempt.outcome.is_(None)).exists()
    same = (Delivery.id == number, Delivery.state.in_(states), ~busy)
    return db.execute(update(Delivery).where(*same).values(**values)).rowcount == 1


def release(db: Connection, pieces: Sequence[int], reasons: Sequence[str]) -> None:
    """What these pieces had held for one of those reasons is planned again: their files have changed."""
    values = {"state": "planned", "reason": "", "error": "", "ready_at": Delivery.due_at}
    for start in range(0, len(pieces), 500):
        same = (
            Delivery.piece_id.in_(pieces[start : start + 500]),
            Delivery.state == "held",
            Delivery.reason.in_(reasons),
        )
        db.execute(update(Delivery).where(*same).values(values))


def overdue(db: Connection, channel: str, before: datetime) -> list[int]:
    """The planned deliveries of a channel, archive aside, that were due before then."""
    same = (Delivery.channel == channel, Delivery.state.in_(("planned", "retrying")), Delivery.due_at < before)
    query = select(Delivery.id).where(*same, Delivery.archive.is_(False), Delivery.waived.is_(False))
    return list(db.execute(query).scalars())
