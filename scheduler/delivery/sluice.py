"""What of a channel's due rows may pass now: asked of the gate, the channel's limits, and the message as rendered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from channels.contract import Channel
from scheduler.delivery import facts as gathering
from scheduler.delivery import gate, outcome, ready, reconcile
from scheduler.delivery.limits import NONE
from scheduler.delivery.outcome import Act
from scheduler.delivery.ready import Drafts, Ready
from scheduler.delivery.setup import Setup
from scheduler.store import approvals, audit, deliveries, dues, handmade, messages

_TWIN = (
    "The same text is out already, as '{part}'. Is this the same post under another label? Then: julki skip {id}. To send "
    "it again, change its text, then: julki retry {id}"
)
_MOMENT = timedelta(seconds=10)
_INSTANT = timedelta(seconds=1)
_SKEW = timedelta(minutes=2)
"""What lies further ahead was written by a clock that was wrong."""


class Sluice:
    """One channel's. Whatever it holds is written down with its reason."""

    def __init__(self, channel: Channel, setup: Setup, drafts: Drafts) -> None:
        self.channel = channel
        self.setup = setup
        self._drafts = drafts
        self._limits = setup.limits_of(channel.name)

    def ripe(self, rows: Sequence[Any]) -> tuple[list[Ready], int]:
        """Those that go now, ready to be claimed, and how many were held."""
        known = gathering.gather(rows, self.channel.name, self.setup)
        ripe: list[Ready] = []
        held = 0
        for row in rows:
            ahead = [self.setup.clock() for one in ripe if not one.row.archive]
            result = self.prepare(row, known[row.id], ahead)
            if isinstance(result, Ready):
                ripe.append(result)
            else:
                held += result
        return ripe, held

    def sorted(self, rows: Sequence[Any]) -> tuple[list[Any], list[Any], int]:
        """An edition's rows: those that go, those that wait, and how many were held."""
        known = gathering.gather(rows, self.channel.name, self.setup)
        go: list[Any] = []
        wait: list[Any] = []
        held = 0
        for row in rows:
            verdict = gate.decide(row, known[row.id], self.setup.clock())
            if isinstance(verdict, gate.Go) and not self._fits(row, known[row.id], ()):
                continue
            if isinstance(verdict, gate.Go) and self.setup.approval:
                verdict = self._as_approved(row, known[row.id])
            if isinstance(verdict, gate.Hold):
                held += self._hold(row, verdict)
            else:
                (go if isinstance(verdict, gate.Go) else wait).append(row)
        return go, wait, held

    def hold_only(self, rows: Sequence[Any]) -> int:
        """While the channel is left alone: what is too late or stopped is held all the same, so that it is told in time."""
        known = gathering.gather(rows, self.channel.name, self.setup)
        now = self.setup.clock()
        verdicts = ((row, gate.decide(row, replace(known[row.id], page=None), now)) for row in rows)
        return sum(self._hold(row, verdict) for row, verdict in verdicts if isinstance(verdict, gate.Hold))

    def prepare(self, row: Any, facts: gate.Facts, ahead: Sequence[datetime] = ()) -> Ready | int:
        """The delivery, ready to be claimed; else 1 if it was held, 0 if it waits. `ahead`: when those before it go."""
        now = self.setup.clock()
        known = facts if row.links_page else replace(facts, page=None)
        verdict = gate.decide(row, known, now)
        if isinstance(verdict, gate.Hold):
            return self._hold(row, verdict)
        if isinstance(verdict, gate.Wait):
            return self._wait(row, verdict)
        if _page_is_coming(row, facts.page, now):
            return 0
        if not self._fits(row, facts, ahead):
            return 0
        found = ready.make(row, self.channel, self.setup, self._drafts)
        if isinstance(found, Ready):
            return self._judged(found, facts, now)
        return self._hold(row, found) if found else 0

    def _judged(self, found: Ready, facts: gate.Facts, now: datetime) -> Ready | int:
        """The message is known now: whether it links to a page that is not out, whether it is what was approved."""
        verdict: gate.Verdict = gate.decide(found.row, facts, now) if found.message.links_page else gate.Go()
        if not isinstance(verdict, gate.Go):
            self._remember_link(found.row)
        elif objection := gate.pinned(found.row, facts, found.digest, now):
            verdict = self._void(found.row, facts, objection) if found.fresh else self._may_be_out(found.row, facts)
        elif found.row.live and not found.row.waived and (twin := self._twin(found)):
            verdict = gate.Hold("rename", _TWIN.format(part=twin, id=found.row.id))
        if isinstance(verdict, gate.Go):
            return found
        return self._hold(found.row, verdict) if isinstance(verdict, gate.Hold) else 0

    def _twin(self, found: Ready) -> str:
        """The post of the same event that is out with the same text: its label was changed, or it was written twice."""
        row = found.row
        with self.setup.store.read() as db:
            other = handmade.twin(db, row.piece_id, row.channel, found.message.text, row.id)
        return other.part if other else ""

    def _as_approved(self, row: Any, facts: gate.Facts) -> gate.Verdict:
        """An edition is made of its pieces; each is looked at as it would go out alone, which is how it was approved."""
        piece = self.setup.shelf.piece(row)
        if piece is None:
            return gate.Wait()
        found = ready.render(row, piece, self.channel, self.setup)
        if found is None or isinstance(found, gate.Hold):
            return found or gate.Wait()
        objection = gate.pinned(row, facts, found.digest(), self.setup.clock())
        return self._void(row, facts, objection) if objection else gate.Go()

    def _fits(self, row: Any, facts: gate.Facts, ahead: Sequence[datetime]) -> bool:
        """Whether the channel's limits let it through; else it is looked at again when they do.

        Archive is no news, and a hall does not wait: neither is limited. What continues a thread keeps no gap to it;
        what a person sends goes at any hour."""
        now = self.setup.clock()
        if self._limits == NONE or row.archive or row.live:
            return True
        sent = [*self._sent(now), *ahead]
        spaced, timed = facts.before is None, facts.before is None and not row.waived
        at = self._limits.next(sent, now, self.setup.zone, spaced=spaced, timed=timed)
        if at <= now:
            return True
        end = gate.last_moment(row, facts)
        with self.setup.store.write() as db:
            deliveries.put_off(db, row, at if end is None else min(at, end + _INSTANT))
        return False

    def _sent(self, now: datetime) -> list[datetime]:
        if not self._limits.counts:
            return []
        with self.setup.store.read() as db:
            sent = dues.sent(db, self.channel.name, now - self._limits.memory)
        return [at for at in sent if at <= now + _SKEW]

    def _may_be_out(self, row: Any, facts: gate.Facts) -> gate.Hold:
        """What was sent before the new word was given can't be asked for again as it was; the word stands."""
        by = facts.word.by if facts.word else ""
        look = reconcile.look_of(self.channel)
        where = f"Look at {look}" if look else "Look whether it is"
        return gate.Hold(
            "uncertain",
            f"An earlier text of it may be out; {by} approved another since. {where}. If it is out: julki confirm {row.id} "
            f"ADDRESS. If it is not: julki retry {row.id} sends what was approved. Drop it: julki skip {row.id}",
        )

    def _void(self, row: Any, facts: gate.Facts, objection: gate.Hold) -> gate.Verdict:
        """The word on the piece ends. Where its file was read or approved anew meanwhile, the row is old and says nothing."""
        now = self.setup.clock()
        by = facts.word.by if facts.word else ""
        with self.setup.store.write() as db:
            stored = deliveries.get(db, row.id)
            if stored is None or (stored.changed, stored.due_at) != (row.changed, row.due_at):
                return gate.Wait()
            if approvals.end(db, row.piece_id, now, "it has changed"):
                text = f"{row.name} is not what {by} approved any more."
                audit.write(db, now, audit.DESK, "approval void", piece=row.name, detail=text)
        return objection

    def _remember_link(self, row: Any) -> None:
        """So that the next pass need not render it again to know that it waits."""
        with self.setup.store.write() as db:
            deliveries.move(db, row.id, ("planned", "retrying"), links_page=True)

    def _wait(self, row: Any, verdict: gate.Wait) -> int:
        """What waits for something that itself waits for a person says so."""
        if verdict.message and row.error != verdict.message:
            with self.setup.store.write() as db:
                deliveries.move(db, row.id, ("planned", "retrying"), error=verdict.message)
        return 0

    def _hold(self, row: Any, verdict: gate.Hold) -> int:
        self._drafts.drop(row)
        now = self.setup.clock()
        with self.setup.store.write() as db:
            act = Act(row.id, row.name, row.channel, row.attempts)
            said = f"“{messages.load(db, row.digest).text}” " if row.fixed and verdict.reason == "approval" else ""
            return int(outcome.hold(db, act, verdict.reason, said + verdict.message, now, row))


def _page_is_coming(row: Any, page: gate.Other | None, now: datetime) -> bool:
    """Its page is on its way this very moment: most messages link to it, so there is no need to render to find out."""
    if row.live or row.links_page or page is None or page.state not in ("planned", "publishing", "retrying"):
        return False
    due = page.due_at is not None and page.due_at <= now
    return due and row.due_at is not None and now - row.due_at < _MOMENT
