"""What the desk remembers of itself, by key."""

from __future__ import annotations

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from scheduler.store.tables import Mark


def get(db: Connection, key: str) -> str:
    """The value, or ""."""
    return db.execute(select(Mark.value).where(Mark.key == key)).scalar() or ""


def put(db: Connection, key: str, value: str) -> None:
    statement = insert(Mark).values(key=key, value=value)
    db.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))
