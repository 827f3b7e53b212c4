"""A channel that keeps failing is left alone, says so, and is tried again by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from channels.errors import RateLimited, Unavailable, Uncertain
from scheduler.desk import once
from scheduler.store.core import BREAKER
from tests.mocks.stage import Board, Stage
from tests.mocks.stand import START, Hands, Stand

Make = Callable[..., Stand]
DOWN = Unavailable("Connection refused.")


def until(stand: Stand, channel: str) -> object:
    with stand.desk.store.read() as db:
        return db.execute(select(BREAKER.c.until).where(BREAKER.c.channel == channel)).scalar()


def many(stand: Stand, count: int, more: str = "late: 1d") -> None:
    for number in range(count):
        stand.put(f"p{number:02}", at=START - timedelta(seconds=60 - number), more=more)


def test_a_dead_remote_is_not_asked_for_every_piece(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stage.next(DOWN, times=6)
    many(stand, 30)
    stand.run()
    assert stage.ledger.count("publish") == 5
    assert [act.detail for act in stand.audit() if act.act == "breaker"] == [
        "post failed 5 times in a row: Connection refused."
    ]
    clock.go(seconds=14)
    stand.run()
    assert stage.ledger.count("publish") == 5
    clock.go(seconds=2)
    stand.run()
    assert stage.ledger.count("publish") == 6
    clock.go(seconds=31)
    stand.run()
    assert len(stage.ledger.texts) == 30
    assert [act.act for act in stand.audit() if act.act.startswith("breaker")] == ["breaker", "breaker closed"]
    assert until(stand, "post") is None


def test_a_restart_forgets_nothing_of_it(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stage.next(DOWN, times=5)
    many(stand, 8)
    stand.run()
    stand.restart()
    stand.run()
    assert stage.ledger.count("publish") == 5
    clock.go(seconds=16)
    stand.run()
    assert len(stage.ledger.texts) == 8


def test_what_gets_too_late_meanwhile_is_held_in_time_and_says_why(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stage.next(DOWN, times=500)
    many(stand, 8, more="late: 5m")
    for _ in range(200):
        stand.run()
        clock.go(seconds=3)
    rows = stand.deliveries()
    assert {row.reason for row in rows} == {"late"}
    assert all("post did not work meanwhile: Connection refused." in row.error for row in rows)
    assert stage.ledger.texts == []


def test_other_channels_go_on(make: Make, stage: Stage, board: Board) -> None:
    stand = make(stage, board)
    stage.next(DOWN, times=50)
    many(stand, 10)
    stand.run()
    assert len(board.ledger.texts) == 10


def test_a_batch_that_fails_is_one_failure(make: Make, board: Board, clock: Hands) -> None:
    stand = make(board)
    board.next(DOWN, times=5)
    many(stand, 100)
    for _ in range(4):
        stand.run()
        assert until(stand, "web") is None
        clock.go(minutes=5)
    stand.run()
    assert until(stand, "web") is not None
    clock.go(seconds=15)
    stand.run()
    assert len(board.ledger.texts) == 100


def test_not_now_is_heard_once_and_not_for_every_piece(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stage.next(RateLimited("Later.", retry_after=timedelta(minutes=15)))
    many(stand, 20)
    stand.run()
    clock.go(minutes=14)
    stand.run()
    assert stage.ledger.count("publish") == 1
    clock.go(minutes=1)
    stand.run()
    assert len(stage.ledger.texts) == 20
    assert not [act for act in stand.audit() if act.act == "breaker"]


def test_what_is_in_doubt_is_looked_up_when_the_channel_works_again(make: Make, stage: Stage, clock: Hands) -> None:
    """While the remote is down, asking it uses up no look."""
    stage.settle = timedelta(0)
    stand = make(stage)
    many(stand, 12)
    stage.next(Uncertain("No answer."), accepted=True, times=6)
    stage.finds.extend([DOWN] * 8)
    stand.look()
    for _ in range(60):
        stand.work()
        clock.go(minutes=2)
    assert sorted(stage.ledger.texts) == sorted(f"p{number:02}: Teksti." for number in range(12))
    assert {row.state for row in stand.deliveries()} <= {"published", "held"}


@pytest.mark.parametrize("waits", [timedelta(minutes=15), timedelta(hours=3)])
def test_a_person_need_not_wait(make: Make, stage: Stage, waits: timedelta) -> None:
    stand = make(stage)
    stage.next(RateLimited("Later.", retry_after=waits))
    stand.put("a")
    stand.run()
    stand.retry("a", "post")
    stand.work()
    assert stand.state("a", "post") == "published"


def test_what_is_found_to_be_out_shows_that_the_channel_works(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stage.next(Uncertain("No answer."), accepted=True, times=5)
    many(stand, 5)
    stand.run()
    clock.go(minutes=30)
    stand.run()
    assert set(stand.states().values()) == {"published"}
    assert until(stand, "post") is None


def test_not_now_without_a_time_is_not_asked_for_ever(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stage.next(RateLimited("Later."), times=10_000)
    many(stand, 10, more="late: 30d")
    stand.look()
    for _ in range(240):
        stand.work()
        clock.go(seconds=15)
    assert stage.ledger.count("publish") < 40


def test_a_clock_that_went_ahead_and_came_back_holds_nothing_up(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage, channel_post='gap = "1m"')
    clock.go(days=3)
    many(stand, 8, more="late: 10d")
    stand.put("out", at=START - timedelta(minutes=3), more="late: 10d")
    stand.look()
    stand.work()
    stage.next(DOWN, times=8)
    for _ in range(4):
        clock.go(minutes=2)
        stand.work()
    clock.now = START + timedelta(minutes=20)
    stage.faults.clear()
    once.rewind(stand.desk, ["post"])
    stand.put("new")
    stand.look()
    for _ in range(14):
        clock.go(minutes=2)
        stand.work()
    assert set(stand.states().values()) == {"published"}
