"""One desk, one remote, one piece and the people around it; all of it can be kept and put back.

The desk is the real one on a real database. Before each step it is as a process that has just started: nothing is
remembered but what the database, the files and the remote hold.
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from scheduler.delivery import acts
from scheduler.delivery.acts import Refused
from scheduler.delivery.lane import Lane
from scheduler.desk import once
from scheduler.desk.assemble import Desk
from tests.mocks.stage import Crash, Entry
from tests.mocks.stand import START, Fuse, Hands, Stand
from tests.model import picture
from tests.model.oracle import Oracle, Script
from tests.model.record import Record
from tests.model.remote import NAME, Kind

_LONG_STILL = 1_600_000_000
"""When the files were written: long before anybody looks at them, by the system's own clock."""
_FORWARD = {"half a minute": 30, "a minute": 61, "eleven minutes": 660, "three hours": 3 * 3600}
_FILES = ("plain", "edited", "later", "broken")
OWN = ("a pass", "a look")
"""What the desk does by itself."""
ELSEWHERE = "https://remote.example/status/confirmed"


@dataclass(frozen=True)
class Scene:
    """The world as it stood. `doubts`: part → how often a person asked for it again without knowing whether it is out;
    `confirmed`: the parts that a person said are out."""

    database: bytes
    entries: tuple[Entry, ...]
    now: datetime
    file: str
    doubts: tuple[tuple[str, int], ...]
    confirmed: frozenset[str]


