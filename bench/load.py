"""The daemon under load: does it grow, leak, lose or double anything?

    python bench/load.py [--minutes 10] [--pieces 3000] [--rate 50] [--seed N]

Half of the pieces are out already, a quarter falls due one after another, the rest lies ahead. So many files a second
are edited, vanish and come back. X, over HTTP, fails 30 % of its calls in every way it has. The figures: memory, threads
and open files around the third minute and at the end, and what the remotes hold beside what was asked for.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.mocks.x.server import FAULTS, MockX

CONFIG = """\
[site]
title = "D9"
url = "https://example.org"
timezone = "UTC"
languages = ["fi"]
[desk]
since = 2026-01-01
backlog = 100000
[kinds.news]
channels = ["website", "rss", "newsletter", "x"]
[channels.website]
adapter = "website"
[channels.rss]
adapter = "rss"
[channels.newsletter]
adapter = "newsletter"
edition = "each"
[channels.x]
adapter = "x"
sandbox = false
api_url = "{url}"
settle = "2s"
timeout = "2s"
[console]
port = 0
[public]
port = 0
"""
SECRETS = {f"JULKI_X_{name}": "fake" for name in ("API_KEY", "API_SECRET", "ACCESS_TOKEN", "ACCESS_TOKEN_SECRET")}
FAILING = 0.3


@dataclass
class Piece:
    path: Path
    head: str
    posts: bool
    edits: int = 0
    away: float = 0.0

    def write(self) -> None:
        fresh = self.path.with_name(f".{self.path.name}")
        fresh.write_text(
            f"---\n{self.head}---\n" + f"Words of {self.path.stem}. " * 100 + f"\n\nEdited {self.edits} times.\n"
        )
        fresh.replace(self.path)


def calendar(root: Path, count: int, minutes: float) -> list[Piece]:
    """Half archive (on the website and in the feeds only), a quarter due within the time, a quarter ahead."""
    start = datetime.now(UTC) + timedelta(seconds=40)
    due = [start + timedelta(seconds=(minutes * 60 - 60) * n / (count // 4)) for n in range(count // 4)]
    old = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=5 * n) for n in range(count // 2)]
    ahead = [datetime(2031, 1, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(count - len(due) - len(old))]
    found = []
    for number, at in enumerate([*old, *due, *ahead]):
        path = root / "content" / "news" / f"{number % 30:02}" / f"piece-{number:04}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        head = f"title: {title(number)}\npublish_at: {at:%Y-%m-%d %H:%M:%S}\ntags: [t{number % 40}]\n"
        found.append(Piece(path, head, posts=start <= at <= start + timedelta(minutes=minutes)))
        found[-1].write()
    return found


def title(number: int) -> str:
    """One that is like no other: alike titles and a reused inode look like a rename, and are held for a person."""
    letters = random.Random(number)  # noqa: S311  words, no secret
    words = ("".join(letters.choices("abdeghiklmnoprstuv", k=letters.randrange(4, 9))) for _ in range(4))
    return f"{number} {' '.join(words)}"


def disturb(pieces: list[Piece], rate: int, chance: random.Random) -> None:
    """A second's worth of saving, deleting, and bringing back."""
    began = time.monotonic()
    for step, piece in enumerate(chance.sample(pieces, rate)):
        if piece.away:
            continue
        piece.edits += 1
        if chance.random() < 0.2:
            piece.path.unlink()
            piece.away = time.monotonic() + chance.uniform(0.5, 4)
        else:
            piece.write()
        time.sleep(max(0.0, began + (step + 1) / rate - time.monotonic()))
    for piece in pieces:
        if piece.away and piece.away < time.monotonic():
            piece.away = 0.0
            piece.write()


def look(pid: int) -> dict[str, int]:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    rss, threads = int(status["VmRSS"].split()[0]) // 1024, int(status["Threads"])
    return {"MB": rss, "threads": threads, "files": len(os.listdir(f"/proc/{pid}/fd"))}  # noqa: PTH208


def around(samples: list[tuple[float, dict[str, int]]], minute: float) -> dict[str, float]:
    near = [one for at, one in samples if abs(at - minute * 60) <= 30] or [samples[-1][1]]
    return {name: median(one[name] for one in near) for name in near[0]}


