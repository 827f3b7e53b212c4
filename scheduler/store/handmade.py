"""What was made at the desk and stands in no file: fresh live posts and corrections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from channels.message import Message
from scheduler.plan import Wanted
from scheduler.store import deliveries, messages
from scheduler.store.core import DELIVERY

_OPEN = ("planned", "retrying", "held")
CORRECTION = "correction:"
"""How the part of a correction begins; its number follows. No label of a live post has a colon."""


def add(db: Connection, piece: int, want: Wanted, message: Message, replies_to: int | None = None) -> int | None:
    """Keep it, to go out at its time; its number, or None where that part is there already."""
    messages.save(db, [message])
    return deliveries.add(db, piece, want, message.digest(), replies_to)


def waiting(db: Connection, piece: int) -> list[Message]:
    """The messages that have not gone out."""
    same = (DELIVERY.c.piece_id == piece, DELIVERY.c.fixed, DELIVERY.c.state.in_(_OPEN))
    digests = db.execute(select(DELIVERY.c.digest).where(*same).order_by(DELIVERY.c.id)).scalars().all()
    return [messages.load(db, digest) for digest in digests]


def corrections(db: Connection, number: int) -> Sequence[Any]:
    """The corrections of a delivery, oldest first."""
    return db.execute(select(DELIVERY).where(DELIVERY.c.replies_to == number).order_by(DELIVERY.c.id)).all()


def next_part(db: Connection, piece: int, channel: str) -> str:
    """The name of a new correction."""
    same = (DELIVERY.c.piece_id == piece, DELIVERY.c.channel == channel, DELIVERY.c.part.startswith(CORRECTION))
    count = db.execute(select(func.count()).where(*same)).scalar() or 0
    return f"{CORRECTION}{count + 1}"
