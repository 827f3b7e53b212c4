"""The days on which clocks do odd things: every wall time that there is fires once, at its hour, and the digest once."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from scheduler.daemon import Daemon
from scheduler.desk import once
from scheduler.desk.assemble import Desk, assemble, system_clock
from scheduler.desk.digest import Digest
from scheduler.desk.mailer import Mailer
from scheduler.store import deliveries
from scheduler.workspace import load
from tests.mocks.stand import Hands

HELSINKI = ZoneInfo("Europe/Helsinki")
FORWARD, BACK = date(2027, 3, 28), date(2027, 10, 31)
QUARTER = timedelta(minutes=15)
SECOND = timedelta(seconds=1)
CHANNELS = ("website", "x")
SETTINGS = """
[site]
title = "D9"
timezone = "{zone}"
[desk]
since = 2026-01-01
backlog = 500
[kinds.news]
channels = ["website", "x"]
late = "{late}"
[channels.website]
adapter = "website"
[channels.x]
adapter = "x"
[digest]
at = "{digest}"
to = ["lead@example.org"]
"""


@dataclass
class Town:
    """A workspace with the real channels, in their sandboxes, and a clock that the test moves."""

    root: Path
    clock: Hands
    desk: Desk

    def put(self, name: str, when: str, title: str = "") -> None:
        path = self.root / "content/news" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"---\ntitle: {title or name}\npublish_at: {when}\n---\n\nText.\n", "utf-8")

    def at(self, moment: datetime) -> None:
        """What the desk does at that moment."""
        self.clock.now = moment
        once.publish(self.desk)

    def posts(self) -> Counter[str]:
        """Title → how often it was posted to X."""
        outbox = self.root / "var/outbox/x.jsonl"
        lines = outbox.read_text("utf-8").splitlines() if outbox.exists() else []
        return Counter(json.loads(line)["text"].split()[0] for line in lines)

    def out(self) -> dict[tuple[str, str], datetime]:
        """(Piece's slug, channel) → when it went out."""
        return {(row.piece, row.channel): row.published_at for row in self.rows() if row.state == "published"}

    def rows(self) -> Sequence[Any]:
        with self.desk.store.read() as db:
            return [_Row(row) for row in deliveries.queue(db)]

    def findings(self) -> dict[str, set[str]]:
        """The file's name → the rules that it breaks."""
        found: dict[str, set[str]] = {}
        for one in once.troubles(self.desk)[0]:
            found.setdefault(Path(one.file).stem, set()).add(one.rule)
        return found

    def mails(self) -> int:
        return len(list(self.root.glob("var/outbox/desk/new/*")))

    def settle(self, **settings: str) -> None:
        """A new start, with these settings."""
        self.desk.close()
        self.desk = _desk(self.root, self.clock, **settings)
        once.refresh(self.desk)


class _Row:
    def __init__(self, row: Any) -> None:
        self.piece, self.channel, self.state = row.name.partition("/")[2], row.channel, row.state
        self.published_at, self.due_at = row.published_at, row.due_at


def _desk(root: Path, clock: Any, **settings: str) -> Desk:
    told = {"zone": "Europe/Helsinki", "late": "2h", "digest": "mon 08:00", **settings}
    (root / "config").mkdir(exist_ok=True)
    (root / "config/julki.toml").write_text(SETTINGS.format(**told), "utf-8")
    return assemble(load(root, {}), clock)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    clock = Hands()
    town = Town(tmp_path, clock, _desk(tmp_path, clock))
    yield town
    town.desk.close()


def quarters(day: date, zone: ZoneInfo = HELSINKI) -> list[datetime]:
    """Every quarter of an hour of that day, as moments: 92, 96 or 100 of them."""
    moment = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    found = []
    while moment.astimezone(zone).date() == day:
        found.append(moment)
        moment += QUARTER
    return found


def written(moments: Sequence[datetime]) -> dict[datetime, str]:
    """Each moment as a writer writes it: what the clock shows, with the offset where it shows that twice."""
    shown = {moment: f"{moment.astimezone(HELSINKI):%Y-%m-%d %H:%M}" for moment in moments}
    twice = Counter(shown.values())
    offsets = {moment: f"{moment.astimezone(HELSINKI):%z}" for moment in moments}
    return {
        moment: text if twice[text] == 1 else f"{text}{offsets[moment][:3]}:{offsets[moment][3:]}"
        for moment, text in shown.items()
    }


def name(moment: datetime) -> str:
    return f"p{moment:%Y%m%dt%H%M}"


@pytest.mark.parametrize(("day", "count"), [(FORWARD, 92), (BACK, 100), (date(2028, 2, 29), 96)])
def test_every_wall_time_that_exists_fires_once_at_its_hour(town: Town, day: date, count: int) -> None:
    moments = quarters(day)
    assert len(moments) == count
    for moment, text in written(moments).items():
        town.put(name(moment), text)
    town.clock.now = moments[0] - timedelta(hours=1)
    once.refresh(town.desk)
    assert town.findings() == {}
    assert {row.due_at for row in town.rows()} == set(moments)
    for moment in moments:
        town.at(moment - SECOND)
        assert (name(moment), "x") not in town.out()
        town.at(moment)
    assert town.out() == {(name(moment), channel): moment for moment in moments for channel in CHANNELS}
    assert town.posts() == Counter(name(moment) for moment in moments)
    town.at(moments[-1] + timedelta(days=2))
    assert len(town.posts()) == sum(town.posts().values()) == count


@pytest.mark.parametrize(("day", "rule"), [(FORWARD, "publish-at-gap"), (BACK, "publish-at-ambiguous")])
def test_what_no_clock_shows_or_shows_twice_is_found_and_never_fires(town: Town, day: date, rule: str) -> None:
    odd = [f"odd{minutes:02}" for minutes in (0, 15, 30, 45)]
    for one in odd:
        town.put(one, f"{day} 03:{one[3:]}")
    town.put("before", f"{day} 02:59")
    town.put("after", f"{day} 04:00")
    town.clock.now = quarters(day)[0] - timedelta(hours=1)
    once.refresh(town.desk)
    assert town.findings() == {one: {rule} for one in odd}
    for moment in quarters(day):
        town.at(moment)
    assert town.posts() == {"before": 1, "after": 1}


def test_a_day_that_is_in_no_calendar_is_found(town: Town) -> None:
    town.put("leap", "2028-02-29 09:00")
    town.put("none", "2027-02-29 09:00")
    town.clock.now = datetime(2027, 1, 1, tzinfo=UTC)
    once.refresh(town.desk)
    assert town.findings() == {"none": {"bad-time"}}
    assert {row.due_at for row in town.rows()} == {datetime(2028, 2, 29, 7, tzinfo=UTC)}


@pytest.mark.parametrize("day", [FORWARD, BACK])
def test_a_clock_that_is_set_back_and_forth_publishes_nothing_twice_or_early(tmp_path: Path, day: date) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance, clock = random.Random(seed), Hands()
    town = Town(tmp_path, clock, _desk(tmp_path, clock, late="6h"))
    moments = quarters(day)[::2]
    for moment, text in written(quarters(day)).items():
        if moment in moments:
            town.put(name(moment), text)
    town.clock.now = moments[0] - timedelta(hours=3)
    once.refresh(town.desk)
    furthest = now = moments[0] - timedelta(hours=2)
    while now < moments[-1] + timedelta(hours=2):
        now += QUARTER + timedelta(hours=chance.choice([-1, 0, 0, 0, 0, 0, 1]))
        furthest = max(furthest, now)
        town.at(now)
        assert set(town.posts()) == {name(moment) for moment in moments if moment <= furthest}
        if chance.random() < 0.1:
            town.settle(late="6h")
    assert town.posts() == Counter(name(moment) for moment in moments)
    assert all(town.out()[name(moment), channel] >= moment for moment in moments for channel in CHANNELS)
    town.desk.close()


# the digest


@pytest.mark.parametrize(
    ("day", "at", "when"),
    [
        (FORWARD, "sun 02:45", "00:45"),
        (FORWARD, "sun 03:00", "01:00"),
        (FORWARD, "sun 03:30", "01:30"),
        (FORWARD, "sun 04:00", "01:00"),
        (BACK, "sun 02:45", "23:45"),
        (BACK, "sun 03:00", "00:00"),
        (BACK, "sun 03:30", "00:30"),
        (BACK, "sun 04:00", "02:00"),
        (FORWARD, "mon 00:00", "21:00"),
        (BACK, "mon 08:00", "06:00"),
        (date(2028, 2, 29), "tue 08:00", "06:00"),
    ],
)
def test_the_weekly_digest_comes_once_around_a_change(town: Town, day: date, at: str, when: str) -> None:
    """`when` is in UTC. A time that is skipped moves on with the clocks; of one that comes twice the first counts."""
    town.settle(digest=at)
    start = quarters(day)[0] - timedelta(days=2)
    sent = []
    for number in range(5 * 96):
        town.clock.now = start + number * QUARTER
        before = town.mails()
        digest(town).work()
        sent += [town.clock.now] * (town.mails() - before)
    assert [f"{moment:%H:%M}" for moment in sent] == [when]


def digest(town: Town) -> Digest:
    """Made anew each time, as after a start."""
    workspace = town.desk.workspace
    return Digest(workspace, town.desk.store, Mailer(workspace, town.clock), town.clock)


@pytest.mark.parametrize("day", [FORWARD, BACK])
def test_a_clock_that_is_set_back_and_forth_sends_one_digest_a_week(town: Town, day: date) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    town.settle(digest="sun 03:30")
    now = quarters(day)[0] - timedelta(days=10)
    end = quarters(day)[-1] + timedelta(days=10)
    while now < end:
        now += QUARTER + timedelta(hours=chance.choice([-1, 0, 0, 0, 1]))
        town.clock.now = now
        digest(town).work()
    assert town.mails() == 3


# another zone


@pytest.mark.parametrize(
    ("first", "then"), [("Europe/Helsinki", "Europe/Stockholm"), ("Europe/Stockholm", "Europe/Helsinki")]
)
def test_in_another_zone_due_times_follow_the_wall_clock_and_what_is_out_stays_out(
    town: Town, first: str, then: str
) -> None:
    day = date(2027, 6, 1)
    walls = [f"{hour:02}:00" for hour in range(6, 20)]
    for wall in walls:
        town.put(f"p{wall[:2]}", f"{day} {wall}")
    town.clock.now = datetime(2027, 5, 31, tzinfo=UTC)
    town.settle(zone=first)
    old = {f"p{wall[:2]}": meant(day, wall, first) for wall in walls}
    new = {f"p{wall[:2]}": meant(day, wall, then) for wall in walls}
    change = old["p12"] + timedelta(minutes=5)
    hours = sorted({*old.values(), *new.values()})
    for moment in hours:
        if moment < change:
            town.at(moment)
    town.clock.now = change
    out = set(town.posts())
    assert out == {slug for slug, moment in old.items() if moment < change}
    town.settle(zone=then)
    once.publish(town.desk)
    for moment in hours:
        if moment > change:
            town.at(moment)
    expected = {slug: old[slug] if slug in out else max(new[slug], change) for slug in old}
    assert town.out() == {(slug, channel): moment for slug, moment in expected.items() for channel in CHANNELS}
    assert set(town.posts().values()) == {1}


def meant(day: date, wall: str, zone: str) -> datetime:
    hour, minute = map(int, wall.split(":"))
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone)).astimezone(UTC)


