"""Measuring, against the mock X over HTTP: at its ages, within its budget, and never in the way of anything else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import insert, select, update
from structlog.testing import capture_logs

from channels.contract import Channel, Measurement, Receipt
from channels.errors import RateLimited, Unauthorized, Unavailable
from channels.x.reach import METRICS
from scheduler.daemon import Daemon
from scheduler.delivery import acts
from scheduler.delivery.acts import Person
from scheduler.desk import once
from scheduler.desk.assemble import Desk, assemble, system_clock
from scheduler.desk.measure import Measures, able, apart
from scheduler.store import pauses
from scheduler.store.core import ATTEMPT, DELIVERY, EXPENSE, MEASUREMENT, PAUSE, PIECE
from scheduler.workspace import load
from tests.mocks.stage import Crash
from tests.mocks.stand import START, Hands
from tests.mocks.x.faults import Faults
from tests.mocks.x.server import MockX

KEYS = {
    f"JULKI_X_{name}": f"a-{name.lower()}" for name in ("API_KEY", "API_SECRET", "ACCESS_TOKEN", "ACCESS_TOKEN_SECRET")
}
CONFIG = """[site]
url = "https://example.org"
timezone = "Europe/Helsinki"
[desk]
since = 2026-11-01
[kinds.news]
channels = ["x"]
late = "3000d"
[reach]
reads_per_day = {reads}
[channels.x]
adapter = "x"
sandbox = false
api_url = "{url}"
timeout = "1s"
settle = "1s"
{more}
[channels.mail]
adapter = "newsletter"
"""


@dataclass
class Office:
    """A desk whose X is the mock. Posts that went out earlier are put straight into the rows and on the ledger."""

    desk: Desk
    mock: MockX
    clock: Hands
    measures: Measures = field(init=False)

    def __post_init__(self) -> None:
        self.measures = Measures(self.desk, self.desk.channels)

    def sent(self, count: int = 1, channel: str = "x", part: str = "main", **told: Any) -> list[str]:
        """So many posts go out now; the numbers that X gave them."""
        posts = [self.mock.ledger.accept(f"Post {n}", [], None) for n in range(count)]
        with self.desk.store.write() as db:
            for post in posts:
                name = f"fi/p{post.id}"
                piece = db.execute(
                    insert(PIECE).values(name=name, uid=name, path=f"content/{name}.md", **_PIECE).returning(PIECE.c.id)
                ).scalar_one()
                row = {**_DELIVERY, "remote_id": post.id, "permalink": f"https://x.com/i/status/{post.id}", **told}
                row |= {"piece_id": piece, "channel": channel, "part": part, "published_at": self.clock.now}
                db.execute(insert(DELIVERY).values(row))
        return [post.id for post in posts]

    def lookups(self) -> int:
        return sum(asked == ("GET", "/2/tweets") for asked in self.mock.ledger.requests)

    def rows(self) -> list[Any]:
        with self.desk.store.read() as db:
            query = select(MEASUREMENT, DELIVERY.c.remote_id).join(DELIVERY).order_by(MEASUREMENT.c.id)
            return list(db.execute(query))

    def measured(self, remote_id: str, metric: str = "likes") -> list[int | None]:
        return [row.value for row in self.rows() if (row.remote_id, row.metric) == (remote_id, metric)]

    def paid(self) -> list[tuple[int, int]]:
        with self.desk.store.read() as db:
            query = select(EXPENSE.c.count, EXPENSE.c.cost).order_by(EXPENSE.c.id)
            return [(count, cost) for count, cost in db.execute(query)]


_PIECE = {"inode": 0, "mtime_ns": 0, "body": "", "title": "", "client": "", "project": ""}
_DELIVERY = {
    **dict.fromkeys(("archive", "waived", "withdraw", "live", "fixed"), False),
    **dict.fromkeys(("changed", "generation"), 0),
    **dict.fromkeys(("period", "segment", "reason", "error", "digest"), ""),
    "state": "published",
    "attempts": 1,
    "lang": "fi",
}
Open = Callable[..., Office]


@pytest.fixture
def mock(clock: Hands) -> Iterator[MockX]:
    with MockX(now=clock) as mock:
        yield mock


@pytest.fixture
def office(tmp_path: Path, clock: Hands, mock: MockX) -> Iterator[Open]:
    """Opens the desk; called again, it is a restart, perhaps with other settings."""
    opened: list[Desk] = []

    def start(reads: int = 1000, more: str = "", clock: Callable[[], datetime] = clock) -> Office:
        for name in ("config", "content/news"):
            (tmp_path / name).mkdir(parents=True, exist_ok=True)
        text = CONFIG.format(url=mock.url, reads=reads, more=more)
        (tmp_path / "config" / "julki.toml").write_text(text, "utf-8")
        opened.append(assemble(load(tmp_path, KEYS), clock))
        return Office(opened[-1], mock, clock if isinstance(clock, Hands) else Hands(system_clock()))

    yield start
    for desk in opened:
        desk.close()


# at its ages


@pytest.mark.parametrize("names", ["old", "new"])
def test_a_post_is_measured_at_its_ages_and_then_no_more(office: Open, mock: MockX, clock: Hands, names: Any) -> None:
    mock.names = names
    one = office()
    (post,) = one.sent()
    counts, values = [], []
    for day in range(0, 40 * 24, 6):
        mock.ledger.metrics[post] = {"like_count": day, "url_link_clicks": 1, "user_profile_clicks": 0}
        clock.now = START + timedelta(hours=day)
        before = len(one.measured(post))
        if one.measures.work():
            counts.append(day)
            values += one.measured(post)[before:]
    assert counts == values == [6, 24, 72, 168, 672]
    assert {row.metric for row in one.rows()} == set(METRICS)
    assert {row.source for row in one.rows()} == {"x"}
    assert one.measured(post, "link_clicks") == [1] * 5
    assert one.measured(post, "profile_clicks") == [0] * 5


def test_what_x_does_not_tell_is_kept_as_not_measured_with_the_reason(office: Open, clock: Hands) -> None:
    one = office()
    (post,) = one.sent()
    clock.go(days=45)
    assert one.measures.work() == 1
    assert one.measured(post) == [0]
    (clicks,) = [row for row in one.rows() if row.metric == "link_clicks"]
    assert clicks.value is None
    assert "30 days" in clicks.why


def test_a_deleted_post_is_asked_for_once_more_and_never_again(office: Open, mock: MockX, clock: Hands) -> None:
    one = office()
    gone, there = one.sent(2)
    clock.go(hours=1)
    assert one.measures.work() == 2
    next(post for post in mock.ledger.posts if post.id == gone).deleted = True
    for days, expected in ((2, 2), (2, 1), (4, 1)):
        clock.go(days=days)
        assert one.measures.work() == expected
    assert one.measured(gone) == [0, None]
    assert len(one.measured(there)) == 4
    assert next(row.why for row in one.rows() if row.remote_id == gone and row.value is None)


def test_what_is_not_out_on_x_is_not_asked_for(office: Open, clock: Hands) -> None:
    one = office()
    one.sent(archive=True)
    one.sent(state="withdrawn")
    one.sent(withdraw=True)
    one.sent(permalink="sandbox:x/sandbox-1", remote_id="sandbox-1")
    one.sent(state="held")
    one.sent(remote_id="")
    clock.go(days=2)
    assert one.measures.work() == 0
    assert one.lookups() == 0
    assert one.paid() == []


def test_a_sandbox_reaches_nobody(office: Open) -> None:
    assert able(office().desk.settings, office().desk.channels) == ["x"]
    sandbox = office(more="").desk
    text = (sandbox.workspace.root / "config" / "julki.toml").read_text("utf-8")
    (sandbox.workspace.root / "config" / "julki.toml").write_text(text.replace("sandbox = false", ""), "utf-8")
    desk = assemble(load(sandbox.workspace.root, KEYS))
    assert able(desk.settings, desk.channels) == []
    assert apart(desk) == {}
    desk.close()


# within its budget


def test_posts_are_asked_for_by_the_hundred_and_paid_for_one_by_one(office: Open, clock: Hands) -> None:
    one = office()
    one.sent(250)
    clock.go(hours=1)
    assert one.measures.work() == 250
    assert one.lookups() == 3
    assert one.paid() == [(100, 100_000), (100, 100_000), (50, 50_000)]
    assert one.measures.work() == 0
    assert one.lookups() == 3


def test_a_short_day_goes_to_the_young_and_the_next_day_to_the_rest(office: Open, clock: Hands) -> None:
    one = office(reads=30)
    old = one.sent(20)
    clock.go(hours=12)
    young = one.sent(20)
    clock.go(hours=2)  # 21:00 UTC
    with capture_logs() as logs:
        assert one.measures.work() == 30
        assert one.measures.work() == 0
    assert [len(one.measured(post)) for post in young] == [1] * 20
    assert sum(len(one.measured(post)) for post in old) == 10
    assert [entry["waiting"] for entry in logs] == [10]
    one = office(reads=30)
    assert one.measures.work() == 0
    clock.go(hours=3)
    assert one.measures.work() == 10
    assert [len(one.measured(post)) for post in old] == [1] * 20


def test_reading_leaves_a_tenth_of_the_months_money_to_posts(office: Open, clock: Hands) -> None:
    one = office(more="budget_usd = 0.1")
    one.sent(100)
    clock.go(hours=1)
    assert one.measures.work() == 90
    assert one.measures.work() == 0
    clock.now = datetime(2026, 11, 30, 21, 59, tzinfo=UTC)
    assert one.measures.work() == 0
    clock.go(minutes=2)  # December, in Helsinki
    assert one.measures.work() == 90


def test_what_posts_cost_counts_too(office: Open, clock: Hands) -> None:
    one = office(more="budget_usd = 0.1\nlink_usd = 0.03")
    one.sent(100)
    publish(one)
    with one.desk.store.read() as db:
        cost = db.execute(select(ATTEMPT.c.cost)).scalar_one()
    assert cost in (15_000, 30_000)
    clock.go(hours=1)
    assert one.measures.work() == (90_000 - cost) // 1000


def test_without_reads_nothing_is_asked(office: Open, clock: Hands) -> None:
    one = office(reads=0)
    one.sent()
    clock.go(hours=1)
    assert one.measures.work() == 0
    assert one.lookups() == 0


# and never in the way


@pytest.mark.parametrize(
    ("fault", "kept"),
    [
        ((401, {}, {"title": "Unauthorized"}), 0),
        ((429, {}, {"title": "Too Many Requests"}), 0),
        ((400, {}, {"title": "Invalid Request"}), 0),
        ((503, {}, [{"title": "Service Unavailable"}]), 1),
        ("html", 1),
        ("errors", 1),
        ("cut", 1),
    ],
)
def test_what_x_answers_instead_stores_nothing_and_is_tried_again_later(
    office: Open, mock: MockX, clock: Hands, fault: Any, kept: int
) -> None:
    one = office()
    (post,) = one.sent()
    clock.go(hours=1)
    for _ in range(8):  # the adapter may ask in other words
        mock.fail("lookup", fault)
    with capture_logs() as logs:
        assert one.measures.work() == 0
        asked = one.lookups()
        assert one.measures.work() == 0
        assert Measures(one.desk, one.desk.channels).work() == 0
    assert asked
    assert one.lookups() == asked
    assert one.rows() == []
    assert len(one.paid()) == kept
    assert [entry["log_level"] for entry in logs if entry["event"].startswith("reach")] == ["warning"]
    mock.faults = Faults()
    clock.go(hours=1)
    assert one.measures.work() == 1
    assert one.measured(post) == [0]


class Teller:
    """A channel that tells what it is told to tell, or fails."""

    metrics = ("likes",)

    def __init__(self, *answers: BaseException | None) -> None:
        self.answers = list(answers)
        self.asked: list[list[str]] = []
        self.silent = False

    def measure(self, receipts: Sequence[Receipt], now: datetime) -> list[Measurement]:
        self.asked.append([one.remote_id for one in receipts])
        if self.answers and (error := self.answers.pop(0)):
            raise error
        return [] if self.silent else [Measurement(one.remote_id, "likes", 5, now) for one in receipts]

    def close(self) -> None: ...


def asking(one: Office, *answers: BaseException | None) -> tuple[Teller, Measures]:
    teller = Teller(*answers)
    channels: dict[str, Any] = {"x": teller}
    return teller, Measures(one.desk, channels)


def test_a_channel_that_goes_on_failing_is_asked_ever_later_for_ever_less_and_told_of_once(
    office: Open, clock: Hands
) -> None:
    one = office()
    one.sent(100)
    clock.go(hours=1)
    teller, measures = asking(one, *[Unavailable("Down.")] * 6)
    times = []
    with capture_logs() as logs:
        for _ in range(6 * 60):
            before = len(teller.asked)
            if measures.work():
                break
            times += [clock.now] * (len(teller.asked) - before)
            clock.go(minutes=1)
    waits = [(after - before) / timedelta(minutes=1) for before, after in pairwise(times)]
    assert waits == [5, 10, 20, 40, 60]
    assert [len(ids) for ids in teller.asked[:7]] == [100, 50, 25, 12, 6, 3, 1]
    assert [entry["log_level"] for entry in logs] == ["warning", "info"]
    assert sum(len(ids) for ids in teller.asked[7:]) == 99


def test_it_waits_for_as_long_as_the_channel_asks(office: Open, clock: Hands) -> None:
    one = office()
    one.sent()
    clock.go(hours=1)
    teller, measures = asking(one, RateLimited("Later.", retry_after=timedelta(hours=3)))
    assert measures.work() == 0
    clock.go(hours=2, minutes=59)
    assert measures.work() == 0
    assert len(teller.asked) == 1
    clock.go(minutes=1)
    assert measures.work() == 1


def test_a_bug_in_a_channel_is_told_whole_and_the_other_channels_go_on(office: Open, clock: Hands) -> None:
    one = office(more='[channels.x-en]\nadapter = "x"\nsandbox = false')
    one.sent(channel="x")
    one.sent(channel="x-en")
    clock.go(hours=1)
    broken, fine = Teller(KeyError("data")), Teller()
    channels: dict[str, Any] = {"x": broken, "x-en": fine}
    with capture_logs() as logs:
        assert Measures(one.desk, channels).work() == 1
    assert [(entry["channel"], type(entry["exc_info"])) for entry in logs] == [("x", KeyError)]
    assert len(one.rows()) == 1


def test_a_crash_while_it_is_asked_leaves_it_paid_for_and_not_measured(office: Open, clock: Hands) -> None:
    one = office()
    one.sent(3)
    clock.go(hours=1)
    with pytest.raises(Crash):
        asking(one, Crash())[1].work()
    assert one.paid() == [(3, 0)]
    again = office()
    assert again.measures.work() == 3
    assert again.paid() == [(3, 0), (3, 3000)]


def test_crash_after_crash_it_reads_no_more_than_a_days_reads(office: Open, clock: Hands) -> None:
    one = office(reads=10)
    one.sent(4)
    clock.go(hours=1)
    for _ in range(5):
        left = sum(count for count, _ in one.paid()) < 10
        with pytest.raises(Crash) if left else nullcontext():
            asking(one, Crash())[1].work()
    assert one.paid() == [(4, 0), (4, 0), (2, 0)]


def test_what_deliveries_share_is_asked_once_and_kept_for_each(office: Open, clock: Hands) -> None:
    one = office()
    for _ in range(3):
        one.sent(remote_id="edition-7")
    clock.go(hours=1)
    teller, measures = asking(one)
    assert measures.work() == 3
    assert teller.asked == [["edition-7"]]
    assert [row.value for row in one.rows()] == [5, 5, 5]


def test_what_a_channel_leaves_out_is_not_asked_for_ever(office: Open, clock: Hands) -> None:
    one = office()
    (post,) = one.sent()
    clock.go(hours=1)
    teller, measures = asking(one)
    teller.silent = True
    assert measures.work() == 1
    assert measures.work() == 0
    assert one.measured(post) == [None]


def test_what_a_person_has_paused_is_measured_and_what_the_desk_has_is_not(office: Open, clock: Hands) -> None:
    one = office()
    one.sent()
    clock.go(hours=1)
    acts.pause(one.desk.store, "channel", "x", "a crisis", Person("Maija", clock.now))
    with one.desk.store.write() as db:
        pauses.begin(db, "channel", "x", "The keys don't hold.", "desk", clock.now)
    assert one.measures.work() == 0
    with one.desk.store.write() as db:
        db.execute(update(PAUSE).where(PAUSE.c.by == "desk").values(ended_at=clock.now))
    assert one.measures.work() == 1


def test_a_stop_ends_it_between_two_calls(office: Open, clock: Hands) -> None:
    one = office()
    one.sent(300)
    clock.go(hours=1)
    teller, measures = asking(one)
    answer = teller.measure

    def stopping(receipts: Sequence[Receipt], now: datetime) -> list[Measurement]:
        one.desk.stop.set()
        return answer(receipts, now)

    teller.measure = stopping  # type: ignore[method-assign]
    assert measures.work() == 100


def test_credentials_that_do_not_hold_pause_no_publishing(office: Open, clock: Hands) -> None:
    one = office()
    one.sent()
    clock.go(hours=1)
    assert asking(one, Unauthorized("No."))[1].work() == 0
    with one.desk.store.read() as db:
        assert pauses.current(db) == []


# in the daemon


def write(desk: Desk, name: str, due: datetime) -> None:
    head = f"---\ntitle: {name}\npublish_at: {due:%Y-%m-%dT%H:%M:%SZ}\n---\n\nA few words.\n"
    (desk.workspace.root / "content" / "news" / f"{name}.md").write_text(head, "utf-8")


def test_posts_go_out_at_their_time_while_measuring_hangs(office: Open, mock: MockX) -> None:
    mock.now = system_clock
    one = office(clock=system_clock)
    one.clock.now -= timedelta(hours=2)
    one.sent(5)
    mock.fail("lookup", "hang")
    due = (system_clock() + timedelta(seconds=2)).replace(microsecond=0)
    write(one.desk, "now", due)
    daemon = Daemon(one.desk)
    thread = threading.Thread(target=daemon.run)
    thread.start()
    try:
        until(lambda: len(mock.ledger.posts) == 6 and one.lookups())
        assert "measure" in daemon.jobs()
        assert mock.ledger.posts[-1].created_at - due < timedelta(seconds=1.5)
    finally:
        daemon.stop.set()
        thread.join(20)
    assert not thread.is_alive()


def test_a_daemon_measures_what_went_out_before_it_started(office: Open, mock: MockX) -> None:
    mock.now = system_clock
    one = office(clock=system_clock)
    one.clock.now -= timedelta(hours=2)
    one.sent(5)
    daemon = Daemon(one.desk)
    thread = threading.Thread(target=daemon.run)
    thread.start()
    try:
        until(lambda: len(one.rows()) == 5 * len(METRICS))
    finally:
        daemon.stop.set()
        thread.join(20)
    assert not thread.is_alive()


def publish(one: Office) -> None:
    write(one.desk, "now", one.clock.now)
    with time_machine.travel(time.time() + 3600, tick=False):
        once.look(one.desk)
    assert sum(lane.work() for lane in one.desk.lanes) == 1


def until(true: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_what_was_really_published_is_measured(office: Open, mock: MockX, clock: Hands) -> None:
    one = office()
    publish(one)
    (post,) = mock.ledger.posts
    mock.ledger.metrics[post.id] = {"impression_count": 1204}
    clock.go(hours=1)
    assert one.measures.work() == 1
    assert one.measured(post.id, "impressions") == [1204]


def test_each_thread_has_channels_of_its_own(office: Open) -> None:
    one = office()
    own: dict[str, Channel] = apart(one.desk)
    assert list(own) == ["x"]
    assert own["x"] is not one.desk.channels["x"]
    Measures(one.desk, own).close()
