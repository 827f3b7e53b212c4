"""Collected editions: one message for many pieces, keyed by its period. The pieces' deliveries follow its state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import structlog

from channels.contract import Channel, Collecting, Message, Period
from scheduler.delivery import key, outcome
from scheduler.delivery.outcome import Act
from scheduler.delivery.setup import Setup
from scheduler.store import attempts, deliveries, messages
from scheduler.store.attempts import Claim

log = structlog.get_logger("julki.delivery")


@dataclass(frozen=True)
class Edition:
    """One period, language and segment, with the due rows that belong to it."""

    period: str
    language: str
    segment: str
    rows: Sequence[Any]

    def key(self, site: str, channel: str) -> str:
        return key.of_edition(site, channel, self.period, self.language, self.segment)


def publish(channel: Channel, rows: Iterable[Any], setup: Setup) -> int:
    """How many deliveries moved with their editions."""
    return sum(_one(channel, edition, setup) for edition in _editions(rows))


def _editions(rows: Iterable[Any]) -> list[Edition]:
    def group(row: Any) -> tuple[str, str, str]:
        return row.period, row.lang, row.segment

    return [Edition(*names, list(members)) for names, members in groupby(sorted(rows, key=group), group)]


def _one(channel: Channel, edition: Edition, setup: Setup) -> int:
    with setup.store.read() as db:
        known = attempts.edition(db, channel.name, edition.period, edition.language, edition.segment)
    if known is None:
        made = _collect(channel, edition, setup)
        return _send(channel, edition, made, edition.rows, setup) if isinstance(made, Message) else made
    with setup.store.read() as db:
        message = messages.load(db, known.digest)
    inside = [row for row in edition.rows if row.name in message.data["pieces"] and known.state != "published"]
    outside = [row for row in edition.rows if row not in inside]
    moved = _postpone(channel, outside, setup)
    return moved + (_send(channel, edition, message, inside, setup) if inside else 0)


def _collect(channel: Channel, edition: Edition, setup: Setup) -> Message | int:
    """The edition's message; else how many rows were held for it."""
    assert isinstance(channel, Collecting)  # noqa: S101  tells the type checker; lanes look before they call
    pieces = [setup.shelf.piece(row) for row in edition.rows]
    if None in pieces:
        return 0
    due = edition.rows[0].due_at
    try:
        found = channel.collect(Period(edition.period, due), [piece for piece in pieces if piece], setup.shelf.view)
        setup.shelf.keep(found[0].media)
    except Exception:
        log.exception("collecting failed", channel=channel.name, period=edition.period)
        return _hold(edition, f"The edition {edition.period} could not be prepared; the log has the details.", setup)
    return found[0]


def _hold(edition: Edition, message: str, setup: Setup) -> int:
    with setup.store.write() as db:
        acts = [Act(row.id, row.name, row.channel, row.attempts) for row in edition.rows]
        return sum(outcome.hold(db, act, "render", message, setup.clock()) for act in acts)


def _send(channel: Channel, edition: Edition, message: Message, rows: Sequence[Any], setup: Setup) -> int:
    """One claim for all its deliveries, one call, one settlement."""
    digest, name = message.digest(), edition.key(setup.site, channel.name)
    row = {"channel": channel.name, "period": edition.period, "language": edition.language, "segment": edition.segment}
    with setup.store.write() as db:
        messages.save(db, [message])
        claims = [Claim(one.id, name, digest, one.generation) for one in rows]
        ours = {claim.delivery for claim in attempts.claim(db, channel.name, claims, setup.owner, setup.clock())}
        attempts.put_edition(db, row | {"state": "publishing", "digest": digest})
    acts = [Act(one.id, one.name, channel.name, one.attempts + 1) for one in rows if one.id in ours]
    try:
        receipt = channel.publish(message, name, None)
    except Exception as error:  # noqa: BLE001  whatever it is, it becomes the outcome
        outcome.log_bug(error, acts[0])
        _settle_failed(acts, error, setup)
        return len(acts)
    with setup.store.write() as db:
        now = setup.clock()
        done = {"state": "published", "digest": digest, "published_at": now, "remote_id": receipt.remote_id}
        attempts.put_edition(db, row | done)
        for act in acts:
            outcome.succeeded(db, act, receipt, now, f"in edition {edition.period}")
    return len(acts)


def _settle_failed(acts: Sequence[Act], error: Exception, setup: Setup) -> None:
    with setup.store.write() as db:
        for act in acts:
            outcome.failed(db, act, error, setup.clock())


def _postpone(channel: Channel, rows: Sequence[Any], setup: Setup) -> int:
    """What comes too late for its edition goes into the next one: none is lost, and no edition goes out twice."""
    assert isinstance(channel, Collecting)  # noqa: S101  tells the type checker; lanes look before they call
    period = channel.period(setup.clock())
    if not rows or period is None:
        return 0
    with setup.store.write() as db:
        values = {"period": period.key, "due_at": period.due_at, "ready_at": period.due_at}
        return sum(deliveries.move(db, row.id, ("planned", "retrying"), **values) for row in rows)
