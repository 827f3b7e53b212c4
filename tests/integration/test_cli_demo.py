"""The demo's workspace: what is moved, what is kept, what is never deleted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from scheduler import workspace
from scheduler.cli import rehearsal
from scheduler.cli.main import app
from scheduler.cli.session import Failed, Session
from scheduler.store.lock import Lock

EVENT = """\
---
title: "On 2026-11-30: a day"
publish_at: 2026-11-30 09:00   # in the morning
starts_at: "2026-12-02 09:00"
end_date: 2026-12-02 15:00+02:00
expires_at: 2027-02-28
live: true
channels:
  x: {at: 2026-12-01 10:00, text: "see 2026-12-01"}
  rss:
    at: 2026-12-01
  newsletter:
    at: +2h
---

From 2026-12-02 on.

## 2026-12-01 18:00 The evening before

## 09:05 Doors
"""
MOVED = """\
---
title: "On 2026-11-30: a day"
publish_at: 2026-12-30 09:00   # in the morning
starts_at: "2027-01-01 09:00"
end_date: 2027-01-01 15:00+02:00
expires_at: 2027-03-30
live: true
channels:
  x: {at: 2026-12-31 10:00, text: "see 2026-12-01"}
  rss:
    at: 2026-12-31
  newsletter:
    at: +2h
---

From 2026-12-02 on.

## 2026-12-31 18:00 The evening before

## 09:05 Doors
"""


def test_dates_move_and_all_else_stays() -> None:
    assert rehearsal.shifted(EVENT, 30) == MOVED
    assert rehearsal.shifted(EVENT.replace("\n", "\r\n"), 30) == MOVED.replace("\n", "\r\n")
    quiet = EVENT.replace("live: true", "live: false")
    assert "## 2026-12-01 18:00" in rehearsal.shifted(quiet, 30)


def test_what_has_no_front_matter_is_left_alone() -> None:
    for text in ("", "date: 2026-11-30\n", "---\ndate: 2026-11-30\n"):
        assert rehearsal.shifted(text, 30) == text


@given(st.integers(-20_000, 20_000), st.dates(date(1990, 1, 1), date(2060, 1, 1)))
def test_moving_there_and_back_changes_nothing(days: int, day: date) -> None:
    text = f"---\ndate: {day} 09:00\n---\n"
    there = rehearsal.shifted(text, days)
    assert f"date: {day + timedelta(days=days)} 09:00" in there
    assert rehearsal.shifted(there, -days) == text


def test_the_example_lies_around_today_and_one_of_each_kind_is_due(tmp_path: Path) -> None:
    from scheduler.cli.demo import _prepare

    _prepare(tmp_path / "demo")
    settings = workspace.load(tmp_path / "demo", {}).settings
    reader = Session(tmp_path / "demo").reader()
    found = rehearsal.pieces(reader)
    zone = settings.zone
    today = datetime.now(UTC).astimezone(zone).date()
    assert abs(settings.desk.since - today) <= timedelta(days=1)
    assert abs(rehearsal.middle(found, reader) - today) <= timedelta(days=1)
    now = datetime.now(UTC)
    soon = [piece for piece in found if piece.publish_at and abs(piece.publish_at - now) < timedelta(minutes=1)]
    assert {piece.kind for piece in soon} == {"news", "blog", "video", "event"}
    channels = set(settings.channels)
    assert all(set(reader.intake.goes_to(piece)) == channels for piece in soon)
    assert all(piece.event.starts_at > piece.publish_at for piece in soon if piece.event)
    reader.close()
    assert len(found) == len(list((rehearsal.source() / "content").rglob("*.md")))


def test_a_folder_of_somebody_else_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    result = CliRunner().invoke(app, ["demo", str(tmp_path)])
    assert result.exit_code == 1
    assert "no demo made" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    with pytest.raises(Failed):
        rehearsal.make(link, rehearsal.source())


def test_a_demo_that_runs_is_not_deleted_and_one_that_ended_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    rehearsal.make(folder, rehearsal.source())
    (folder / "content" / "news" / "mine.md").write_text("mine")
    lock = Lock(folder / "var" / "julki.db")
    lock.take(datetime.now(UTC), "julki demo")
    with pytest.raises(Failed, match="running there already"):
        rehearsal.make(folder, rehearsal.source())
    assert (folder / "content" / "news" / "mine.md").exists()
    lock.release()
    rehearsal.make(folder, rehearsal.source())
    assert not (folder / "content" / "news" / "mine.md").exists()
