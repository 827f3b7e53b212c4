"""What is stopped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from scheduler.store.core import PAUSE


def current(db: Connection) -> Sequence[Any]:
    """Every pause that holds now, oldest first."""
    return db.execute(select(PAUSE).where(PAUSE.c.ended_at.is_(None)).order_by(PAUSE.c.id)).all()


def begin(db: Connection, scope: str, name: str, reason: str, by: str, at: datetime) -> None:
    row = {"scope": scope, "name": name, "reason": reason, "by": by, "at": at, "ended_by": ""}
    db.execute(insert(PAUSE).values(row))


def end(db: Connection, scope: str, name: str, by: str, at: datetime) -> int:
    """How many pauses of exactly that scope and name ended."""
    same = (PAUSE.c.scope == scope, PAUSE.c.name == name, PAUSE.c.ended_at.is_(None))
    return db.execute(update(PAUSE).where(*same).values(ended_at=at, ended_by=by)).rowcount