# the long run itself


@pytest.mark.parametrize(
    ("change", "walls"),
    [
        (datetime(2027, 3, 28, 1, tzinfo=UTC), ("2027-03-28 02:59:59", "2027-03-28 04:00:00", "2027-03-28 04:00:01")),
        (
            datetime(2027, 10, 31, 1, tzinfo=UTC),
            ("2027-10-31 03:59:59+03:00", "2027-10-31 03:00:00+02:00", "2027-10-31 03:00:01+02:00"),
        ),
        (datetime(2028, 2, 28, 22, tzinfo=UTC), ("2028-02-28 23:59:59", "2028-02-29 00:00", "2028-02-29 00:00:01")),
    ],
)
def test_the_daemon_goes_through_the_change(tmp_path: Path, change: datetime, walls: tuple[str, ...]) -> None:
    clock = Hands()
    with time_machine.travel(change - timedelta(seconds=5), tick=True):
        town = Town(tmp_path, clock, _desk(tmp_path, system_clock))
        for slug, wall in zip("abc", walls, strict=True):
            town.put(slug, wall)
        daemon = Daemon(town.desk)
        thread = threading.Thread(target=daemon.run)
        thread.start()
        deadline = time.monotonic() + 30
        while sum(town.posts().values()) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1)
        daemon.stop.set()
        thread.join(20)
    assert town.posts() == {"a": 1, "b": 1, "c": 1}
    due = {"a": change - SECOND, "b": change, "c": change + SECOND}
    assert all(moment >= due[slug] for (slug, _), moment in town.out().items())
    posted = sorted((moment, slug) for (slug, channel), moment in town.out().items() if channel == "x")
    assert [slug for _, slug in posted] == ["a", "b", "c"]
    town.desk.close()
