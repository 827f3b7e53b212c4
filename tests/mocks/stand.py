"""A desk with scripted channels on a scratch workspace, put together as `scheduler.desk.assemble` does it.

The clock stands still until it is told to go. The channels and the folder survive `restart`, as the world does.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import time_machine
from sqlalchemy import Connection, select

from channels.contract import Batching, Channel
from scheduler.delivery import acts
from scheduler.delivery.acts import Person
from scheduler.delivery.lane import Lane
from scheduler.delivery.setup import Setup
from scheduler.desk import once
from scheduler.desk.assemble import Desk, limits, plan_rules
from scheduler.desk.intake import Intake
from scheduler.desk.library import Library
from scheduler.desk.reader import reading_rules
from scheduler.desk.refresh import Outcome, Refresh
from scheduler.store.core import ATTEMPT, AUDIT, DELIVERY, PIECE, REDIRECT
from scheduler.store.engine import Store, open_store
from scheduler.workspace import load
from tests.mocks.stage import Crash

START = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)
"""Monday, 09:00 in Helsinki."""


@dataclass
class Hands:
    """A clock that a test moves."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def go(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@dataclass
class Fuse:
    """Blows at the step of that number; a write has two: just before its commit and just after."""

    at: int | None = None
    steps: int = 0

    def burn(self) -> None:
        self.steps += 1
        if self.steps == self.at:
            raise Crash(f"step {self.at}")


@dataclass(frozen=True)
class Fragile(Store):
    """A database whose process can end around every commit."""

    fuse: Fuse = field(default_factory=Fuse)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with super().write() as connection:
            yield connection
            self.fuse.burn()
        self.fuse.burn()


