"""The first hour with Julki, as a person has it: the installed command, real folders, real time."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.mocks.typist import Typist, typist, wall

JULKI = str(Path(sys.executable).parent / "julki")
PATIENCE = 60.0
CHANNELS = {"website", "rss", "newsletter", "x"}


def julki(root: Path, *words: str, code: int = 0) -> str:
    environ = {**os.environ, "JULKI_WORKSPACE": str(root)}
    done = subprocess.run([JULKI, *words], env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def queue(root: Path) -> list[dict[str, Any]]:
    return json.loads(julki(root, "queue", "--json"))


def eventually(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.2)


@contextmanager
def running(root: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The desk, up; and the line by which it said so. It ends by SIGTERM, with exit code 0."""
    environ = {**os.environ, "JULKI_WORKSPACE": str(root)}
    with (root / "log").open("w") as log:
        process = subprocess.Popen([JULKI, "run"], env=environ, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline()
    except BaseException:
        process.kill()
        raise
    else:
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    finally:
        process.stdout.close()
        process.wait(15)


@pytest.fixture
def desk(tmp_path: Path) -> Typist:
    return typist(tmp_path / "desk")


def test_from_nothing_to_the_first_publication(tmp_path: Path) -> None:
    root = tmp_path / "desk"
    julki(tmp_path, "init", str(root))
    path = julki(root, "new", "news", "We are open").strip()
    file = root / path
    lines = [line for line in file.read_text("utf-8").splitlines() if not line.startswith(("status:", "# publish_at"))]
    lines.insert(2, f"publish_at: {wall(seconds=-2)}")
    file.write_text("\n".join([*lines, "", "From today there is a desk."]), "utf-8")
    julki(root, "check")
    assert "We are open" in julki(root, "preview", path)
    assert "we-are-open" in julki(root, "plan")
    julki(root, "run", "--once")
    states = {row["channel"]: row["state"] for row in queue(root) if row["piece"].endswith("/we-are-open")}
    assert states == {"website": "published", "rss": "published", "x": "published", "newsletter": "planned"}
    assert "From today there is a desk." in (root / "var/site/fi/news/we-are-open/index.html").read_text("utf-8")


def test_a_file_dropped_into_a_running_desk_goes_out_at_its_time(desk: Typist) -> None:
    with running(desk.root) as (_, told):
        assert "Julki is up" in told
        address = told.split("The site: ")[1].split()[0]
        desk.writes("news/dropped.md", title="Dropped in", publish_at=wall(seconds=4))
        eventually(lambda: {row["state"] for row in queue(desk.root)} == {"published"})
        rows = queue(desk.root)
        assert {row["channel"] for row in rows} == CHANNELS
        assert all(datetime.fromisoformat(row["published_at"]) >= datetime.fromisoformat(row["due_at"]) for row in rows)
        with urlopen(f"{address}/fi/news/dropped/", timeout=10) as page:
            assert b"Dropped in" in page.read()
        second = subprocess.run(
            [JULKI, "run", "--once", "--workspace", str(desk.root)], capture_output=True, text=True, check=False
        )
        assert second.returncode == 1
        assert "already being published by 'julki run'" in second.stderr
    assert "Traceback" not in (desk.root / "log").read_text()


def test_a_change_of_mind_before_the_time_is_followed(desk: Typist) -> None:
    with running(desk.root):
        moved = desk.writes("news/moved.md", publish_at=wall(seconds=8))
        desk.writes("news/deleted.md", publish_at=wall(seconds=8)).unlink()
        desk.writes("news/drafted.md", publish_at=wall(seconds=8))
        eventually(lambda: len(queue(desk.root)) >= 8)
        desk.writes("news/drafted.md", publish_at=wall(seconds=8), status="draft")
        desk.writes("news/moved.md", publish_at=wall(days=1))
        assert moved.exists()
        eventually(lambda: {row["state"] for row in queue(desk.root)} == {"planned", "cancelled"})
        desk.writes("news/last.md", publish_at=wall(seconds=8))
        eventually(lambda: {row["state"] for row in queue(desk.root) if row["piece"] == "fi/last"} == {"published"})
    assert {row["piece"] for row in queue(desk.root) if row["state"] == "published"} == {"fi/last"}


def test_a_busy_port_does_not_keep_pieces_from_going_out(desk: Typist) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        desk.settles(r"^port = 0", f"port = {busy.getsockname()[1]}")
        with running(desk.root) as (_, told):
            assert "Julki is up" in told
            desk.writes("news/out.md", publish_at=wall(seconds=1))
            eventually(lambda: {row["state"] for row in queue(desk.root)} == {"published"})
    assert "error" in (desk.root / "log").read_text()


def demo(folder: Path, seconds: int) -> subprocess.CompletedProcess[str]:
    command = [JULKI, "demo", str(folder), "--seconds", str(seconds)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_demo_brings_one_of_each_kind_out_on_each_channel_and_can_be_run_again(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    done = demo(folder, 30)
    assert done.returncode == 0, done.stderr
    out: dict[str, set[str]] = {}
    for row in queue(folder):
        if row["state"] == "published":
            out.setdefault(row["piece"], set()).add(row["channel"])
    assert sum(channels == CHANNELS for channels in out.values()) >= 4
    for kind in ("news", "blog post", "video", "event"):
        told = [line for line in done.stdout.splitlines() if f"  {kind}: “" in line]
        assert {line.rsplit(" ", 1)[1].rstrip(".") for line in told} == CHANNELS
    assert "Traceback" not in done.stderr
    assert demo(folder, 1).returncode == 0
