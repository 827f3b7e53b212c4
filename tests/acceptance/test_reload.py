"""SIGHUP: the running desk takes up new settings, and keeps the old ones where the new can't be used."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

CONFIG = """\
[site]
title = "D9"
timezone = "UTC"
languages = ["fi"]

[desk]
since = 2026-01-01

[kinds.news]
channels = ["x"]

[channels.x]
adapter = "x"

[console]
port = 0

[public]
port = 0
"""


def until(true: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


class Desk:
    """`julki run` on a workspace, in a process of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "config").mkdir(parents=True)
        (root / "content" / "news").mkdir(parents=True)
        self.configure(CONFIG)
        self.put("eka")
        self.log = (root / "log").open("w+b")
        command = [Path(sys.executable).with_name("julki"), "run", "--workspace", root]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=os.environ | {"NO_COLOR": "1"})

    def configure(self, text: str) -> None:
        (self.root / "config" / "julki.toml").write_text(text)

    def put(self, name: str) -> None:
        at = datetime.now(UTC) - timedelta(seconds=2)
        text = f"---\ntitle: {name}\npublish_at: {at:%Y-%m-%d %H:%M:%S}\n---\nTeksti.\n"
        (self.root / "content" / "news" / f"{name}.md").write_text(text)

    def told(self) -> str:
        return (self.root / "log").read_text()

    def posts(self, channel: str) -> list[str]:
        path = self.root / "var" / "outbox" / f"{channel}.jsonl"
        return [json.loads(line)["piece"] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "desk")
    try:
        yield desk
    finally:
        desk.process.send_signal(signal.SIGTERM)
        code = desk.process.wait(20)
        desk.log.close()
    assert code == 0, desk.told()[-3000:]


def test_a_new_channel_is_taken_up_without_a_restart(desk: Desk) -> None:
    until(lambda: desk.posts("x") == ["fi/eka"])
    desk.configure(CONFIG.replace('channels = ["x"]', 'channels = ["x", "xx"]') + '\n[channels.xx]\nadapter = "x"\n')
    desk.process.send_signal(signal.SIGHUP)
    until(lambda: desk.told().count("Julki is up") == 2)
    desk.put("toka")
    until(lambda: "fi/toka" in desk.posts("x") and "fi/toka" in desk.posts("xx"))
    assert sorted(desk.posts("x")) == ["fi/eka", "fi/toka"]


def test_bad_settings_are_told_and_nothing_stops(desk: Desk) -> None:
    until(lambda: desk.posts("x") == ["fi/eka"])
    desk.configure(CONFIG + "\n[sitte]\n")
    desk.process.send_signal(signal.SIGHUP)
    until(lambda: "can't be used as it is" in desk.told())
    desk.put("toka")
    until(lambda: desk.posts("x") == ["fi/eka", "fi/toka"])
    assert desk.told().count("Julki is up") == 1


def test_a_stop_right_after_a_reload_is_a_stop(desk: Desk) -> None:
    """The fixture sends SIGTERM and wants an end; here the new settings may be half way."""
    until(lambda: desk.posts("x") == ["fi/eka"])
    desk.configure(CONFIG + "\n# new\n")
    desk.process.send_signal(signal.SIGHUP)
    until(lambda: "the settings are read anew" in desk.told())
