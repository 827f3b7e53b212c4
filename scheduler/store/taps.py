"""Presses of a button. A client names each press, so that one that arrives twice counts once."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from scheduler.store.core import TAP

_KEPT = timedelta(days=30)


def answer(db: Connection, tap: str) -> str | None:
    """What was answered when it was pressed first; None: it is new."""
    return db.execute(select(TAP.c.told).where(TAP.c.id == tap)).scalar() if tap else None


def keep(db: Connection, tap: str, now: datetime, told: str) -> None:
    """It was pressed, and this was the answer. "" is no name, and is not kept."""
    db.execute(delete(TAP).where(TAP.c.at < now - _KEPT))
    if tap:
        db.execute(insert(TAP).values(id=tap, at=now, told=told))
