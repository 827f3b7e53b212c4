"""The long run, on the real clock: at its time and not before, in good order to the end, one at a time."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.errors import RateLimited, Unavailable
from scheduler.daemon import Daemon
from scheduler.delivery import acts
from scheduler.notify import Supervisor
from scheduler.store.lock import AlreadyRunning, holder
from tests.mocks.stage import Board, Stage
from tests.mocks.stand import Hands, Stand


class Wall(Hands):
    """The real clock."""

    @property
    def now(self) -> datetime:  # type: ignore[override]  # nobody moves this one
        return datetime.now(UTC)

    @now.setter
    def now(self, _value: datetime) -> None: ...

    def __call__(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class Run:
    """A daemon in a thread. `code` is its exit code, once it has ended."""

    daemon: Daemon
    thread: threading.Thread
    started: threading.Event
    code: list[int]

    def stop(self) -> float:
        """How long the end took, in seconds."""
        began = time.monotonic()
        self.daemon.stop.set()
        self.thread.join(15)
        assert not self.thread.is_alive()
        return time.monotonic() - began


@contextmanager
def running(desk: Any, **told: Any) -> Iterator[Run]:
    daemon, started, code = Daemon(desk, **told), threading.Event(), []
    thread = threading.Thread(target=lambda: code.append(daemon.run(started.set)))
    run = Run(daemon, thread, started, code)
    thread.start()
    try:
        assert started.wait(20)
        yield run
    finally:
        run.stop()


def until(true: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def soon(seconds: float) -> datetime:
    """A whole second, as writers write it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds + 1)).replace(microsecond=0)


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def stand(tmp_path: Path, wall: Wall) -> Iterator[Stand]:
    stand = Stand(tmp_path / "ws", wall, Board("web", wall), Stage("post", wall, links_page=True), pages=["web"])
    yield stand
    stand.close()


def ledger(stand: Stand, channel: str) -> Any:
    return stand.channels[channel].ledger  # type: ignore[attr-defined]  # all are stages


def test_a_piece_goes_out_at_its_time_and_one_that_is_dropped_in_too(stand: Stand) -> None:
    first = soon(2)
    stand.put("a", at=first)
    with running(stand.desk) as run:
        second = soon(2)
        stand.put("b", at=second)
        until(lambda: len(ledger(stand, "post").texts) == 2)
        assert "wake" in run.daemon.jobs() or len(run.daemon.jobs()) >= 3
    assert run.code == [0]
    for name, due in (("a", first), ("b", second)):
        for channel in ("web", "post"):
            at = stand.row(name, channel).published_at
            assert due <= at <= due + timedelta(seconds=3), (name, channel, at - due)
    assert all(entry.at >= due for entry, due in zip(ledger(stand, "web").entries, (first, second), strict=True))
    assert ledger(stand, "web").count("publish") == ledger(stand, "post").count("publish") == 2


def test_an_edit_of_a_published_piece_reaches_the_website_once(stand: Stand) -> None:
    stand.put("a", body="Old.", at=soon(-2))
    with running(stand.desk):
        until(lambda: ledger(stand, "post").texts == ["a: Old."])
        stand.put("a", body="New.", at=soon(-2))
        until(lambda: ledger(stand, "web").texts == ["a: New."])
    assert ledger(stand, "web").count("revise") == 1
    assert ledger(stand, "post").texts == ["a: Old."]


@pytest.mark.parametrize("how", ["draft", "deleted", "later", "paused"])
def test_a_change_of_mind_before_the_time_is_obeyed(stand: Stand, how: str) -> None:
    due = soon(2)
    path = stand.put("a", at=due)
    stand.put("b", at=due)
    with running(stand.desk):
        until(lambda: len(stand.states()) == 4)
        if how == "draft":
            stand.put("a", at=due, more="status: draft")
        elif how == "deleted":
            path.unlink()
        elif how == "later":
            stand.put("a", at=due + timedelta(days=1))
        else:
            acts.hold(stand.desk.store, stand.row("a", "post").id, stand.maija)
            acts.hold(stand.desk.store, stand.row("a", "web").id, stand.maija)
        until(lambda: len(ledger(stand, "post").texts) == 1)
    assert ledger(stand, "post").texts == ledger(stand, "web").texts == ["b: Teksti."]


