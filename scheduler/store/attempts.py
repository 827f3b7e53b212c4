"""Attempts: written before the remote is called, settled after. Each function is one step of the crash protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, case, exists, func, insert, or_, select, update

from scheduler.store.core import ATTEMPT, DELIVERY, PAUSE, PIECE

LEASE = timedelta(minutes=5)
_A = ATTEMPT
_D = DELIVERY


@dataclass(frozen=True, slots=True)
class Claim:
    """One delivery about to be acted on. `states`: what it must still be in; it is `publishing` meanwhile, unless
    what is out is revised or withdrawn. `edits`: as many as the
    row counted before the message was made of the file; None: the message is an older one. `cost`: what the remote
    charges for it, in millionths of a US dollar."""

    delivery: int
    key: str
    digest: str
    generation: int
    purpose: str = "publish"
    states: tuple[str, ...] = ("planned", "retrying")
    edits: int | None = None
    cost: int = 0


def claim(db: Connection, channel: str, claims: Sequence[Claim], owner: str, now: datetime) -> list[Claim]:
    """Those of the claims that are ours now: moved by compare-and-set, each with an open attempt."""
    ours = [one for one in claims if _take(db, one, now)]
    shared = {
        "channel": channel,
        "owner": owner,
        "started_at": now,
        "lease_until": now + LEASE,
        "checks": 0,
        "error": "",
    }
    rows = [
        {"delivery_id": one.delivery, "purpose": one.purpose, "key": one.key, "digest": one.digest}
        | {"cost": one.cost, **shared}
        for one in ours
    ]
    if rows:
        db.execute(insert(_A), rows)
    return ours


def _take(db: Connection, one: Claim, now: datetime) -> bool:
    """`ready_at` and the date itself are looked at again: since the row was read, it may have been moved ahead."""
    open_attempt = select(_A.c.id).where(_A.c.delivery_id == one.delivery, _A.c.outcome.is_(None)).exists()
    same = update(_D).where(_D.c.id == one.delivery, _D.c.state.in_(one.states), ~open_attempt)
    same = same.where(or_(_D.c.ready_at.is_(None), _D.c.ready_at <= now))
    seen: dict[str, Any] = {}
    if one.edits is not None:
        seen = {"changed": case((_D.c.changed == one.edits, 0), else_=_D.c.changed)}
    if one.purpose == "publish":
        same = same.where(~_stopped(), or_(_D.c.due_at.is_(None), _D.c.due_at <= now, _D.c.waived))
    if one.purpose == "publish" and one.edits is not None:
        same = same.where(_D.c.changed == one.edits)
    if one.purpose == "publish":
        changes: dict[str, Any] = {
            "state": "publishing",
            "digest": one.digest,
            "generation": one.generation,
            "attempts": _D.c.attempts + 1,
            **seen,
        }
    else:
        changes = {"attempts": _D.c.attempts, **seen}
    return db.execute(same.values(changes)).rowcount == 1


def _stopped() -> Any:
    """A pause that stands now: pressed while the message was being made, it still comes in time."""
    channel = and_(PAUSE.c.scope == "channel", PAUSE.c.name == _D.c.channel)
    named = [and_(PAUSE.c.scope == what, PAUSE.c.name == _of_piece(PIECE.c[what])) for what in ("client", "project")]
    return exists().where(PAUSE.c.ended_at.is_(None), or_(PAUSE.c.scope == "all", channel, *named))


def _of_piece(column: Any) -> Any:
    return select(column).where(PIECE.c.id == _D.c.piece_id).correlate(_D).scalar_subquery()


def settle(
    db: Connection, delivery: int, key: str, outcome: str, now: datetime, values: Mapping[str, Any], error: str = ""
) -> bool:
    """Close the delivery's open attempt under that key and change the delivery, together; False where it is closed."""
    done = update(_A).where(_A.c.delivery_id == delivery, _A.c.key == key, _A.c.outcome.is_(None))
    if db.execute(done.values(outcome=outcome, ended_at=now, error=error)).rowcount != 1:
        return False
    db.execute(update(_D).where(_D.c.id == delivery).values(dict(values)))
    return True


