"""How far posts reached: what is to be measured, what was told, and what the asking cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, func, insert, or_, select

from channels.contract import GONE
from scheduler.store.core import DELIVERY, EXPENSE, MEASUREMENT, PIECE

_D, _M, _E = DELIVERY.c, MEASUREMENT.c, EXPENSE.c
_READ = "read"
_SANDBOX = "sandbox:"
"""How the permalink begins of what never left the machine."""


def out(db: Connection, channel: str, source: str, until: datetime) -> Sequence[Any]:
    """What is out on a channel and can be asked for: id, published_at, measured_at and gone of its newest snapshot
    from that source, as far as it is not later than `until`. What went out in the sandbox, the archive, and what was
    taken back are not among them."""
    same = (_M.delivery_id == _D.id, _M.source == source, _M.measured_at <= until)
    newest = select(func.max(_M.measured_at)).where(*same).correlate(DELIVERY).scalar_subquery()
    rows = (
        select(_D.id, _D.published_at, newest.label("measured_at"))
        .where(_D.channel == channel, _D.state == "published", _D.archive.is_(False), _D.withdraw.is_(False))
        .where(_D.published_at.is_not(None), _D.remote_id != "", ~_D.permalink.startswith(_SANDBOX, autoescape=True))
        .subquery()
    )
    here = (_M.delivery_id == rows.c.id, _M.source == source, _M.measured_at == rows.c.measured_at)
    gone = exists().where(*here, _M.why == GONE).correlate(rows)
    return db.execute(select(rows, gone.label("gone"))).all()


def receipts(db: Connection, deliveries: Sequence[int]) -> Sequence[Any]:
    """id, remote_id, permalink and receipt of these deliveries (a few hundred at most)."""
    columns = (_D.id, _D.remote_id, _D.permalink, _D.receipt)
    return db.execute(select(*columns).where(_D.id.in_(deliveries)).order_by(_D.id)).all()


def add(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """One snapshot: delivery_id, metric, value, measured_at, source, why."""
    if rows:
        db.execute(insert(MEASUREMENT), [dict(row) for row in rows])


def note_reads(db: Connection, channel: str, count: int, cost: int, at: datetime) -> int:
    """So many posts are about to be read, for `cost` millionths of a US dollar; the number of the row."""
    row = {"channel": channel, "at": at, "what": _READ, "count": count, "cost": cost}
    return int(db.execute(insert(EXPENSE).values(row).returning(_E.id)).scalar_one())


def take_back(db: Connection, expense: int) -> None:
    """Nothing was read after all: the remote said so."""
    db.execute(delete(EXPENSE).where(_E.id == expense))


def reads(db: Connection, channel: str, since: datetime) -> int:
    """How many posts were read since then."""
    same = (_E.channel == channel, _E.at >= since, _E.what == _READ)
    return int(db.execute(select(func.coalesce(func.sum(_E.count), 0)).where(*same)).scalar_one())


_REACHED = (
    _D.id,
    PIECE.c.name,
    PIECE.c.path,
    PIECE.c.client,
    PIECE.c.project,
    _D.channel,
    _D.part,
    _D.remote_id,
    _D.published_at,
)


def reached(db: Connection, since: datetime | None = None) -> Sequence[Any]:
    """Every delivery that went out (since then), archive aside and whatever became of it, the newest first: id, name,
    path, client, project, channel, part, remote_id, published_at."""
    query = select(*_REACHED).join(PIECE, PIECE.c.id == _D.piece_id)
    query = query.where(_D.published_at.is_not(None), _D.archive.is_(False))
    query = query.where(_D.published_at >= since) if since is not None else query
    return db.execute(query.order_by(_D.published_at.desc(), _D.id)).all()


def latest(db: Connection, since: datetime | None = None) -> Sequence[Any]:
    """The newest figure of each delivery and metric, and where the newest snapshot has none, that row too: delivery_id,
    metric, value, measured_at, why; the older first. `since`: of what went out since then."""
    newest = _newest().subquery()
    figures = _newest().where(_M.value.is_not(None)).subquery()
    wanted = or_(_M.id.in_(select(newest.c.id)), _M.id.in_(select(figures.c.id)))
    query = select(_M.delivery_id, _M.metric, _M.value, _M.measured_at, _M.why).where(wanted)
    if since is not None:
        query = query.join(DELIVERY, _D.id == _M.delivery_id).where(_D.published_at >= since)
    return db.execute(query.order_by(_M.id)).all()


def _newest() -> Any:
    """By the order in which they were written: no clock can spoil that."""
    return select(func.max(_M.id).label("id")).group_by(_M.delivery_id, _M.metric)