def test_what_is_to_be_tried_again_is_tried_again_by_itself(stand: Stand) -> None:
    post: Any = stand.channels["post"]
    post.next(RateLimited("Later.", retry_after=timedelta(seconds=1)))
    stand.put("a", at=soon(-2))
    with running(stand.desk):
        until(lambda: post.ledger.texts == ["a: Teksti."])
    assert post.ledger.count("publish") == 2


def test_a_command_of_another_process_is_noticed(stand: Stand) -> None:
    stand.put("a", at=soon(-9 * 3600))
    with running(stand.desk):
        until(lambda: stand.states() and stand.state("a", "web") == "held")
        stand.retry("a", "web")
        until(lambda: ledger(stand, "web").texts == ["a: Teksti."], 5)


def test_a_second_daemon_is_told_who_runs_and_nothing_is_disturbed(stand: Stand) -> None:
    with running(stand.desk) as run:
        other = stand.another()
        with pytest.raises(AlreadyRunning, match=rf"julki run.*process {os.getpid()}"):
            Daemon(other).run()
        other.store.close()
        assert holder(stand.desk.store.path) is not None
        stand.put("a", at=soon(0))
        until(lambda: ledger(stand, "post").texts)
    assert run.code == [0]
    assert holder(stand.desk.store.path) is None
    with running(stand.restart().desk):
        pass


def test_it_stops_soon_also_with_a_slow_channel_and_leaves_no_threads(stand: Stand) -> None:
    before = set(threading.enumerate())
    release = threading.Event()
    post: Any = stand.channels["post"]
    post.during = lambda _what: release.wait(1.5)
    stand.put("a", at=soon(-2))
    with running(stand.desk) as run:
        until(lambda: post.ledger.count("publish"))
        assert run.stop() < 10
    assert stand.state("a", "post") == "published"
    until(lambda: not [one for one in threading.enumerate() if one not in before and one.is_alive()], 5)


def test_a_long_first_look_is_waited_for(stand: Stand) -> None:
    board: Any = stand.channels["web"]
    whole = board.publish_all

    def slowly(items: Any) -> Any:
        time.sleep(0 if items else 2.6)
        return whole(items)

    board.publish_all = slowly
    stand.put("a", at=soon(-2))
    with running(stand.desk) as run:
        until(lambda: board.ledger.texts)
        assert run.thread.is_alive()


def test_changed_settings_are_told_and_wait_to_be_read_anew(stand: Stand, capsys: pytest.CaptureFixture[str]) -> None:
    config = stand.root / "config/julki.toml"
    with running(stand.desk) as run:
        until(lambda: run.started.is_set())
        config.write_text(config.read_text() + "\n# a remark\n")
        until(lambda: "counts once it is read anew" in capsys.readouterr().out)
        config.write_text(config.read_text() + "\n[sitte]\n")
        until(lambda: "can't be used as it is" in capsys.readouterr().out)
        assert "sitte" in run.daemon.troubles["settings"]
        config.rename(config.with_name("away.toml"))
        until(lambda: "is not there" in run.daemon.troubles["settings"])


def test_a_database_that_is_taken_away_stops_the_publishing_until_it_is_back(stand: Stand) -> None:
    var, away = stand.root / "var", stand.root / "away"
    due = soon(2)
    stand.put("a", at=due)
    stage = stand.channels["post"]
    assert isinstance(stage, Stage)
    stage.during = lambda _: var.rename(away) if not away.exists() else None
    with running(stand.desk) as run:
        until(away.exists)  # while the first post is on its way
        stand.put("b", at=soon(0))
        time.sleep(2.5)
        assert ledger(stand, "post").texts == ["a: Teksti."]
        assert ledger(stand, "web").texts == ["a: Teksti."]
        failing = [worker.failing for worker in run.daemon._crew.workers if worker.failing]
        assert any("taken away" in str(error) for _, error in failing)
        assert not var.exists()
        stage.during = lambda _: None
        away.rename(var)
        until(lambda: set(stand.states().values()) == {"published"} and len(stand.states()) == 4)
    assert run.code == [0]
    assert ledger(stand, "web").count("publish") == ledger(stand, "post").count("publish") == 2
    assert ledger(stand, "post").texts == ["a: Teksti.", "b: Teksti."]


