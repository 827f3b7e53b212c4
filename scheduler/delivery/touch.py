"""What is out and has to be looked at again: edited, expired, to be withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from channels.contract import Batching, Channel, Item, Message, Receipt, Revising, Withdrawing
from channels.errors import Uncertain
from scheduler.delivery import batch, gate, key, outcome, ready
from scheduler.delivery.outcome import Act
from scheduler.delivery.setup import Setup
from scheduler.store import attempts, deliveries, dues, messages, pauses
from scheduler.store.attempts import Claim

Purpose = Literal["revise", "withdraw"]


@dataclass(frozen=True)
class Touch:
    """One thing to do to what is out."""

    row: Any
    purpose: Purpose
    message: Message
    key: str

    def claim(self) -> Claim:
        return Claim(self.row.id, self.key, self.message.digest(), self.row.generation, self.purpose, ("published",))

    def act(self) -> Act:
        return Act(self.row.id, self.row.name, self.row.channel, self.row.attempts, self.purpose)


def work(channel: Channel, setup: Setup) -> int:
    """How many were revised or withdrawn, or found to need nothing."""
    together = isinstance(channel, Batching)
    can = {
        "revises": together or isinstance(channel, Revising),
        "withdraws": together or isinstance(channel, Withdrawing),
    }
    now = setup.clock()
    with setup.store.read() as db:
        if any(
            pause.scope == "all" or (pause.scope, pause.name) == ("channel", channel.name)
            for pause in pauses.current(db)
        ):
            return 0
        rows = dues.touched(db, channel.name, now, **can)
    touches = [touch for row in rows if (touch := _make(row, channel, setup))]
    if together:
        _call(channel, touches, setup)
    else:
        for touch in touches:
            _call(channel, [touch], setup)
    return len(touches)


def _make(row: Any, channel: Channel, setup: Setup) -> Touch | None:
    """What to do, or None where the edit changes nothing here (which is remembered) or can't be rendered yet."""
    if row.withdraw or (row.expires_at is not None and row.expires_at <= setup.clock()):
        with setup.store.read() as db:
            message = messages.load(db, row.digest)
        return Touch(row, "withdraw", message, key.of_withdrawal(row.uid, channel.name, row.part, row.digest))
    if row.broken or row.gone_at:
        _quiet(row, setup)
        return None
    piece = setup.shelf.piece(row)
    if piece is None:
        return None
    found = ready.render(row, piece, channel, setup)
    if isinstance(found, gate.Hold):
        _quiet(row, setup, found.message)
        return None
    digest = found.digest()
    if digest == row.digest:
        _quiet(row, setup)
        return None
    return Touch(row, "revise", found, key.of_revision(row.uid, channel.name, row.part, digest))


def _quiet(row: Any, setup: Setup, error: str = "") -> None:
    """Nothing to do for this edit; what is out stays as it is."""
    with setup.store.write() as db:
        deliveries.move(db, row.id, ("published",), changed=False, error=error)


def _call(channel: Channel, touches: Sequence[Touch], setup: Setup) -> None:
    if not touches:
        return
    with setup.store.write() as db:
        messages.save(db, [touch.message for touch in touches])
        claims = attempts.claim(db, channel.name, [touch.claim() for touch in touches], setup.owner, setup.clock())
    ours = {claim.key for claim in claims}
    claimed = [touch for touch in touches if touch.key in ours]
    if isinstance(channel, Batching):
        items = [Item(touch.key, touch.message, touch.row.published_at, touch.purpose) for touch in claimed]
        results = dict(batch.call(channel, items)) if items else {}
    else:
        results = {touch.key: _single(channel, touch) for touch in claimed}
    with setup.store.write() as db:
        for touch in claimed:
            _settle(db, touch, results.get(touch.key) or Uncertain("The channel said nothing about this one."), setup)


def _single(channel: Channel, touch: Touch) -> Receipt | Exception:
    receipt = Receipt(touch.row.remote_id, touch.row.permalink, touch.row.receipt or {})
    try:
        if touch.purpose == "withdraw" and isinstance(channel, Withdrawing):
            channel.withdraw(receipt, touch.key)
            return receipt
        assert isinstance(channel, Revising)  # noqa: S101  tells the type checker; only these were asked for
        return channel.revise(touch.message, touch.key, receipt)
    except Exception as error:  # noqa: BLE001  whatever it is, it becomes the attempt's outcome
        outcome.log_bug(error, touch.act())
        return error


def _settle(db: Any, touch: Touch, result: Receipt | Exception, setup: Setup) -> None:
    now = setup.clock()
    if isinstance(result, Exception):
        outcome.failed(db, touch.act(), result, now)
    elif touch.purpose == "withdraw":
        outcome.succeeded(db, touch.act(), None, now)
    else:
        outcome.revised(db, touch.act(), result, touch.message.digest(), now)
