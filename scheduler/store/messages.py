"""What was rendered and sent, by digest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Text, delete, select, type_coerce, update
from sqlalchemy.dialects.sqlite import insert

from channels.contract import Live
from channels.message import Message
from scheduler.store.core import ATTEMPT, DELIVERY, MESSAGE, PIECE, REDIRECT
from scheduler.store.engine import Store


def save(db: Connection, messages: Sequence[Message]) -> None:
    """Keep them; one that is there already is the same one."""
    rows = [
        {"digest": m.digest(), "card": dict(m.card), "payload": json.dumps(m.payload(), ensure_ascii=False)}
        for m in messages
    ]
    if rows:
        db.execute(insert(MESSAGE).on_conflict_do_nothing(), rows)


def freeze(db: Connection, piece: int, channel: str, messages: Sequence[Message]) -> None:
    """The posts of a thread that has begun: what has not gone out goes out as it was made with the first."""
    save(db, messages)
    for message in messages:
        same = (DELIVERY.c.piece_id == piece, DELIVERY.c.channel == channel, DELIVERY.c.part == message.part)
        open_ = (DELIVERY.c.digest == "", DELIVERY.c.state.in_(("planned", "held", "cancelled", "skipped")))
        db.execute(update(DELIVERY).where(*same, *open_).values(digest=message.digest()))


def thaw(db: Connection, piece: int, channel: str | None = None) -> None:
    """What was frozen with the first post of a thread and was never sent is made of the file again."""
    numbered = (DELIVERY.c.part.op("NOT GLOB")("*[^0-9]*"), DELIVERY.c.fixed.is_(False))
    unsent = (DELIVERY.c.state.in_(("planned", "held", "failed", "skipped")), DELIVERY.c.attempts == 0)
    same = (DELIVERY.c.piece_id == piece, *([] if channel is None else [DELIVERY.c.channel == channel]))
    db.execute(update(DELIVERY).where(*same, *numbered, *unsent).values(digest=""))


def load(db: Connection, digest: str) -> Message:
    """Raises `LookupError` where no such message was ever sent."""
    payload = db.execute(select(MESSAGE.c.payload).where(MESSAGE.c.digest == digest)).scalar()
    if payload is None:
        raise LookupError(f"no message {digest}")
    return Message.from_payload(json.loads(payload))


def sweep(db: Connection) -> int:
    """Drop what no delivery and no attempt names any more; how many."""
    used = select(DELIVERY.c.digest).union(select(ATTEMPT.c.digest))
    return db.execute(delete(MESSAGE).where(MESSAGE.c.digest.not_in(used))).rowcount


_CARDS = 1000


@dataclass(frozen=True)
class StoredArchive:
    """The `Archive` that channels are given: what is live, read from the deliveries."""

    store: Store

    def live(self, channel: str) -> Sequence[Live]:
        card = type_coerce(MESSAGE.c.card, Text)
        columns = (PIECE.c.name, DELIVERY.c.part, DELIVERY.c.published_at, card, DELIVERY.c.digest)
        query = (
            select(*columns)
            .join(PIECE, PIECE.c.id == DELIVERY.c.piece_id)
            .join(MESSAGE, MESSAGE.c.digest == DELIVERY.c.digest)
            .where(DELIVERY.c.channel == channel, DELIVERY.c.state == "published")
        )
        with self.store.read() as db:
            rows = [one for chunk in db.execute(query).partitions(_CARDS) for one in _decoded(chunk)]
        return sorted(rows, key=_newest, reverse=True)

    def message(self, digest: str) -> Message:
        with self.store.read() as db:
            return load(db, digest)

    def redirects(self) -> dict[str, str]:
        query = select(REDIRECT.c.old, PIECE.c.name).join(PIECE, PIECE.c.id == REDIRECT.c.piece_id)
        with self.store.read() as db:
            rows: Sequence[Any] = db.execute(query).all()
        return {old: new for old, new in rows if old != new}


def _decoded(rows: Sequence[Any]) -> Iterator[Live]:
    """All cards of a chunk in one go: their keys, the greater part of them, are then kept in memory once."""
    cards = json.loads(f"[{','.join(row[3] for row in rows)}]")
    for (piece, part, published_at, _, digest), card in zip(rows, cards, strict=True):
        yield Live(piece, part, published_at, card, digest)


def _newest(live: Live) -> tuple[str, str]:
    return str(live.card.get("date", "")), live.piece


def media(db: Connection) -> set[str]:
    """The names of the captured files that stored messages hold."""
    rows = db.execute(select(MESSAGE.c.payload)).scalars()
    return {f"{digest}{suffix}" for payload in rows for digest, suffix, *_ in json.loads(payload)["media"]}
