"""One channel's lane: its due deliveries, in order, one at a time or in batches. A lane never waits for another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from channels.contract import Batching, Channel, Collecting, Receipt
from channels.errors import Rejected
from scheduler.delivery import batch, condition, edition, facts, outcome, purse, ready, reconcile, touch
from scheduler.delivery.outcome import Act
from scheduler.delivery.ready import Drafts, Ready
from scheduler.delivery.setup import Setup
from scheduler.delivery.sluice import Sluice
from scheduler.store import attempts, dues, messages

_AHEAD = timedelta(seconds=6)
_MARGIN = timedelta(milliseconds=150)
_ANNOUNCING = timedelta(seconds=5)
_HALL = timedelta(seconds=15)
"""As long as a hall waits for the next try."""


class Lane:
    """`work` is one pass over what is due; whoever calls it does so from one thread at a time.

    `live` True: only the posts of live events, which no other post, however long its call may hang, keeps waiting; False:
    all but these; None: both, where a channel has no posts of that sort."""

    def __init__(self, channel: Channel, setup: Setup, live: bool | None = None) -> None:
        self.channel = channel
        self.setup = setup
        self.live = live
        self._drafts = Drafts()
        self._sluice = Sluice(channel, setup, self._drafts)
        self._purse = purse.purse(channel, setup.zone)
        self._now = setup.clock()
        self._begun: dict[int, datetime] = {}
        """Piece → since when its live posts wait for its announcement."""
        self.beat: Callable[[], None] = lambda: None
        """Called after each delivery: a long pass is no standstill."""

    @property
    def name(self) -> str:
        """The channel's name."""
        return self.channel.name

    @property
    def label(self) -> str:
        """The lane's own name: a channel may have two."""
        return f"{self.name} live" if self.live else self.name

    def work(self, now: datetime | None = None) -> int:
        """How many deliveries moved, of those that were due at `now` (else the clock's). Open attempts are settled first:
        what may be out is not sent again."""
        self._now = now or self.setup.clock()
        if condition.rests(self.name, self.setup, live=bool(self.live)):
            return sum(self._sluice.hold_only(rows) for rows in self._pages())
        moved = reconcile.settle(self.channel, self.setup, live=self.live)
        moved += 0 if self.live else touch.work(self.channel, self.setup)
        if isinstance(self.channel, Collecting):
            moved += self._collect([row for page in self._pages() for row in page])
        else:
            moved += sum(self._go(rows) for rows in self._pages())
        self._look_ahead()
        return moved

    def _look_ahead(self) -> None:
        """Render what is due in a moment, so that at its time there is only the publishing left to do."""
        now = self.setup.clock()
        with self.setup.store.read() as db:
            rows = dues.soon(db, self.name, now, now + _AHEAD, live=self.live)
        for row in rows:
            if self.setup.stop.is_set() or self.setup.clock() >= rows[0].ready_at - _MARGIN:
                break
            if not (row.broken or row.tangled):
                ready.make(row, self.channel, self.setup, self._drafts)

    def _pages(self) -> Iterator[Sequence[Any]]:
        """All due rows, 200 at a time: what waits or is held does not stand in the way of what is behind it."""
        last = None
        while not self.setup.stop.is_set() and (rows := self._due(last)):
            yield rows
            last = (rows[-1].ready_at, rows[-1].id)

    def _due(self, last: Any) -> Sequence[Any]:
        with self.setup.store.read() as db:
            return dues.due(db, self.name, self._now, last, live=self.live)

    def _go(self, rows: Sequence[Any]) -> int:
        """One page of due rows, together or one by one."""
        if not isinstance(self.channel, Batching):
            return sum(self._beaten(row) for row in rows)
        ripe, held = self._sluice.ripe(rows)
        for one in ripe:
            self._drafts.drop(one.row)
        return held + batch.publish(self.channel, ripe, self.setup)

    def _collect(self, rows: Sequence[Any]) -> int:
        """An edition takes all its pieces at once, however many there are."""
        members = [row for row in rows if row.period]
        go, wait, held = self._sluice.sorted(members)
        moved = edition.publish(self.channel, go, wait, self.setup)
        return held + moved + sum(self._beaten(row) for row in rows if not row.period)

    def _beaten(self, row: Any) -> int:
        moved = self._one(row)
        self.beat()
        return moved

    def _one(self, row: Any) -> int:
        """Claim, call, settle. The call stands outside any transaction."""
        if self.setup.stop.is_set():
            return 0
        if condition.rests(self.name, self.setup, live=bool(self.live)):
            return self._sluice.hold_only([row])
        if self.live and self._is_announced_now(row):
            return 0
        result = self._sluice.prepare(row, facts.gather([row], self.name, self.setup)[row.id])
        if not isinstance(result, Ready):
            return result
        parent = self._parent(result)
        self._drafts.drop(row)
        if (claimed := self._claimed(result)) is None:
            self._publish(result, parent)
            return 1
        return claimed

    def _is_announced_now(self, row: Any) -> bool:
        """The other lane is about to send the event's announcement: after a start both are due at once, and a thread
        begins with it. Not for long, whatever keeps it: a hall does not wait."""
        now = self.setup.clock()
        with self.setup.store.read() as db:
            coming = dues.announced(db, row.piece_id, self.name, now)
        if coming and now - self._begun.setdefault(row.piece_id, now) < _ANNOUNCING:
            return True
        if not coming:
            self._begun.pop(row.piece_id, None)
        return False

    def _claimed(self, one: Ready) -> int | None:
        """None: it is ours to publish. Else whether it was held, since the month has no money left for it."""
        now = self.setup.clock()
        price = purse.cost(self.channel, one.message)
        rest = ready.rest(one, self.channel, self.setup)
        if rest is None:
            return 0
        with self.setup.store.write() as db:
            if why := self._purse.objection(db, price, now):
                return int(outcome.hold(db, one.act(), "budget", why.format(id=one.row.id), now, one.row))
            messages.save(db, [one.message] if one.fresh else [])
            messages.freeze(db, one.row.piece_id, self.name, rest)
            claim = replace(one.claim(), cost=price)
            return None if attempts.claim(db, self.name, [claim], self.setup.owner, now) else 0

    def _publish(self, one: Ready, parent: Receipt | None) -> None:
        try:
            receipt = self.channel.publish(one.message, one.key, parent)
        except Exception as error:  # noqa: BLE001  whatever it is, it becomes the outcome
            outcome.log_bug(error, one.act())
            failure = error
            alone = parent is not None and one.row.live and isinstance(error, Rejected)
            self.setup.record(lambda db: self._failed(db, one.act(), failure, alone=alone))
        else:
            self.setup.record(lambda db: self._succeeded(db, one.act(), receipt))

    def _succeeded(self, db: Any, act: Act, receipt: Receipt) -> None:
        now = self.setup.clock()
        outcome.succeeded(db, act, receipt, now)
        condition.note(db, self.name, None, act.delivery, "", now)

    def _failed(self, db: Any, act: Act, error: Exception, *, alone: bool = False) -> None:
        """`alone`: a hall's post that may not answer the one before it goes out by itself: that beats no post."""
        now = self.setup.clock()
        if alone:
            outcome.alone(db, act, error, now)
            return
        outcome.failed(db, act, error, now, most=_HALL if self.live else None)
        condition.note(db, self.name, error, act.delivery, outcome.told(error), now)

    def _parent(self, one: Ready) -> Receipt | None:
        """The post replied to: the one corrected; the one before in a text thread; of an event the last that is known
        to be out."""
        if one.row.reason == outcome.ALONE or not (one.row.part.isdigit() or one.message.data.get("reply")):
            return None
        with self.setup.store.read() as db:
            thread = dues.thread(db, one.row.piece_id, self.name)
        last = _replied_to(one.row, [other for other in thread if other.state == "published"])
        return Receipt(last.remote_id, last.permalink, last.receipt or {}) if last else None


def _replied_to(row: Any, out: Sequence[Any]) -> Any | None:
    if row.replies_to is not None:
        return next((other for other in out if other.id == row.replies_to), None)
    if row.part.isdigit():
        earlier = [other for other in out if other.part.isdigit() and int(other.part) < int(row.part)]
        return max(earlier, key=lambda other: int(other.part), default=None)
    chain = [other for other in out if other.part != row.part and other.replies_to is None]
    return max(chain, key=lambda other: other.published_at, default=None)
