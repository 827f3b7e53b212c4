"""What is out and has to be looked at again: edited, expired, to be withdrawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import structlog
from sqlalchemy import Connection

from channels.contract import Batching, Channel, Correcting, Item, Receipt, Revising, Withdrawing
from channels.errors import Uncertain
from channels.message import Message
from scheduler.delivery import batch, gate, key, outcome, pin, ready, wording
from scheduler.delivery.outcome import Act
from scheduler.delivery.setup import Setup
from scheduler.store import approvals, attempts, deliveries, dues, handmade, messages, pauses
from scheduler.store.attempts import Claim

log = structlog.get_logger("julki.delivery")

_PUT_OFF = timedelta(minutes=1)
_COUNTS = ("planned", "publishing", "retrying", "held", "published")
"""A correction in one of these states is said, or will be."""
_CORRECT = "It was edited since it went out. Post a correction: julki correct {id}"
Purpose = Literal["revise", "withdraw"]


@dataclass(frozen=True)
class Touch:
    """One thing to do to what is out."""

    row: Any
    purpose: Purpose
    message: Message
    key: str

    def claim(self) -> Claim:
        edits = self.row.changed if self.purpose == "revise" else None
        return Claim(
            self.row.id, self.key, self.message.digest(), self.row.generation, self.purpose, ("published",), edits
        )

    def act(self) -> Act:
        return Act(self.row.id, self.row.name, self.row.channel, self.row.attempts, self.purpose, self.key)


def work(channel: Channel, setup: Setup) -> int:
    """How many were looked at to their end: revised, withdrawn, or found to need nothing."""
    touches, quiet = [], 0
    for row in _rows(channel, setup):
        found = _guarded(row, channel, setup)
        if isinstance(found, Touch):
            touches.append(found)
        quiet += found is _QUIET
    if isinstance(channel, Batching):
        _call(channel, touches, setup)
    else:
        for touch in touches:
            _call(channel, [touch], setup)
    return len(touches) + quiet


def _rows(channel: Channel, setup: Setup) -> Sequence[Any]:
    """A pause stops revising; what a person wants taken back in a crisis is taken back all the same."""
    together = isinstance(channel, Batching)
    revises, withdraws = (
        together or isinstance(channel, Revising | Correcting),
        together or isinstance(channel, Withdrawing),
    )
    with setup.store.read() as db:
        stopped = {(pause.scope, pause.name) for pause in pauses.current(db)}
        if ("all", "") in stopped or ("channel", channel.name) in stopped:
            return dues.unwanted(db, channel.name, setup.clock()) if withdraws else []
        paused = {what: [name for scope, name in stopped if scope == what] for what in ("client", "project")}
        return dues.touched(
            db,
            channel.name,
            setup.clock(),
            revises=revises,
            withdraws=withdraws,
            clients=paused["client"],
            projects=paused["project"],
        )


_LATER = object()
_QUIET = object()


def _guarded(row: Any, channel: Channel, setup: Setup) -> object:
    """One that trips over itself is put off, and stops no other."""
    try:
        return _make(row, channel, setup)
    except Exception:
        log.exception("looking again failed", piece=row.name, channel=channel.name)
        with setup.store.write() as db:
            deliveries.put_off(db, row, setup.clock() + _PUT_OFF)
        return _LATER


def _make(row: Any, channel: Channel, setup: Setup) -> object:
    """A `Touch`; `_QUIET` where the edit changes nothing here; `_LATER` where the file is ahead of the last scan."""
    if row.withdraw or (row.expires_at is not None and row.expires_at <= setup.clock()):
        message = _out(row, channel, setup)
        return Touch(row, "withdraw", message, key.of_withdrawal(row.uid, channel.name, row.part, row.digest))
    if row.broken or row.gone_at or row.fixed:
        return _calm(row, setup)
    piece = setup.shelf.piece(row)
    if piece is None:
        return _LATER
    if piece.status != "ready":
        return _calm(row, setup)
    found = ready.render(row, piece, channel, setup)
    if found is None:
        return _LATER
    if isinstance(channel, Correcting):
        return _calm(row, setup, _hint(row, found, setup))
    if isinstance(found, gate.Hold):
        return _calm(row, setup, found.message)
    digest = found.digest()
    if digest == row.digest:
        return _calm(row, setup)
    if setup.approval and not _approved(row, digest, setup):
        return _calm(row, setup, f"Its edit waits for a second person: julki approve {row.name} --by NAME")
    return Touch(row, "revise", found, key.of_revision(row.uid, channel.name, row.part, digest))


def _hint(row: Any, found: Message | gate.Hold, setup: Setup) -> str:
    """What to do about an edit where what is out can't be replaced. The label of a live post is for the desk: without its
    section it is as it was."""
    if isinstance(found, gate.Hold):
        return "" if row.live else f'{_CORRECT.format(id=row.id)} --text "…"'
    return "" if found.digest() == row.digest or _says(row, found, setup) else _CORRECT.format(id=row.id)


def _says(row: Any, message: Message, setup: Setup) -> bool:
    """Whether people read that already, be it in a correction."""
    with setup.store.read() as db:
        last = next((one for one in reversed(handmade.corrections(db, row.id)) if one.state in _COUNTS), None)
        out = messages.load(db, (last or row).digest) if row.digest else None
    return out is not None and wording.same(out.data.get("meant", out.text), message, setup.site, out.piece)


def _approved(row: Any, digest: str, setup: Setup) -> bool:
    with setup.store.read() as db:
        word = approvals.standing(db, [row.piece_id]).get(row.piece_id)
    if word is None or word.decision != "approved":
        return False
    return pin.is_text(word.pins.get(row.channel, {}).get(row.part, ""), digest)


def _out(row: Any, channel: Channel, setup: Setup) -> Message:
    """What is out; of what a person confirmed nothing more is known than where it stands."""
    if not row.digest:
        return Message(channel.name, row.name, row.part)
    with setup.store.read() as db:
        return messages.load(db, row.digest)


def _calm(row: Any, setup: Setup, error: str = "") -> object:
    """Nothing to do for this edit; what is out stays as it is."""
    with setup.store.write() as db:
        deliveries.calm(db, row.id, row.changed, error)
    return _QUIET


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
        results: Mapping[str, Receipt | Exception] = batch.call(channel, setup, items) if items else {}
    else:
        results = {touch.key: _single(channel, touch) for touch in claimed}
    if claimed:
        setup.record(lambda db: _settle_all(db, channel.name, claimed, results, setup))


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


def _settle_all(
    db: Connection, channel: str, touches: Sequence[Touch], results: Mapping[str, Receipt | Exception], setup: Setup
) -> None:
    for touch in touches:
        _settle(db, touch, results.get(touch.key) or Uncertain("The channel said nothing about this one."), setup)
    batch.note(db, channel, [touch.row.id for touch in touches], list(results.values()), setup.clock())


def _settle(db: Any, touch: Touch, result: Receipt | Exception, setup: Setup) -> None:
    now = setup.clock()
    if isinstance(result, Exception):
        outcome.failed(db, touch.act(), result, now)
    elif touch.purpose == "withdraw":
        outcome.succeeded(db, touch.act(), None, now)
    else:
        outcome.revised(db, touch.act(), result, touch.message.digest(), now)
