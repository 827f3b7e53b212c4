"""Limits of a channel: so many an hour, a gap between two, allowed hours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from channels.errors import Uncertain
from scheduler.delivery.lane import Lane
from scheduler.desk import once
from scheduler.store import deliveries
from scheduler.store.core import DELIVERY
from tests.mocks.stage import Board, Paper, Stage
from tests.mocks.stand import START, Hands, Stand

Make = Callable[..., Stand]
NIGHT = datetime(2026, 11, 30, 21, 0, tzinfo=UTC)
"""23:00 in Helsinki."""


def out(stage: Stage) -> list[tuple[str, datetime]]:
    return [(entry.text.partition(":")[0], entry.at) for entry in stage.ledger.entries]


def minutes(stand: Stand, clock: Hands, count: int) -> None:
    for _ in range(count):
        stand.work()
        clock.go(minutes=1)
    stand.work()


def test_a_gap_is_kept_between_two(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage, channel_post='gap = "10m"')
    for name in "abc":
        stand.put(name)
    stand.look()
    minutes(stand, clock, 25)
    assert [(at - START) / timedelta(minutes=1) for _, at in out(stage)] == [0, 10, 20]


def test_no_more_than_so_many_an_hour(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage, channel_post="per_hour = 2")
    for number in range(5):
        stand.put(f"p{number}", more="late: 5h")
    stand.look()
    minutes(stand, clock, 130)
    assert [(at - START) / timedelta(minutes=1) for _, at in out(stage)] == [0, 0, 60, 60, 120]


def test_what_may_be_out_counts_as_out(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage, channel_post='gap = "10m"')
    stage.next(Uncertain("No answer."), accepted=True)
    stage.lag = timedelta(minutes=1)
    stage.settle = timedelta(minutes=2)
    stand.put("a", at=START - timedelta(seconds=1))
    stand.put("b")
    stand.look()
    minutes(stand, clock, 5)
    assert [name for name, _ in out(stage)] == ["a"]
    minutes(stand, clock, 8)
    assert [name for name, _ in out(stage)] == ["a", "b"]


def test_a_batch_keeps_limits_too_but_archive_is_no_news(make: Make, board: Board, clock: Hands) -> None:
    stand = make(board, channel_web="per_hour = 3")
    for number in range(9):
        stand.put(f"p{number}")
        stand.put(f"old{number}", at=START - timedelta(days=90))
    stand.run()
    assert len([text for text in board.ledger.texts if text.startswith("old")]) == 9
    assert len([text for text in board.ledger.texts if text.startswith("p")]) == 3
    clock.go(hours=1)
    stand.work()
    assert len(board.ledger.texts) == 15


def test_what_falls_due_outside_the_hours_waits_for_them_and_is_not_late(
    make: Make, stage: Stage, clock: Hands
) -> None:
    stand = make(stage, channel_post='hours = "07:00-20:00"')
    clock.now = NIGHT
    stand.put("a")
    stand.run()
    clock.go(hours=7, minutes=59)
    stand.run()
    assert out(stage) == []
    clock.go(minutes=1)
    stand.run()
    assert [name for name, _ in out(stage)] == ["a"]


def test_a_desk_that_sleeps_through_the_morning_holds_it(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage, channel_post='hours = "07:00-20:00"')
    clock.now = NIGHT
    stand.put("a")
    stand.run()
    clock.go(hours=10, minutes=1)
    stand.run()
    row = stand.row("a", "post")
    assert (row.state, row.reason) == ("held", "late")


def test_what_a_gap_makes_too_late_is_held_with_the_reason(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage, channel_post='gap = "2h"')
    for name in "ab":
        stand.put(name, more="late: 30m")
    stand.look()
    minutes(stand, clock, 32)
    assert [name for name, _ in out(stage)] == ["a"]
    row = stand.row("b", "post")
    assert (row.state, row.reason) == ("held", "late")


def test_a_person_sends_at_any_hour_but_the_gap_stays(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage, channel_post='hours = "07:00-20:00"\ngap = "10m"', late="1h")
    clock.now = NIGHT - timedelta(hours=6)
    for name in "ab":
        stand.put(name)
    stand.look()
    clock.now = NIGHT
    stand.work()
    for name in "ab":
        stand.retry(name, "post")
    minutes(stand, clock, 11)
    assert [(at - NIGHT) / timedelta(minutes=1) for _, at in out(stage)] == [0, 10]


def test_a_thread_stays_together(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage, channel_post='gap = "10m"')
    stand.put("a", body="Yksi.\n\n***\n\nKaksi.\n\n***\n\nKolme.")
    stand.put("b", at=START + timedelta(seconds=1))
    stand.look()
    minutes(stand, clock, 12)
    assert [(name, (at - START) / timedelta(minutes=1)) for name, at in out(stage)] == [
        ("a", 0),
        ("a", 0),
        ("a", 0),
        ("b", 10),
    ]


def test_a_hall_does_not_wait(make: Make, stage: Stage, clock: Hands) -> None:
    """Posts of a live event go ahead of what was due before them, and keep no gap."""
    stand = make(stage, channel_post='gap = "1h"', late="8h")
    for number in range(3):
        stand.put(f"p{number}", at=START - timedelta(minutes=5))
    event = "live: true\nstarts_at: 2026-11-30T06:59:00Z\nends_at: 2026-11-30T15:00:00Z\nkind: event"
    body = "Tervetuloa.\n\n## +1m Avaus\n\nSali täynnä.\n\n## +2m Puhe\n\nPuhe alkaa.\n"
    stand.put("events/paiva.md", body=body, at=START - timedelta(minutes=1), more=event)
    stand.look()
    hall = Lane(stage, stand.desk.lanes[0].setup, live=True)
    hall.work()  # the announcement is due, too; it may go first, but not for long
    clock.go(seconds=5)
    hall.work()
    stand.work()
    assert [entry.message.part for entry in stage.ledger.entries] == ["avaus"]
    clock.go(minutes=1)
    hall.work()
    assert [entry.message.part for entry in stage.ledger.entries] == ["avaus", "puhe"]


def test_an_edition_keeps_the_hours(make: Make, clock: Hands) -> None:
    paper = Paper("mail", clock, "daily 06:00", links_page=False)
    stand = make(paper, channel_mail='hours = "08:00-20:00"')
    clock.now = START - timedelta(hours=3, minutes=5)
    stand.put("a")
    stand.look()
    clock.now = START - timedelta(hours=2, minutes=30)
    stand.work()
    assert paper.ledger.entries == []
    clock.now = START - timedelta(hours=1)
    stand.work()
    assert len(paper.ledger.entries) == 1


def test_a_date_that_is_moved_while_a_limit_is_reckoned_is_obeyed(
    make: Make, stage: Stage, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer saves just between the reading of the row and the putting off."""
    stand = make(stage, channel_post='gap = "10m"', late="1d")
    for name in "ab":
        stand.put(name)
    stand.look()
    put_off = deliveries.put_off

    def saved(*told: Any) -> None:
        monkeypatch.undo()
        with stand.desk.store.write() as db:
            later = clock.now + timedelta(days=2)
            db.execute(update(DELIVERY).where(DELIVERY.c.state == "planned").values(due_at=later, ready_at=later))
            put_off(db, *told[1:])

    monkeypatch.setattr(stand.desk.lanes[0], "_look_ahead", lambda: None)
    monkeypatch.setattr(deliveries, "put_off", lambda _db, *told: after.append(told))
    after: list[Any] = []
    stand.desk.lanes[0].work()
    saved(None, *after[0])
    clock.go(minutes=11)
    stand.work()
    assert [name for name, _ in out(stage)] == ["a"]


def test_the_brake_leaves_what_only_waits_for_its_hours(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage, channel_post='hours = "09:30-20:00"', backlog="3")
    clock.now = START - timedelta(hours=1)
    for number in range(5):
        stand.put(f"p{number}", at=START - timedelta(minutes=30 + number))
    stand.look()
    clock.now = START + timedelta(minutes=20)
    stand.work()
    stand.restart()
    stand.look()
    once.start(stand.desk)
    clock.go(minutes=11)
    stand.work()
    assert len(out(stage)) == 5
