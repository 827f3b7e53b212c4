"""Faults of the host, on the real `julki run` in a process of its own: a full disk, a broken file, a machine that sleeps.

What is not here was tried by hand; docs/faults.md tells of all of them.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command

from scheduler.store.engine import Store, _alembic, _engine
from tests.mocks.small_disk import NoSmallDisk, SmallDisk
from tests.mocks.x.server import MockX
from tests.torture import remotes

CHANNELS = ("website", "rss", "newsletter", "x")
CONFIG = """\
[site]
title = "D9"
timezone = "UTC"
languages = ["fi"]

[desk]
since = 2026-01-01

[kinds.news]
channels = ["website", "rss", "newsletter", "x"]

[channels.website]
adapter = "website"

[channels.rss]
adapter = "rss"
items = 500

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
KEYS = {
    f"JULKI_X_{name}": f"key-{name.lower()}"
    for name in ("API_KEY", "API_SECRET", "ACCESS_TOKEN", "ACCESS_TOKEN_SECRET")
}
JULKI = Path(sys.executable).with_name("julki")


def until(true: Callable[[], object], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"in {seconds:.0f} s it did not happen that {what}"
        time.sleep(0.05)


def piece(name: str, at: datetime, body: str = "Teksti.") -> str:
    return f"---\ntitle: {name}\npublish_at: {at:%Y-%m-%dT%H:%M:%SZ}\n---\n{body}\n"


class Desk:
    """`julki run` on a scratch workspace. `disk`: where its `var/` lies, if not on the common one."""

    def __init__(self, root: Path, config: str = CONFIG) -> None:
        self.root = root
        self.disk: SmallDisk | None = None
        self.environ = os.environ | {"NO_COLOR": "1"}
        (root / "config").mkdir(parents=True)
        (root / "content" / "news").mkdir(parents=True)
        (root / "config" / "julki.toml").write_text(config)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    @property
    def var(self) -> Path:
        return self.disk.path if self.disk else self.root / "var"

    @property
    def database(self) -> Path:
        return self.var / "julki.db"

    def start(self, *, up: bool = True) -> None:
        command = [JULKI, "run", "--workspace", self.root]
        with (self.root / "log").open("wb") as log:
            if self.disk:
                self._process = self.disk.run(*command, log=log, **self.environ)
            else:
                self._process = subprocess.Popen(command, stdout=log, stderr=log, env=self.environ)
        if up:
            until(lambda: "Julki is up" in self.told() or self.process.poll() is not None, "it is up")
            assert self.process.poll() is None, self.told()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)

    def told(self) -> str:
        return (self.root / "log").read_text("utf-8")

    def says(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another command beside it."""
        line = [JULKI, *words, "--workspace", self.root]
        return subprocess.run(line, capture_output=True, text=True, env=self.environ, check=False)

    def put(self, name: str, seconds: float = -1) -> datetime:
        """A piece due in so many seconds; when that is."""
        at = (datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0)
        (self.root / "content" / "news" / f"{name}.md").write_text(piece(name, at))
        return at

    def lines(self) -> list[dict[str, Any]]:
        path = self.var / "outbox" / "x.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def posts(self) -> list[str]:
        return [line["piece"].removeprefix("fi/") for line in self.lines()]

    def states(self, name: str) -> list[str]:
        """Those of the piece's deliveries, each once."""
        with closing(sqlite3.connect(self.database, timeout=10)) as database:
            query = "SELECT DISTINCT state FROM delivery JOIN piece ON piece.id = piece_id WHERE piece.name = ?"
            return [row[0] for row in database.execute(query, [f"fi/{name}"])]

    def health(self) -> tuple[int, dict[str, Any]]:
        address = re.findall(r"The console: (\S+)", self.told())[-1]
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def out(self) -> dict[str, Counter[str]]:
        """Channel (of the feeds each form) → how often each piece is out."""
        found = {
            "x": self.posts(),
            "newsletter": [mail.splitlines()[0] for mail in remotes.mails(self.var / "outbox" / "newsletter")],
            "website": remotes.pages(self.var / "site"),
            **remotes.feeds(self.var / "site"),
        }
        return {channel: Counter(re.findall(r"k\d{3}", " ".join(titles))) for channel, titles in found.items()}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "desk")
    yield desk
    desk.kill()


@pytest.fixture
def disk(desk: Desk) -> Iterator[SmallDisk]:
    """A small one, below the desk's `var/`."""
    (desk.root / "var").mkdir()
    try:
        disk = SmallDisk(desk.root / "var", 24)
    except NoSmallDisk as error:
        pytest.skip(str(error))
    desk.disk = disk
    yield disk
    desk.kill()
    disk.close()


