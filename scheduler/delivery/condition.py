"""Writing down how a channel fares, and telling when that changes."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import structlog
from sqlalchemy import Connection

from scheduler.delivery import breaker
from scheduler.delivery.breaker import FINE, Condition
from scheduler.delivery.setup import Setup
from scheduler.store import audit, breakers, deliveries

log = structlog.get_logger("julki.delivery")


def of(db: Connection, channel: str) -> Condition:
    row = breakers.get(db, channel)
    if row is None:
        return FINE
    return Condition(row.failures, row.opened_at, row.until, row.error, row.culprit, row.refusals, row.since)


def rests(channel: str, setup: Setup, *, live: bool = False) -> bool:
    """Whether the channel is to be left alone now. `live`: by a hall, which goes on trying where the channel can't be
    reached; that the channel said "not now" counts there, too."""
    with setup.store.read() as db:
        found = of(db, channel)
    return found.rests(setup.clock()) and not (live and found.opened_at is not None)


def note(db: Connection, channel: str, error: Exception | None, culprit: int, text: str, now: datetime) -> None:
    """One call ended: well (`error` None), or not; `culprit` is its delivery, 0 for a batch."""
    before = of(db, channel)
    after = breaker.after(before, error, culprit, text, now)
    if after == before:
        return
    breakers.put(db, channel, asdict(after))
    if after.opened_at and after.until:
        deliveries.hasten(db, channel, after.until, live=False)
    if after.opened_at and not before.opened_at:
        _tell(db, channel, "breaker", f"{channel} failed {after.failures} times in a row: {text}", now)
    elif before.opened_at and not after.opened_at:
        _tell(db, channel, "breaker closed", f"{channel} works again.", now)
        deliveries.hasten(db, channel, now)


def _tell(db: Connection, channel: str, act: str, text: str, now: datetime) -> None:
    audit.write(db, now, audit.DESK, act, channel=channel, detail=text)
    log.warning(text, channel=channel)
