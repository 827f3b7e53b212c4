"""Deliveries: how the plan's changes land, and what people ask about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, func, insert, or_, select, update

from scheduler.changes import Back, Change, Dropped, Moved, New, Stored
from scheduler.plan import Wanted
from scheduler.store import audit
from scheduler.store.core import ATTEMPT, DELIVERY, PIECE, SOURCE

_STORED = (
    DELIVERY.c.piece_id,
    DELIVERY.c.id,
    DELIVERY.c.state,
    DELIVERY.c.reason,
    DELIVERY.c.fixed,
    DELIVERY.c.waived,
    DELIVERY.c.channel,
    DELIVERY.c.part,
    DELIVERY.c.due_at,
    DELIVERY.c.late,
    DELIVERY.c.expires_at,
    DELIVERY.c.archive,
    DELIVERY.c.period,
    DELIVERY.c.segment,
    DELIVERY.c.lang,
    DELIVERY.c.after_id,
    DELIVERY.c.live,
)
_OPEN = ("planned", "retrying", "held")


def stored(db: Connection) -> Iterator[tuple[int, list[Stored]]]:
    """Every delivery, grouped by piece, pieces in the order of their numbers. Streamed: there may be 100,000."""
    query = select(*_STORED).order_by(DELIVERY.c.piece_id, DELIVERY.c.id).execution_options(yield_per=2000)
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
    for start in range(0, len(changes), 500):
        chunk = changes[start : start + 500]
        rows = [{"piece_id": n, **want._asdict(), "ready_at": want.due_at, **FRESH} for n, want in chunk]
        db.execute(insert(DELIVERY), rows)


FRESH = {
    "state": "planned",
    "waived": False,
    "changed": 0,
    "withdraw": False,
    "generation": 0,
    "attempts": 0,
    **dict.fromkeys(("reason", "error", "digest", "remote_id", "permalink"), ""),
    "fixed": False,
}
"""What a new delivery is beside what is wanted of it."""


def _values(want: Wanted) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in want._asdict().items() if name not in ("channel", "part")}


_COLUMNS = [name for name in Wanted._fields if name not in ("channel", "part")]
_TABLE = DELIVERY


def _move(db: Connection, changes: Sequence[Moved]) -> None:
    """A new time counts for what waits, but brings no retry forward; of what is out only the end can change. Whoever asked
    for it however late meant the old time."""
    if not changes:
        return
    rows = [{"row": change.id, **_values(change.wanted)} for change in changes]
    due = bindparam("new_due_at", type_=_TABLE.c.due_at.type)
    put_off = and_(_TABLE.c.state == "retrying", or_(due.is_(None), _TABLE.c.ready_at > due))
    ready: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _COLUMNS}
    ready["ready_at"] = case((put_off, _TABLE.c.ready_at), else_=due)
    ready["waived"] = _still_waived()
    still_open = or_(*(_TABLE.c.state == state for state in _OPEN))
    waiting = update(_TABLE).where(_TABLE.c.id == bindparam("row"), still_open).values(ready)
    db.execute(waiting, rows)
    out = update(_TABLE).where(_TABLE.c.id == bindparam("row"), _TABLE.c.state == "published")
    db.execute(out.values(expires_at=bindparam("new_expires_at")), rows)


def _still_waived() -> Any:
    return and_(
        _TABLE.c.waived, _TABLE.c.due_at.is_not_distinct_from(bindparam("new_due_at", type_=_TABLE.c.due_at.type))
    )


def _bring_back(db: Connection, changes: Sequence[Back]) -> None:
    if not changes:
        return
    rows = [{"row": change.id, "was": change.state, **_values(change.wanted)} for change in changes]
    fresh = {
        "state": "planned",
        "reason": "",
        "error": "",
        "ready_at": bindparam("new_due_at"),
        "waived": _still_waived(),
    }
    same = (_TABLE.c.id == bindparam("row"), _TABLE.c.state == bindparam("was"))
    db.execute(update(_TABLE).where(*same).values({name: bindparam(f"new_{name}") for name in _COLUMNS} | fresh), rows)


def _drop(db: Connection, changes: Sequence[Dropped]) -> None:
    if not changes:
        return
    rows = [{"row": change.id, "was": change.state, "why": change.why} for change in changes]
    same = (_TABLE.c.id == bindparam("row"), _TABLE.c.state == bindparam("was"))
    db.execute(update(_TABLE).where(*same).values(state="cancelled", reason="dropped", error=bindparam("why")), rows)


def mark_changed(db: Connection, pieces: Sequence[int]) -> None:
    """These pieces were edited: whatever was made of them is to be looked at again."""
    again = {
        "changed": DELIVERY.c.changed + 1,
        "ready_at": func.coalesce(DELIVERY.c.ready_at, DELIVERY.c.due_at),
        "links_page": None,
    }
    for start in range(0, len(pieces), 500):
        db.execute(update(DELIVERY).where(DELIVERY.c.piece_id.in_(pieces[start : start + 500])).values(again))


def calm(db: Connection, number: int, edits: int, error: str = "") -> None:
    """Those edits need nothing here; one that came since does not count among them."""
    same = (DELIVERY.c.id == number, DELIVERY.c.changed == edits)
    db.execute(update(DELIVERY).where(*same).values(changed=0, error=error))


def put_off(db: Connection, row: Any, until: datetime) -> None:
    """Look at it again then, and not before; unless its time was changed since the row was read."""
    same = (DELIVERY.c.id == row.id, DELIVERY.c.ready_at.is_not_distinct_from(row.ready_at))
    db.execute(update(DELIVERY).where(*same).values(ready_at=until))


def hold_doubtful(db: Connection, pieces: Mapping[int, str], channels: Sequence[str], why: str, now: datetime) -> None:
    """A newcomer that may be an old piece under a new name waits for a person, except on `channels`."""
    for piece, old in pieces.items():
        query = select(DELIVERY.c.id, DELIVERY.c.channel, PIECE.c.name).join(PIECE, PIECE.c.id == DELIVERY.c.piece_id)
        same = (DELIVERY.c.piece_id == piece, DELIVERY.c.state == "planned", DELIVERY.c.channel.not_in(channels))
        for row in db.execute(query.where(*same)).all():
            text = why.format(old=old, id=row.id)
            if move(db, row.id, ("planned",), state="held", reason="rename", error=text):
                told = {"piece": row.name, "channel": row.channel, "delivery": row.id, "detail": text}
                audit.write(db, now, audit.DESK, "held", **told)


_QUEUE = (
    DELIVERY.c.id,
    PIECE.c.name,
    DELIVERY.c.channel,
    DELIVERY.c.part,
    DELIVERY.c.state,
    DELIVERY.c.due_at,
    DELIVERY.c.published_at,
    DELIVERY.c.remote_id,
    DELIVERY.c.permalink,
    DELIVERY.c.attempts,
    DELIVERY.c.error,
    DELIVERY.c.reason,
    PIECE.c.path,
    PIECE.c.gone_at,
    PIECE.c.title,
    PIECE.c.client,
    PIECE.c.project,
)


def queue(db: Connection, state: str | None = None) -> Sequence[Any]:
    """Every delivery (of that state), the next due last."""
    query = select(*_QUEUE).join(PIECE, PIECE.c.id == DELIVERY.c.piece_id).order_by(DELIVERY.c.due_at, DELIVERY.c.id)
    return db.execute(query.where(DELIVERY.c.state == state) if state else query).all()


def counts(db: Connection) -> dict[tuple[str, str], int]:
    """(Channel, state) → how many."""
    query = select(DELIVERY.c.channel, DELIVERY.c.state, func.count()).group_by(DELIVERY.c.channel, DELIVERY.c.state)
    return {(channel, state): number for channel, state, number in db.execute(query)}


def planned(db: Connection, until: datetime) -> Sequence[Any]:
    """What is still to go out until then, in order: piece (its number, name, path and uid), kind, channel, part, due_at,
    state, title, and of what was made at the desk the digest."""
    columns = (
        DELIVERY.c.piece_id,
        PIECE.c.name,
        SOURCE.c.kind,
        DELIVERY.c.channel,
        DELIVERY.c.part,
        DELIVERY.c.due_at,
        DELIVERY.c.state,
        PIECE.c.title,
        PIECE.c.path,
        PIECE.c.uid,
        DELIVERY.c.fixed,
        DELIVERY.c.digest,
    )
    query = (
        select(*columns)
        .join(PIECE, PIECE.c.id == DELIVERY.c.piece_id)
        .join(SOURCE, SOURCE.c.path == PIECE.c.path, isouter=True)
        .where(
            DELIVERY.c.state.in_((*_OPEN, "publishing")), or_(DELIVERY.c.due_at.is_(None), DELIVERY.c.due_at <= until)
        )
        .order_by(DELIVERY.c.due_at, PIECE.c.name, DELIVERY.c.id)
    )
    return db.execute(query).all()


def get(db: Connection, number: int) -> Any | None:
    """One delivery, whole, with its piece's `name` and `uid`."""
    query = select(_TABLE, PIECE.c.name, PIECE.c.uid).join(PIECE, PIECE.c.id == DELIVERY.c.piece_id)
    return db.execute(query.where(DELIVERY.c.id == number)).first()


