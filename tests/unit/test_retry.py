"""What follows from a failure, and for how long to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import RateLimited, Rejected, Unauthorized, Unavailable, Uncertain
from scheduler.delivery.retry import (
    FIRST,
    LONGEST,
    MOST_ATTEMPTS,
    Fail,
    Hold,
    Reconcile,
    Retry,
    backoff,
    decide,
)

NOW = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)


def test_a_rejection_is_final() -> None:
    assert decide(Rejected("too long"), 1, NOW, 0) == Fail("rejected")


def test_bad_credentials_stop_the_channel() -> None:
    assert decide(Unauthorized("no"), 1, NOW, 0) == Hold("unauthorized", pause=True)


@pytest.mark.parametrize("error", [Uncertain("time-out"), ValueError("a bug"), TimeoutError(), KeyError("x")])
def test_what_may_be_out_is_never_simply_tried_again(error: Exception) -> None:
    assert decide(error, 1, NOW, 0) == Reconcile()
    assert decide(error, 1000, NOW, 0) == Reconcile()


def test_a_limit_is_waited_out_and_not_counted() -> None:
    asked = decide(RateLimited("slow down", retry_after=timedelta(minutes=7)), 3, NOW, 0.5)
    assert asked == Retry(NOW + timedelta(minutes=7), "limited", counted=False)
    unasked = decide(RateLimited("slow down"), 1, NOW, 0)
    assert unasked == Retry(NOW + FIRST, "limited", counted=False)


@pytest.mark.parametrize("asked", [timedelta(0), timedelta(seconds=-90), timedelta(microseconds=1)])
def test_a_remote_that_asks_for_no_wait_is_not_hammered(asked: timedelta) -> None:
    found = decide(RateLimited("slow down", retry_after=asked), 1, NOW, 0)
    assert isinstance(found, Retry)
    assert found.at >= NOW + timedelta(seconds=1)


def test_what_is_unavailable_is_tried_again_up_to_an_end() -> None:
    for attempt in range(1, MOST_ATTEMPTS):
        found = decide(Unavailable("refused"), attempt, NOW, 0)
        assert isinstance(found, Retry)
        assert (found.reason, found.counted) == ("unavailable", True)
    assert decide(Unavailable("refused"), MOST_ATTEMPTS, NOW, 0) == Fail("unavailable")


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_the_wait_grows_and_stays_within_bounds(attempts: int, jitter: float) -> None:
    wait = backoff(attempts, jitter)
    assert FIRST * 0.74 <= wait <= LONGEST
    assert wait <= backoff(attempts, 0)
    assert backoff(attempts, 0) <= backoff(attempts + 1, 0)


def test_the_first_waits_double() -> None:
    assert [backoff(n, 0).total_seconds() for n in range(1, 6)] == [15, 30, 60, 120, 240]
