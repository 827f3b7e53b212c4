"""How punctual the desk is: sixty pieces, dropped ten seconds ahead, on four channels.

    python bench/latency.py [--spread SECONDS]

Prints, over all deliveries, how long after its due time each counted as published. With a spread of 0 all sixty are due
in the same second.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

PIECES = 60
CHANNELS = ("website", "rss", "newsletter", "x")
CONFIG = """\
[site]
timezone = "UTC"
languages = ["fi"]
[kinds.news]
channels = ["website", "rss", "newsletter", "x"]
late = "2h"
[channels.website]
adapter = "website"
[channels.rss]
adapter = "rss"
[channels.newsletter]
adapter = "newsletter"
edition = "each"
[channels.x]
adapter = "x"
[console]
port = 0
[public]
port = 0
"""


def workspace(root: Path) -> Path:
    (root / "config").mkdir()
    (root / "config" / "julki.toml").write_text(CONFIG)
    folder = root / "content" / "news"
    folder.mkdir(parents=True)
    return folder


def drop(folder: Path, number: int, at: datetime) -> None:
    text = f"---\ntitle: Piece {number}\npublish_at: {at:%Y-%m-%d %H:%M:%S}\ntags: [a, t{number % 5}]\n---\n"
    (folder / f"piece-{number}.md").write_text(text + "Words. " * 200)


def rows(root: Path) -> list[tuple[str, str, str | None]]:
    database = sqlite3.connect(f"file:{root / 'var' / 'julki.db'}?mode=ro", uri=True)
    try:
        return database.execute("SELECT channel, due_at, published_at FROM delivery").fetchall()
    finally:
        database.close()


def seconds(due: str, out: str) -> float:
    return (datetime.fromisoformat(out) - datetime.fromisoformat(due)).total_seconds()


def measure(root: Path, spread: float) -> dict[str, list[float]]:
    folder = workspace(root)
    command = [str(Path(sys.executable).with_name("julki")), "--workspace", str(root), "run"]
    desk = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=(root / "log").open("wb"))
    try:
        time.sleep(4)
        start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=10)
        for number in range(PIECES):
            drop(folder, number, start + timedelta(seconds=int(spread * number / PIECES)))
        deadline = time.monotonic() + 30 + spread
        while time.monotonic() < deadline:
            time.sleep(1)
            found = rows(root)
            if len(found) == PIECES * len(CHANNELS) and all(out for _, _, out in found):
                break
    finally:
        desk.terminate()
        desk.wait(15)
    late: dict[str, list[float]] = {channel: [] for channel in CHANNELS}
    for channel, due, out in rows(root):
        late[channel].append(seconds(due, out) if out else float("inf"))
    return late


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spread", type=float, default=0, help="seconds over which the pieces are due")
    spread = parser.parse_args().spread
    with tempfile.TemporaryDirectory() as folder:
        late = measure(Path(folder), spread)
    everything = sorted(value for values in late.values() for value in values)
    print(f"{PIECES} pieces due over {spread:g} s, {len(everything)} deliveries; seconds after the due time")
    for name, values in [*late.items(), ("all", everything)]:
        ranked = sorted(values)
        p95 = ranked[int(len(ranked) * 0.95)]
        print(
            f"{name:12} min {ranked[0]:6.3f}  median {statistics.median(ranked):6.3f}  p95 {p95:6.3f}  max {ranked[-1]:6.3f}"
        )


if __name__ == "__main__":
    main()