def owner(db: Connection, channel: str, remote_id: str, but: int) -> Any | None:
    """The other delivery on that channel that the remote's post is already known to be: id and the piece's name."""
    query = select(DELIVERY.c.id, PIECE.c.name).join(PIECE, PIECE.c.id == DELIVERY.c.piece_id)
    same = (DELIVERY.c.channel == channel, DELIVERY.c.remote_id == remote_id, DELIVERY.c.id != but)
    return db.execute(query.where(*same, DELIVERY.c.published_at.is_not(None))).first()


def move(db: Connection, number: int, states: Sequence[str], *, seen: Any = None, **values: Any) -> bool:
    """Compare and set: change the delivery only while it is in one of `states`, and has no attempt under way. `seen`: the
    row as it was judged; where its date, an edit or a person's word has come since, nothing is done."""
    busy = select(ATTEMPT.c.id).where(ATTEMPT.c.delivery_id == number, ATTEMPT.c.outcome.is_(None)).exists()
    same = [DELIVERY.c.id == number, DELIVERY.c.state.in_(states), ~busy]
    if seen is not None:
        same += [DELIVERY.c[name].is_not_distinct_from(getattr(seen, name)) for name in ("due_at", "waived", "changed")]
    return db.execute(update(DELIVERY).where(*same).values(**values)).rowcount == 1


