"""Who did what, and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from scheduler.store.tables import Audit

DESK = "desk"


def write(
    db: Connection,
    at: datetime,
    by: str,
    act: str,
    *,
    piece: str = "",
    channel: str = "",
    delivery: int | None = None,
    detail: str = "",
) -> None:
    """One act; `detail` is plain words and holds no secret."""
    row = {
        "at": at,
        "by": by,
        "act": act,
        "piece": piece,
        "channel": channel,
        "delivery_id": delivery,
        "detail": detail,
    }
    db.execute(insert(Audit).values(row))


def of_delivery(db: Connection, delivery: int) -> Sequence[Row[Any]]:
    """All acts on one delivery, oldest first."""
    return db.execute(select(Audit.__table__).where(Audit.delivery_id == delivery).order_by(Audit.id)).all()
