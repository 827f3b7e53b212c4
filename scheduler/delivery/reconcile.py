"""Open attempts that nobody is working on: did it go out?

A lane calls this before anything else, from its own thread, so every open attempt that it finds was left behind: by a
process that is gone (the daemon's lock says so) or by a call that came back without telling.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from channels.contract import Channel, Priced, Receipt, Visible
from channels.errors import CannotTell, RateLimited
from channels.message import Message
from scheduler.delivery import condition, outcome, purse, retry
from scheduler.delivery.outcome import Act
from scheduler.delivery.setup import Setup
from scheduler.store import attempts, deliveries, expenses, messages
from scheduler.store.engine import Store

MOST_CHECKS = 3
_BETWEEN_CHECKS = (timedelta(minutes=1), timedelta(minutes=10))
_NOT_NOW = timedelta(seconds=20)


def settle(channel: Channel, setup: Setup, *, live: bool | None = None) -> int:
    """How many open attempts found their end. `live`: those that are the business of the hall's lane, or of the other."""
    with setup.store.read() as db:
        rows = [row for row in attempts.orphans(db, channel.name) if _is_mine(row, live)]
    now = setup.clock()
    return sum(_one(row, channel, setup, now) for row in rows if row.look_at is None or row.look_at <= now)


def _is_mine(row: Any, live: bool | None) -> bool:
    """The hall's lane, which sends nothing while it looks, takes the posts that were left behind under way, so that the
    others follow in their order. What is in doubt since is read back by the other lane: that can take minutes, and a hall
    does not wait. That one also takes back what is out."""
    hall = row.live and row.purpose == "publish" and row.uncertain_at is None
    return live is None or hall == live


def abandon(store: Store, channels: Collection[str], now: datetime) -> int:
    """Open attempts on channels that are no longer in the settings: nobody but a person can tell; how many."""
    with store.write() as db:
        rows = [row for row in attempts.left(db) if row.channel not in channels]
        for row in rows:
            act = Act(row.delivery_id, row.name, row.channel, row.attempts, row.purpose, row.key)
            why = f"the channel {row.channel} is no longer in config/julki.toml."
            _hold_uncertain(db, act, _doubt(act, why, ""), now)
    return len(rows)


def _one(row: Any, channel: Channel, setup: Setup, now: datetime) -> int:
    act = Act(row.delivery_id, row.name, channel.name, row.attempts, row.purpose, row.key)
    if channel.idempotent or row.purpose != "publish":
        return _repeat(row, act, look_of(channel), setup, now)
    return _read_back(row, act, channel, setup, now)


def _repeat(row: Any, act: Act, look: str, setup: Setup, now: datetime) -> int:
    """Ask again: at once after a crash, ever later after answers that told nothing, and not for ever."""
    if row.attempts >= retry.MOST_ATTEMPTS and act.purpose == "publish":
        return _ask(act, f"{row.error or 'the channel never said'} Tried {row.attempts} times.", look, setup, now)
    wait = retry.backoff(row.attempts, 0) if row.uncertain_at else timedelta()
    with setup.store.write() as db:
        outcome.repeat(db, act, row.error, now + wait, now)
    return 1


def _read_back(row: Any, act: Act, channel: Channel, setup: Setup, now: datetime) -> int:
    with setup.store.read() as db:
        message = messages.load(db, row.digest)
    try:
        receipt = _asked(row, message, channel, setup, now)
    except RateLimited as error:
        return _later(row, error, setup, now)
    except CannotTell as error:
        return _ask(act, str(error), error.look or look_of(channel), setup, now)
    except Exception as error:  # noqa: BLE001  whatever it is, it becomes the outcome
        outcome.log_bug(error, act)
        return _unresolved(row, act, channel, error, setup, now)
    if receipt is None:
        return _absent(row, act, channel, setup, now)
    with setup.store.read() as db:
        other = deliveries.owner(db, channel.name, receipt.remote_id, act.delivery)
    if other is None:
        return _found(row, act, receipt, setup, now)
    why = f"a post like it is there, but that one is known as {other.name} ({other.id})."
    return _ask(act, why, receipt.permalink or look_of(channel), setup, now)


