"""Periodic work: for which periods it was begun and done. A period's key sorts as time goes (`2026-W47`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.sqlite import insert

from scheduler.store.core import DELIVERY, PIECE, ROUND, SOURCE

_R = ROUND.c


def newest(db: Connection, name: str) -> Any | None:
    """The row of the latest period that is known of that work."""
    query = select(ROUND).where(_R.name == name).order_by(_R.period.desc()).limit(1)
    return db.execute(query).first()


def last_done(db: Connection, name: str) -> str:
    """The latest period that is done; "" where none is."""
    return db.execute(select(func.max(_R.period)).where(_R.name == name, _R.done_at.is_not(None))).scalar() or ""


def pass_over(db: Connection, name: str, period: str, now: datetime) -> None:
    """The period counts as done, though nothing was."""
    row = insert(ROUND).values(name=name, period=period, begun_at=now, done_at=now)
    db.execute(row.on_conflict_do_nothing())


def begin(db: Connection, name: str, period: str, now: datetime, given_up: datetime) -> bool:
    """Whether the period is ours to work on: nobody began it, or whoever did so before `given_up` never came to the end."""
    row = insert(ROUND).values(name=name, period=period, begun_at=now)
    if db.execute(row.on_conflict_do_nothing()).rowcount == 1:
        return True
    left = (_R.name == name, _R.period == period, _R.done_at.is_(None), _R.begun_at <= given_up)
    return db.execute(update(ROUND).where(*left).values(begun_at=now)).rowcount == 1


def finish(db: Connection, name: str, period: str, now: datetime) -> None:
    db.execute(update(ROUND).where(_R.name == name, _R.period == period).values(done_at=now))


def went_out(db: Connection, start: datetime, end: datetime) -> Sequence[Any]:
    """What went out from `start` until before `end`, archive aside: name, title, kind, channel, part, published_at,
    permalink, in order."""
    columns = (PIECE.c.name, PIECE.c.title, SOURCE.c.kind, DELIVERY.c.channel, DELIVERY.c.part)
    query = (
        select(*columns, DELIVERY.c.published_at, DELIVERY.c.permalink)
        .join(PIECE, PIECE.c.id == DELIVERY.c.piece_id)
        .join(SOURCE, SOURCE.c.path == PIECE.c.path, isouter=True)
        .where(DELIVERY.c.state == "published", DELIVERY.c.archive.is_(False))
        .where(DELIVERY.c.published_at >= start, DELIVERY.c.published_at < end)
    )
    return db.execute(query.order_by(DELIVERY.c.published_at, DELIVERY.c.id)).all()
