"""A whole desk on a scratch workspace whose X is the mock: files in, posts out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import time_machine

from scheduler.delivery.acts import Person
from scheduler.desk import once
from scheduler.desk.assemble import Desk, assemble
from scheduler.store import deliveries
from scheduler.workspace import load
from tests.mocks.stand import START, Hands
from tests.mocks.x.ledger import Post
from tests.mocks.x.server import MockX

_CONFIG = """\
[site]
title = "D9"
url = "https://example.org"
timezone = "Europe/Helsinki"
languages = ["fi", "sv", "en"]

[desk]
since = 2026-01-01
approval = {approval}

[kinds.news]
channels = ["x"]
late = "30d"

[kinds.event]
channels = ["x"]
late = "2h"

[channels.x]
adapter = "x"
sandbox = false
api_url = "{url}"
settle = "1s"
timeout = "2s"
{options}
"""


class Newsroom:
    """`options`: lines of the channel's table. The clock, X's too, stands still until it is told to go."""

    def __init__(self, root: Path, x: MockX, options: str = "", *, approval: bool = False) -> None:
        self.root, self.x, self.clock = root, x, Hands()
        x.now = self.clock
        self._approval = "true" if approval else "false"
        (root / "config").mkdir(parents=True)
        self.configure(options)
        self.desk = self._assemble()

    def configure(self, options: str) -> None:
        config = _CONFIG.format(url=self.x.url, options=options, approval=self._approval)
        (self.root / "config" / "julki.toml").write_text(config, "utf-8")

    def restart(self) -> None:
        self.desk.close()
        self.desk = self._assemble()

    def _assemble(self) -> Desk:
        return assemble(load(self.root, keys(self.x)), self.clock)

    def put(self, name: str, text: str, body: str = "Teksti.", at: datetime = START, **front: Any) -> Path:
        """`content/<name>.md`, to be posted with that text."""
        path = self.root / "content" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        head = [f"title: {path.stem}", f"publish_at: {at:%Y-%m-%dT%H:%M:%SZ}", *(f"{k}: {v}" for k, v in front.items())]
        own = ["channels:", "  x:", f"    text: {text!r}"] if text else []
        fresh = path.with_name(f".{path.name}")
        fresh.write_text("---\n" + "\n".join([*head, *own]) + f"\n---\n\n{body}\n", "utf-8")
        fresh.replace(path)
        return path

    def look(self) -> None:
        with time_machine.travel(time.time() + 3600, tick=False):
            once.look(self.desk)

    def run(self, **delta: float) -> None:
        """After that much time: the files, then the lanes until nothing moves."""
        self.clock.now += timedelta(**delta)
        self.look()
        once.publish(self.desk)

    @property
    def posts(self) -> list[Post]:
        return self.x.ledger.live()

    @property
    def texts(self) -> list[str]:
        return [post.text for post in self.posts]

    @property
    def maija(self) -> Person:
        return Person("Maija", self.clock.now)

    def rows(self) -> dict[str, Any]:
        """Part → row; of several pieces the last."""
        with self.desk.store.read() as db:
            return {row.part: row for row in sorted(deliveries.queue(db), key=lambda row: row.id)}

    def row(self, name: str, part: str = "main") -> Any:
        with self.desk.store.read() as db:
            return next(row for row in deliveries.queue(db) if row.name == f"fi/{name}" and row.part == part)

    def close(self) -> None:
        self.desk.close()


def keys(x: MockX) -> Mapping[str, str]:
    """Made-up ones; the mock learns them from the first request."""
    del x
    return {
        f"JULKI_X_{name}": f"room-{name.lower()}"
        for name in ("API_KEY", "API_SECRET", "ACCESS_TOKEN", "ACCESS_TOKEN_SECRET")
    }