def states(root: Path) -> Counter[tuple[str, str, str]]:
    database = sqlite3.connect(f"file:{root / 'var' / 'julki.db'}?mode=ro", uri=True, timeout=20)
    try:
        rows = database.execute("SELECT channel, state, reason, count(*) FROM delivery GROUP BY 1, 2, 3")
        return Counter({(channel, state, reason): number for channel, state, reason, number in rows})
    finally:
        database.close()


def settled(root: Path, due: int) -> bool:
    """All that was due is out or waits for a person."""
    found = states(root)
    done = sum(
        number
        for (channel, state, _), number in found.items()
        if channel == "x" and state in ("published", "held", "failed")
    )
    return done >= due and not any(state in ("publishing", "retrying") for _, state, _ in found)


def run(root: Path, options: Any, x: MockX) -> int:
    chance = random.Random(options.seed)  # noqa: S311  a seed that can be told
    pieces = calendar(root, options.pieces, options.minutes)
    (root / "config").mkdir()
    (root / "config" / "julki.toml").write_text(CONFIG.format(url=x.url))
    x.on_ask = lambda _text: fail(x, chance)
    with (root / "log").open("wb") as log:
        julki = Path(sys.executable).with_name("julki")
        desk = subprocess.Popen([julki, "--workspace", root, "run"], stdout=log, stderr=log, env=os.environ | SECRETS)
    samples = []
    start = time.monotonic()
    try:
        while time.monotonic() - start < options.minutes * 60:
            disturb(pieces, options.rate, chance)
            samples.append((time.monotonic() - start, look(desk.pid)))
            if len(samples) % 60 == 0:
                print(f"minute {len(samples) // 60}: {samples[-1][1]}", flush=True)
        for piece in pieces:
            if piece.away:
                piece.write()
        x.on_ask = lambda _text: True
        end = time.monotonic() + 300
        posts = sum(piece.posts for piece in pieces)
        while time.monotonic() < end and not settled(root, posts):
            time.sleep(1)
    finally:
        desk.terminate()
        code = desk.wait(20)
    return report(root, options, pieces, samples, x, code)


def fail(x: MockX, chance: random.Random) -> bool:
    """30 % of the calls: half of these in ways that tell nothing, some with the post accepted."""
    if chance.random() < FAILING:
        kinds = [name for name in FAULTS if "hang" not in name]
        x.fail_next(chance.choice([*kinds, (429, {"retry-after": "1"}, {"title": "Too Many Requests"})]))
    return True


def report(root: Path, options: Any, pieces: list[Piece], samples: list[Any], x: MockX, code: int) -> int:
    third, last = around(samples, min(3, options.minutes / 2)), around(samples, options.minutes)
    print(f"around minute {min(3, options.minutes / 2):g}: {third}; at the end: {last}")
    print(f"memory at the end against then: {last['MB'] / third['MB'] - 1:+.1%}")
    posted = Counter(post.text.splitlines()[0] for post in x.ledger.live())
    wanted = {title(number) for number, piece in enumerate(pieces) if piece.posts}
    held = sum(
        number for (channel, state, _), number in states(root).items() if channel == "x" and state in ("held", "failed")
    )
    lost, doubled = len(wanted - set(posted)) - held, sum(number - 1 for number in posted.values())
    feed = [item["id"] for item in json.loads((root / "var" / "site" / "fi" / "feed.json").read_text())["items"]]
    pages = len(list((root / "var" / "site" / "fi" / "news").glob("piece-*/index.html")))
    mails = len([one for one in (root / "var" / "outbox" / "newsletter").rglob("*.julki*") if one.parent.name != "tmp"])
    print(f"edits {sum(piece.edits for piece in pieces)}, X's faults {sum(x.served.values())}: {dict(x.served)}")
    print(
        f"due {len(wanted)}: posts {sum(posted.values())}, lost {max(lost, 0)}, doubled {doubled}, held {held}; mails {mails}"
    )
    print(
        f"pages {pages} of {len(wanted) + options.pieces // 2}; feed entries {len(feed)}, each once: {len(feed) == len(set(feed))}"
    )
    for key, number in sorted(states(root).items()):
        print("   ", *key, number)
    print(f"exit code {code}")
    return 1 if lost > 0 or doubled or code or mails != len(wanted) else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--pieces", type=int, default=3000)
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory() as folder, MockX(refuses_duplicates=False) as x:
        return run(Path(folder), options, x)


if __name__ == "__main__":
    sys.exit(main())
