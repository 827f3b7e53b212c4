"""When a channel is left alone, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import RateLimited, Rejected, Unauthorized, Unavailable, Uncertain
from scheduler.delivery.breaker import FINE, FIRST, LONGEST, OPENS_AFTER, Condition, after

NOW = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)
DOWN = Unavailable("Down.")


def failed(times: int, condition: Condition = FINE) -> Condition:
    """That many deliveries, each another one, failed one after the other."""
    for number in range(1, times + 1):
        condition = after(condition, DOWN, number, "Down.", NOW)
    return condition


def test_it_opens_after_failures_in_a_row_and_closes_at_the_first_success() -> None:
    assert not failed(OPENS_AFTER - 1).rests(NOW)
    opened = failed(OPENS_AFTER)
    assert (opened.opened_at, opened.until, opened.error) == (NOW, NOW + FIRST, "Down.")
    assert opened.rests(NOW)
    assert not opened.rests(NOW + FIRST)
    assert after(opened, None, 1, "", NOW + FIRST) == FINE


def test_each_failed_trial_doubles_the_rest_up_to_ten_minutes() -> None:
    condition, waits = failed(OPENS_AFTER), []
    for _ in range(8):
        assert condition.until is not None
        at = condition.until
        condition = after(condition, DOWN, 1, "Down.", at)
        assert condition.until is not None
        waits.append(condition.until - at)
        assert condition.opened_at == NOW
    assert waits == [min(FIRST * 2**n, LONGEST) for n in range(1, 9)]


def test_one_delivery_that_fails_again_and_again_is_no_bad_channel() -> None:
    condition = FINE
    for _ in range(50):
        condition = after(condition, Uncertain("?"), 7, "?", NOW)
    assert not condition.rests(NOW)


@pytest.mark.parametrize("error", [None, Rejected("no"), Unauthorized("who?")])
def test_an_answer_is_an_answer(error: Exception | None) -> None:
    assert after(failed(OPENS_AFTER - 1), error, 1, "", NOW) == FINE


def test_not_now_is_said_to_all_and_is_no_failure() -> None:
    asked = RateLimited("Later.", retry_after=timedelta(minutes=3))
    condition = after(FINE, asked, 1, "Later.", NOW)
    assert condition.rests(NOW + timedelta(seconds=179))
    assert not condition.rests(NOW + timedelta(minutes=3))
    assert condition.opened_at is None


def test_not_now_without_a_time_is_asked_ever_later_from_the_second_time_on() -> None:
    condition, waits = FINE, []
    for number in range(9):
        condition = after(condition, RateLimited("Later."), number, "Later.", NOW)
        waits.append(condition.until - NOW if condition.until else None)
    assert waits == [None, *(min(FIRST * 2**n, LONGEST) for n in range(8))]
    assert condition.opened_at is None


def test_a_rest_that_a_wrong_clock_reckoned_is_none() -> None:
    condition = failed(OPENS_AFTER)
    assert not condition.rests(NOW - timedelta(days=3))
    assert condition.rests(NOW - timedelta(seconds=10))


@given(st.lists(st.sampled_from([None, DOWN, Uncertain("?"), Rejected("no"), KeyError("bug")]), max_size=40), st.data())
def test_it_is_open_exactly_while_the_last_calls_failed(errors: list[Exception | None], data: st.DataObject) -> None:
    condition, at = FINE, NOW
    for error in errors:
        condition = after(condition, error, data.draw(st.integers(0, 3)), "x", at)
        at += timedelta(seconds=1)
    if errors and (errors[-1] is None or isinstance(errors[-1], Rejected)):
        assert condition == FINE
    if condition.opened_at:
        assert len(errors) >= OPENS_AFTER
        assert condition.until is not None
        assert condition.until - at <= LONGEST