class Stand:
    """The workspace, its files, and the desk of the moment."""

    def __init__(self, root: Path, clock: Hands, *channels: Channel, pages: Sequence[str] = (), **config: str) -> None:
        self.root, self.clock, self.pages = root, clock, tuple(pages)
        self.channels: dict[str, Channel] = {channel.name: channel for channel in channels}
        self.config: dict[str, str] = config
        self.fuse = Fuse()
        (root / "content" / "news").mkdir(parents=True, exist_ok=True)
        (root / "content" / "blog").mkdir(parents=True, exist_ok=True)
        self.configure()
        self.desk = self._desk()

    def configure(self, **changes: str) -> None:
        """`zone`, `since`, `late` and `backlog`, as TOML writes them; `channel_<name>`: more lines of its table."""
        self.config |= changes
        told = {
            "zone": "Europe/Helsinki",
            "since": "2026-11-01",
            "late": "2h",
            "backlog": "10",
            "approval": "false",
            **self.config,
        }
        names = ", ".join(f'"{name}"' for name in self.channels)
        lines = [
            f'[site]\nurl = "https://example.org"\ntimezone = "{told["zone"]}"',
            f"[desk]\nsince = {told['since']}\nbacklog = {told['backlog']}\napproval = {told['approval']}",
            *(f'[kinds.{kind}]\nchannels = [{names}]\nlate = "{told["late"]}"' for kind in ("news", "blog", "event")),
            *(
                f'[channels.{name}]\nadapter = "newsletter"\n{told.get("channel_" + name, "")}'
                for name in self.channels
            ),
        ]
        (self.root / "config").mkdir(exist_ok=True)
        (self.root / "config" / "julki.toml").write_text("\n".join(lines), "utf-8")
        projects = '[clients.verohallinto]\nname = "Vero"\n[clients.kela]\nname = "Kela"\n[projects.vero]\nname = "V"\n'
        (self.root / "config" / "projects.toml").write_text(projects, "utf-8")

    def _desk(self) -> Desk:
        workspace = load(self.root, {})
        opened = open_store(workspace.settings.database.url, self.root)
        store = Fragile(opened.engine, opened.path, fuse=self.fuse)
        library = Library(workspace, reading_rules(workspace), store)
        intake = Intake(self.root, library.rules, workspace.settings, self.channels, library.view)
        lasting = [name for name, channel in self.channels.items() if isinstance(channel, Batching)]
        rules, stop = plan_rules(workspace.settings, self.channels), threading.Event()
        refresh = Refresh(store, intake, library, rules, lasting, "fi", stop=stop)
        settings = workspace.settings
        setup = Setup(
            store,
            library,
            settings.zone,
            settings.site.url,
            self.pages,
            "test",
            self.clock,
            stop,
            limits=limits(settings),
            approval=settings.desk.approval,
        )
        lanes = [Lane(one, setup) for one in self.channels.values()]
        return Desk(workspace, self.clock, store, self.channels, library, intake, refresh, lanes, stop)

    def restart(self) -> Stand:
        """What a new process finds: the files, the database, the world."""
        self.desk.store.close()
        self.fuse.at = None
        self.desk = self._desk()
        return self

    def another(self) -> Desk:
        """A second desk on the same database."""
        return self._desk()

    # files

    def path(self, name: str) -> Path:
        return self.root / "content" / name

    def put(
        self, name: str, title: str = "", body: str = "Teksti.", at: datetime | None = None, more: str = ""
    ) -> Path:
        """Write `content/news/<name>.md` (or a path), due now unless said; `more`: further lines of front matter."""
        path = self.path(name if "/" in name else f"news/{name}.md")
        path.parent.mkdir(parents=True, exist_ok=True)
        due = (at or self.clock.now).strftime("%Y-%m-%dT%H:%M:%SZ")
        head = [f"title: {title or path.stem}", f"publish_at: {due}", *([more] if more else [])]
        fresh = path.with_name(f".{path.name}")  # a new inode each time, as editors and git do
        fresh.write_text("---\n" + "\n".join(head) + f"\n---\n\n{body}\n", "utf-8")
        fresh.replace(path)
        return path

    # passes

    def look(self, progress: Callable[[int, int], None] | None = None) -> Outcome:
        """One refresh, at a moment when all files have been still for long enough."""
        with time_machine.travel(time.time() + 3600, tick=False):
            return once.look(self.desk, progress)

    def work(self, *names: str) -> int:
        """The lanes (of these channels) in order, until nothing moves."""
        lanes = [lane for lane in self.desk.lanes if not names or lane.name in names]
        total = 0
        for _ in range(60):
            moved = sum(lane.work() for lane in lanes)
            total += moved
            if not moved:
                return total
        raise AssertionError("the lanes never come to rest")

    def run(self) -> None:
        self.look()
        self.work()

    # what the database says

    def deliveries(self) -> list[Any]:
        query = select(DELIVERY, PIECE.c.name).join(PIECE, PIECE.c.id == DELIVERY.c.piece_id).order_by(DELIVERY.c.id)
        with self.desk.store.read() as db:
            return list(db.execute(query))

    def row(self, piece: str, channel: str, part: str = "main") -> Any:
        name = piece if "/" in piece else f"fi/{piece}"
        found = [r for r in self.deliveries() if (r.name, r.channel, r.part) == (name, channel, part)]
        assert found, f"no delivery {name} on {channel} ({part}); there are {self.states()}"
        return found[0]

    def state(self, piece: str, channel: str, part: str = "main") -> str:
        return str(self.row(piece, channel, part).state)

    def states(self) -> dict[tuple[str, str, str], str]:
        return {(row.name, row.channel, row.part): row.state for row in self.deliveries()}

    def attempts(self, delivery: int) -> list[Any]:
        with self.desk.store.read() as db:
            return list(db.execute(select(ATTEMPT).where(ATTEMPT.c.delivery_id == delivery).order_by(ATTEMPT.c.id)))

    def audit(self) -> list[Any]:
        with self.desk.store.read() as db:
            return list(db.execute(select(AUDIT).order_by(AUDIT.c.id)))

    def pieces(self) -> Mapping[str, Any]:
        with self.desk.store.read() as db:
            return {row.name: row for row in db.execute(select(PIECE))}

    def redirects(self) -> dict[str, str]:
        query = select(REDIRECT.c.old, PIECE.c.name).join(PIECE, PIECE.c.id == REDIRECT.c.piece_id)
        with self.desk.store.read() as db:
            return {row.old: row.name for row in db.execute(query)}

    # people

    @property
    def maija(self) -> Person:
        return Person("Maija", self.clock.now)

    def retry(self, piece: str, channel: str, part: str = "main") -> str:
        return acts.retry(self.desk.store, self.row(piece, channel, part).id, self.maija)

    def close(self) -> None:
        self.desk.store.close()
        shutil.rmtree(self.root, ignore_errors=True)
