"""What the desk remembers of itself, by key."""

from __future__ import annotations

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from scheduler.store.core import MARK


def get(db: Connection, key: str) -> str:
    """The value, or ""."""
    return db.execute(select(MARK.c.value).where(MARK.c.key == key)).scalar() or ""


def put(db: Connection, key: str, value: str) -> None:
    statement = insert(MARK).values(key=key, value=value)
    db.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))
