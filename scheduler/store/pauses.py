"""What is stopped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from scheduler.store.tables import Pause


def current(db: Connection) -> Sequence[Row[Any]]:
    """Every pause that holds now, oldest first."""
    return db.execute(select(Pause.__table__).where(Pause.ended_at.is_(None)).order_by(Pause.id)).all()


def begin(db: Connection, scope: str, name: str, reason: str, by: str, at: datetime) -> None:
    row = {"scope": scope, "name": name, "reason": reason, "by": by, "at": at, "ended_by": ""}
    db.execute(insert(Pause).values(row))


def end(db: Connection, scope: str, name: str, by: str, at: datetime) -> int:
    """How many pauses of exactly that scope and name ended."""
    same = (Pause.scope == scope, Pause.name == name, Pause.ended_at.is_(None))
    return db.execute(update(Pause).where(*same).values(ended_at=at, ended_by=by)).rowcount
