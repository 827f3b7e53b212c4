"""Periodic work is done once a period, and the weekly digest says honestly what the week was."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from channels.errors import Rejected
from channels.newsletter.edition import weekly
from scheduler.desk.digest import Digest
from scheduler.desk.mailer import Mailer
from scheduler.desk.rounds import AGAIN, Rounds, Turn, latest
from scheduler.store.engine import Store, open_store
from tests.mocks.postbox import Postbox, Received, postbox
from tests.mocks.stage import Board, Stage
from tests.mocks.stand import Hands, Stand

HELSINKI = ZoneInfo("Europe/Helsinki")
ZONES = ("Europe/Helsinki", "America/St_Johns", "Australia/Lord_Howe", "UTC", "America/Sao_Paulo")
MONDAY = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)
"""08:00 in Helsinki."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store("sqlite:///rounds.db", tmp_path)
    yield store
    store.close()


# the rule


@pytest.mark.parametrize("text", ["mon 08:00", "sun 3:30", "MON  08:00"])
def test_a_time_of_the_week_can_be_read(text: str) -> None:
    assert weekly(text).every == "week"


@pytest.mark.parametrize(
    "text", ["", "each", "08:00", "monday 08:00", "mon 25:00", "mon 8", "mon", "1 09:00", "mon 08:00 x"]
)
def test_what_is_no_time_of_the_week_is_told_with_the_remedy(text: str) -> None:
    with pytest.raises(ValueError, match='Write it like "mon 08:00"'):
        weekly(text)


@given(
    day=st.sampled_from(DAYS),
    minute=st.integers(0, 24 * 60 - 1),
    zone=st.sampled_from(ZONES),
    days=st.floats(0, 3650),
)
def test_the_latest_turn_is_the_last_whose_time_has_come(day: str, minute: int, zone: str, days: float) -> None:
    moment, there = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=days), ZoneInfo(zone)
    rule = weekly(f"{day} {minute // 60:02}:{minute % 60:02}")
    turn = latest(rule, moment, there)
    assert turn.start < turn.due_at <= moment < turn.next_at
    local = turn.due_at.astimezone(there)
    year, week, weekday = local.isocalendar()
    assert (turn.key, DAYS[weekday - 1]) == (f"{year}-W{week:02}", day)
    for early, late in ((turn.start, turn.due_at), (turn.due_at, turn.next_at)):
        assert timedelta(days=6, hours=22) < late - early < timedelta(days=7, hours=2)


# once a period


def ran(rounds: Rounds, now: datetime, rule: str = "mon 08:00", name: str = "digest") -> list[Turn]:
    done: list[Turn] = []
    assert rounds.run(name, weekly(rule), done.append, now) == bool(done)
    return done


def test_a_first_start_does_nothing_for_the_weeks_before(store: Store) -> None:
    rounds = Rounds(store, HELSINKI)
    assert ran(rounds, MONDAY + timedelta(hours=1)) == []
    assert ran(rounds, MONDAY + timedelta(days=6)) == []
    [turn] = ran(rounds, MONDAY + timedelta(days=7))
    assert (turn.key, turn.missed) == ("2026-W50", 0)


def test_a_turn_comes_once_and_not_before_its_time(store: Store) -> None:
    rounds = Rounds(store, HELSINKI)
    ran(rounds, MONDAY - timedelta(days=1))
    assert ran(rounds, MONDAY - timedelta(seconds=1)) == []
    assert [turn.key for turn in ran(rounds, MONDAY)] == ["2026-W49"]
    for minutes in (0, 1, 60, 60 * 24):
        assert ran(Rounds(store, HELSINKI), MONDAY + timedelta(minutes=minutes)) == []


