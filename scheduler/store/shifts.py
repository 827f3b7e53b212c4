"""By how much live events run late."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from scheduler.store.core import SHIFT

Shifts = dict[tuple[int, datetime], timedelta]
"""Piece and the start that its file has → by how much it runs late."""


def all_of(db: Connection) -> Shifts:
    """Those that are known: one an event that was ever moved."""
    rows = db.execute(select(SHIFT.c.piece_id, SHIFT.c.starts_at, SHIFT.c.seconds))
    return {(piece, starts_at): timedelta(seconds=seconds) for piece, starts_at, seconds in rows}


def of(db: Connection, piece: int, starts_at: datetime) -> timedelta:
    """By how much that event runs late; nothing where its file has got another start since."""
    same = (SHIFT.c.piece_id == piece, SHIFT.c.starts_at == starts_at)
    return timedelta(seconds=db.execute(select(SHIFT.c.seconds).where(*same)).scalar() or 0)


def put(db: Connection, piece: int, starts_at: datetime, shift: timedelta, now: datetime) -> None:
    values = {"starts_at": starts_at, "seconds": int(shift.total_seconds()), "at": now}
    statement = insert(SHIFT).values(piece_id=piece, **values)
    db.execute(statement.on_conflict_do_update(index_elements=["piece_id"], set_=values))
