"""How the moments of a kill are met: some by what the mock X calls, some by looking at the workspace."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.mocks.desk_process import Fork
from tests.torture.desk import Desk
from tests.torture.script import Moment

_GLANCE = 0.001
HOOKED: tuple[Moment, ...] = (
    "asked, not accepted",
    "accepted, before the answer",
    "answered",
    "between two posts of a thread",
    "reading back",
)


class Trap:
    """Kills the daemon when its moment comes, at the `skip`-th time after the first; from whatever thread that is."""

    def __init__(self, moment: str, daemon: Fork | None, skip: int, delay: float) -> None:
        self.sprung = threading.Event()
        self._moment, self._daemon, self._skip, self._delay = moment, daemon, skip, delay

    @property
    def on_posting(self) -> bool:
        """Whether it waits for a post to go well."""
        return self._moment in HOOKED and self._moment != "reading back"

    def spring(self, moment: str, within: float = 0.0) -> bool:
        """Whether the daemon was killed for it. `within`: seconds that the kill may come later."""
        if moment != self._moment or self._daemon is None or self.sprung.is_set():
            return False
        if self._skip > 0:
            self._skip -= 1
            return False
        time.sleep(within * self._delay)
        killed = self._daemon.kill()
        self.sprung.set()
        return killed


class Glimpse:
    """The workspace as it was before a start, to see what has changed since."""

    def __init__(self, desk: Desk) -> None:
        self._var = desk.root / "var"
        self.last_attempt = desk.last_attempt()
        self._half = self._half_done()
        self._tmp = self._mails("tmp")
        self._new = self._mails("new")
        self._pages = self._page_names()
        self._feed = _mtime(self._var / "site" / "fi" / "rss.xml")
        self._outbox = _mtime(self._var / "outbox" / "xbox.jsonl")

    def mail_begun(self) -> bool:
        return self._mails("tmp") != self._tmp or self.mail_done()

    def mail_done(self) -> bool:
        return self._mails("new") != self._new

    def page_written(self) -> bool:
        return self._page_names() != self._pages

    def feed_written(self) -> bool:
        return _mtime(self._var / "site" / "fi" / "rss.xml") != self._feed

    def outbox_grown(self) -> bool:
        return _mtime(self._var / "outbox" / "xbox.jsonl") != self._outbox

    def locked_by(self, pid: int) -> bool:
        """Whether that process has the database's lock by now."""
        lock = self._var / "julki.db.lock"
        return lock.exists() and f'"pid": {pid},' in lock.read_text()

    def left(self) -> list[str]:
        """What lies there half done that did not before."""
        return sorted({what for what, _ in self._half_done() - self._half})

    def _half_done(self) -> set[tuple[str, str]]:
        patterns = {
            "a site half built": "site/.julki-website-building",
            "feeds half built": "site/.julki-feeds-building",
            "a mail half written": "outbox/*/tmp/*",
        }
        return {(what, str(path)) for what, pattern in patterns.items() for path in self._var.glob(pattern)}

    def _mails(self, folder: str) -> dict[str, int]:
        found = [*(self._var / "outbox").glob(f"*/{folder}/*")]
        return {str(path): _mtime(path) for path in found}

    def _page_names(self) -> set[str]:
        return {str(path) for kind in ("news", "event") for path in (self._var / "site" / "fi" / kind).glob("*/")}


def _mtime(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it came true within that time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= end:
            return False
        time.sleep(_GLANCE)
    return True
