"""Who said yes or no to which piece, as it stood then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, String, cast, insert, select, update

from scheduler.store.core import APPROVAL, DELIVERY, PIECE, SOURCE

REASONS = ("approval", "refused")
"""Why a delivery is held where a second person has to approve it."""
_A = APPROVAL
_CHUNK = 500


def standing(db: Connection, pieces: Sequence[int]) -> dict[int, Any]:
    """Piece → the word that counts now, approved or refused."""
    found: dict[int, Any] = {}
    for start in range(0, len(pieces), _CHUNK):
        chunk = pieces[start : start + _CHUNK]
        query = select(_A).where(_A.c.piece_id.in_(chunk), _A.c.voided_at.is_(None)).order_by(_A.c.id)
        found |= {row.piece_id: row for row in db.execute(query)}
    return found


def uncompared(db: Connection, settings: str) -> Sequence[Any]:
    """The words that count now and whose file, or the `settings`, are others than when they were last compared; with the
    piece's name, path and uid, and the stamp that is `newer`."""
    parts = [cast(SOURCE.c[name], String) for name in ("size", "mtime_ns", "inode")]
    newer = parts[0] + ":" + parts[1] + ":" + parts[2] + ":" + settings
    columns = (_A, PIECE.c.name, PIECE.c.path, PIECE.c.uid, newer.label("newer"))
    query = select(*columns).join(PIECE, PIECE.c.id == _A.c.piece_id).join(SOURCE, SOURCE.c.path == PIECE.c.path)
    whole = (_A.c.voided_at.is_(None), PIECE.c.gone_at.is_(None), SOURCE.c.broken.is_(False), _A.c.stamp != newer)
    return db.execute(query.where(*whole).order_by(_A.c.id)).all()


def give(db: Connection, values: Mapping[str, Any]) -> None:
    """A new word on a piece ends the one before."""
    end(db, values["piece_id"], values["at"], "a new word was given")
    db.execute(insert(_A).values({"why": "", **values}))


def end(db: Connection, piece: int, at: datetime, why: str) -> bool:
    """What was said of the piece no longer counts; False where nothing did."""
    same = (_A.c.piece_id == piece, _A.c.voided_at.is_(None))
    return db.execute(update(_A).where(*same).values(voided_at=at, why=why)).rowcount > 0


def void(db: Connection, number: int, at: datetime, why: str) -> bool:
    """That one word no longer counts; False where it did not any more."""
    same = (_A.c.id == number, _A.c.voided_at.is_(None))
    return db.execute(update(_A).where(*same).values(voided_at=at, why=why)).rowcount > 0


def times(db: Connection, piece: int) -> dict[tuple[str, str], Any]:
    """Channel and part → when that is due, and in which edition: `due_at`, `period`."""
    query = select(DELIVERY.c.channel, DELIVERY.c.part, DELIVERY.c.due_at, DELIVERY.c.period)
    return {(row.channel, row.part): row for row in db.execute(query.where(DELIVERY.c.piece_id == piece))}


def retime(
    db: Connection, piece: int, times: Mapping[tuple[str, str], datetime], pinned: Callable[[str, datetime], str]
) -> None:
    """A person at the desk moved these parts (channel and part → the new time): what is approved of them is approved for
    then. `pinned` writes a pin."""
    word = standing(db, [piece]).get(piece)
    if word is None:
        return
    pins = {name: dict(parts) for name, parts in word.pins.items()}
    for (channel, part), at in times.items():
        if part in pins.get(channel, {}):
            pins[channel][part] = pinned(pins[channel][part].partition(" ")[0], at)
    db.execute(update(_A).where(_A.c.id == word.id).values(pins=pins))


def waiting(db: Connection) -> dict[int, str]:
    """The pieces that have something held for want of a word, or because of one: number → name."""
    query = select(PIECE.c.id, PIECE.c.name).join(DELIVERY, DELIVERY.c.piece_id == PIECE.c.id).distinct()
    same = (DELIVERY.c.state == "held", DELIVERY.c.reason.in_(REASONS))
    return {row.id: row.name for row in db.execute(query.where(*same))}


def compared(db: Connection, number: int, stamp: str) -> None:
    """The file of that stamp says what was approved."""
    db.execute(update(_A).where(_A.c.id == number).values(stamp=stamp))
