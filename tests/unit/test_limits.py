"""How many, how often, at which hours."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.delivery.limits import NONE, Limits
from scheduler.hours import Hours, parse_hours

HELSINKI = ZoneInfo("Europe/Helsinki")
NOON = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)


def at(text: str) -> datetime:
    """A wall time of Helsinki on 30 November 2026, or with a date."""
    day, _, clock = text.rpartition(" ")
    return datetime.fromisoformat(f"{day or '2026-11-30'}T{clock}").replace(tzinfo=HELSINKI)


@pytest.mark.parametrize(
    ("hours", "now", "opens"),
    [
        ("07:00-20:00", "12:00", "12:00"),
        ("07:00-20:00", "06:59", "07:00"),
        ("07:00-20:00", "20:00", "2026-12-01 07:00"),
        ("07:00-20:00", "23:30", "2026-12-01 07:00"),
        ("22:00-06:00", "12:00", "22:00"),
        ("22:00-06:00", "23:00", "23:00"),
        ("22:00-06:00", "05:59", "05:59"),
        ("08:00-24:00", "23:59", "23:59"),
        ("08:00–24:00", "00:00", "08:00"),
        ("03:30-05:00", "2027-03-28 00:10", "2027-03-28 04:30"),
    ],
)
def test_the_hours_say_when_it_begins(hours: str, now: str, opens: str) -> None:
    assert parse_hours(hours).next(at(now), HELSINKI) == at(opens)


@given(
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1)),  # noqa: DTZ001  hypothesis wants them without a zone
)
def test_the_next_time_is_allowed_and_never_before(opens: time, closes: time, now: datetime) -> None:
    if opens == closes:
        return
    start = now.replace(tzinfo=UTC)
    found = Hours(opens, closes).next(start, HELSINKI)
    assert start <= found <= start + timedelta(days=3)
    assert Hours(opens, closes).next(found, HELSINKI) == found


@pytest.mark.parametrize("text", ["7-20", "07:00", "25:00-26:00", "07:00-07:00", "07:60-08:00", ""])
def test_what_are_no_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"07:00-20:00|every hour"):
        parse_hours(text)


def next_of(limits: Limits, *sent: datetime, spaced: bool = True, timed: bool = True) -> datetime:
    return limits.next(sent, NOON, HELSINKI, spaced=spaced, timed=timed)


def test_without_limits_it_goes_now() -> None:
    assert next_of(NONE, NOON, NOON) == NOON


def test_a_gap_is_kept_to_the_last_one() -> None:
    limits = Limits(gap=timedelta(minutes=10))
    assert next_of(limits) == NOON
    assert next_of(limits, NOON - timedelta(minutes=4)) == NOON + timedelta(minutes=6)
    assert next_of(limits, NOON - timedelta(minutes=4), spaced=False) == NOON


def test_so_many_an_hour_and_no_more() -> None:
    limits = Limits(per_hour=2)
    assert next_of(limits, NOON - timedelta(minutes=50)) == NOON
    sent = (NOON - timedelta(minutes=50), NOON - timedelta(minutes=10))
    assert next_of(limits, *sent) == NOON + timedelta(minutes=10)


def test_what_a_gap_puts_off_into_the_night_waits_for_the_morning() -> None:
    limits = Limits(gap=timedelta(hours=9), hours=parse_hours("07:00-20:00"))
    assert next_of(limits, NOON) == at("2026-12-01 07:00")
    assert next_of(limits, NOON, timed=False) == NOON + timedelta(hours=9)
