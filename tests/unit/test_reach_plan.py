"""When posts are measured, how much may be read, what is kept of an answer, and how figures are added up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Measurement
from scheduler.reach import allowance, patience, snapshot
from scheduler.reach.allowance import Price
from scheduler.reach.patience import CALM, FIRST, LONGEST, MOST, Patience
from scheduler.reach.schedule import CHECKPOINTS, Post, checkpoint, due
from scheduler.reach.sums import Figure, Line, Out, Sum, grouped, total

OUT = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ages = st.timedeltas(timedelta(0), timedelta(days=400))


# when


@pytest.mark.parametrize(
    ("age", "measured", "expected"),
    [
        (59 * MINUTE, None, None),
        (HOUR, None, HOUR),
        (5 * HOUR, HOUR, None),
        (6 * HOUR, HOUR, 6 * HOUR),
        (24 * HOUR, 23 * HOUR, DAY),
        (26 * HOUR, HOUR, DAY),
        (26 * HOUR, 24 * HOUR, None),
        (3 * DAY, DAY, 3 * DAY),
        (7 * DAY, 6 * DAY, 7 * DAY),
        (27 * DAY, 7 * DAY, None),
        (28 * DAY, 27 * DAY, 28 * DAY),
        (29 * DAY, 28 * DAY, None),
        (400 * DAY, None, 28 * DAY),
        (400 * DAY, 28 * DAY, None),
    ],
)
def test_a_post_is_measured_at_its_ages_and_one_measurement_stands_for_those_that_were_missed(
    age: timedelta, measured: timedelta | None, expected: timedelta | None
) -> None:
    post = Post(1, OUT, OUT + measured if measured is not None else None)
    assert checkpoint(post, OUT + age) == expected


@given(st.lists(ages, min_size=1, max_size=40))
def test_whenever_the_desk_looks_each_age_is_measured_once_at_the_first_look_after_it(looks: list[timedelta]) -> None:
    times = [OUT + age for age in sorted(looks)]
    measured: list[datetime] = []
    for now in times:
        if checkpoint(Post(1, OUT, measured[-1] if measured else None), now):
            measured.append(now)
            assert checkpoint(Post(1, OUT, now), now) is None
    first_after = {next((at for at in times if at >= OUT + age), None) for age in CHECKPOINTS} - {None}
    assert set(measured) == first_after


def test_what_has_not_one_figure_any_more_is_gone_and_asked_for_no_more() -> None:
    assert checkpoint(Post(1, OUT, OUT + HOUR, gone=True), OUT + 7 * DAY) is None


def test_a_snapshot_of_a_wrong_clock_or_of_an_earlier_life_counts_as_none() -> None:
    assert checkpoint(Post(1, OUT, OUT + 400 * DAY), OUT + HOUR) == HOUR
    assert checkpoint(Post(1, OUT, OUT - DAY, gone=True), OUT + HOUR) == HOUR


def test_a_short_budget_goes_to_the_youngest_age_and_of_one_age_to_the_newest() -> None:
    now = OUT + 30 * DAY
    posts = [Post(n, now - age) for n, age in enumerate([29 * DAY, 2 * HOUR, 8 * DAY, 90 * MINUTE, 30 * MINUTE])]
    assert [post.delivery for post in due(posts, now)] == [3, 1, 2, 0]


# how much


@pytest.mark.parametrize(
    ("a_day", "today", "cost", "spent", "expected"),
    [
        (1000, 0, Price(), 0, 1000),
        (1000, 990, Price(), 0, 10),
        (1000, 1200, Price(), 0, 0),
        (0, 0, Price(), 0, 0),
        (1000, 0, Price(1000, None), 10**9, 1000),
        (1000, 0, Price(1000, 10_000_000), 8_990_500, 9),
        (1000, 0, Price(1000, 10_000_000), 9_000_000, 0),
        (1000, 0, Price(1000, 10_000_000), 11_000_000, 0),
        (1000, 0, Price(1000, 0), 0, 0),
        (1000, 0, Price(0, 10), 10, 1000),
    ],
)
def test_reading_ends_with_the_days_reads_and_at_nine_tenths_of_the_months_money(
    a_day: int, today: int, cost: Price, spent: int, expected: int
) -> None:
    assert allowance.allowed(a_day, today, cost, spent) == expected


@given(
    st.integers(0, 5000), st.integers(0, 5000), st.integers(1, 10**6), st.integers(0, 10**9), st.integers(0, 2 * 10**9)
)
def test_whatever_the_prices_reading_never_takes_the_last_tenth(
    a_day: int, today: int, read: int, budget: int, spent: int
) -> None:
    found = allowance.allowed(a_day, today, Price(read, budget), spent)
    assert 0 <= found <= max(0, a_day - today)
    assert found == 0 or (spent + found * read) * 10 <= budget * 9


def test_prices_are_rounded_against_the_reader() -> None:
    assert allowance.price(Decimal("0.0000015"), Decimal("1.9999999")) == Price(2, 1_999_999)
    assert allowance.price(Decimal("0.001"), None) == Price(1000, None)


def test_a_day_is_one_of_utc_and_a_month_one_of_the_site() -> None:
    zone = ZoneInfo("Europe/Helsinki")
    late = datetime(2026, 10, 31, 22, 30, tzinfo=UTC)
    assert allowance.day(late) == datetime(2026, 10, 31, tzinfo=UTC)
    assert allowance.month(late, zone) == datetime(2026, 10, 31, 22, 0, tzinfo=UTC)
    assert allowance.month(late - HOUR, zone) == datetime(2026, 9, 30, 21, 0, tzinfo=UTC)


# how patiently


def test_a_channel_that_fails_is_asked_ever_later_and_for_ever_less() -> None:
    patient, now, waits, sizes = CALM, OUT, [], [CALM.size]
    for _ in range(30):
        patient = patience.after(patient, None, now)
        assert patient.until is not None
        waits.append(patient.until - now)
        sizes.append(patient.size)
        assert patient.rests(now)
        assert not patient.rests(patient.until)
        now = patient.until
    assert waits[0] == FIRST
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST
    assert sizes[:4] == [MOST, 50, 25, 12]
    assert sizes[-1] == 1


def test_it_is_left_alone_for_as_long_as_it_asks_within_reason() -> None:
    for asked, kept in ((2 * HOUR, 2 * HOUR), (timedelta(seconds=1), FIRST), (900 * DAY, DAY)):
        assert patience.after(CALM, asked, OUT).until == OUT + kept


def test_a_rest_reckoned_by_a_clock_that_was_ahead_is_none() -> None:
    assert not patience.after(CALM, None, OUT + 400 * DAY).rests(OUT)


@given(st.integers(0, 10**6), st.datetimes(timezones=st.just(UTC)), st.none() | ages)
def test_patience_outlives_a_restart(failures: int, now: datetime, asked: timedelta | None) -> None:
    now = min(now, datetime(9000, 1, 1, tzinfo=UTC))
    patient = patience.after(Patience(failures), asked, now)
    assert patience.read(patience.written(patient)) == patient


@pytest.mark.parametrize("text", ["", "x", "[]", "[1, 2, 3]", '["a", "b", "c"]', "null", '{"a": 1}', "[1e999, 0, 0]"])
def test_whatever_is_no_patience_lets_the_channel_be_asked(text: str) -> None:
    assert patience.read(text) == CALM
    assert patience.written(CALM) == ""


# what is kept


def test_every_metric_of_every_post_has_a_row_with_a_figure_or_a_reason() -> None:
    told = [
        Measurement("a", "likes", 0, OUT),
        Measurement("a", "clicks", None, OUT, "X tells\n this for 30 days only. " + "z" * 999),
        Measurement("b", "likes", -1, OUT),
        Measurement("b", "clicks", 2**63, OUT),
        Measurement("stranger", "likes", 7, OUT),
        Measurement("a", "unheard-of", 7, OUT),
    ]
    rows = snapshot.rows({1: "a", 2: "b", 3: "c", 4: "a"}, ["likes", "clicks"], told, "x", OUT + HOUR)
    assert [(row["delivery_id"], row["metric"], row["value"]) for row in rows] == [
        (1, "likes", 0),
        (1, "clicks", None),
        (2, "likes", None),
        (2, "clicks", None),
        (3, "likes", None),
        (3, "clicks", None),
        (4, "likes", 0),
        (4, "clicks", None),
    ]
    assert all(bool(row["why"]) == (row["value"] is None) for row in rows)
    assert rows[1]["why"].startswith("X tells this for 30 days only.")
    assert len(rows[1]["why"]) == 300
    assert {(row["measured_at"], row["source"]) for row in rows} == {(OUT + HOUR, "x")}


# sums


def test_a_sum_says_what_is_missing_and_how_old_its_oldest_part_is() -> None:
    parts = [Figure("a", "likes", 3, OUT + DAY), Figure("b", "likes", 4, OUT), Figure("c", "likes", None, None, "gone")]
    assert total(parts) == Sum(7, OUT, 3, 2, "gone")
    assert total(parts).whole is None
    assert total(parts[:2]).whole == 7
    assert total(parts[2:]) == Sum(None, None, 1, 0, "gone")
    assert total([]).known is None


def test_what_deliveries_share_counts_once_in_a_group() -> None:
    shared = [Figure("edition", "clicks", 9, OUT)] * 5
    assert total(shared) == Sum(9, OUT, 1, 1)


def test_the_newest_figure_counts_and_a_known_one_outlives_a_snapshot_without_it() -> None:
    out = [Out(1, "x", ("p",), "a")]
    rows = [(1, "likes", 3, OUT, ""), (1, "likes", 2, OUT + HOUR, ""), (1, "likes", None, OUT + DAY, "gone")]
    assert grouped(out, rows[:2], {"x": ["likes"]}) == [Line("p", "x", "likes", Sum(2, OUT + HOUR, 1, 1))]
    assert grouped(out, rows, {"x": ["likes"]}) == [Line("p", "x", "likes", Sum(2, OUT + HOUR, 1, 1, "gone"))]


def test_nothing_is_added_up_over_channels_or_metrics_and_a_post_without_figures_is_missing() -> None:
    out = [
        Out(1, "x", ("p",), "a"),
        Out(2, "x-en", ("p",), "b"),
        Out(3, "x", ("p", "q"), "c"),
        Out(4, "web", ("p",), "d"),
    ]
    rows = [(1, "likes", 1, OUT, ""), (1, "views", 10, OUT, ""), (2, "likes", 100, OUT, ""), (3, "likes", 0, OUT, "")]
    found = grouped(out, rows, {"x": ["views", "likes"], "x-en": ["likes"]})
    assert [(one.group, one.channel, one.metric, one.sum.known, one.sum.posts, one.sum.measured) for one in found] == [
        ("p", "x", "views", 10, 2, 1),
        ("p", "x", "likes", 1, 2, 2),
        ("p", "x-en", "likes", 100, 1, 1),
        ("q", "x", "views", None, 1, 0),
        ("q", "x", "likes", 0, 1, 1),
    ]
