"""The flow from the files to the plan: scan, read what changed, tell who is who, plan, write the difference.

Every pass does the whole of it (stat every file, read the stored rows, compare); only reading is left out for files that
are as they were. So there is nothing to get out of step with.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

import structlog
from sqlalchemy import Connection

from scheduler.calendar.finding import Finding
from scheduler.calendar.relations import Known, Relations, relate
from scheduler.calendar.scan import Scan, Stamp, scan
from scheduler.changes import Change, Dropped, Stored, diff
from scheduler.desk import census, spec
from scheduler.desk.intake import Intake, decode, encode
from scheduler.desk.library import Library
from scheduler.plan import Rules, wanted
from scheduler.store import deliveries, marks, pieces, shifts
from scheduler.store.engine import Store

log = structlog.get_logger("julki.calendar")

_CHUNK = 100
_FINGERPRINT = "settings"
_FROM_THE_FILE = ("problem", "render")
_DOUBT = (
    "This may be {old} under a new name, which has gone out already. If it is new, send it: julki retry {id}. "
    "If it is the same, drop it: julki skip {id}"
)
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Outcome:
    """What a pass found and did. `again`: files are still being written, so look again soon."""

    read: int = 0
    vanished: int = 0
    again: bool = False
    missing_root: bool = False
    refused: Sequence[tuple[str, str]] = ()
    changes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Refresh:
    """One desk's way from files to plan. `lasting` names the channels that a doubtful newcomer goes to all the same."""

    store: Store
    intake: Intake
    library: Library
    rules: Rules
    lasting: Sequence[str]
    default_language: str
    stop: threading.Event = field(default_factory=threading.Event)
    file_clock: Callable[[], int] = time.time_ns
    """The files' own clock, in nanoseconds: whether one is still is told by the system's time, whatever the desk's."""

    def run(self, now: datetime, progress: Progress | None = None) -> Outcome:
        """One whole pass. `now` decides what has expired; nothing else depends on it."""
        found = self._scan()
        read, again = self._read(found.changed, progress)
        if self.stop.is_set():
            return Outcome(read)
        if found.vanished:
            with self.store.write() as db:
                pieces.remember(db, found.vanished)
                pieces.forget_sources(db, found.vanished)
        changes = self._plan(now)
        if found.missing_root:
            log.error("content/ is missing or empty", remedy="Is it mounted? Nothing is taken off until it is back.")
        return Outcome(
            read,
            len(found.vanished),
            again or bool(found.waiting or found.leaving),
            found.missing_root,
            found.refused,
            changes,
        )

    def _scan(self) -> Scan:
        """New settings may change what any file means: then all are read."""
        fingerprint = self.intake.settings.fingerprint()
        with self.store.read() as db:
            known = {path: Stamp(size, mtime, inode) for path, size, mtime, inode in pieces.stamps(db)}
            fresh = marks.get(db, _FINGERPRINT) != fingerprint
        if fresh and known:
            with self.store.write() as db:
                pieces.forget_stamps(db)
                marks.put(db, _FINGERPRINT, fingerprint)
            known = dict.fromkeys(known, Stamp(-1, -1, -1))
        elif fresh:
            with self.store.write() as db:
                marks.put(db, _FINGERPRINT, fingerprint)
        return scan(self.intake.root, known, self.file_clock())

    def _read(self, changed: Sequence[tuple[str, Stamp]], progress: Progress | None) -> tuple[int, bool]:
        """Read and keep, a hundred files a commit: a crash costs no more than that, and memory stays small."""
        done, again = 0, False
        for chunk in _chunks(changed, _CHUNK):
            if self.stop.is_set():
                break
            rows = [self.intake.row(path, stamp) for path, stamp in chunk]
            again = again or None in rows
            with self.store.write() as db:
                self._keep(db, [row for row in rows if row is not None])
            done += len(chunk)
            if progress:
                progress(done, len(changed))
        return done, again

    def _keep(self, db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        whole = [row for row in rows if not row["broken"]]
        pieces.save_sources(db, whole)
        pieces.save_broken(db, [row for row in rows if row["broken"]])
        edited = pieces.ids_at(db, [row["path"] for row in whole])
        deliveries.mark_changed(db, edited)
        deliveries.release(db, edited, _FROM_THE_FILE)

    def _plan(self, now: datetime) -> dict[str, int]:
        """What people changed in the files, and what follows from it, is one commit: a doubt once seen is not forgotten."""
        with self.store.read() as db:
            state = self._state(db)
            quiet = not (state.tangles or state.register.changed)
            changes = list(self._changes(db, state, now)) if quiet else []
        self.library.relate(state.relations.related())
        if quiet and not changes:
            return {}
        doubtful = state.register.doubtful
        with self.store.write() as db:
            if not quiet:
                state = self._take_in(db, state, now)
                changes = list(self._changes(db, state, now))
            counts = deliveries.apply(db, changes)
            doubts = {state.numbers[name][0]: old for name, old in doubtful.items() if name in state.numbers}
            deliveries.hold_doubtful(db, doubts, self.lasting, _DOUBT, now)
        log.info("planned", **counts)
        return counts

    def _state(self, db: Connection) -> _State:
        rows = pieces.intents(db)
        relations = relate(_known(db, rows), self.default_language)
        numbers = pieces.numbers(db)
        register = census.take(db, rows, relations, numbers)
        return _State(rows, relations, numbers, register, _tangles(rows, relations))

    def _take_in(self, db: Connection, state: _State, now: datetime) -> _State:
        """The state after it; without the census, which of a new calendar holds every file."""
        pieces.save_tangles(db, state.tangles)
        deliveries.mark_changed(db, census.write(db, state.register, now))
        return replace(state, numbers=pieces.numbers(db), register=census.Census(), tangles={})

    def _changes(self, db: Connection, state: _State, now: datetime) -> Iterator[Change]:
        """A broken file keeps its deliveries; one that is gone loses what has not gone out."""
        rows = {}
        for row in state.rows:
            entry = state.numbers.get(row.identity)
            if entry is not None and entry[1:] == (row.path, False):
                rows[entry[0]] = row
        tangled = {finding.file for finding in state.relations.findings}
        moved = shifts.all_of(db)
        planned = set()
        for number, have in deliveries.stored(db):
            planned.add(number)
            yield from self._of_piece(number, rows.get(number), have, state, tangled, moved, now)
        for number, row in rows.items():
            if number not in planned:
                yield from self._of_piece(number, row, [], state, tangled, moved, now)

    def _of_piece(
        self,
        number: int,
        row: Any,
        have: list[Stored],
        state: _State,
        tangled: set[str],
        moved: shifts.Shifts,
        now: datetime,
    ) -> Iterable[Change]:
        if row is None:
            return _told(diff(number, [], have, now), "its file is gone")
        if row.broken or row.path in tangled:
            return ()
        after = state.numbers.get(state.relations.after.get(row.identity, "")) if row.after else None
        intent = spec.intent(row, number, after[0] if after else None, moved)
        changes = diff(number, wanted(intent, self.rules), have, now)
        return _told(changes, "it is a draft") if row.status == "draft" else changes


@dataclass(frozen=True)
class _State:
    """What one pass compares: the files as read, how they relate, the pieces stored, and who is who."""

    rows: Sequence[Any]
    relations: Relations
    numbers: census.Numbers
    register: census.Census
    tangles: Mapping[str, Any]


def _told(changes: Iterable[Change], why: str) -> Iterator[Change]:
    """What is dropped, with its reason as a writer would put it."""
    for change in changes:
        yield change._replace(why=why) if isinstance(change, Dropped) else change


def _chunks(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    source = iter(items)
    while chunk := list(islice(source, size)):
        yield chunk


def _known(db: Connection, rows: Iterable[Any]) -> Iterator[Known]:
    """The files that were whole at least once: a broken one keeps its name, so that no other takes it meanwhile."""
    for row in rows:
        if row.kind:
            yield Known(row.identity, row.path, row.publish_at, row.after, row.translation_of, _Lines(db, row.path))


class _Lines(Mapping[str, tuple[int, int]]):
    """Where the fields stand; looked up only for the few rows that are wrong."""

    __slots__ = ("db", "path")

    def __init__(self, db: Connection, path: str) -> None:
        self.db, self.path = db, path

    def _all(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = pieces.lines(self.db, self.path)
        return found

    def __getitem__(self, key: str) -> tuple[int, int]:
        line, column = self._all()[key]
        return line, column

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


def _tangles(rows: Iterable[Any], relations: Relations) -> dict[str, Any]:
    """Path → what to write, for the files whose errors beside others are not as stored."""
    found: dict[str, list[Finding]] = {}
    for finding in relations.findings:
        found.setdefault(finding.file, []).append(finding)
    return {
        row.path: encode(found.get(row.path, []))
        for row in rows
        if (row.tangled or row.path in found) and row.tangled != encode(found.get(row.path, []))
    }


def findings(store: Store) -> list[Finding]:
    """Everything there is to say about the files as last read."""
    with store.read() as db:
        rows = pieces.findings(db)
    return [one for row in rows for one in (*decode(row.findings), *decode(row.tangled))]
