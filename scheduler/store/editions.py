"""Editions of the channels that collect: which message each is, how it fares, and which deliveries are in it.

An edition is `publishing` from its claim until it is known to be `published`, or known not to be out (`failed`, and
collected anew); `uncertain` once a person was asked whether it is out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from scheduler.store.core import ATTEMPT, DELIVERY, EDITION, PIECE

_NAMES = ("channel", "period", "language", "segment")
_D = DELIVERY


def put(db: Connection, values: dict[str, Any]) -> None:
    """Insert the edition, or bring its row to what it is now. `values` names it by channel, period, language, segment."""
    same = [EDITION.c[name] == values[name] for name in _NAMES]
    changed = {name: values[name] for name in ("state", "digest", "published_at", "remote_id") if name in values}
    if db.execute(update(EDITION).where(*same).values(**changed)).rowcount == 0:
        db.execute(insert(EDITION).values({"remote_id": "", **values}))


def get(db: Connection, channel: str, period: str, language: str, segment: str) -> Any | None:
    same = (EDITION.c.channel == channel, EDITION.c.period == period, EDITION.c.language == language)
    return db.execute(select(EDITION).where(*same, EDITION.c.segment == segment)).first()


def begun(db: Connection, channel: str, digests: Collection[str]) -> Sequence[Any]:
    """The channel's editions that may be out, and of those messages also the ones that are."""
    unsettled = EDITION.c.state.in_(("publishing", "uncertain"))
    out = (EDITION.c.state == "published") & EDITION.c.digest.in_(digests)
    return db.execute(select(EDITION).where(EDITION.c.channel == channel, or_(unsettled, out))).all()


def members(db: Connection, channel: str, digest: str) -> Sequence[Any]:
    """The deliveries that were claimed with that message, wherever they stand now, with `name` and `gone_at`."""
    query = select(_D, PIECE.c.name, PIECE.c.gone_at).join(PIECE, PIECE.c.id == _D.c.piece_id)
    return db.execute(query.where(_D.c.channel == channel, _D.c.digest == digest).order_by(PIECE.c.name)).all()


def put_off(db: Connection, channel: str, period: str, language: str, segment: str, now: datetime) -> Sequence[Any]:
    """The edition's deliveries that are due and were put off: by a retry's wait, or the channel's limits."""
    same = (_D.c.channel == channel, _D.c.period == period, _D.c.lang == language, _D.c.segment == segment)
    later = (_D.c.state.in_(("planned", "retrying")), _D.c.due_at <= now, _D.c.ready_at > now)
    return db.execute(select(_D).where(*same, *later)).all()


def doubtful(db: Connection, key: str, digest: str) -> bool:
    """Whether that message was sent under that key before and nobody knows how it ended."""
    same = (ATTEMPT.c.key == key, ATTEMPT.c.digest == digest, ATTEMPT.c.outcome.in_(("repeat", "unknown")))
    return db.execute(select(ATTEMPT.c.id).where(*same).limit(1)).first() is not None
