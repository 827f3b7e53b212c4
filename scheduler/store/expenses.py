"""What channels have cost: posts by their attempts, and what was paid for beside them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, insert, or_, select

from scheduler.store.core import ATTEMPT, EXPENSE

_A, _E = ATTEMPT.c, EXPENSE.c
_CHARGED = ("published", "repeat", "unknown")
"""How an attempt ends that was, or may have been, accepted. While it is open it counts, too."""


def spent(db: Connection, channel: str, since: datetime) -> int:
    """Since then, in millionths of a US dollar; what may have been charged counts as charged."""
    return posts(db, channel, since) + beside(db, channel, since)


def posts(db: Connection, channel: str, since: datetime) -> int:
    charged = or_(_A.outcome.is_(None), _A.outcome.in_(_CHARGED))
    same = (_A.channel == channel, _A.started_at >= since, _A.cost > 0, charged)
    return int(db.execute(select(func.coalesce(func.sum(_A.cost), 0)).where(*same)).scalar_one())


def add(db: Connection, channel: str, what: str, count: int, cost: int, at: datetime) -> None:
    """So many were paid for, `cost` millionths of a US dollar in all."""
    db.execute(insert(EXPENSE).values(channel=channel, what=what, count=count, cost=cost, at=at))


def beside(db: Connection, channel: str, since: datetime) -> int:
    """What was read."""
    same = (_E.channel == channel, _E.at >= since)
    return int(db.execute(select(func.coalesce(func.sum(_E.cost), 0)).where(*same)).scalar_one())