def _asked(row: Any, message: Message, channel: Channel, setup: Setup, now: datetime) -> Receipt | None:
    """What is read is paid for, whatever comes of it."""
    before = channel.read if isinstance(channel, Priced) else 0
    with setup.store.read() as db:
        since = attempts.doubtful_since(db, row.delivery_id) or row.started_at
    try:
        return channel.find(message, row.key, since)
    finally:
        if isinstance(channel, Priced) and channel.paid and (count := channel.read - before):
            with setup.store.write() as db:
                expenses.add(db, channel.name, "find", count, count * purse.millionths(channel.read_price), now)


def _found(row: Any, act: Act, receipt: Receipt, setup: Setup, now: datetime) -> int:
    with setup.store.write() as db:
        outcome.succeeded(db, act, receipt, now, "found by reading back", since=row.started_at)
        condition.note(db, act.channel, None, act.delivery, "", now)
    return 1


def _absent(row: Any, act: Act, channel: Channel, setup: Setup, now: datetime) -> int:
    """Not being there proves something only after the remote's own delay. That it answers proves that it works."""
    with setup.store.write() as db:
        condition.note(db, channel.name, None, act.delivery, "", now)
    # after a crash nobody knows when the call ended, but that it is over now: the delay counts from here
    ended = row.uncertain_at or now
    sure_at = ended + channel.settle
    if now >= sure_at and row.twin:
        return _unseen(row, act, channel, setup, now)
    if now >= sure_at:
        return _repeat(row, act, look_of(channel), setup, now)
    with setup.store.write() as db:
        attempts.look_again(db, row.id, sure_at, counted=False, ended=ended)
    return 0


def _unseen(row: Any, act: Act, channel: Channel, setup: Setup, now: datetime) -> int:
    """The like of it is out, says the remote, and does not show it. Was it sent before, it may come up still; else it is
    another's, and a person must say."""
    with setup.store.read() as db:
        before = attempts.doubtful_since(db, row.delivery_id, but=row.id) is not None
    if not before or row.checks + 1 >= MOST_CHECKS:
        return _ask(act, row.error, look_of(channel), setup, now)
    with setup.store.write() as db:
        attempts.look_again(db, row.id, now + _BETWEEN_CHECKS[row.checks], counted=True)
    return 0


def _later(row: Any, error: RateLimited, setup: Setup, now: datetime) -> int:
    """ "Not now" says nothing about the post: ask when the remote is ready for questions again."""
    wait = max(error.retry_after or _NOT_NOW, _NOT_NOW)
    with setup.store.write() as db:
        attempts.look_again(db, row.id, now + wait, counted=False)
    return 0


def _unresolved(row: Any, act: Act, channel: Channel, error: Exception, setup: Setup, now: datetime) -> int:
    told = outcome.told(error)
    with setup.store.write() as db:
        condition.note(db, channel.name, error, act.delivery, told, now)
    if row.checks + 1 >= MOST_CHECKS:
        return _ask(act, f"{told} Asked {MOST_CHECKS} times.", look_of(channel), setup, now)
    with setup.store.write() as db:
        attempts.look_again(db, row.id, now + _BETWEEN_CHECKS[row.checks], counted=True)
    return 0


def look_of(channel: Channel) -> str:
    """Where a person can see what is out there, as far as the channel says."""
    return channel.look if isinstance(channel, Visible) else ""


def _ask(act: Act, why: str, look: str, setup: Setup, now: datetime) -> int:
    """A person looks, and says which it was."""
    with setup.store.write() as db:
        _hold_uncertain(db, act, _doubt(act, why, look), now)
    return 1


def _doubt(act: Act, why: str, look: str) -> str:
    where = f" Look at {look}." if look else ""
    return (
        f"It may be out or not: {why}{where} If it is out: julki confirm {act.delivery} ADDRESS. "
        f"If it is not: julki retry {act.delivery}, or julki skip {act.delivery}"
    )


def _hold_uncertain(db: Connection, act: Act, message: str, now: datetime) -> None:
    """What was published stays so, whatever became of an attempt to change it."""
    values = {"state": "held", "reason": "uncertain", "error": message} if act.purpose == "publish" else {}
    if attempts.settle(db, act.delivery, act.key, "unknown", now, values or {"error": message}, message):
        outcome.note(db, act, now, "held", message)