def release(db: Connection, pieces: Sequence[int], reasons: Sequence[str]) -> None:
    """What these pieces had held for one of those reasons is planned again: their files have changed."""
    values = {"state": "planned", "reason": "", "error": "", "ready_at": DELIVERY.c.due_at}
    for start in range(0, len(pieces), 500):
        same = (
            DELIVERY.c.piece_id.in_(pieces[start : start + 500]),
            DELIVERY.c.state == "held",
            DELIVERY.c.reason.in_(reasons),
        )
        db.execute(update(DELIVERY).where(*same).values(values))


def hold_piece(db: Connection, piece: int, reason: str, why: str) -> None:
    """Whatever of the piece has not gone out waits for a person."""
    query = select(DELIVERY.c.id).where(DELIVERY.c.piece_id == piece, DELIVERY.c.state.in_(("planned", "retrying")))
    for number in db.execute(query).scalars().all():
        move(db, number, ("planned", "retrying"), state="held", reason=reason, error=why)


def hasten(db: Connection, channel: str, at: datetime, *, live: bool = True) -> None:
    """What waits for the channel to work again is tried then: when it does, or when that is to be tried. `live`: the posts
    of halls, too."""
    same = [DELIVERY.c.channel == channel, DELIVERY.c.state == "retrying", DELIVERY.c.reason == "unavailable"]
    same += [] if live else [DELIVERY.c.live.is_(False)]
    ahead = case((DELIVERY.c.due_at > at, DELIVERY.c.due_at), else_=at)
    db.execute(update(DELIVERY).where(*same).values(ready_at=ahead))


def overdue(db: Connection, channel: str, before: datetime) -> Sequence[Any]:
    """The planned deliveries of a channel, archive aside, that could have gone out before then: id, due_at, and the
    edition that it belongs to (period, lang, segment)."""
    same = (DELIVERY.c.channel == channel, DELIVERY.c.state.in_(("planned", "retrying")), DELIVERY.c.due_at < before)
    fresh = (DELIVERY.c.ready_at < before, DELIVERY.c.archive.is_(False), DELIVERY.c.waived.is_(False))
    columns = (DELIVERY.c.id, DELIVERY.c.due_at, DELIVERY.c.period, DELIVERY.c.lang, DELIVERY.c.segment)
    return db.execute(select(*columns).where(*same, *fresh)).all()


def rewind(db: Connection, channel: str, now: datetime) -> None:
    """The clock was set back: what was put off by a clock that went ahead is looked at again at its own time."""
    own = case((DELIVERY.c.due_at > now, DELIVERY.c.due_at), else_=now)
    same = (DELIVERY.c.channel == channel, DELIVERY.c.state.in_(("planned", "retrying")), DELIVERY.c.ready_at > own)
    db.execute(update(DELIVERY).where(*same).values(ready_at=own))
