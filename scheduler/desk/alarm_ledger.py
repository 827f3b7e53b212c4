"""Who is owed which alarming acts: kept in the database, so that nothing is lost and a repeat is the same mail."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from scheduler.desk.alarm_receivers import concerned, everyday, once
from scheduler.desk.alarm_report import Open, still_open
from scheduler.store import alarms
from scheduler.store.engine import Store
from scheduler.workspace import Workspace

log = structlog.get_logger("julki.alarms")

QUIET = 60.0
"""Seconds without anything new before it is told: a burst is one mail."""
LONGEST = 300.0
"""Seconds after which it is told, quiet or not."""
DATABASE = (SQLAlchemyError, sqlite3.Error, OSError)
"""What a database raises that can't be read or written just now."""
Outage = tuple[str, str]
"""Since when (ISO 8601, UTC) no mail leaves, and why."""


@dataclass(frozen=True, slots=True)
class Span:
    """The acts behind the number `after`, up to `until`. `tried`: a mail with just these may have been accepted."""

    after: int
    until: int
    tried: bool = False


class Ledger:
    """`everyday` are those who hear of everything. Times are ticks: seconds that no clock change touches."""

    def __init__(self, workspace: Workspace, store: Store) -> None:
        self.everyday = everyday(workspace.settings)
        self.owed: dict[str, Span] = {}
        self._workspace, self._store = workspace, store
        self._seen: int | None = None  # up to here everybody was told, or is owed it; None until that could be read
        self._newest = 0
        self._start = self._newest_now()
        self._fresh: tuple[float, float] | None = None
        self._saved: dict[str, Any] | None = None

    def _newest_now(self) -> int | None:
        try:
            with self._store.read() as db:
                return alarms.newest(db)
        except DATABASE:
            return None

    def _begin(self) -> None:
        """Find out where to go on. A desk that never told anybody begins with what happened since this was made."""
        with self._store.read() as db:
            self._saved = alarms.load(db)
            newest = alarms.newest(db)
        told = self._saved or {"seen": newest if self._start is None else self._start, "owed": {}}
        self._seen = self._newest = min(int(told["seen"]), newest)
        people = {author.email for author in self._workspace.settings.authors.values()} | set(self.everyday)
        self.owed = {address: Span(*span) for address, span in told["owed"].items() if address in people}

    def gather(self, tick: float, now: datetime, *, hurry: bool) -> None:
        """Look for new acts; once it has become quiet, or in a `hurry`, note down who is to hear of them."""
        try:
            if self._seen is None:
                self._begin()
            self._look(tick, now)
            if self._fresh and (hurry or tick - self._fresh[1] >= QUIET or tick - self._fresh[0] >= LONGEST):
                self._note_down()
                self._fresh = None
        except DATABASE as error:
            log.debug("alarms can't read the database", error=type(error).__name__)

    def _look(self, tick: float, now: datetime) -> None:
        """What an earlier run left untold has been quiet since then: a desk that starts again and again tells it, too."""
        with self._store.read() as db:
            newest = alarms.newest(db)
            found = alarms.acts(db, self._newest, newest) if newest > self._newest else []
        if found:
            ages = [min(max((now - act.at).total_seconds(), 0.0), LONGEST) for act in (found[0], found[-1])]
            self._fresh = (self._fresh[0] if self._fresh else tick - ages[0], tick - ages[1])
        self._newest = max(self._newest, newest)

    def _note_down(self) -> None:
        after = self._seen or 0
        with self._store.read() as db:
            acts = alarms.acts(db, after, self._newest)
            others = concerned(db, acts, self._workspace)
        for address in {one for act in acts for one in self._hearers(act, others)}:
            known = self.owed.get(address, Span(after, self._newest))
            self.owed[address] = known if known.tried else replace(known, until=self._newest)
        self._seen = self._newest

    def _hearers(self, act: Any, others: Mapping[int, Sequence[str]]) -> Sequence[str]:
        own = others.get(act.id, ())
        return own or self.everyday if act.act == alarms.REFUSED else once([*self.everyday, *own])

    def open_for(self, address: str, said: Mapping[str, str]) -> Open | None:
        """What still needs somebody, of the acts that this receiver is owed; None where the database can't be read."""
        span = self.owed.get(address)
        if span is None:
            return Open()
        try:
            with self._store.read() as db:
                acts = alarms.acts(db, span.after, span.until)
                others = concerned(db, acts, self._workspace)
                return still_open(db, [act for act in acts if address in self._hearers(act, others)], said)
        except DATABASE:
            return None

    def pin(self, address: str) -> Span:
        """From now on a mail with just these acts may be on its way."""
        span = self.owed[address] = replace(self.owed[address], tried=True)
        return span

    def unpin(self, address: str) -> None:
        """It was provably not accepted: what happens meanwhile may join it."""
        span = replace(self.owed[address], tried=False)
        self.owed[address] = replace(span, until=max(span.until, self._seen or 0))

    def settle(self, address: str) -> None:
        """Told; what was added meanwhile is owed next."""
        span = self.owed.pop(address)
        if self._seen is not None and span.until < self._seen:
            self.owed[address] = Span(span.until, self._seen)

    def save(self, outage: Outage | None) -> None:
        """Where the database can't be written, memory goes on, and it is tried again when this is called next."""
        owed = {address: [span.after, span.until, span.tried] for address, span in self.owed.items()}
        told = {"seen": self._seen, "owed": owed, "outage": list(outage) if outage else None}
        if self._seen is None or told == self._saved:
            return
        try:
            with self._store.write() as db:
                alarms.save(db, told)
            self._saved = told
        except DATABASE as error:
            log.debug("what was told can't be written down", error=type(error).__name__)