def test_of_the_weeks_that_were_missed_only_the_newest_is_done_and_knows_it(store: Store) -> None:
    rounds = Rounds(store, HELSINKI)
    ran(rounds, MONDAY - timedelta(days=1))
    ran(rounds, MONDAY)
    [turn] = ran(rounds, MONDAY + timedelta(days=7 * 4 + 2))
    assert (turn.key, turn.missed) == ("2026-W53", 3)
    [turn] = ran(rounds, MONDAY + timedelta(days=7 * 5))
    assert (turn.key, turn.missed) == ("2027-W01", 0)


@pytest.mark.parametrize("change", [date(2027, 3, 28), date(2027, 10, 31)])
def test_missed_weeks_are_counted_right_across_a_change_of_the_clocks(store: Store, change: date) -> None:
    monday = datetime(change.year, change.month, change.day, 8, tzinfo=HELSINKI) - timedelta(days=13)
    rounds = Rounds(store, HELSINKI)
    ran(rounds, monday - timedelta(days=1))
    assert len(ran(rounds, monday.astimezone(UTC))) == 1
    [turn] = ran(rounds, monday.astimezone(UTC) + timedelta(days=28, hours=2))
    assert turn.missed == 3


def test_work_that_fails_or_is_cut_off_comes_again_after_a_while(store: Store) -> None:
    rounds, rule, seen = Rounds(store, HELSINKI), weekly("mon 08:00"), []

    def fails(turn: Turn) -> None:
        seen.append(turn)
        raise RuntimeError("so it goes")

    ran(rounds, MONDAY - timedelta(days=8))
    with pytest.raises(RuntimeError):
        rounds.run("digest", rule, fails, MONDAY)
    assert ran(rounds, MONDAY + AGAIN - timedelta(seconds=1)) == []
    assert ran(Rounds(store, HELSINKI), MONDAY + AGAIN) == seen
    assert ran(rounds, MONDAY + 5 * AGAIN) == []


def test_two_processes_do_it_once(tmp_path: Path) -> None:
    stores = [open_store("sqlite:///rounds.db", tmp_path) for _ in range(2)]
    done: list[str] = []
    for week in range(6):
        ready = threading.Barrier(4)

        def work(store: Store, now: datetime, ready: threading.Barrier = ready) -> None:
            rounds = Rounds(store, HELSINKI)
            ready.wait(10)
            rounds.run("digest", weekly("mon 08:00"), lambda turn: done.append(turn.key), now)

        threads = [
            threading.Thread(target=work, args=(store, MONDAY + timedelta(days=7 * week)))
            for store in stores
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert done == [f"2026-W{week}" for week in (50, 51, 52, 53)] + ["2027-W01"]
    for one in stores:
        one.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.integers(-90, 60 * 24 * 9), min_size=1, max_size=25),
    rule=st.sampled_from(["mon 08:00", "sun 03:30", "sun 02:30", "fri 23:59"]),
    crash=st.sets(st.integers(0, 24)),
)
def test_whatever_the_clock_does_no_period_is_done_twice(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], rule: str, crash: set[int]
) -> None:
    store = open_store("sqlite:///rounds.db", tmp_path_factory.mktemp("rounds"))
    now, done = datetime(2027, 3, 1, tzinfo=UTC), []

    def work(turn: Turn) -> None:
        assert turn.due_at <= now
        if number in crash:
            raise RuntimeError("so it goes")
        done.append(turn.key)

    for number, minutes in enumerate(steps):
        now += timedelta(minutes=minutes)
        try:
            Rounds(store, HELSINKI).run("digest", weekly(rule), work, now)
        except RuntimeError:
            assert number in crash
    assert done == sorted(set(done))
    store.close()


# the digest


TEAM = """
[authors.maija]
name = "Maija"
email = "maija@example.org"
language = "sv"
[authors.tuomas]
name = "Tuomas"
email = "tuomas@example.org"
language = "en"
"""
LEAD = "lead@example.org"


