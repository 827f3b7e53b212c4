"""Collected editions: one message for many pieces, keyed by its period. The pieces' deliveries follow its state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import structlog
from sqlalchemy import Connection

from channels.contract import Channel, Collecting, Period, Receipt
from channels.errors import Rejected
from channels.message import Message
from channels.piece import Piece
from scheduler.delivery import condition, key, outcome
from scheduler.delivery.outcome import Act
from scheduler.delivery.setup import Setup
from scheduler.store import attempts, deliveries, messages
from scheduler.store.attempts import Claim

_PATIENCE = timedelta(minutes=10)

log = structlog.get_logger("julki.delivery")


@dataclass(frozen=True)
class Edition:
    """One period, language and segment, with the due rows that belong to it."""

    period: str
    language: str
    segment: str
    rows: Sequence[Any]

    @property
    def group(self) -> tuple[str, str, str]:
        return self.period, self.language, self.segment

    def row(self, channel: str) -> dict[str, Any]:
        """The columns that name it."""
        return dict(zip(("channel", "period", "language", "segment"), (channel, *self.group), strict=True))

    def key(self, site: str, channel: str) -> str:
        return key.of_edition(site, channel, self.period, self.language, self.segment)


def publish(channel: Channel, go: Sequence[Any], wait: Sequence[Any], setup: Setup) -> int:
    """How many deliveries moved with their editions. An edition waits a while for those of its pieces that wait."""
    patient = setup.clock() - _PATIENCE
    expected = {_group(row) for row in wait if row.due_at > patient}
    return sum(_one(channel, edition, setup) for edition in _editions(go) if edition.group not in expected)


def _group(row: Any) -> tuple[str, str, str]:
    return row.period, row.lang, row.segment


def _editions(rows: Iterable[Any]) -> list[Edition]:
    return [Edition(*names, list(members)) for names, members in groupby(sorted(rows, key=_group), _group)]


def _one(channel: Channel, edition: Edition, setup: Setup) -> int:
    with setup.store.read() as db:
        known = attempts.edition(db, channel.name, *edition.group)
    if known is None or known.state == "failed":
        made = _collect(channel, edition, setup)
        return _send(channel, edition, *made, setup, fresh=True) if made else 0
    with setup.store.read() as db:
        message = messages.load(db, known.digest)
    inside = [row for row in edition.rows if row.digest == known.digest and known.state != "published"]
    moved = _postpone(channel, [row for row in edition.rows if row not in inside], setup)
    return moved + (_send(channel, edition, message, inside, setup) if inside else 0)


def _collect(channel: Channel, edition: Edition, setup: Setup) -> tuple[Message, list[Any]] | None:
    """The edition's message and the rows in it; a piece that the channel objects to is held, and the others go."""
    assert isinstance(channel, Collecting)  # noqa: S101  tells the type checker; lanes look before they call
    found = [(row, setup.shelf.piece(row)) for row in edition.rows]
    if any(piece is None or piece.status != "ready" for _, piece in found):
        return None
    try:
        fine = [(row, piece) for row, piece in found if piece and not _objected(row, piece, channel, setup)]
        if not fine:
            return None
        period = Period(edition.period, edition.rows[0].due_at)
        message = channel.collect(period, [piece for _, piece in fine], setup.shelf.view)[0]
    except Exception:
        log.exception("collecting failed", channel=channel.name, period=edition.period)
        why = f"The edition {edition.period} could not be prepared; the log has the details."
        _hold(edition.rows, "render", why, setup)
        return None
    setup.shelf.keep(message.media)
    return message, [row for row, _ in fine]


def _objected(row: Any, piece: Piece, channel: Channel, setup: Setup) -> bool:
    try:
        errors = [problem.message for problem in channel.check(piece, setup.shelf.view) if problem.severity == "error"]
    except Exception:
        log.exception("check failed", channel=channel.name, piece=piece.id)
        errors = [f"It could not be looked at by {channel.name}; the log has the details."]
    if errors:
        _hold([row], "problem", f"{errors[0]} Mend {piece.path}, then: julki retry {row.id}", setup)
    return bool(errors)


def _hold(rows: Sequence[Any], reason: str, message: str, setup: Setup) -> None:
    with setup.store.write() as db:
        for row in rows:
            outcome.hold(db, Act(row.id, row.name, row.channel, row.attempts), reason, message, setup.clock())


class _Lost(Exception):
    """Somebody else has some of the deliveries: nothing is claimed, the edition is collected again."""


def _send(
    channel: Channel, edition: Edition, message: Message, rows: Sequence[Any], setup: Setup, fresh: bool = False
) -> int:
    """One claim for all its deliveries, one call, one settlement."""
    name = edition.key(setup.site, channel.name)
    try:
        _claim(channel, edition, message, rows, setup, fresh)
    except _Lost:
        return 0
    acts = [Act(one.id, one.name, channel.name, one.attempts + 1, key=name) for one in rows]
    try:
        receipt = channel.publish(message, name, None)
    except Exception as error:  # noqa: BLE001  whatever it is, it becomes the outcome
        outcome.log_bug(error, acts[0])
        failure = error
        setup.record(lambda db: _settle_failed(db, channel, edition, acts, failure, setup.clock()))
        return len(acts)
    setup.record(lambda db: _settle(db, channel, edition, message, acts, receipt, setup.clock()))
    return len(acts)


def _settle(
    db: Connection,
    channel: Channel,
    edition: Edition,
    message: Message,
    acts: Sequence[Act],
    receipt: Receipt,
    now: datetime,
) -> None:
    done = {"state": "published", "published_at": now, "remote_id": receipt.remote_id}
    attempts.put_edition(db, edition.row(channel.name) | {"digest": message.digest()} | done)
    for act in acts:
        outcome.succeeded(db, act, receipt, now, f"in edition {edition.period}")
    condition.note(db, channel.name, None, 0, "", now)


def _claim(
    channel: Channel, edition: Edition, message: Message, rows: Sequence[Any], setup: Setup, fresh: bool
) -> None:
    digest, name = message.digest(), edition.key(setup.site, channel.name)
    with setup.store.write() as db:
        messages.save(db, [message])
        claims = [Claim(one.id, name, digest, one.generation, edits=one.changed if fresh else None) for one in rows]
        if len(attempts.claim(db, channel.name, claims, setup.owner, setup.clock())) != len(claims):
            raise _Lost
        attempts.put_edition(db, edition.row(channel.name) | {"state": "publishing", "digest": digest})


def _settle_failed(
    db: Connection, channel: Channel, edition: Edition, acts: Sequence[Act], error: Exception, now: datetime
) -> None:
    """What was refused may be mended, and is then collected anew; anything else is sent again as it was."""
    for act in acts:
        outcome.failed(db, act, error, now)
    if isinstance(error, Rejected):
        attempts.put_edition(db, edition.row(channel.name) | {"state": "failed"})
    condition.note(db, channel.name, error, acts[0].delivery, outcome.told(error), now)


def _postpone(channel: Channel, rows: Sequence[Any], setup: Setup) -> int:
    """What comes too late for its edition goes into the next one: none is lost, and no edition goes out twice."""
    assert isinstance(channel, Collecting)  # noqa: S101  tells the type checker; lanes look before they call
    period = channel.period(setup.clock() + timedelta(seconds=1))
    if not rows or period is None:
        return 0
    with setup.store.write() as db:
        values = {"period": period.key, "due_at": period.due_at, "ready_at": period.due_at}
        return sum(deliveries.move(db, row.id, ("planned", "retrying"), **values) for row in rows)
