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
from channels.errors import RateLimited, Rejected, Unauthorized, Unavailable
from channels.message import Message
from channels.piece import Piece
from scheduler.delivery import condition, doubt, facts, gate, key, outcome, reconcile
from scheduler.delivery.outcome import Act
from scheduler.delivery.setup import Setup
from scheduler.store import attempts, deliveries, dues, editions, messages
from scheduler.store.attempts import Claim

_PATIENCE = timedelta(minutes=10)
_FULL = timedelta(seconds=15)
_INSTANT = timedelta(seconds=1)
_SKEW = timedelta(minutes=2)
"""What was sent further ahead was written down by a clock that was wrong."""
_NOT_OUT = (Rejected, Unauthorized, RateLimited, Unavailable)

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
    with setup.store.read() as db:
        begun = editions.begun(db, channel.name, {row.digest for row in go})
    moved = sum(_resume(channel, one, [row for row in go if row.digest == one.digest], setup) for one in begun)
    inside = {one.digest for one in begun}
    patient = setup.clock() - _PATIENCE
    expected = {_group(row) for row in wait if row.due_at > patient}
    fresh = _editions(row for row in go if row.digest not in inside)
    return moved + sum(_one(channel, one, setup) for one in fresh if one.group not in expected)


def _group(row: Any) -> tuple[str, str, str]:
    return row.period, row.lang, row.segment


def _editions(rows: Iterable[Any]) -> list[Edition]:
    return [Edition(*names, list(members)) for names, members in groupby(sorted(rows, key=_group), _group)]


def _resume(channel: Channel, known: Any, go: Sequence[Any], setup: Setup) -> int:
    """One that is out or may be. `go`: those of its deliveries that may go now."""
    edition = Edition(known.period, known.language, known.segment, go)
    found = [(row, setup.shelf.piece(row)) for row in go]
    going = {row.id for row, piece in found if piece is not None}
    drafts = {row.id for row, piece in found if piece is not None and piece.status != "ready"}
    now = setup.clock()
    with setup.store.read() as db:
        members = editions.members(db, channel.name, known.digest)
    match doubt.fate(known, members, going, drafts, now):
        case "out":
            name = edition.key(setup.site, channel.name)
            with setup.store.write() as db:
                return doubt.follow(db, known, members, name, setup.owner, now)
        case "not out":
            with setup.store.write() as db:
                return doubt.answer(db, known, members, now)
        case "ask":
            with setup.store.write() as db:
                return doubt.ask(db, known, members, drafts, reconcile.look_of(channel), now)
        case "again" if _fits(channel, edition, setup):
            with setup.store.read() as db:
                message = messages.load(db, known.digest)
            return _send(channel, edition, message, go, setup)
    return 0


def _one(channel: Channel, edition: Edition, setup: Setup) -> int:
    """One that is not out: it is made of what is wanted now."""
    now = setup.clock()
    with setup.store.read() as db:
        known = editions.get(db, channel.name, *edition.group)
        behind = editions.put_off(db, channel.name, *edition.group, now)
    if known is not None and known.state != "failed":
        return _postpone(channel, edition.rows, setup)
    if behind:
        return _hasten(behind, setup) if any(row.waived for row in edition.rows) else 0
    if not _fits(channel, edition, setup):
        return 0
    made = _collect(channel, edition, setup)
    return _send(channel, edition, *made, setup, fresh=True) if made else 0


def _hasten(rows: Sequence[Any], setup: Setup) -> int:
    """A person wants one piece out now: those that go with it do so now, since none may miss its edition."""
    now = setup.clock()
    with setup.store.write() as db:
        return sum(deliveries.move(db, row.id, (row.state,), seen=row, ready_at=now, waived=True) for row in rows)


def _fits(channel: Channel, edition: Edition, setup: Setup) -> bool:
    """Whether one more message may go out now, what went out a moment ago counted; else it is looked at when it may."""
    if setup.stop.is_set() or condition.rests(channel.name, setup):
        return False
    limits, now = setup.limits_of(channel.name), setup.clock()
    if not limits.counts:
        return True
    with setup.store.read() as db:
        sent = [at for at in dues.sent(db, channel.name, now - limits.memory) if at <= now + _SKEW]
    at = limits.next(sent, now, setup.zone, spaced=True, timed=False)
    if at > now:
        _put_off(channel, edition.rows, at, setup)
    return at <= now


def _put_off(channel: Channel, rows: Sequence[Any], until: datetime, setup: Setup) -> None:
    """What becomes too late until then is looked at as soon as it is."""
    known = facts.gather(rows, channel.name, setup)
    ends = {row.id: gate.last_moment(row, known[row.id]) for row in rows}
    with setup.store.write() as db:
        for row in rows:
            end = ends[row.id]
            deliveries.put_off(db, row, until if end is None else min(until, end + _INSTANT))


def _collect(channel: Channel, edition: Edition, setup: Setup) -> tuple[Message, list[Any]] | None:
    """The edition's message and the rows in it; a piece that the channel objects to is held, and the others go."""
    assert isinstance(channel, Collecting)  # noqa: S101  tells the type checker; lanes look before they call
    found = [(row, setup.shelf.piece(row)) for row in edition.rows if row.gone_at is None]
    if any(piece is None for _, piece in found):
        return None
    ready = [(row, piece) for row, piece in found if piece and piece.status == "ready"]
    try:
        fine = [(row, piece) for row, piece in ready if not _objected(row, piece, channel, setup)]
        if not fine:
            return None
        period = Period(edition.period, edition.rows[0].due_at)
        message = channel.collect(period, [piece for _, piece in fine], setup.shelf.view)[0]
    except Exception:
        log.exception("collecting failed", channel=channel.name, period=edition.period)
        why = f"The edition {edition.period} could not be prepared; the log has the details."
        _hold(edition.rows, "render", why, setup)
        return None
    try:
        setup.shelf.keep(message.media)
    except OSError as error:
        log.warning("an edition's pictures can't be kept; it is tried again", channel=channel.name, error=str(error))
        _put_off(channel, edition.rows, setup.clock() + _FULL, setup)
        return None
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
            outcome.hold(db, Act(row.id, row.name, row.channel, row.attempts), reason, message, setup.clock(), row)


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
        setup.record(lambda db: _settle_failed(db, channel, edition, message, acts, failure, setup.clock()))
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
    editions.put(db, edition.row(channel.name) | {"digest": message.digest()} | done)
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
        editions.put(db, edition.row(channel.name) | {"state": "publishing", "digest": digest})


def _settle_failed(
    db: Connection,
    channel: Channel,
    edition: Edition,
    message: Message,
    acts: Sequence[Act],
    error: Exception,
    now: datetime,
) -> None:
    """What is provably not out is collected anew, of what is wanted then; what may be out stays what it is."""
    for act in acts:
        outcome.failed(db, act, error, now)
    if isinstance(error, _NOT_OUT) and not editions.doubtful(db, acts[0].key, message.digest()):
        editions.put(db, edition.row(channel.name) | {"state": "failed"})
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
