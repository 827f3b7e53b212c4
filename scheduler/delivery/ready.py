"""From a due row to a message with its key, or to the reason why there is none."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from channels.contract import Channel
from channels.message import Message
from channels.piece import Piece
from scheduler.delivery import gate, key
from scheduler.delivery.outcome import Act
from scheduler.delivery.setup import Setup
from scheduler.store import attempts, deliveries, messages
from scheduler.store.attempts import Claim

log = structlog.get_logger("julki.delivery")

_MOST_DRAFTS = 300
_PUT_OFF = timedelta(seconds=15)
_FROM_AN_EDITION = (
    "It was in an edition that may be out, and the channel collects none any more. Look at the channel. If it is out: "
    "julki confirm {0} ADDRESS, or julki skip {0}. If it is not: julki retry {0}"
)
_PROVABLY_NOT_OUT = frozenset({"unavailable", "limited"})


@dataclass(frozen=True)
class Ready:
    """A delivery that may be claimed. `fresh`: rendered now, so the message is still to be kept."""

    row: Any
    message: Message
    digest: str
    generation: int
    fresh: bool = True

    @property
    def key(self) -> str:
        return key.of_delivery(self.row.uid, self.row.channel, self.row.part, self.generation)

    def claim(self) -> Claim:
        return Claim(
            self.row.id, self.key, self.digest, self.generation, edits=self.row.changed if self.fresh else None
        )

    def act(self) -> Act:
        return Act(self.row.id, self.row.name, self.row.channel, self.row.attempts + 1, key=self.key)


class Drafts:
    """Messages rendered ahead of their time, a few hundred at most. One counts only while its piece's version holds."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[Hashable, Message]] = OrderedDict()

    def get(self, row: Any, version: Hashable) -> Message | None:
        kept = self._kept.get(row.id)
        return kept[1] if kept and kept[0] == version else None

    def keep(self, row: Any, version: Hashable, message: Message) -> None:
        self._kept[row.id] = (version, message)
        while len(self._kept) > _MOST_DRAFTS:
            self._kept.popitem(last=False)

    def drop(self, row: Any) -> None:
        self._kept.pop(row.id, None)


def make(row: Any, channel: Channel, setup: Setup, drafts: Drafts) -> Ready | gate.Hold | None:
    """None: not now. Its file changed since the last scan, which will come to it, or its pictures can't be kept. A retry
    sends the stored message, and so does what was made at the desk."""
    edited = row.changed and row.reason in _PROVABLY_NOT_OUT and not _is_frozen(row) and not _may_be_out(row, setup)
    if row.digest and (_is_frozen(row) or (row.state == "retrying" and not edited)):
        with setup.store.read() as db:
            stored = messages.load(db, row.digest)
        if stored.piece:
            return Ready(row, stored, row.digest, row.generation, fresh=False)
        if row.reason not in _PROVABLY_NOT_OUT:
            return gate.Hold("uncertain", _FROM_AN_EDITION.format(row.id))
    version = setup.shelf.version(row)
    if version is None:
        return None
    message = drafts.get(row, version)
    if message is None:
        piece = setup.shelf.piece(row)
        if piece is None or piece.status != "ready":
            return None
        found = render(row, piece, channel, setup)
        if found is None or isinstance(found, gate.Hold):
            return found
        message = found
        drafts.keep(row, version, message)
    return Ready(row, message, message.digest(), row.generation + int(edited))


def _is_frozen(row: Any) -> bool:
    """What was made at the desk, and the posts of a thread since the first of them was claimed."""
    return bool(row.digest) and (row.fixed or row.part.isdigit())


def rest(one: Ready, channel: Channel, setup: Setup) -> list[Message] | None:
    """The other posts of a thread whose first is about to be claimed, as they were made together; None: not now, the file
    has changed since."""
    if not (one.fresh and one.row.part.isdigit()):
        return []
    piece = setup.shelf.piece(one.row)
    found = {} if piece is None else {message.part: message for message in channel.render(piece, setup.shelf.view)}
    if one.row.part not in found or found[one.row.part].digest() != one.digest:
        return None
    others = [message for part, message in found.items() if part.isdigit() and part != one.row.part]
    setup.shelf.keep([media for message in others for media in message.media])
    return others


def _may_be_out(row: Any, setup: Setup) -> bool:
    own = key.of_delivery(row.uid, row.channel, row.part, row.generation)
    with setup.store.read() as db:
        return attempts.repeated(db, row.id, own)


def render(row: Any, piece: Piece, channel: Channel, setup: Setup) -> Message | gate.Hold | None:
    """The message of the row's part; what an adapter objects to, or trips over, holds this one delivery and no other.
    None: its pictures can't be kept now (a full disk), so it is put off."""
    view = setup.shelf.view
    try:
        errors = [problem for problem in channel.check(piece, view) if problem.severity == "error"]
        found = [] if errors else [m for m in channel.render(piece, view) if m.part == row.part]
    except Exception:
        log.exception("rendering failed", piece=row.name, channel=row.channel)
        return gate.Hold(
            "render",
            f"It could not be prepared for {row.channel}; the log has the details. Try again: julki retry {row.id}",
        )
    if errors:
        return gate.Hold("problem", f"{errors[0].message} Mend {piece.path}, then: julki retry {row.id}")
    if not found:
        return gate.Hold("problem", f"{piece.path} no longer has the part '{row.part}'. Drop it: julki skip {row.id}")
    return found[0] if _kept(row, found[0], setup) else None


def _kept(row: Any, message: Message, setup: Setup) -> bool:
    try:
        setup.shelf.keep(message.media)
    except OSError as error:
        log.warning(
            "its pictures can't be kept; it is tried again", piece=row.name, channel=row.channel, error=str(error)
        )
        with setup.store.write() as db:
            deliveries.put_off(db, row, setup.clock() + _PUT_OFF)
        return False
    return True