def test_a_disk_that_fills_up_again_and_again_loses_and_doubles_nothing(desk: Desk, disk: SmallDisk) -> None:
    rng = random.Random(20261124)
    troubles: list[Callable[[], AbstractContextManager[None]]] = [disk.full, disk.full, disk.read_only]
    desk.start()
    names = [f"k{number:03}" for number in range(100)]
    for begin in range(0, 100, 20):
        for name in names[begin : begin + 10]:
            desk.put(name, rng.choice([-1, 0, 1]))
        time.sleep(rng.uniform(0, 0.8))
        with rng.choice(troubles)():
            for name in names[begin + 10 : begin + 20]:
                desk.put(name, rng.choice([-1, 0, 1]))
            time.sleep(rng.uniform(0.2, 2))
    once = Counter(names)
    until(lambda: all(out == once for out in desk.out().values()), "all is out", 120)
    assert desk.stop() == 0
    copy = shutil.copy(desk.database, desk.root / "copy.db")
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("SELECT state, count(*) FROM delivery GROUP BY 1").fetchall() == [("published", 400)]
        assert database.execute("SELECT count(*) FROM attempt WHERE outcome IS NULL").fetchone() == (0,)
    assert desk.out() == dict.fromkeys(("x", "newsletter", "website", *remotes.feeds(desk.var)), once)


def test_a_disk_that_is_full_or_read_only_is_told_before_anything_begins(desk: Desk, disk: SmallDisk) -> None:
    desk.put("eka")
    with disk.full():
        desk.start(up=False)
        assert desk.process.wait(20) == 1
    assert f"the disk of {desk.root / 'var'} is full. Make room there" in desk.told()
    with disk.read_only():
        desk.start(up=False)
        assert desk.process.wait(20) == 1
    assert "can only be read. Mount it so that it can be written" in desk.told()
    assert "Traceback" not in desk.told()
    desk.start()
    until(lambda: desk.posts() == ["eka"], "it goes out once the disk is well")
    assert desk.stop() == 0


def test_a_running_desk_takes_what_a_machine_does_to_it(desk: Desk) -> None:
    desk.put("eka")
    desk.start()
    until(lambda: desk.posts() == ["eka"], "it goes out")

    for words in (["run"], ["run", "--once"]):
        second = desk.says(*words)
        assert second.returncode == 1
        assert "already being published by 'julki run'" in second.stderr

    content, away = desk.root / "content", desk.root / "away"
    content.rename(away)
    until(lambda: desk.health()[0] == 503, "health tells of the missing folder")
    assert "The folder content/ is missing or empty. Is its drive mounted? Nothing is taken off." in str(desk.health())
    assert desk.states("eka") == ["published"]
    away.rename(content)
    until(lambda: desk.health()[0] == 200, "all is well again")

    desk.put("toka", 1)
    desk.put("kolmas", 2)
    time.sleep(0.7)
    desk.process.send_signal(signal.SIGSTOP)
    time.sleep(2.5)
    desk.process.send_signal(signal.SIGCONT)
    until(lambda: desk.posts() == ["eka", "toka", "kolmas"], "what fell due during the sleep goes out", 10)

    desk.process.send_signal(signal.SIGTERM)
    assert desk.process.wait(10) == 0


def test_many_files_at_once_delay_nothing_that_is_due(desk: Desk, tmp_path: Path) -> None:
    heap, ahead = tmp_path / "heap", datetime.now(UTC) + timedelta(days=3)
    heap.mkdir()
    for number in range(2000):
        (heap / f"m{number:04}.md").write_text(piece(f"Massa {number}", ahead, "Tekstiä. " * 60))
    desk.start()
    due = {f"due{number}": desk.put(f"due{number}", 3 + number) for number in range(4)}
    until(lambda: all(desk.states(name) for name in due), "they are planned")
    shutil.copytree(heap, desk.root / "content" / "news" / "heap")
    until(lambda: sorted(desk.posts()) == sorted(due), "they go out")
    until(lambda: desk.states("m1999") == ["planned"], "the others are planned")
    late = {line["piece"]: datetime.fromisoformat(line["at"]) - due[line["piece"][3:]] for line in desk.lines()}
    assert max(late.values()) < timedelta(seconds=10), late
    assert desk.stop() == 0