class Doom(Fuse):
    """At each commit, before and after it, the process may die."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def burn(self) -> None:
        if self.world.mortal and self.world.oracle.ask("the desk at a commit", ("lives", "dies")) == "dies":
            raise Crash


class World:
    """`lane` is the desk's; tests put a bad one in to see it caught. Not `wide`: files and time have fewer ways."""

    def __init__(self, kind: Kind, root: Path, lane: type[Lane] = Lane, *, wide: bool = True) -> None:
        self.kind, self.root, self.lane, self.wide = kind, root, lane, wide
        self.clock, self.oracle, self.mortal, self.alone = Hands(), Oracle(), False, True
        self.doubts: Counter[str] = Counter()
        self.confirmed: set[str] = set()
        self.remote = kind.remote(self.clock, lambda what, answers: self.oracle.ask(what, answers))
        self.remote.during = self._meanwhile
        self.stand = Stand(root, self.clock, self.remote, late="2h")
        self.stand.fuse = Doom(self)
        self.desk = _patient(self.stand.restart().desk)
        self.second = self.stand.another()
        self.raw = self.desk.store.engine.raw_connection()
        self.db: sqlite3.Connection = cast(Any, self.raw.driver_connection)
        self.db.row_factory = sqlite3.Row
        self._write_files()
        self.record = Record(self.db)
        self._look()

    def close(self) -> None:
        self.raw.close()
        self.second.store.close()
        self.stand.close()

    def _write_files(self) -> None:
        """Each shape of the piece's file lies ready; the one that counts is linked, and so is always the same file."""
        bodies = {"edited": self.kind.body.replace("Teksti", "Uusi teksti")}
        for number, name in enumerate(_FILES):
            at = START + timedelta(days=1) if name == "later" else START
            path = self.stand.put("a", body=bodies.get(name, self.kind.body), at=at)
            if name == "broken":
                path.write_text("---\ntitle: a\npublish_at: never\n---\n", "utf-8")
            os.utime(path, (_LONG_STILL + number, _LONG_STILL + number))
            path.replace(self.root / name)
        anchor = self.stand.path("news/idea.md")
        anchor.write_text("---\ntitle: An idea\n---\n\nOne day.\n", "utf-8")
        os.utime(anchor, (_LONG_STILL, _LONG_STILL))
        self.put("plain")

    # keeping and putting back

    def keep(self) -> Scene:
        image = bytearray(self.db.serialize())
        image[18:20] = b"\x01\x01"  # a database in memory keeps no log beside it
        entries = tuple(replace(entry) for entry in self.remote.ledger.entries)
        doubts = tuple(sorted(self.doubts.items()))
        return Scene(
            zlib.compress(bytes(image), 1), entries, self.clock.now, self.file, doubts, frozenset(self.confirmed)
        )

    def put_back(self, scene: Scene) -> None:
        memory = sqlite3.connect(":memory:")
        memory.deserialize(zlib.decompress(scene.database))
        memory.backup(self.db)
        memory.close()
        self.remote.ledger.entries = [replace(entry) for entry in scene.entries]
        self.remote.ledger.calls.clear()
        self.clock.now = scene.now
        self.doubts, self.confirmed = Counter(dict(scene.doubts)), set(scene.confirmed)
        self.put(scene.file)

    def mark(self) -> bytes:
        """Equal for states from which all that may follow is equal."""
        also = (self.file, sorted(self.doubts.items()), sorted(self.confirmed))
        return picture.of(self.db, self.remote.ledger.entries, self.clock.now, also)

    # what can be seen

    def rows(self) -> list[sqlite3.Row]:
        return self.db.execute("SELECT * FROM delivery ORDER BY id").fetchall()

    def row(self, part: str) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self.db.execute("SELECT * FROM delivery WHERE part = ?", (part,)).fetchone()
        return found

    def open_attempts(self) -> list[sqlite3.Row]:
        return self.db.execute("SELECT * FROM attempt WHERE outcome IS NULL").fetchall()

    def out(self, part: str) -> list[Entry]:
        return [entry for entry in self.remote.ledger.entries if entry.message.part == part]

    # what may happen

    def steps(self) -> list[str]:
        """All that may happen next, each a name for `play`."""
        times = _FORWARD if self.wide else ("a minute", "three hours")
        return [*OWN, *(f"time: {name}" for name in times), *self._others()]

    def _others(self) -> list[str]:
        shapes = (*_FILES, "gone") if self.wide else ("plain", "edited", "gone")
        files = [name for name in shapes if name != self.file]
        people = [f"{act} {part}" for part in self.kind.parts for act in ("hold", "skip", "retry", "confirm")]
        people += [f"withdraw {part}" for part in self.kind.parts if self.kind.withdraws]
        unseen = [f"file {name}" for name in files if self.wide]
        return [*people, "pause", "resume", *unseen, *(f"seen {name}" for name in files)]

    def play(self, step: str, script: Script = ()) -> Oracle:
        """Do it. What was asked meanwhile, and answered, is told."""
        random.seed(1)  # the jitter of retries: the same step always ends the same way
        self.oracle = Oracle(script)
        with suppress(Crash):
            self._do(step)
        return self.oracle

    def _do(self, step: str) -> None:
        verb, _, rest = step.partition(" ")
        if step in OWN:
            with self._able(mortal=True):
                self._pass(self.desk) if step == "a pass" else self._look()
        elif verb == "time:":
            self.clock.go(seconds=_FORWARD[rest])
        elif verb in ("file", "seen"):
            self.put(rest)
            if verb == "seen":
                self._look()
        else:
            with suppress(Refused), self.record.by("person"):
                self._person(verb, rest)

    @contextmanager
    def _able(self, *, mortal: bool) -> Iterator[None]:
        before, self.mortal = self.mortal, mortal
        try:
            yield
        finally:
            self.mortal = before

    def _pass(self, desk: Desk) -> None:
        with self.record.by("lane"):
            self.lane(self.remote, desk.lanes[0].setup).work()

    def _look(self) -> None:
        with self.record.by("calendar"):
            once.look(self.desk)

    def _meanwhile(self, _what: str) -> None:
        """While the remote works, somebody may do something."""
        if not self.alone:
            return
        chosen = self.oracle.ask("meanwhile", ["nothing", "it takes two minutes", "a second desk", *self._others()])
        self.alone = False
        try:
            with self._able(mortal=False):
                self._do_meanwhile(chosen)
        finally:
            self.alone = True

    def _do_meanwhile(self, chosen: str) -> None:
        if chosen == "it takes two minutes":
            self.clock.go(minutes=2)
        elif chosen == "a second desk":
            with suppress(Crash):
                self._pass(self.second)
        elif chosen != "nothing":
            self._do(chosen)

    # files and people

    def put(self, name: str) -> None:
        self.file = name
        path = self.stand.path("news/a.md")
        path.unlink(missing_ok=True)
        if name != "gone":
            path.hardlink_to(self.root / name)

    def _person(self, verb: str, part: str) -> None:
        store, maija = self.desk.store, self.stand.maija
        if verb == "pause":
            acts.pause(store, "channel", NAME, "", maija)
        elif verb == "resume":
            for row in self.db.execute("SELECT scope, name FROM pause WHERE ended_at IS NULL").fetchall():
                acts.resume(store, row["scope"], row["name"], maija)
        elif row := self.row(part):
            self._on(verb, part, row["id"])

    def _on(self, verb: str, part: str, number: int) -> None:
        store, maija = self.desk.store, self.stand.maija
        doubtful = self._in_doubt(number)
        does: dict[str, Callable[[], Any]] = {
            "hold": lambda: acts.hold(store, number, maija),
            "skip": lambda: acts.skip(store, number, maija),
            "retry": lambda: acts.retry(store, number, maija),
            "confirm": lambda: acts.confirm(store, number, ELSEWHERE, maija),
            "withdraw": lambda: acts.withdraw(store, number, maija, self.remote),
        }
        does[verb]()
        if verb == "confirm":
            self.confirmed.add(part)
        if verb == "retry" and doubtful:
            self.doubts[part] += 1

    def _in_doubt(self, number: int) -> bool:
        """Whether the last attempt ended with a person being asked."""
        last = self.db.execute("SELECT outcome FROM attempt WHERE delivery_id = ? ORDER BY id DESC", (number,))
        found = last.fetchone()
        return found is not None and found["outcome"] == "unknown"

    def settle_all(self) -> None:
        """A person of good will does what each message of the desk asks for."""
        self._do("resume")
        for part in self.kind.parts:
            row = self.row(part)
            if row is None:
                continue
            seen = row["reason"] == "uncertain" and self.out(part)
            self._do(f"{'confirm' if seen else 'retry'} {part}")


def _patient(desk: Desk) -> Desk:
    """For it every file was written an hour ago, and so is still."""
    return replace(desk, refresh=replace(desk.refresh, file_clock=lambda: time.time_ns() + 3600 * 10**9))