class Week(Stand):
    """A stand whose digest leaves by a mail server."""

    more = ""

    def configure(self, **changes: str) -> None:
        super().configure(**changes)
        with (self.root / "config/julki.toml").open("a", encoding="utf-8") as file:
            file.write("\n" + self.more)
        (self.root / "config/team.toml").write_text(TEAM, "utf-8")

    def open(self, box: Postbox, *to: str, at: str = "mon 08:00") -> Week:
        receivers = ", ".join(f'"{one}"' for one in to or ("tuomas@example.org",))
        mail = f'[mail]\nsandbox = false\nsmtp_url = "{box.url}"\nfrom = "desk@example.org"\n'
        self.more = f'{mail}[digest]\nat = "{at}"\nto = [{receivers}]\n'
        self.configure(**self.config)
        return self.again()

    def again(self) -> Week:
        self.restart()
        workspace = self.desk.workspace
        self.digest = Digest(workspace, self.desk.store, Mailer(workspace, self.clock, 3), self.clock)
        self.digest.work()
        return self

    def until(self, moment: datetime) -> None:
        """The time passes, with a look every ten minutes."""
        while self.clock.now < moment:
            self.clock.now = min(self.clock.now + timedelta(minutes=10), moment)
            self.digest.work()


@pytest.fixture
def week(tmp_path: Path) -> Iterator[Week]:
    clock = Hands(MONDAY - timedelta(days=6))
    week = Week(tmp_path / "ws", clock, Board("web", clock), Stage("post", clock), late="2h")
    yield week
    week.close()


@pytest.fixture
def box() -> Iterator[Postbox]:
    with postbox() as box:
        yield box


def subject(one: Received) -> str:
    return str(one.mail["Subject"])


def test_a_week_is_told_in_the_order_of_what_needs_somebody(week: Week, box: Postbox) -> None:
    week.open(box)
    post: Any = week.channels["post"]
    week.put("a", "Permit service renewed", at=week.clock.now - timedelta(minutes=1))
    week.put("blog/b.md", "What we learnt")
    week.put("c", "Left behind", at=week.clock.now - timedelta(hours=9))
    week.put("d", "Next Wednesday", at=MONDAY + timedelta(days=2))
    week.put("e", "In three weeks", at=MONDAY + timedelta(days=20))
    post.next(Rejected("Not this."))
    week.run()
    week.until(MONDAY)
    [one] = box.ledger
    assert one.to == "tuomas@example.org"
    assert subject(one) == "[Julki] Nov 23 – 30: 2 published, 3 waiting for somebody"
    headings = [
        line
        for line, under in zip(one.text.splitlines(), one.text.splitlines()[1:], strict=False)
        if under[:3] == "---"
    ]
    assert headings == [
        "post: held, too late (1)",
        "web: held, too late (1)",
        "post: failed, refused by the channel (1)",
        "post: blog (1)",
        "web: news (1)",
        "web: blog (1)",
        "Coming next (1)",
    ]
    assert "Not this." in one.text
    assert "Permit service renewed" in one.text
    row = week.row("a", "web")
    assert row.permalink in one.text
    assert f'href="{row.permalink}"' in one.html
    coming = one.text.partition("Coming next")[2]
    assert "Next Wednesday" in coming
    assert "Wed 2 Dec 08:00 · web, post" in coming
    assert "In three weeks" not in one.text
    assert "Reach is not measured yet" in one.text


def test_an_empty_week_says_so(week: Week, box: Postbox) -> None:
    week.open(box, "maija@example.org", LEAD)
    week.until(MONDAY)
    told = {one.to: one for one in box.ledger}
    assert subject(told["maija@example.org"]) == "[Julki] 23–30 nov.: 0 publicerade"
    assert "Under veckan gick ingenting ut." in told["maija@example.org"].text
    assert "Ingenting är inplanerat" in told["maija@example.org"].text
    assert "Viikon aikana ei julkaistu mitään." in told[LEAD].text
    assert len(box.ledger) == 2


