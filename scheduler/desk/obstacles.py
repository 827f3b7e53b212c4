"""What will keep a live event's posts back, told before the minute comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from scheduler.desk.assemble import Desk
from scheduler.store import approvals, breakers, handmade, pauses


def of(desk: Desk, piece: Any, channels: Sequence[str]) -> list[str]:
    """In plain words, with the remedy. `piece`: its row."""
    with desk.store.read() as db:
        return [*_file(db, piece), *_paused(db, piece, channels), *_unapproved(desk, db, piece), *_away(db, channels)]


def _file(db: Connection, piece: Any) -> Iterator[str]:
    if handmade.is_broken(db, piece.id):
        yield (
            f"{piece.path} has errors: what is prepared is held until they are mended (julki check {piece.path}). What you "
            "type here goes out."
        )


def _paused(db: Connection, piece: Any, channels: Sequence[str]) -> Iterator[str]:
    own = {("all", ""), ("client", piece.client), ("project", piece.project), *(("channel", name) for name in channels)}
    for pause in pauses.current(db):
        if (pause.scope, pause.name) in own:
            what = "Everything" if pause.scope == "all" else f"The {pause.scope} {pause.name}"
            why = f" ({pause.reason.rstrip('.')})" if pause.reason else ""
            yield f"{what} is paused by {pause.by}{why}: its posts are held. Go on with: julki resume"


def _unapproved(desk: Desk, db: Connection, piece: Any) -> Iterator[str]:
    if desk.settings.desk.approval:
        word = approvals.standing(db, [piece.id]).get(piece.id)
        if word is None or word.decision != "approved":
            yield f"Nobody has approved it: its posts are held. Approve it: julki approve {piece.name} --by NAME"


def _away(db: Connection, channels: Sequence[str]) -> Iterator[str]:
    for name in channels:
        row = breakers.get(db, name)
        if row is not None and row.opened_at is not None:
            yield f"{name} does not work at the moment; posts are tried again every few seconds."
