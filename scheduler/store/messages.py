"""What was rendered and sent, by digest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, select
from sqlalchemy.dialects.sqlite import insert

from channels.contract import Live, Message
from scheduler.store.engine import Store
from scheduler.store.tables import Attempt, Delivery, Piece, Redirect
from scheduler.store.tables import Message as MessageTable


def save(db: Connection, messages: Sequence[Message]) -> None:
    """Keep them; one that is there already is the same one."""
    rows = [
        {"digest": m.digest(), "card": dict(m.card), "payload": json.dumps(m.payload(), ensure_ascii=False)}
        for m in messages
    ]
    if rows:
        db.execute(insert(MessageTable).on_conflict_do_nothing(), rows)


def load(db: Connection, digest: str) -> Message:
    """Raises `LookupError` where no such message was ever sent."""
    payload = db.execute(select(MessageTable.payload).where(MessageTable.digest == digest)).scalar()
    if payload is None:
        raise LookupError(f"no message {digest}")
    return Message.from_payload(json.loads(payload))


def sweep(db: Connection) -> int:
    """Drop what no delivery and no attempt names any more; how many."""
    used = select(Delivery.digest).union(select(Attempt.digest))
    return db.execute(delete(MessageTable).where(MessageTable.digest.not_in(used))).rowcount


@dataclass(frozen=True)
class StoredArchive:
    """The `Archive` that channels are given: what is live, read from the deliveries."""

    store: Store

    def live(self, channel: str) -> Sequence[Live]:
        columns = (Piece.name, Delivery.part, Delivery.published_at, MessageTable.card, Delivery.digest)
        query = (
            select(*columns)
            .join(Piece, Piece.id == Delivery.piece_id)
            .join(MessageTable, MessageTable.digest == Delivery.digest)
            .where(Delivery.channel == channel, Delivery.state == "published")
        )
        with self.store.read() as db:
            rows = [Live(*row) for row in db.execute(query)]
        return sorted(rows, key=_newest, reverse=True)

    def message(self, digest: str) -> Message:
        with self.store.read() as db:
            return load(db, digest)

    def redirects(self) -> dict[str, str]:
        query = select(Redirect.old, Piece.name).join(Piece, Piece.id == Redirect.piece_id)
        with self.store.read() as db:
            rows: Sequence[Row[Any]] = db.execute(query).all()
        return {old: new for old, new in rows if old != new}


def _newest(live: Live) -> tuple[str, str]:
    return str(live.card.get("date", "")), live.piece


def media(db: Connection) -> set[str]:
    """The names of the captured files that stored messages hold."""
    rows = db.execute(select(MessageTable.payload)).scalars()
    return {f"{digest}{suffix}" for payload in rows for digest, suffix, *_ in json.loads(payload)["media"]}
