"""Wall time: one rule for the days on which the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.calendar.walltime import Ambiguous, Gap, WallTimeError, as_wall, describe, to_utc

HELSINKI = "Europe/Helsinki"
ZONES = (
    HELSINKI,
    "America/New_York",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "America/Santiago",
    "Asia/Kathmandu",
    "UTC",
)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-30 09:00", datetime(2026, 11, 30, 7, tzinfo=UTC)),
        ("2026-11-30 9:00:30", datetime(2026, 11, 30, 7, 0, 30, tzinfo=UTC)),
        ("2026-07-01T09:00", datetime(2026, 7, 1, 6, tzinfo=UTC)),
        ("2026-11-30 09:00+02:00", datetime(2026, 11, 30, 7, tzinfo=UTC)),
        ("2014-07-01 10:00:02 -0500", datetime(2014, 7, 1, 15, 0, 2, tzinfo=UTC)),
        ("2026-11-30T09:00:00Z", datetime(2026, 11, 30, 9, tzinfo=UTC)),
        ("2026-11-30", datetime(2026, 11, 29, 22, tzinfo=UTC)),
        ("2026-10-25 03:30+03:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25 03:30+02:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    ],
)
def test_forms(text: str, moment: datetime) -> None:
    assert to_utc(text, HELSINKI) == moment


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "30.11.2026 9:00", "2026-11-31", "2026-11-30 24:00", "2026-11-30 9:00 PM", "0000-01-01",
     "0001-01-01 00:00", "9999-12-31", "2026-11-30 09:00 +99:99", "2026-11-30 09:00 EET", "٢٠٢٦-11-30"],
)  # fmt: skip
def test_what_is_no_time_is_told_with_a_remedy(text: str) -> None:
    with pytest.raises(WallTimeError, match="Write it like") as caught:
        to_utc(text, HELSINKI)
    assert caught.value.rule == "bad-time"


def test_a_gap_is_told_as_in_the_design() -> None:
    with pytest.raises(Gap) as caught:
        to_utc("2027-03-28 03:30", HELSINKI)
    said = "2027-03-28 03:30 does not exist in Europe/Helsinki (the clocks go forward at 03:00). Write 04:30."
    assert str(caught.value) == said


def test_an_hour_that_comes_twice_names_both() -> None:
    with pytest.raises(Ambiguous) as caught:
        to_utc("2026-10-25 03:30", HELSINKI)
    assert "2026-10-25 03:30+03:00 (summer time) or 2026-10-25 03:30+02:00 (winter time)" in str(caught.value)
    assert "go back at 04:00" in str(caught.value)


def test_a_bare_date_is_the_start_of_the_day_even_where_midnight_is_skipped() -> None:
    assert to_utc("2025-09-07", "America/Santiago") == datetime(2025, 9, 7, 4, tzinfo=UTC)
    assert to_utc("2025-04-06", "America/Santiago") == datetime(2025, 4, 6, 4, tzinfo=UTC)


def test_people_see_the_zone() -> None:
    assert describe(datetime(2026, 11, 30, 7, tzinfo=UTC), HELSINKI) == "2026-11-30 09:00 Europe/Helsinki"


@settings(deadline=None)
@given(
    st.integers(95_000_000, 7_250_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.sampled_from(ZONES),
)
def test_every_moment_has_a_wall_time_that_means_it(at: datetime, zone: str) -> None:
    assert to_utc(as_wall(at, zone), zone) == at


def changes(zone: str, year: int) -> list[datetime]:
    hours = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(8760)]
    local = ZoneInfo(zone)
    return [b for a, b in pairwise(hours)
            if a.astimezone(local).utcoffset() != b.astimezone(local).utcoffset()]  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("year", [2026, 2027])
def test_every_minute_around_a_change_is_read_or_refused_rightly(zone: str, year: int) -> None:
    local = ZoneInfo(zone)
    for change in changes(zone, year):
        moments: dict[str, list[datetime]] = {}
        for minute in range(-300, 300):
            at = change + timedelta(minutes=minute)
            moments.setdefault(f"{at.astimezone(local):%Y-%m-%d %H:%M}", []).append(at)
        first = datetime.fromisoformat(min(moments))
        for minute in range(590):
            text = f"{first + timedelta(minutes=minute):%Y-%m-%d %H:%M}"
            meant = moments.get(text, [])
            if len(meant) == 1:
                assert to_utc(text, zone) == meant[0]
                continue
            if text > max(moments):
                break
            with pytest.raises(Ambiguous if meant else Gap) as caught:
                to_utc(text, zone)
            assert zone in str(caught.value)
            assert all(as_wall(at, zone) in str(caught.value) for at in meant)