def test_what_is_no_file_of_a_writer_is_named_and_the_others_go_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    news = desk.root / "content" / "news"
    os.mkfifo(news / "putki.md")
    with closing(socket.socket(socket.AF_UNIX)) as plug:
        monkeypatch.chdir(news)  # the name of a socket may not be long
        plug.bind("pistoke.md")
    (news / "kansio.md").mkdir()
    (news / "ulos.md").symlink_to("/etc/hostname")
    (news / "piiri.md").symlink_to("piiri.md")
    (news / "poissa.md").symlink_to("nowhere.md")
    (news / "ylos").symlink_to("..")
    with (news / "suuri.md").open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    Path(os.fsdecode(os.fsencode(news) + b"/tavu\xff.md")).write_text("---\ntitle: T\n---\n")
    (news / "rivi\nvaihto.md").write_text("---\ntitle: R\n---\n")
    desk.put("eka")
    done = desk.says("run", "--once")
    assert done.returncode == 1
    assert desk.posts() == ["eka"]
    assert "Traceback" not in done.stderr
    for told in (
        "content/news/putki.md is not an ordinary file. Remove it",
        "content/news/pistoke.md is not an ordinary file. Remove it",
        "content/news/ulos.md is a link that leads out of the workspace. Put the file itself here",
        "content/news/piiri.md is a link that leads in a circle. Remove it",
        "content/news/poissa.md is a link to something that is not there. Remove the link",
        "content/news/ylos is a link to a folder that it lies in itself. Remove the link",
        "content/news/suuri.md:1:1: error too-large: The file is over 1 MiB.",
        "has a name with characters that can't be written. Rename it.",
    ):
        assert told in done.stderr
    assert "\nvaihto" not in done.stderr


def test_a_database_that_is_spoilt_while_it_runs_ends_the_run_with_the_way_back(desk: Desk) -> None:
    desk.put("eka")
    desk.start()
    until(lambda: desk.posts() == ["eka"], "it goes out")
    backup = desk.says("backup").stdout.split(" holds ")[0]
    desk.process.send_signal(signal.SIGSTOP)
    with closing(sqlite3.connect(desk.database)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with desk.database.open("r+b") as file:
        file.seek(2 * 4096)
        file.write(b"x" * (desk.database.stat().st_size - 2 * 4096))
    desk.process.send_signal(signal.SIGCONT)
    desk.put("toka")
    assert desk.process.wait(30) == 1
    last = desk.told().splitlines()[-1]
    assert "it is damaged" in last
    assert last.endswith(f"Bring back the newest backup with: julki restore {backup}")

    assert desk.says("restore", backup, "--yes").returncode == 0
    desk.start()
    until(lambda: desk.states("toka") == ["held"], "what is due waits for a person")
    assert desk.posts() == ["eka"]
    assert desk.stop() == 0


def test_a_stop_does_not_wait_for_a_remote_that_hangs(tmp_path: Path) -> None:
    with MockX() as x:
        live = f'adapter = "x"\nsandbox = false\napi_url = "{x.url}"\nsettle = "1s"\ntimeout = "60s"\n'
        desk = Desk(tmp_path / "desk", CONFIG.replace('adapter = "x"\n', live))
        desk.environ |= KEYS
        x.fail_next("accepted-then-hang")
        desk.put("eka")
        try:
            desk.start()
            until(lambda: len(x.ledger.live()) == 1, "X has it")
            desk.process.send_signal(signal.SIGTERM)
            assert desk.process.wait(10) == 0
            desk.start()
            until(lambda: desk.states("eka") == ["published"], "it is found")
            assert desk.stop() == 0
        finally:
            desk.kill()
        assert len(x.ledger.live()) == 1


def test_a_start_that_is_killed_while_the_tables_change_can_be_made_again(desk: Desk) -> None:
    """Of an old database; whenever it is killed, the tables are the old ones or the new ones, whole."""
    desk.database.parent.mkdir()
    store, config = Store(_engine(desk.database), desk.database), _alembic()
    with store.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    store.close()
    old = desk.database.read_bytes()
    desk.put("eka")
    revisions = set()
    for moment in (0.5, 0.7, 0.9, 1.1):
        for path in desk.database.parent.glob("julki.db*"):
            path.unlink()
        desk.database.write_bytes(old)
        desk.start(up=False)
        time.sleep(moment)
        desk.kill()
        with closing(sqlite3.connect(desk.database)) as database:
            revisions.add(database.execute("SELECT version_num FROM alembic_version").fetchall()[0][0])
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert revisions <= {"0001", "0002", "0003"}
    desk.start()
    until(lambda: "eka" in desk.posts(), "it goes out")
    assert desk.stop() == 0
