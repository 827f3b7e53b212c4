"""Many deliveries, one effect: claimed in one commit, published in one call, settled in one commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from channels.contract import Batching, Item, Receipt
from channels.errors import ChannelError, Uncertain
from scheduler.delivery import condition, outcome
from scheduler.delivery.ready import Ready
from scheduler.delivery.setup import Setup
from scheduler.store import attempts, messages


def publish(channel: Batching, ripe: Sequence[Ready], setup: Setup) -> int:
    """How many were claimed. `channel` is `Batching`, and so idempotent: an unknown outcome repeats them all."""
    if not ripe:
        return 0
    now = setup.clock()
    with setup.store.write() as db:
        messages.save(db, [one.message for one in ripe if one.fresh])
        ours = {
            claim.key for claim in attempts.claim(db, channel.name, [one.claim() for one in ripe], setup.owner, now)
        }
    claimed = [one for one in ripe if one.key in ours]
    if not claimed:
        return 0
    results = call(channel, setup, [Item(one.key, one.message, one.row.published_at or now) for one in claimed])
    setup.record(lambda db: _settle(db, channel.name, claimed, results, setup.clock()))
    return len(claimed)


def _settle(
    db: Connection, channel: str, claimed: Sequence[Ready], results: Mapping[str, Receipt | Exception], now: datetime
) -> None:
    for one in claimed:
        result = results.get(one.key) or Uncertain("The channel said nothing about this one.")
        if isinstance(result, Receipt):
            outcome.succeeded(db, one.act(), result, now)
        else:
            outcome.failed(db, one.act(), result, now)
    note(db, channel, [one.row.id for one in claimed], list(results.values()), now)


def note(
    db: Connection, channel: str, rows: Sequence[int], results: Sequence[Receipt | Exception], now: datetime
) -> None:
    """One call is one success or one failure, however many deliveries were in it."""
    errors = [one for one in results if isinstance(one, Exception)]
    culprit = rows[0] if len(rows) == 1 else 0
    if len(errors) < len(results):
        condition.note(db, channel, None, culprit, "", now)
    elif errors:
        condition.note(db, channel, errors[0], culprit, outcome.told(errors[0]), now)


def call(channel: Batching, setup: Setup, items: Sequence[Item]) -> Mapping[str, Receipt | Exception]:
    """What became of each item; where the call itself failed, that error for all."""
    try:
        with setup.builds:
            return dict(channel.publish_all(items))
    except ChannelError as error:
        return dict.fromkeys((item.key for item in items), error)
    except Exception as error:  # noqa: BLE001  an adapter's bug must end as an unknown outcome, not end the lane
        outcome.log_bug(error, None)
        return dict.fromkeys((item.key for item in items), error)
