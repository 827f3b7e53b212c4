"""How far posts reached: every figure told or said why not, and none of them 0 that was never told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.contract import Channel, Measurement, Measuring, Receipt
from channels.errors import ChannelError, RateLimited, Unauthorized, Unavailable
from channels.message import Message
from channels.testing import open_channel
from channels.x.reach import METRICS
from channels.x.snowflake import time_of
from tests.mocks.x.server import MockX

LOOKUP = ("GET", "/2/tweets")
PROBLEM = {"title": "Problem", "type": "about:blank", "detail": "No."}
ALL = {
    "impression_count": 1200,
    "like_count": 31,
    "retweet_count": 7,
    "reply_count": 2,
    "quote_count": 1,
    "bookmark_count": 4,
    "url_link_clicks": 55,
    "user_profile_clicks": 6,
}
FIGURES = dict(zip(METRICS, ALL.values(), strict=True))


@pytest.fixture
def x() -> Iterator[MockX]:
    with MockX() as server:
        yield server
        assert server.violations == []


def live(x: MockX, tmp_path: Path) -> Any:
    channel: Channel = open_channel("x", tmp_path, sandbox=False, api_url=x.url)
    assert isinstance(channel, Measuring)
    return channel


def publish(x: MockX, tmp_path: Path, text: str = "Hei", figures: dict[str, int] | None = None) -> Receipt:
    receipt = live(x, tmp_path).publish(Message("x", "fi/a", text=text, data={"reply": False}), "k", None)
    assert isinstance(receipt, Receipt)
    x.ledger.metrics[receipt.remote_id] = ALL if figures is None else figures
    return receipt


def aged(x: MockX, receipt: Receipt, age: timedelta) -> Receipt:
    """As if the post had gone out so long ago."""
    made = next(post for post in x.ledger.live() if post.id == receipt.remote_id)
    made.created_at -= age
    return Receipt(receipt.remote_id, data={"at": made.created_at.isoformat()})


def told(found: Sequence[Measurement]) -> dict[str, int | None]:
    return {one.metric: one.value for one in found}


def whys(found: Sequence[Measurement]) -> set[str]:
    assert all((one.value is None) == bool(one.why) for one in found)
    return {one.why for one in found if one.why}


@pytest.mark.parametrize("names", ["old", "new"])
@pytest.mark.parametrize("strict", [True, False])
def test_every_figure_is_told_in_both_generations_of_names(x: MockX, tmp_path: Path, names: Any, strict: bool) -> None:
    x.names, x.refuses_other_names = names, strict
    receipt, now = publish(x, tmp_path), datetime.now(UTC)
    channel = live(x, tmp_path)
    for _ in range(2):
        found = channel.measure([receipt], now)
        assert told(found) == FIGURES
        assert whys(found) == set()
        assert {(one.remote_id, one.measured_at) for one in found} == {(receipt.remote_id, now)}
    assert x.ledger.requests.count(LOOKUP) == (3 if names == "new" and strict else 2)


def test_what_is_counted_as_nothing_is_0(x: MockX, tmp_path: Path) -> None:
    receipt = publish(x, tmp_path, figures=dict.fromkeys(ALL, 0))
    assert told(live(x, tmp_path).measure([receipt], datetime.now(UTC))) == dict.fromkeys(METRICS, 0)


@pytest.mark.parametrize("confirmed", [True, False])
def test_an_old_post_has_public_figures_alone(x: MockX, tmp_path: Path, confirmed: bool) -> None:
    """A person who confirms a post knows its number alone; X writes into that when it was made."""
    receipt = aged(x, publish(x, tmp_path), timedelta(days=30))
    now = datetime.now(UTC)
    if confirmed:
        receipt, now = Receipt(receipt.remote_id), time_of(receipt.remote_id) + timedelta(days=31)
    found = live(x, tmp_path).measure([receipt], now)
    assert told(found) == FIGURES | {"link_clicks": None, "profile_clicks": None}
    assert whys(found) == {"X tells this only for posts of the last 30 days."}
    assert x.ledger.requests.count(LOOKUP) == 1


def test_young_and_old_are_asked_for_what_is_told_of_them(x: MockX, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    young = publish(x, tmp_path, "Uusi")
    old = aged(x, publish(x, tmp_path, "Vanha"), timedelta(days=200))
    found = live(x, tmp_path).measure([old, young], now)
    assert [one.remote_id for one in found] == [old.remote_id] * 8 + [young.remote_id] * 8
    assert [one.value is None for one in found] == [False] * 6 + [True] * 2 + [False] * 8
    assert x.ledger.requests.count(LOOKUP) == 2


def test_a_post_that_x_thinks_too_old_keeps_its_public_figures(x: MockX, tmp_path: Path) -> None:
    """X leaves a post out of its answer where one of the fields is refused."""
    young, older = publish(x, tmp_path, "Uusi"), publish(x, tmp_path, "Vanha")
    aged(x, older, timedelta(days=31))
    found = live(x, tmp_path).measure([young, older], datetime.now(UTC))
    assert told(found[:8]) == FIGURES
    assert told(found[8:]) == FIGURES | {"link_clicks": None, "profile_clicks": None}
    assert whys(found) == {"X does not tell this account."}


@pytest.mark.parametrize("refusal", [(403, {}, PROBLEM), (401, {}, PROBLEM), (400, {}, PROBLEM)])
def test_a_refusal_of_the_private_figures_loses_no_public_ones(x: MockX, tmp_path: Path, refusal: Any) -> None:
    receipt = publish(x, tmp_path)
    x.fail("lookup", refusal)
    if refusal[0] == 400:
        x.fail("lookup", refusal)
    found = live(x, tmp_path).measure([receipt], datetime.now(UTC))
    assert told(found) == FIGURES | {"link_clicks": None, "profile_clicks": None}


def test_a_deleted_post_tells_nothing_and_why(x: MockX, tmp_path: Path) -> None:
    receipt, other = publish(x, tmp_path), publish(x, tmp_path, "Toinen")
    x.ledger.posts[0].deleted = True
    found = live(x, tmp_path).measure([receipt, other], datetime.now(UTC))
    assert told(found[:8]) == dict.fromkeys(METRICS)
    assert whys(found[:8]) == {"It is not there any more."}
    assert told(found[8:]) == FIGURES
    x.ledger.posts[1].deleted = True
    assert whys(live(x, tmp_path).measure([receipt, other], datetime.now(UTC))) == {"It is not there any more."}


def test_a_hundred_are_asked_for_at_once(x: MockX, tmp_path: Path) -> None:
    receipts = [Receipt(x.ledger.accept(f"Hei {n}", [], None).id) for n in range(250)]
    found = live(x, tmp_path).measure(receipts, datetime.now(UTC))
    assert len(found) == 250 * len(METRICS)
    assert all(one.value == 0 for one in found)
    assert x.ledger.requests.count(LOOKUP) == 3


def test_nothing_is_asked_of_nothing(x: MockX, tmp_path: Path) -> None:
    assert live(x, tmp_path).measure([], datetime.now(UTC)) == []
    odd = [Receipt("sandbox-1"), Receipt(""), Receipt("1" * 20), Receipt("٣")]
    found = live(x, tmp_path).measure(odd, datetime.now(UTC))
    assert (len(found), whys(found)) == (4 * 8, {"This post's number is not one of X."})
    assert x.ledger.requests == []


def test_the_same_post_twice_is_asked_for_once(x: MockX, tmp_path: Path) -> None:
    receipt = publish(x, tmp_path)
    found = live(x, tmp_path).measure([receipt, receipt], datetime.now(UTC))
    assert [one.value for one in found] == list(FIGURES.values()) * 2


def test_a_post_without_a_link_has_no_clicks_on_it(x: MockX, tmp_path: Path) -> None:
    receipt = publish(x, tmp_path)
    x.fail("lookup", answer(receipt, non_public_metrics={"user_profile_clicks": 3}))
    found = live(x, tmp_path).measure([receipt], datetime.now(UTC))
    assert told(found)["link_clicks"] is None
    assert told(found)["profile_clicks"] == 3
    assert "X told none; it counts these only where a post has a link." in whys(found)


def answer(receipt: Receipt, **fields: Any) -> Any:
    post = {"id": receipt.remote_id, "text": "Hei", "created_at": "2026-11-24T00:00:00Z", **fields}
    return 200, {}, {"data": [post]}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_no_figure_is_not_taken_for_one(data: st.DataObject, x: MockX, tmp_path: Path) -> None:
    odd = (
        st.none() | st.booleans() | st.text(max_size=3) | st.floats() | st.integers(max_value=-1) | st.lists(st.none())
    )
    receipt = Receipt(x.ledger.accept("Hei", [], None).id)
    group = st.dictionaries(st.sampled_from(list(ALL)), odd) | odd
    x.fail("lookup", answer(receipt, public_metrics=data.draw(group), non_public_metrics=data.draw(group)))
    found = live(x, tmp_path).measure([receipt], datetime.now(UTC))
    assert told(found) == dict.fromkeys(METRICS)
    assert "" not in whys(found)


NOTHING_LEARNT: list[tuple[Any, type[ChannelError]]] = [
    ("html", Unavailable),
    ("cut", Unavailable),
    ("503", Unavailable),
    ("errors", Unavailable),
    ((200, {}, {}), Unavailable),
    ((200, {}, {"data": "x"}), Unavailable),
    ((200, {}, {"data": [{"id": "12345"}]}), Unavailable),
    ((429, {"retry-after": "9"}, PROBLEM), RateLimited),
]


@pytest.mark.parametrize(("fault", "expected"), NOTHING_LEARNT)
def test_where_nothing_was_learnt_it_is_said(
    x: MockX, tmp_path: Path, fault: Any, expected: type[ChannelError]
) -> None:
    receipt = publish(x, tmp_path)
    for _ in range(2):
        x.fail("lookup", fault)
    with pytest.raises(expected):
        live(x, tmp_path).measure([receipt], datetime.now(UTC))


@pytest.mark.parametrize("status", [401, 402, 403])
def test_an_account_that_may_not_read_is_told(x: MockX, tmp_path: Path, status: int) -> None:
    receipt = publish(x, tmp_path)
    for _ in range(2):
        x.fail("lookup", (status, {}, {**PROBLEM, "detail": "Your app permissions do not allow it."}))
    with pytest.raises(Unauthorized):
        live(x, tmp_path).measure([receipt], datetime.now(UTC))


def test_a_sandbox_reached_nobody(tmp_path: Path) -> None:
    channel: Any = open_channel("x", tmp_path)
    receipt = channel.publish(Message("x", "fi/a", text="Hei"), "k", None)
    assert channel.measure([receipt], datetime.now(UTC)) == []


def test_a_number_tells_when_its_post_was_made() -> None:
    assert time_of("0") == datetime(2010, 11, 4, 1, 42, 54, 657000, UTC)
    assert time_of("9" * 19).year == 2086
    assert time_of(str((1 << 22) * 1000)) - time_of("0") == timedelta(seconds=1)