def leave_open(db: Connection, delivery: int, key: str, now: datetime, error: str, *, twin: bool = False) -> None:
    """The call came back without telling; the attempt stays open until it is reconciled. `twin`: it was refused, because
    the like of it is out."""
    same = (_A.c.delivery_id == delivery, _A.c.key == key, _A.c.outcome.is_(None))
    if db.execute(update(_A).where(*same).values(uncertain_at=now, error=error, twin=twin)).rowcount:
        db.execute(update(_D).where(_D.c.id == delivery).values(error=error))


def look_again(db: Connection, attempt: int, at: datetime, *, counted: bool, ended: datetime | None = None) -> None:
    """Reading back settled nothing; look again then. `counted`: it should have, and did not. `ended`: when the call was
    over at the latest."""
    changes: dict[str, Any] = {"look_at": at, "checks": _A.c.checks + int(counted)}
    db.execute(update(_A).where(_A.c.id == attempt).values(changes | ({"uncertain_at": ended} if ended else {})))


def rewind(db: Connection, channel: str, now: datetime) -> None:
    """The clock was set back: the open attempts are looked at now."""
    ahead = (_A.c.channel == channel, _A.c.outcome.is_(None), _A.c.look_at > now)
    db.execute(update(_A).where(*ahead).values(look_at=now))


def repeated(db: Connection, delivery: int, key: str) -> bool:
    """Whether an attempt under this key ended without anybody knowing how: then the key must stay what it is."""
    same = (_A.c.delivery_id == delivery, _A.c.key == key, _A.c.outcome == "repeat")
    return db.execute(select(_A.c.id).where(*same).limit(1)).first() is not None


def orphans(db: Connection, channel: str) -> Sequence[Any]:
    """The open attempts of a channel with their deliveries and pieces, oldest first."""
    return [row for row in left(db) if row.channel == channel]


def left(db: Connection) -> Sequence[Any]:
    """All open attempts with their deliveries and pieces, oldest first."""
    columns = (
        _A.c.id,
        _A.c.channel,
        _A.c.delivery_id,
        _A.c.purpose,
        _A.c.key,
        _A.c.digest,
        _A.c.started_at,
        _A.c.uncertain_at,
        _A.c.look_at,
        _A.c.checks,
        _A.c.error,
        _A.c.owner,
        _A.c.twin,
        _D.c.state,
        _D.c.attempts,
        _D.c.part,
        _D.c.due_at,
        _D.c.receipt,
        _D.c.remote_id,
        _D.c.permalink,
        _D.c.live,
        PIECE.c.name,
    )
    query = select(*columns).join(_D, _D.c.id == _A.c.delivery_id).join(PIECE, PIECE.c.id == _D.c.piece_id)
    return db.execute(query.where(_A.c.outcome.is_(None)).order_by(_A.c.id)).all()


def doubtful_since(db: Connection, delivery: int, but: int = 0) -> datetime | None:
    """When the delivery was first sent without anybody knowing how that ended: what is found may be of that time. `but`:
    an attempt that does not count."""
    doubt = or_(_A.c.outcome.is_(None), _A.c.outcome.in_(("repeat", "unknown")))
    same = (_A.c.delivery_id == delivery, _A.c.id != but, _A.c.purpose == "publish", doubt)
    return db.execute(select(func.min(_A.c.started_at)).where(*same)).scalar()


def next_look(db: Connection) -> datetime | None:
    """When the next open attempt is to be read back again."""
    times = db.execute(select(_A.c.look_at).where(_A.c.outcome.is_(None), _A.c.look_at.is_not(None))).scalars()
    return min(times, default=None)


def open_count(db: Connection) -> int:
    return len(db.execute(select(_A.c.id).where(_A.c.outcome.is_(None))).all())
