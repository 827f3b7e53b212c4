"""Who did what, and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from scheduler.store.core import AUDIT

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
    db.execute(insert(AUDIT).values(row))


def of_delivery(db: Connection, delivery: int) -> Sequence[Any]:
    """All acts on one delivery, oldest first."""
    return db.execute(select(AUDIT).where(AUDIT.c.delivery_id == delivery).order_by(AUDIT.c.id)).all()
