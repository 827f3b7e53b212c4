"""What is due, and what it has to wait for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, false, func, or_, select, tuple_

from scheduler.store.core import ATTEMPT, DELIVERY, PIECE, SOURCE

_PAGE = 200
_D = DELIVERY
_DUE = (
    *_D.c,
    PIECE.c.name,
    PIECE.c.uid,
    PIECE.c.path,
    PIECE.c.client,
    PIECE.c.project,
    PIECE.c.gone_at,
    SOURCE.c.broken,
    SOURCE.c.findings,
    SOURCE.c.tangled,
)


def due(
    db: Connection, channel: str, now: datetime, after: tuple[datetime, int] | None, *, live: bool | None = None
) -> Sequence[Any]:
    """Up to 200 deliveries that may be ready, in the order of their time, behind `after` (ready_at and id of the last).
    `live`: only the posts of live events, or all but these; None: both."""
    query = _with_piece().where(_D.c.channel == channel, _D.c.state.in_(("planned", "retrying")), _D.c.ready_at <= now)
    query = query.where(*_kind(live))
    if after is not None:
        query = query.where(tuple_(_D.c.ready_at, _D.c.id) > tuple_(*after))
    return db.execute(query.order_by(_D.c.ready_at, _D.c.id).limit(_PAGE)).all()


def _kind(live: bool | None) -> list[Any]:
    return [] if live is None else [_D.c.live.is_(live)]


def soon(db: Connection, channel: str, now: datetime, until: datetime, *, live: bool | None = None) -> Sequence[Any]:
    """Up to 200 deliveries that will be due by then and go out by themselves, the nearest first. `live`: as above."""
    ahead = (_D.c.state == "planned", _D.c.period == "", _D.c.ready_at > now, _D.c.ready_at <= until)
    query = _with_piece().where(_D.c.channel == channel, *ahead, *_kind(live))
    return db.execute(query.order_by(_D.c.ready_at, _D.c.id).limit(_PAGE)).all()


def touched(
    db: Connection,
    channel: str,
    now: datetime,
    *,
    revises: bool,
    withdraws: bool,
    clients: Sequence[str],
    projects: Sequence[str],
) -> Sequence[Any]:
    """Up to 200 that are out and were edited, have expired or are to be withdrawn, as far as the channel can.

    Of these `clients` and `projects`, which are paused, only what a person wants taken back.
    """
    expired = and_(_D.c.expires_at.is_not(None), _D.c.expires_at <= now)
    why = or_(false(), *([_D.c.changed > 0] if revises else []), *([_D.c.withdraw, expired] if withdraws else []))
    running = and_(PIECE.c.client.not_in(clients), PIECE.c.project.not_in(projects))
    return _touched(db, channel, now, and_(why, or_(_D.c.withdraw, running)))


def unwanted(db: Connection, channel: str, now: datetime) -> Sequence[Any]:
    """Up to 200 that are out and that a person wants taken back."""
    return _touched(db, channel, now, _D.c.withdraw)


def _touched(db: Connection, channel: str, now: datetime, why: Any) -> Sequence[Any]:
    ready = or_(_D.c.ready_at.is_(None), _D.c.ready_at <= now)
    query = _with_piece().where(_D.c.channel == channel, _D.c.state == "published", why, ready)
    return db.execute(query.order_by(_D.c.id).limit(_PAGE)).all()


def _with_piece() -> Any:
    joined = select(*_DUE).join(PIECE, PIECE.c.id == _D.c.piece_id)
    return joined.join(SOURCE, SOURCE.c.path == PIECE.c.path, isouter=True)


def sent(db: Connection, channel: str, since: datetime) -> list[datetime]:
    """When what counts for the channel's limits went out since then, or may have, oldest first. An edition is one."""
    out = select(func.min(_D.c.published_at)).where(
        _D.c.channel == channel, _D.c.published_at > since, _D.c.archive.is_(False)
    )
    begun = select(func.min(ATTEMPT.c.started_at)).where(
        ATTEMPT.c.channel == channel, ATTEMPT.c.outcome.is_(None), ATTEMPT.c.purpose == "publish"
    )
    times = [*db.execute(out.group_by(_D.c.remote_id)).scalars(), *db.execute(begun.group_by(ATTEMPT.c.key)).scalars()]
    return sorted(times)


def next_after(db: Connection, now: datetime) -> datetime | None:
    """The next time that lies ahead."""
    waiting = select(func.min(_D.c.ready_at)).where(_D.c.state.in_(("planned", "retrying")), _D.c.ready_at > now)
    touch = select(func.min(_D.c.expires_at)).where(_D.c.state == "published", _D.c.expires_at > now)
    times = [db.execute(query).scalar() for query in (waiting, touch)]
    return min((at for at in times if at is not None), default=None)


def others(db: Connection, piece: int, channels: Sequence[str] | None = None) -> Sequence[Any]:
    """The piece's `main` deliveries (on these channels): channel, state, published_at, error."""
    query = select(_D.c.channel, _D.c.state, _D.c.published_at, _D.c.error)
    query = query.where(_D.c.piece_id == piece, _D.c.part.in_(("main", "1")))
    return db.execute(query if channels is None else query.where(_D.c.channel.in_(channels))).all()


def thread(db: Connection, piece: int, channel: str) -> Sequence[Any]:
    """All parts of a piece on a channel: id, part, state, published_at, receipt, remote_id, due_at, permalink, the
    delivery that it corrects, and the digest of its message."""
    names = (
        "id",
        "part",
        "state",
        "published_at",
        "receipt",
        "remote_id",
        "due_at",
        "permalink",
        "replies_to",
        "digest",
    )
    columns = [_D.c[name] for name in names]
    query = select(*columns).where(_D.c.piece_id == piece, _D.c.channel == channel)
    return db.execute(query.order_by(_D.c.due_at, _D.c.id)).all()


def announced(db: Connection, piece: int, channel: str, now: datetime) -> bool:
    """Whether the piece itself is due on that channel, or on its way; not where it is known to wait for its page."""
    same = (_D.c.piece_id == piece, _D.c.channel == channel, _D.c.part.in_(("main", "1")))
    waits = and_(_D.c.links_page.is_(True), _D.c.state == "planned")
    ready = or_(_D.c.state == "publishing", and_(_D.c.state == "planned", _D.c.ready_at <= now, ~waits))
    return db.execute(select(_D.c.id).where(*same, ready)).first() is not None


def pages(db: Connection, pieces: Sequence[int], channels: Sequence[str]) -> dict[int, tuple[Any, ...]]:
    """Piece → channel, state, time of publication and due time of its own page, where it has one."""
    query = select(_D.c.piece_id, _D.c.channel, _D.c.state, _D.c.published_at, _D.c.due_at)
    rows = db.execute(query.where(_D.c.piece_id.in_(pieces), _D.c.channel.in_(channels), _D.c.part == "main"))
    return {piece: tuple(page) for piece, *page in rows}


def name(db: Connection, piece: int) -> str:
    """The piece's present `lang/slug`."""
    return db.execute(select(PIECE.c.name).where(PIECE.c.id == piece)).scalar() or "a piece that is gone"
