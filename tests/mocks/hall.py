"""An event of forty posts, played for real: a daemon in a process of its own, the mock X, and somebody in the hall who
moves the event twice, fires three posts with every tap doubled, while the daemon is killed twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scheduler.delivery.acts import Person
from scheduler.desk.assemble import assemble
from scheduler.desk.hall import Hall, Line
from scheduler.workspace import load
from tests.mocks.desk_process import Fork
from tests.mocks.x.ledger import Post
from tests.mocks.x.server import MockX

TIMED, BY_HAND = 37, ("kysymys", "vastaus", "kuva")
KEYS = {
    f"JULKI_X_{name}": f"hall-{name.lower()}"
    for name in ("API_KEY", "API_SECRET", "ACCESS_TOKEN", "ACCESS_TOKEN_SECRET")
}
_CONFIG = """\
[site]
title = "D9"
url = "https://example.org"
timezone = "UTC"
languages = ["fi"]

[desk]
since = 2026-01-01

[kinds.event]
channels = ["x"]
late = "2h"

[channels.x]
adapter = "x"
sandbox = false
api_url = "{api_url}"
threads = true
settle = "2s"
timeout = "1s"
"""
_PATIENCE = 90.0


@dataclass
class Played:
    """`posts`: the ledger, the announcement aside; `due`: a post's text → when it was due, or was fired."""

    posts: list[Post]
    due: dict[str, datetime]
    fired: dict[str, datetime] = field(default_factory=dict)
    """By hand: part → when it was tapped."""
    dead: list[tuple[datetime, datetime]] = field(default_factory=list)
    """When no daemon was at work: from the kill to when the next one was."""

    def lateness(self) -> list[float]:
        """Seconds between a post's time and its arrival, of those that fell due while a daemon was at work."""
        late = [(self.due[post.text], (post.created_at - self.due[post.text]).total_seconds()) for post in self.posts]
        return [seconds for due, seconds in late if not any(begun <= due <= ended for begun, ended in self.dead)]


class Play:
    """One workspace below `root`; `apart`: seconds between two posts (two of them share each moment)."""

    def __init__(self, root: Path, x: MockX, apart: int = 1) -> None:
        self.root, self.x, self.apart = root, x, apart
        self.daemon: Fork | None = None
        self._dead: list[tuple[datetime, datetime]] = []
        self._killer: Callable[[Post], None] = lambda _post: None
        x.on_accept = lambda post: self._killer(post)

    def run(self) -> Played:
        self._write()
        self._start()
        fired: dict[str, datetime] = {}
        with self._hall() as hall:
            self._until(9)
            self._tap(lambda tap: hall.late(timedelta(seconds=3), _somebody(), tap), "late-1")
            fired |= self._fire(hall, BY_HAND[0])
            self._until(14)
            self._kill_now()
            self._until(18)
            fired |= self._fire(hall, BY_HAND[1])
            self._kill_amid(24)
            self._tap(lambda tap: hall.late(timedelta(seconds=2), _somebody(), tap), "late-2")
            self._until(30)
            fired |= self._fire(hall, BY_HAND[2])
            self._until(1 + TIMED + len(BY_HAND))
            lines = self._settled(hall)
        self._end()
        due = {line.text: line.due_at or fired[line.part] for line in lines}
        return Played(self.x.ledger.live()[1:], due, fired, self._dead)

    def _write(self) -> None:
        (self.root / "config").mkdir(parents=True)
        (self.root / "config" / "julki.toml").write_text(_CONFIG.format(api_url=self.x.url))
        folder = self.root / "content" / "events"
        folder.mkdir(parents=True)
        now = datetime.now(UTC)
        starts = (now + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
        timed = (f"## +{n // 2 * self.apart}s Posti {n}\n\nPosti numero {n}.\n" for n in range(TIMED))
        by_hand = (f"## live {name}\n\nKäsin: {name}.\n" for name in BY_HAND)
        head = f"title: Päivä\npublish_at: {now:%Y-%m-%dT%H:%M:%SZ}\nstarts_at: {starts}\nlive: true\nthread: true"
        text = "\n".join([f"---\n{head}\n---\n\nTervetuloa.\n", *timed, *by_hand])
        (folder / "paiva.md").write_text(text, "utf-8")

    def _start(self) -> None:
        self.daemon = Fork(self.root, KEYS)

    def _kill(self) -> None:
        assert self.daemon
        self.daemon.kill()

    def _kill_now(self) -> None:
        begun = datetime.now(UTC)
        self._kill()
        self._again(begun)

    def _kill_amid(self, number: int) -> None:
        """X has taken post `number`, and nobody hears of it."""
        killed = threading.Event()

        def strike(_post: Post) -> None:
            if len(self.x.ledger.live()) == number and not killed.is_set():
                self._kill()
                killed.set()

        self._killer = strike
        assert killed.wait(_PATIENCE)
        self._again(datetime.now(UTC))

    def _again(self, begun: datetime) -> None:
        count = len(self.x.ledger.live())
        self._start()
        self._until(count + 1)
        self._dead.append((begun, self.x.ledger.live()[count].created_at))

    def _end(self) -> None:
        assert self.daemon
        self.daemon.terminate()
        assert self.daemon.code(15) == 0

    def _fire(self, hall: Hall, part: str) -> dict[str, datetime]:
        now = datetime.now(UTC)
        self._tap(lambda tap: hall.fire(part, _somebody(), tap), f"fire-{part}")
        return {part: now}

    def _tap(self, act: Callable[[str], str], tap: str) -> None:
        """Pressed twice at the same moment, by two threads, as a shaky thumb does."""
        with ThreadPoolExecutor(2) as thumbs:
            told = list(thumbs.map(act, [tap, tap]))
        assert told[0] == told[1]

    def _until(self, count: int) -> None:
        end = time.monotonic() + _PATIENCE
        while len(self.x.ledger.live()) < count:
            assert time.monotonic() < end, f"only {len(self.x.ledger.live())} of {count} posts came"
            time.sleep(0.02)

    def _settled(self, hall: Hall) -> list[Line]:
        end = time.monotonic() + _PATIENCE
        while True:
            lines = list(hall.program().lines)
            if all(line.state == "published" for line in lines):
                return lines
            assert time.monotonic() < end, [line for line in lines if line.state != "published"]
            time.sleep(0.1)

    @contextmanager
    def _hall(self) -> Iterator[Hall]:
        self._until(1)
        desk = assemble(load(self.root, KEYS))
        try:
            yield Hall(desk, "fi/paiva")
        finally:
            desk.close()


def _somebody() -> Person:
    return Person("Maija", datetime.now(UTC))
