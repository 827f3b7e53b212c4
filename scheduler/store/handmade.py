"""What people make and move in the hall and at the desk: the posts of live events, fresh ones, and corrections.

What was made at the desk stands in no file: its message is kept when it is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from channels.message import Message
from scheduler.plan import Wanted
from scheduler.store import messages
from scheduler.store.core import DELIVERY, PIECE, SOURCE
from scheduler.store.deliveries import FRESH

_D = DELIVERY
_OPEN = ("planned", "retrying", "held")
CORRECTION = "correction:"
"""How the part of a correction begins; its number follows. No label of a live post has a colon."""


def live(db: Connection, piece: int) -> Sequence[Any]:
    """The posts of a live event on all channels, in the order of their times, with the piece's `name` and `uid`."""
    query = select(_D, PIECE.c.name, PIECE.c.uid).join(PIECE, PIECE.c.id == _D.c.piece_id)
    return db.execute(query.where(_D.c.piece_id == piece, _D.c.live).order_by(_D.c.due_at, _D.c.id)).all()


def add(db: Connection, piece: int, want: Wanted, message: Message, replies_to: int | None = None) -> int | None:
    """Keep it, to go out at its time; its number, or None where that part is there already."""
    row = {"piece_id": piece, **want._asdict(), "ready_at": want.due_at, **FRESH}
    row |= {"fixed": True, "digest": message.digest(), "replies_to": replies_to}
    known = select(_D.c.id).where(*(_D.c[name] == row[name] for name in ("piece_id", "channel", "part")))
    if db.execute(known).first() is not None:
        return None
    messages.save(db, [message])
    found: int = db.execute(insert(_D).values(row).returning(_D.c.id)).scalar_one()
    return found


def approve(db: Connection, number: int, by: str) -> bool:
    """A second person said yes to it; False where it has gone out, or nobody made it at the desk."""
    same = (_D.c.id == number, _D.c.fixed, _D.c.state.in_(_OPEN))
    db.execute(update(_D).where(*same).values(approved_by=by))
    held = update(_D).where(*same, _D.c.state == "held", _D.c.reason.in_(("approval", "refused")))
    db.execute(held.values(state="planned", reason="", error="", ready_at=_D.c.due_at))
    return db.execute(select(_D.c.id).where(*same)).first() is not None


def twin(db: Connection, piece: int, channel: str, text: str, but: int | None = None) -> Any | None:
    """The post of that piece which is out with the same text."""
    same = (_D.c.piece_id == piece, _D.c.channel == channel, _D.c.state == "published", _D.c.digest != "")
    rows = db.execute(select(_D.c.id, _D.c.part, _D.c.digest).where(*same)).all()
    return next((row for row in rows if row.id != but and messages.load(db, row.digest).text == text), None)


def said(db: Connection, piece: int, channel: str, part: str) -> str | None:
    """The words of the post that was made at the desk under that name; None where there is none."""
    same = (_D.c.piece_id == piece, _D.c.channel == channel, _D.c.part == part, _D.c.fixed)
    digest = db.execute(select(_D.c.digest).where(*same)).scalar()
    return messages.load(db, digest).text if digest else None


def is_broken(db: Connection, piece: int) -> bool:
    """Whether its file has errors now."""
    query = select(SOURCE.c.broken, SOURCE.c.tangled).join(PIECE, PIECE.c.path == SOURCE.c.path)
    row = db.execute(query.where(PIECE.c.id == piece)).first()
    return row is not None and bool(row.broken or row.tangled)


def corrections(db: Connection, number: int) -> Sequence[Any]:
    """The corrections of a delivery, oldest first."""
    return db.execute(select(_D).where(_D.c.replies_to == number).order_by(_D.c.id)).all()


def next_part(db: Connection, piece: int, channel: str) -> str:
    """The name of a new correction."""
    same = (_D.c.piece_id == piece, _D.c.channel == channel, _D.c.part.startswith(CORRECTION))
    count = db.execute(select(func.count()).where(*same)).scalar() or 0
    return f"{CORRECTION}{count + 1}"