def test_each_week_reaches_from_one_digest_to_the_next(week: Week, box: Postbox) -> None:
    week.open(box, at="wed 12:00")
    for day in range(1, 22):
        week.put(f"p{day}", f"Piece {day:02}.", at=week.clock.now + timedelta(days=day))
    for _ in range(21):
        week.look()
        week.work()
        week.until(week.clock.now + timedelta(days=1))
    week.work()
    week.until(week.clock.now + timedelta(days=7))
    told = [one.text.partition("Coming next")[0] for one in box.ledger]
    for day in range(1, 22):
        assert sum(f"* Piece {day:02}." in text for text in told) >= 1, day
    assert max(sum(f"* Piece {day:02}." in text for text in told) for day in range(1, 22)) == 1
    assert len({one.key for one in box.ledger}) == len(box.ledger) == 4


def test_a_week_missed_is_sent_late_and_says_so(week: Week, box: Postbox) -> None:
    week.open(box)
    week.until(MONDAY)
    week.clock.now = MONDAY + timedelta(days=17)
    week.again()
    assert len(box.ledger) == 2
    assert "This should have come on Mon 14 Dec 08:00" in box.ledger[1].text
    assert "1 digest of an earlier week was never sent." in box.ledger[1].text
    assert "should have come" not in box.ledger[0].text
    assert "never sent" not in box.ledger[0].text


def test_a_new_receiver_begins_with_the_next_digest(week: Week, box: Postbox) -> None:
    week.open(box, LEAD)
    week.until(MONDAY + timedelta(days=1))
    week.open(box, LEAD, "new@example.org")
    week.until(MONDAY + timedelta(days=7))
    assert [one.to for one in box.ledger] == [LEAD, LEAD, "new@example.org"]


def test_another_time_of_the_week_sends_no_second_one(week: Week, box: Postbox) -> None:
    week.open(box, LEAD)
    week.until(MONDAY + timedelta(days=1))
    week.open(box, LEAD, at="fri 16:00")
    week.until(MONDAY + timedelta(days=6))
    assert len(box.ledger) == 1


def test_a_server_that_is_down_delays_it_and_is_logged_once(week: Week) -> None:
    with postbox() as box:
        week.open(box, LEAD, "maija@example.org")
    with capture_logs() as logs:
        week.until(MONDAY + timedelta(hours=3))
    assert sum("the digest can't be sent" in one["event"] for one in logs) == 1
    with postbox(box.port) as box:
        week.until(MONDAY + timedelta(hours=4))
        assert sorted(one.to for one in box.ledger) == [LEAD, "maija@example.org"]
        week.until(MONDAY + timedelta(hours=9))
        assert len(box.ledger) == 2


def test_a_digest_whose_reply_was_lost_is_repeated_under_its_own_id(week: Week, box: Postbox) -> None:
    week.open(box, LEAD)
    box.fault = "cut after"
    week.until(MONDAY)
    box.fault = ""
    week.again()
    week.until(MONDAY + timedelta(hours=2))
    assert len(box.ledger) == 2
    assert len({one.key for one in box.ledger}) == 1


def test_one_receiver_that_is_refused_keeps_no_other_from_it(week: Week, box: Postbox) -> None:
    box.receivers = {"gone@example.org": "never", "slow@example.org": "later"}
    week.open(box, "gone@example.org", "slow@example.org", LEAD)
    week.until(MONDAY + timedelta(hours=1))
    assert [one.to for one in box.ledger] == [LEAD]
    box.receivers = {}
    week.until(MONDAY + timedelta(hours=9))
    assert [one.to for one in box.ledger] == [LEAD, "slow@example.org"]


def test_a_desk_without_a_digest_sends_none(week: Week, box: Postbox) -> None:
    week.open(box)
    week.more = week.more.partition("[digest]")[0]
    week.configure(**week.config)
    week.again()
    week.until(MONDAY + timedelta(days=8))
    assert box.tries == 0