def test_what_was_on_its_way_when_the_database_went_is_settled_at_the_next_start(stand: Stand) -> None:
    var, away = stand.root / "var", stand.root / "away"
    stand.put("a", at=soon(1))
    stage = stand.channels["post"]
    assert isinstance(stage, Stage)
    stage.during = lambda _: var.rename(away) if not away.exists() else None
    with running(stand.desk) as run:
        until(lambda: ledger(stand, "post").texts)
        assert run.stop() < 10
    assert not var.exists()
    away.rename(var)
    stand.restart()
    assert stand.state("a", "post") == "publishing"
    with running(stand.desk):
        until(lambda: stand.state("a", "post") == "published")
    assert ledger(stand, "post").texts == ["a: Teksti."]


@dataclass
class Jumping(Wall):
    """The real clock, which somebody sets: a machine that slept, a clock that was corrected."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def test_after_a_sleep_a_backlog_asks_first(tmp_path: Path) -> None:
    clock = Jumping()
    stand = Stand(tmp_path / "ws", clock, Stage("post", clock), backlog="3")
    for number in range(6):
        stand.put(f"p{number}", at=soon(3600))
    with running(stand.desk):
        until(lambda: len(stand.states()) == 6)
        clock.ahead = timedelta(minutes=90)
        until(lambda: set(stand.states().values()) == {"held"})
    assert {row.reason for row in stand.deliveries()} == {"backlog"}
    assert ledger(stand, "post").entries == []
    stand.close()


def test_a_clock_that_is_set_back_sends_nothing_again(tmp_path: Path) -> None:
    clock = Jumping()
    stand = Stand(tmp_path / "ws", clock, Stage("post", clock), Board("web", clock))
    stand.put("a", at=soon(0))
    with running(stand.desk):
        until(lambda: set(stand.states().values()) == {"published"})
        for hours in (-1, -25, 0):
            clock.ahead = timedelta(hours=hours)
            time.sleep(1.2)
    assert ledger(stand, "post").texts == ["a: Teksti."]
    assert ledger(stand, "web").count("publish") == 1
    stand.close()


def test_edits_of_a_moment_are_one_build(stand: Stand) -> None:
    for number in range(8):
        stand.put(f"p{number}", at=soon(-2))
    with running(stand.desk):
        until(lambda: set(stand.states().values()) == {"published"})
        before = ledger(stand, "web").count("build")
        for number in range(8):
            stand.put(f"p{number}", body="Uusi.", at=soon(-2))
            time.sleep(0.04)
        until(lambda: all(text.endswith("Uusi.") for text in ledger(stand, "web").texts))
        assert ledger(stand, "web").count("build") - before <= 4


def test_a_receipt_is_not_lost_to_a_database_that_is_locked(stand: Stand) -> None:
    """Another program holds the database just when the remote has answered; nobody is asked to look it up later."""
    other = sqlite3.connect(stand.desk.store.path, timeout=0, check_same_thread=False)

    def lock(what: str) -> None:
        if what == "publish" and not ledger(stand, "post").entries:
            other.execute("BEGIN IMMEDIATE")
            threading.Timer(1.5, other.rollback).start()

    post: Any = stand.channels["post"]
    post.during = lock
    stand.put("a", at=soon(-2))
    with running(stand.desk):
        until(lambda: stand.states().get(("fi/a", "post", "main")) == "published")
    assert ledger(stand, "post").count("find") == 0
    assert ledger(stand, "post").texts == ["a: Teksti."]
    other.close()


def test_it_stops_between_two_posts_of_a_long_queue(stand: Stand) -> None:
    post: Any = stand.channels["post"]
    post.during = lambda _what: time.sleep(0.25)
    for number in range(40):
        stand.put(f"p{number}", at=soon(-2))
    with running(stand.desk) as run:
        until(lambda: post.ledger.texts)
        assert run.stop() < 4
    assert len(post.ledger.texts) < 40
    assert "publishing" not in stand.states().values()


def test_the_jobs_stay_a_handful_whatever_the_calendars_size(stand: Stand) -> None:
    with running(stand.desk) as run:
        few = len(run.daemon.jobs())
    for number in range(500):
        stand.put(f"p{number}", at=soon(3600 + number))
    with running(stand.restart().desk) as run:
        assert len(stand.states()) == 1000
        jobs = run.daemon.jobs()
    assert few <= len(jobs) <= few + 1 <= 8
    assert len(set(jobs)) == len(jobs)


class Falling:
    """A lane whose work raises, three times."""

    name = "falling"

    def __init__(self, lane: Any) -> None:
        self.lane, self.channel, self.setup = lane, lane.channel, lane.setup
        self.label, self.live = lane.label, lane.live
        self.calls = 0

    def work(self, *told: Any) -> int:
        self.calls += 1
        if self.calls <= 3:
            raise RuntimeError("so it goes")
        return int(self.lane.work(*told))


def test_a_lane_that_raises_goes_on_and_keeps_no_other_from_its_work(stand: Stand) -> None:
    web, post = stand.desk.lanes
    falling: Any = Falling(post)
    stand.put("a", at=soon(-2))
    with running(replace(stand.desk, lanes=[web, falling])) as run:
        until(lambda: ledger(stand, "web").texts == ["a: Teksti."], 4)
        until(lambda: ledger(stand, "post").texts == ["a: Teksti."])
        assert run.daemon.stuck == []
    assert run.code == [0]
    assert falling.calls > 3


def test_a_pass_over_the_files_that_raises_is_made_again(stand: Stand) -> None:
    class Refusing:
        def __init__(self, refresh: Any) -> None:
            self.refresh, self.calls = refresh, 0

        def run(self, *told: Any) -> Any:
            self.calls += 1
            if self.calls == 2:
                raise RuntimeError("so it goes")
            return self.refresh.run(*told)

    refusing: Any = Refusing(stand.desk.refresh)
    with running(replace(stand.desk, refresh=refusing)):
        until(lambda: refusing.calls >= 2)
        stand.put("a", at=soon(0))
        until(lambda: ledger(stand, "post").texts == ["a: Teksti."])


def test_what_was_left_open_is_settled_at_the_start(stand: Stand) -> None:
    post: Any = stand.channels["post"]
    stand.put("a", at=soon(-2))
    stand.look()
    stand.work("web")
    stand.fuse.at, stand.fuse.steps = 3, 0  # just after the claim and the call, before the settlement
    with pytest.raises(BaseException, match="step 3"):
        stand.work("post")
    stand.restart()
    assert stand.state("a", "post") == "publishing"
    with running(stand.desk):
        until(lambda: stand.state("a", "post") == "published")
    assert post.ledger.texts == ["a: Teksti."]


def test_a_backlog_waits_for_a_person(tmp_path: Path, wall: Wall) -> None:
    stand = Stand(tmp_path / "ws", wall, Stage("post", wall), backlog="3")
    for number in range(5):
        stand.put(f"p{number}", at=soon(-1200))
    with running(stand.desk):
        until(lambda: len(stand.states()) == 5)
        until(lambda: set(stand.states().values()) == {"held"})
    assert {row.reason for row in stand.deliveries()} == {"backlog"}
    assert ledger(stand, "post").texts == []
    stand.close()


def test_the_supervisor_hears_of_the_beginning_and_the_end(stand: Stand) -> None:
    class Told(Supervisor):
        def __init__(self) -> None:
            super().__init__({})
            self.heard: list[str] = []

        def _tell(self, state: str) -> None:
            self.heard.append(state)

    told = Told()
    with running(stand.desk, supervisor=told):
        until(lambda: "WATCHDOG=1" in told.heard, 6)
    assert (told.heard[0], told.heard[-1]) == ("READY=1", "STOPPING=1")


def test_a_start_that_fails_lets_the_lock_go(stand: Stand) -> None:
    class Broken:
        def run(self, *_: Any) -> Any:
            raise Unavailable("the disk is gone")

    broken: Any = Broken()
    with pytest.raises(Unavailable):
        Daemon(replace(stand.desk, refresh=broken)).run()
    assert holder(stand.desk.store.path) is None


def test_a_long_pass_that_comes_on_is_no_standstill(stand: Stand) -> None:
    post: Any = stand.channels["post"]
    post.during = lambda _what: time.sleep(0.3)
    for number in range(12):
        stand.put(f"p{number}", at=soon(-2))
    with running(stand.desk) as run:
        until(lambda: len(post.ledger.texts) > 5)
        assert run.daemon.idle["post"] < 2
        until(lambda: len(post.ledger.texts) == 12)
