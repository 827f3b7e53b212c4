"""What people are to be told of: the alarming acts, what has become of them, and how far each receiver was told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from scheduler.store import audit, marks
from scheduler.store.core import APPROVAL, AUDIT, BREAKER, DELIVERY, PIECE

_MARK = "alarms"
_CHUNK = 500
_A = AUDIT.c
_D = DELIVERY.c
_LAST = datetime.max.replace(tzinfo=UTC)
_TROUBLE = ("held", "failed")
_ROW = (
    _D.id,
    PIECE.c.name,
    PIECE.c.title,
    _D.channel,
    _D.part,
    _D.state,
    _D.reason,
    _D.error,
    _D.due_at,
)

OF_DESK: dict[str, str] = {
    "held": "a delivery, or a backlog of a channel, waits for a person",
    "hold": "an attempt ended so that a person has to decide",
    "fail": "an attempt was refused for good, or was the last of too many",
    "pause": "the desk stopped a channel, because its credentials do not hold",
    "breaker": "a channel keeps failing, and is left alone for a while",
    "guard": "the database may not know what is out: the desk starts paused",
    "approval void": "what was approved has changed",
}
"""The desk's own acts that people are told of."""
REFUSED = "refused"
"""The one act of a person that others are told of: a piece was not approved."""


def load(db: Connection) -> dict[str, Any] | None:
    """What `save` wrote last; None for a desk that never told anybody."""
    text = marks.get(db, _MARK)
    found: dict[str, Any] | None = json.loads(text) if text else None
    return found


def save(db: Connection, told: dict[str, Any]) -> None:
    marks.put(db, _MARK, json.dumps(told, sort_keys=True))


def newest(db: Connection) -> int:
    """The number of the newest act of whatever kind; 0 where there is none."""
    return db.execute(select(func.max(_A.id))).scalar() or 0


def acts(db: Connection, after: int, until: int) -> Sequence[Any]:
    """The alarming acts behind the number `after`, up to `until`, oldest first."""
    alarming = or_(and_(_A.by == audit.DESK, _A.act.in_(OF_DESK)), and_(_A.by != audit.DESK, _A.act == REFUSED))
    query = select(AUDIT).where(_A.id > after, _A.id <= until, alarming)
    return db.execute(query.order_by(_A.id)).all()


def troubled(db: Connection, numbers: Sequence[int], backlogs: Sequence[str] = ()) -> Sequence[Any]:
    """Those of the deliveries that are held or failed now, and what is held as a backlog of these channels, in the
    order of their time."""
    chunks = [numbers[start : start + _CHUNK] for start in range(0, len(numbers), _CHUNK)]
    found = {row.id: row for chunk in chunks for row in db.execute(_rows().where(_D.id.in_(chunk)))}
    if backlogs:
        held = (_D.state == "held", _D.reason == "backlog", _D.channel.in_(backlogs))
        found |= {row.id: row for row in db.execute(_rows().where(*held))}
    return _in_order(found.values())


def all_troubled(db: Connection) -> Sequence[Any]:
    """Everything that is held or failed, as `troubled` has it."""
    return _in_order(db.execute(_rows()).all())


def _rows() -> Any:
    return select(*_ROW).join(PIECE, PIECE.c.id == _D.piece_id).where(_D.state.in_(_TROUBLE))


def _in_order(rows: Iterable[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: (row.due_at or _LAST, row.id))


def open_breakers(db: Connection) -> set[str]:
    """The channels that are left alone because they keep failing."""
    return set(db.execute(select(BREAKER.c.channel).where(BREAKER.c.opened_at.is_not(None))).scalars())


def unapproved(db: Connection, names: Sequence[str]) -> dict[str, Any]:
    """Of these pieces those that wait for an approval: name → title and path. Not those that were approved since, that
    are gone, or of which everything is out or dropped."""
    word = select(APPROVAL.c.id).where(APPROVAL.c.piece_id == PIECE.c.id, APPROVAL.c.voided_at.is_(None))
    approved = word.where(APPROVAL.c.decision == "approved").exists()
    open_states = ("planned", "retrying", "held")
    waits = select(_D.id).where(_D.piece_id == PIECE.c.id, _D.state.in_(open_states)).exists()
    query = select(PIECE.c.name, PIECE.c.title, PIECE.c.path).where(PIECE.c.gone_at.is_(None), waits, ~approved)
    chunks = [names[start : start + _CHUNK] for start in range(0, len(names), _CHUNK)]
    return {row.name: row for chunk in chunks for row in db.execute(query.where(PIECE.c.name.in_(chunk)))}


def approvers(db: Connection, names: Sequence[str]) -> dict[str, str]:
    """Piece → who approved it last."""
    query = select(PIECE.c.name, APPROVAL.c.by).join(APPROVAL, APPROVAL.c.piece_id == PIECE.c.id)
    query = query.where(APPROVAL.c.decision == "approved").order_by(APPROVAL.c.id)
    chunks = [names[start : start + _CHUNK] for start in range(0, len(names), _CHUNK)]
    return {row.name: row.by for chunk in chunks for row in db.execute(query.where(PIECE.c.name.in_(chunk)))}


def paths(db: Connection, names: Sequence[str]) -> dict[str, str]:
    """Piece → its file."""
    query = select(PIECE.c.name, PIECE.c.path)
    chunks = [names[start : start + _CHUNK] for start in range(0, len(names), _CHUNK)]
    return {row.name: row.path for chunk in chunks for row in db.execute(query.where(PIECE.c.name.in_(chunk)))}
