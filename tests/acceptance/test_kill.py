"""The daemon is killed at random moments while pieces go out; afterwards each of them is out once, everywhere."""

from __future__ import annotations

import json
import random
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

sys.path.insert(0, str(Path(__file__).parent.parent / "mocks"))
import desk_process

PIECES = 90
KILLS = 12
CHANNELS = ("website", "rss", "newsletter", "x")
CONFIG = """\
[site]
title = "D9"
url = "https://example.org"
timezone = "UTC"
languages = ["fi"]

[desk]
since = 2026-01-01

[kinds.news]
channels = ["website", "rss", "newsletter", "x"]
late = "2h"

[channels.website]
adapter = "website"

[channels.rss]
adapter = "rss"
items = 200

[channels.newsletter]
adapter = "newsletter"
edition = "each"

[channels.x]
adapter = "x"
"""


def workspace(root: Path, seconds: float) -> None:
    """Pieces due one after another over that many seconds from now."""
    (root / "config").mkdir(parents=True)
    (root / "config" / "julki.toml").write_text(CONFIG)
    folder = root / "content" / "news"
    folder.mkdir(parents=True)
    start = datetime.now(UTC) + timedelta(seconds=2)
    for number in range(PIECES):
        at = start + timedelta(seconds=seconds * number / PIECES)
        (folder / f"piece-{number:03}.md").write_text(
            f"---\ntitle: Piece number {number}\npublish_at: {at:%Y-%m-%d %H:%M:%S}\ntags: [t{number % 3}]\n---\nText {number}.\n"
        )


def states(root: Path) -> Counter[str]:
    database = sqlite3.connect(f"file:{root / 'var' / 'julki.db'}?mode=ro", uri=True)
    try:
        return Counter(dict(database.execute("SELECT state, count(*) FROM delivery GROUP BY state")))
    finally:
        database.close()


def open_attempts(root: Path) -> int:
    database = sqlite3.connect(f"file:{root / 'var' / 'julki.db'}?mode=ro", uri=True)
    try:
        return int(database.execute("SELECT count(*) FROM attempt WHERE outcome IS NULL").fetchone()[0])
    finally:
        database.close()


def wait(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.2)
    return condition()


def test_each_piece_is_out_once_whenever_the_daemon_is_killed(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    root = tmp_path / "desk"
    workspace(root, seconds=14)
    amid = 0
    for _ in range(KILLS):
        process = desk_process.start(root)
        time.sleep(0.6 + chance.random() * 1.4)
        desk_process.kill(process)
        if (root / "var" / "julki.db").exists():
            amid += open_attempts(root) > 0
    process = desk_process.start(root)
    try:
        done = wait(lambda: states(root)["published"] == PIECES * len(CHANNELS), 60)
        wait(lambda: str(process.pid) in (root / "var" / "julki.db.lock").read_text(), 20)
    finally:
        process.terminate()
        code = process.wait(15)
    assert done, (seed, states(root), (root / "var" / "log").read_text()[-3000:])
    assert code == 0
    print(f"kills {KILLS}, {amid} of them with an attempt open")
    names = {f"fi/piece-{number:03}" for number in range(PIECES)}
    assert posts(root) == Counter(names)
    assert mails(root) == PIECES
    assert pages(root) == names
    for entries in feeds(root):
        assert len(entries) == PIECES
        assert len(set(entries)) == PIECES


def posts(root: Path) -> Counter[str]:
    lines = (root / "var" / "outbox" / "x.jsonl").read_text().splitlines()
    return Counter(json.loads(line)["piece"] for line in lines)


def mails(root: Path) -> int:
    return len(
        [
            path
            for path in (root / "var" / "outbox" / "newsletter").rglob("*")
            if path.is_file() and path.parent.name != "tmp"
        ]
    )


def pages(root: Path) -> set[str]:
    folder = root / "var" / "site" / "fi" / "news"
    return {f"fi/{path.parent.name}" for path in folder.glob("piece-*/index.html")}


def feeds(root: Path) -> list[list[str]]:
    site = root / "var" / "site" / "fi"
    rss = [item.findtext("guid") or "" for item in ET.parse(site / "rss.xml").iter("item")]  # noqa: S314  our own file
    feed = [item["id"] for item in json.loads((site / "feed.json").read_text())["items"]]
    return [rss, feed]
