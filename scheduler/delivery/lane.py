"""One channel's lane: its due deliveries, in order, one at a time or in batches. A lane never waits for another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from channels.contract import Batching, Channel, Collecting, Receipt
from scheduler.delivery import batch, edition, gate, outcome, ready, reconcile, touch
from scheduler.delivery.outcome import Act
from scheduler.delivery.ready import Drafts, Ready
from scheduler.delivery.setup import Setup
from scheduler.store import attempts, deliveries, dues, messages, pauses

_AHEAD = timedelta(seconds=6)
_MARGIN = timedelta(milliseconds=150)
_MOMENT = timedelta(seconds=10)


class Lane:
    """`work` is one pass over what is due; whoever calls it does so from one thread at a time."""

    def __init__(self, channel: Channel, setup: Setup) -> None:
        self.channel = channel
        self.setup = setup
        self._drafts = Drafts()

    @property
    def name(self) -> str:
        return self.channel.name

    def work(self) -> int:
        """How many deliveries moved. Open attempts are settled first: what may be out is not sent again."""
        moved = reconcile.settle(self.channel, self.setup)
        moved += touch.work(self.channel, self.setup)
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
            rows = dues.soon(db, self.name, now, now + _AHEAD)
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
            return dues.due(db, self.name, self.setup.clock(), last)

    def _go(self, rows: Sequence[Any]) -> int:
        """One page of due rows, together or one by one."""
        if not isinstance(self.channel, Batching):
            return sum(self._one(row) for row in rows)
        ripe, held = self._ripe(rows)
        for one in ripe:
            self._drafts.drop(one.row)
        return held + batch.publish(self.channel, ripe, self.setup)

    def _collect(self, rows: Sequence[Any]) -> int:
        """An edition takes all its pieces at once, however many there are."""
        members = [row for row in rows if row.period]
        go: list[Any] = []
        wait: list[Any] = []
        held = 0
        for row in members:
            verdict = gate.decide(row, self._facts([row])[row.id], self.setup.clock())
            if isinstance(verdict, gate.Hold):
                held += self._hold(row, verdict)
            else:
                (go if isinstance(verdict, gate.Go) else wait).append(row)
        moved = edition.publish(self.channel, go, wait, self.setup)
        return held + moved + sum(self._one(row) for row in rows if not row.period)

    def _ripe(self, rows: Sequence[Any]) -> tuple[list[Ready], int]:
        facts = self._facts(rows)
        ripe, held = [], 0
        for row in rows:
            result = self._prepare(row, facts[row.id])
            if isinstance(result, Ready):
                ripe.append(result)
            else:
                held += result
        return ripe, held

    def _prepare(self, row: Any, facts: gate.Facts) -> Ready | int:
        """The delivery, ready to be claimed; else 1 if it was held, 0 if it waits."""
        now = self.setup.clock()
        known = facts if row.links_page else replace(facts, page=None)
        verdict = gate.decide(row, known, now)
        if isinstance(verdict, gate.Go) and _page_is_coming(row, facts.page, now):
            return 0
        if isinstance(verdict, gate.Go):
            result = ready.make(row, self.channel, self.setup, self._drafts)
            if result is None:
                return 0
            if isinstance(result, Ready):
                verdict = gate.decide(row, facts, now) if result.message.links_page else verdict
                if isinstance(verdict, gate.Go):
                    return result
                self._remember_link(row)
            else:
                verdict = result
        return self._hold(row, verdict) if isinstance(verdict, gate.Hold) else 0

    def _remember_link(self, row: Any) -> None:
        """So that the next pass need not render it again to know that it waits."""
        with self.setup.store.write() as db:
            deliveries.move(db, row.id, ("planned", "retrying"), links_page=True)

    def _hold(self, row: Any, verdict: gate.Hold) -> int:
        self._drafts.drop(row)
        now = self.setup.clock()
        with self.setup.store.write() as db:
            act = Act(row.id, row.name, row.channel, row.attempts)
            return int(outcome.hold(db, act, verdict.reason, verdict.message, now))

    def _facts(self, rows: Sequence[Any]) -> dict[int, gate.Facts]:
        with self.setup.store.read() as db:
            stopped = pauses.current(db)
            own = [name for name in self.setup.pages if name != self.name]
            pages = dues.pages(db, [row.piece_id for row in rows], own) if own else {}
            found = {}
            for row in rows:
                page = pages.get(row.piece_id)
                found[row.id] = gate.Facts(
                    self.setup.zone,
                    stopped,
                    after=self._after(db, row) if row.after_id else None,
                    page=gate.Other(*page) if page else None,
                    before=self._before(db, row) if row.part.isdigit() else None,
                )
            return found

    def _after(self, db: Any, row: Any) -> gate.Other:
        """On the same channel, else wherever it is furthest."""
        others = dues.others(db, row.after_id)
        name = dues.name(db, row.after_id)
        same = [other for other in others if other.channel == self.name]
        chosen = min(same or others, key=_how_far, default=None)
        return gate.Other(name, chosen.state, chosen.published_at) if chosen else gate.Other(name, "planned")

    def _before(self, db: Any, row: Any) -> gate.Other | None:
        """The previous post of the thread that was not skipped."""
        earlier = [
            other
            for other in dues.thread(db, row.piece_id, self.name)
            if other.part.isdigit() and int(other.part) < int(row.part) and other.state != "skipped"
        ]
        last = max(earlier, key=lambda other: int(other.part), default=None)
        return gate.Other(f"part {last.part}", last.state, last.published_at) if last else None

    def _one(self, row: Any) -> int:
        """Claim, call, settle. The call stands outside any transaction."""
        if self.setup.stop.is_set():
            return 0
        result = self._prepare(row, self._facts([row])[row.id])
        if not isinstance(result, Ready):
            return result
        parent = self._parent(result)
        self._drafts.drop(row)
        with self.setup.store.write() as db:
            messages.save(db, [result.message] if result.fresh else [])
            if not attempts.claim(db, self.name, [result.claim()], self.setup.owner, self.setup.clock()):
                return 0
        self._publish(result, parent)
        return 1

    def _publish(self, one: Ready, parent: Receipt | None) -> None:
        try:
            receipt = self.channel.publish(one.message, one.key, parent)
        except Exception as error:  # noqa: BLE001  whatever it is, it becomes the outcome
            outcome.log_bug(error, one.act())
            with self.setup.store.write() as db:
                outcome.failed(db, one.act(), error, self.setup.clock())
            return
        with self.setup.store.write() as db:
            outcome.succeeded(db, one.act(), receipt, self.setup.clock())

    def _parent(self, one: Ready) -> Receipt | None:
        """The post replied to: the one before in a text thread; of an event the last that is known to be out."""
        if not (one.row.part.isdigit() or one.message.data.get("reply")):
            return None
        with self.setup.store.read() as db:
            thread = dues.thread(db, one.row.piece_id, self.name)
        out = [other for other in thread if other.state == "published" and other.part != one.row.part]
        if one.row.part.isdigit():
            earlier = [other for other in out if other.part.isdigit() and int(other.part) < int(one.row.part)]
            last = max(earlier, key=lambda other: int(other.part), default=None)
        else:
            last = max(out, key=lambda other: other.published_at, default=None)
        return Receipt(last.remote_id, last.permalink, last.receipt or {}) if last else None


def _page_is_coming(row: Any, page: gate.Other | None, now: datetime) -> bool:
    """Its page is on its way this very moment: most messages link to it, so there is no need to render to find out."""
    if row.links_page or page is None or page.state not in ("planned", "publishing", "retrying"):
        return False
    due = page.due_at is not None and page.due_at <= now
    return due and row.due_at is not None and now - row.due_at < _MOMENT


def _how_far(other: Any) -> int:
    """What is out first, then what may still come."""
    return 0 if other.state == "published" else 2 if other.state in gate.GONE else 1
