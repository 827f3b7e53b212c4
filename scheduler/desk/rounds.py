"""Periodic work: done once a period, whatever the clocks do, across restarts and by whichever process comes first.

The period is the key, and its row in the database is there before the work begins. APScheduler only asks now and then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from channels.newsletter.edition import Edition
from scheduler.store import rounds
from scheduler.store.engine import Store

AGAIN = timedelta(minutes=15)
"""What was begun and has not come to its end by then was left by a crash, or has failed: it is begun anew."""
_WEEK = timedelta(days=8)
"""A week, and what a change of the clocks may add to it."""
_CHANGE = timedelta(hours=3)
"""More than the clocks are ever changed by."""
_INSTANT = timedelta(seconds=1)
_MOST_MISSED = 60


@dataclass(frozen=True, slots=True)
class Turn:
    """One period's turn. It reaches from `start`, the turn before, to `due_at`; the next is due at `next_at`. All UTC.

    `missed`: how many turns before it were never done.
    """

    key: str
    start: datetime
    due_at: datetime
    next_at: datetime
    missed: int = 0


def latest(rule: Edition, now: datetime, zone: ZoneInfo) -> Turn:
    """The last turn that was due at `now` (aware), by a rule of weeks."""
    found = [rule.period(now - 2 * _WEEK, zone)]
    while found[-1].due_at <= now:
        found.append(rule.period(found[-1].due_at + _INSTANT, zone))
    before, last, coming = found[-3:]
    return Turn(last.key, before.due_at, last.due_at, coming.due_at)


class Rounds:
    """Which turns are due. Whoever is new to a work (a first start, a new receiver) begins with the next turn."""

    def __init__(self, store: Store, zone: ZoneInfo) -> None:
        self._store, self._zone = store, zone

    def run(self, name: str, rule: Edition, work: Callable[[Turn], None], now: datetime) -> bool:
        """Do `work` if its turn has come; whether it was done. What it raises passes through, and the turn comes again
        after a quarter of an hour."""
        turn = latest(rule, now, self._zone)
        if not self._is_due(name, turn, now):
            return False
        with self._store.write() as db:
            if not rounds.begin(db, name, turn.key, now, now - AGAIN):
                return False
            done = rounds.last_done(db, name)
        work(self._counted(turn, rule, done))
        with self._store.write() as db:
            rounds.finish(db, name, turn.key, now)
        return True

    def _is_due(self, name: str, turn: Turn, now: datetime) -> bool:
        with self._store.read() as db:
            known = rounds.newest(db, name)
        if known is None:
            with self._store.write() as db:
                rounds.pass_over(db, name, turn.key, now)
            return False
        if known.period == turn.key:
            return known.done_at is None and known.begun_at <= now - AGAIN
        return bool(known.period < turn.key)  # a clock that was set back finds nothing to do

    def _counted(self, turn: Turn, rule: Edition, done: str) -> Turn:
        missed, at = 0, turn.start - _CHANGE
        while missed < _MOST_MISSED and done and rule.period(at, self._zone).key > done:
            missed, at = missed + 1, at - timedelta(days=7)
        return Turn(turn.key, turn.start, turn.due_at, turn.next_at, missed)
