"""Many deliveries, one effect: claimed in one commit, published in one call, settled in one commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from channels.contract import Batching, Item, Receipt
from channels.errors import ChannelError, Uncertain
from scheduler.delivery import outcome
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
    with setup.store.write() as db:
        now = setup.clock()
        for one in claimed:
            result = results.get(one.key) or Uncertain("The channel said nothing about this one.")
            if isinstance(result, Receipt):
                outcome.succeeded(db, one.act(), result, now)
            else:
                outcome.failed(db, one.act(), result, now)
    return len(claimed)


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
