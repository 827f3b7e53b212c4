"""What the desk's own pages show: a few rows of each sort, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from scheduler.store.core import DELIVERY, PIECE

_D = DELIVERY.c
_ROW = (
    _D.id,
    PIECE.c.name,
    PIECE.c.title,
    _D.channel,
    _D.part,
    _D.state,
    _D.due_at,
    _D.published_at,
    _D.permalink,
    _D.error,
)
_WAITING = ("planned", "retrying")


def coming(db: Connection, until: datetime, most: int) -> Sequence[Any]:
    """What goes out until then, next first. A post that is fired by hand has no time, and is not among them."""
    same = (_D.state.in_((*_WAITING, "publishing")), _D.due_at <= until)
    return db.execute(_rows().where(*same).order_by(_D.due_at, PIECE.c.name, _D.part, _D.id).limit(most)).all()


def troubled(db: Connection, most: int) -> Sequence[Any]:
    """What waits for a person, the latest due first."""
    same = _D.state.in_(("held", "failed"))
    return db.execute(_rows().where(same).order_by(_D.due_at.desc(), _D.id).limit(most)).all()


def lately(db: Connection, most: int) -> Sequence[Any]:
    """What went out last, the newest first."""
    same = (_D.state == "published", _D.published_at.is_not(None))
    return db.execute(_rows().where(*same).order_by(_D.published_at.desc(), _D.id).limit(most)).all()


def oldest_overdue(db: Connection, now: datetime) -> datetime | None:
    """Since when the oldest delivery that could go out has been waiting."""
    return db.execute(select(func.min(_D.ready_at)).where(_D.state.in_(_WAITING), _D.ready_at <= now)).scalar()


def _rows() -> Any:
    return select(*_ROW).join(PIECE, PIECE.c.id == _D.piece_id)
