"""How each channel fares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.sqlite import insert

from scheduler.store.core import BREAKER


def get(db: Connection, channel: str) -> Any | None:
    """The row; None for a channel that never failed."""
    return db.execute(select(BREAKER).where(BREAKER.c.channel == channel)).first()


def put(db: Connection, channel: str, values: Mapping[str, Any]) -> None:
    statement = insert(BREAKER).values(channel=channel, **values)
    db.execute(statement.on_conflict_do_update(index_elements=["channel"], set_=dict(values)))


def try_now(db: Connection, channel: str) -> None:
    """A person wants it tried, whatever was waited for."""
    db.execute(update(BREAKER).where(BREAKER.c.channel == channel).values(until=None))


def resting(db: Connection) -> dict[str, Any]:
    """Channel → row, of those that are open or told to wait."""
    rows = db.execute(select(BREAKER).where(BREAKER.c.until.is_not(None)).order_by(BREAKER.c.channel)).all()
    return {row.channel: row for row in rows}
