"""What is wanted of a piece, and what has to change so that the stored deliveries are as wanted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Part, Period
from channels.piece import Override
from scheduler.changes import Back, Change, Dropped, Moved, New, Stored, diff
from scheduler.plan import ChannelRule, Intent, Rules, Wanted, wanted

NOW = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
TOMORROW = NOW + timedelta(days=1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def weekly(at: datetime) -> Period:
    return Period(at.strftime("%G-W%V"), datetime.fromisocalendar(*at.isocalendar()[:2], 7).replace(tzinfo=UTC))


RULES = Rules(
    since=NOW - timedelta(days=7),
    kinds={"news": (("web", "post"), 2 * HOUR), "blog": (("web",), None)},
    channels={
        "web": ChannelRule(archives=True),
        "post": ChannelRule(languages=frozenset({"fi", "sv"})),
        "mail": ChannelRule(late=3 * HOUR, period=weekly),
        "loud": ChannelRule(late=4 * HOUR),
    },
)


def intent(**changes: Any) -> Intent:
    return replace(Intent(1, "news", "fi", "ready", TOMORROW), **changes)


def wants(**changes: Any) -> list[Wanted]:
    return list(wanted(intent(**changes), RULES))


def on(channel: str, **changes: Any) -> Wanted:
    found = [want for want in wants(**changes) if want.channel == channel]
    assert len(found) == 1
    return found[0]


def names(**changes: Any) -> list[str]:
    return [want.channel for want in wants(**changes)]


def row(want: Wanted, state: str = "planned", reason: str = "", number: int = 1) -> Stored:
    return Stored(1, number, state, reason, False, False, *want)


def changes(asked: Sequence[Wanted], stored: Sequence[Stored], now: datetime = NOW) -> list[Change]:
    return list(diff(1, asked, stored, now))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, ["web", "post"]),
        ({"kind": "blog"}, ["web"]),
        ({"kind": "video"}, []),
        ({"status": "draft"}, []),
        ({"publish_at": None}, []),
        ({"channels": ("mail",)}, ["mail"]),
        ({"channels": ()}, []),
        ({"channels": ("nowhere", "web")}, ["web"]),
        ({"overrides": {"mail": Override(segment="press")}}, ["web", "post", "mail"]),
        ({"overrides": {"post": Override(skip=True)}}, ["web"]),
        ({"channels": ("web", "post"), "overrides": {"web": Override(skip=True)}}, ["post"]),
        ({"lang": "en"}, ["web"]),
        ({"lang": "sv"}, ["web", "post"]),
        ({"publish_at": LONG_AGO}, ["web"]),
        ({"publish_at": RULES.since}, ["web", "post"]),
        ({"publish_at": RULES.since - timedelta(seconds=1)}, ["web"]),
        # its own time on the channel counts, not the piece's
        ({"publish_at": LONG_AGO, "overrides": {"post": Override(at=TOMORROW)}}, ["web", "post"]),
        ({"overrides": {"post": Override(at=LONG_AGO)}}, ["web"]),
    ],
)
def test_the_channels_of_a_piece(changed: dict[str, Any], expected: list[str]) -> None:
    assert names(**changed) == expected


def test_what_lies_before_since_is_marked_as_archive() -> None:
    assert on("web", publish_at=LONG_AGO).archive
    assert not on("web").archive


@pytest.mark.parametrize(
    ("at", "due"),
    [
        (None, TOMORROW),
        (2 * HOUR, TOMORROW + 2 * HOUR),
        (-HOUR, TOMORROW - HOUR),
        (TOMORROW + timedelta(days=3), TOMORROW + timedelta(days=3)),
    ],
)
def test_a_channels_own_time_is_absolute_or_counted_from_the_pieces(at: Any, due: datetime) -> None:
    overrides = {"post": Override(at=at)}
    assert on("post", overrides=overrides).due_at == due
    assert on("web", overrides=overrides).due_at == TOMORROW


@pytest.mark.parametrize(
    ("channel", "piece_late", "seconds"),
    [
        ("loud", HOUR, 3600),
        ("loud", None, 4 * 3600),
        ("post", None, 2 * 3600),
        ("post", timedelta(0), 0),
        ("web", HOUR, 3600),
    ],
)
def test_lateness_is_the_pieces_else_the_channels_else_the_kinds(
    channel: str, piece_late: timedelta | None, seconds: int
) -> None:
    assert on(channel, channels=(channel,), late=piece_late).late == seconds


def test_no_lateness_anywhere_means_never_late() -> None:
    assert on("web", kind="blog").late is None


def test_each_part_is_a_delivery_with_its_own_time() -> None:
    parts = [Part("main"), Part("avaus", TOMORROW + HOUR), Part("kysymys", by_hand=True), Part("tauko", LONG_AGO)]
    found = [(want.part, want.due_at) for want in wants(channels=("post",), parts={"post": parts})]
    assert found == [("main", TOMORROW), ("avaus", TOMORROW + HOUR), ("kysymys", None)]


def test_a_collected_piece_is_due_with_its_edition() -> None:
    want = on("mail", channels=("mail",), overrides={"mail": Override(segment="press")})
    assert (want.period, want.due_at, want.segment) == ("2026-W49", weekly(TOMORROW).due_at, "press")


def test_the_piece_it_follows_and_its_end_stand_in_every_delivery() -> None:
    for want in wants(after=7, expires_at=TOMORROW + HOUR):
        assert (want.after_id, want.expires_at, want.lang) == (7, TOMORROW + HOUR, "fi")


# the difference


def test_what_is_not_stored_is_new() -> None:
    asked = wants()
    assert changes(asked, []) == [New(1, want) for want in asked]


def test_nothing_changes_where_all_is_as_wanted() -> None:
    asked = wants()
    assert changes(asked, [row(want, number=n) for n, want in enumerate(asked)]) == []


@pytest.mark.parametrize("state", ["planned", "retrying", "held"])
def test_what_has_not_gone_out_follows_the_file(state: str) -> None:
    old, new = on("post"), on("post", publish_at=TOMORROW + HOUR)
    assert changes([new], [row(old, state)]) == [Moved(1, new)]
    assert changes([], [row(old, state)]) == [Dropped(1, state)]


@pytest.mark.parametrize("state", ["publishing", "published", "failed", "skipped", "withdrawn"])
def test_what_went_out_or_was_settled_is_left_alone(state: str) -> None:
    old, new = on("post"), on("post", publish_at=TOMORROW + HOUR)
    assert changes([new], [row(old, state)]) == []
    assert changes([], [row(old, state)]) == []


def test_what_may_be_out_is_not_cancelled() -> None:
    assert changes([], [row(on("post"), "held", "uncertain")]) == []
    assert changes([], [row(on("post"), "retrying", "uncertain")]) == []


@pytest.mark.parametrize("reason", ["person", "rename"])
def test_a_hold_for_a_persons_decision_survives_a_file_that_is_away_for_a_moment(reason: str) -> None:
    want = on("post")
    stored = [row(want, "held", reason)]
    for asked in ([], [want]):
        stored = applied(stored, changes(asked, stored))
    assert [(one.state, one.reason) for one in stored] == [("held", reason)]


def test_what_was_cancelled_comes_back_with_its_new_time() -> None:
    new = on("post", publish_at=TOMORROW + HOUR)
    assert changes([new], [row(on("post"), "cancelled", "dropped")]) == [Back(1, "cancelled", new)]


def test_a_mended_file_brings_back_what_was_held_for_it() -> None:
    want = on("post")
    assert changes([want], [row(want, "held", "broken")]) == [Back(1, "held", want)]


@pytest.mark.parametrize("reason", ["late", "backlog", "paused", "after", "page"])
def test_a_new_date_ahead_brings_back_what_was_held_for_its_time(reason: str) -> None:
    old, new = on("post", publish_at=NOW - HOUR), on("post")
    assert changes([new], [row(old, "held", reason)]) == [Back(1, "held", new)]


@pytest.mark.parametrize("reason", ["person", "uncertain", "unauthorized", "rename", "problem"])
def test_a_new_date_does_not_overrule_any_other_hold(reason: str) -> None:
    old, new = on("post", publish_at=NOW - HOUR), on("post")
    assert changes([new], [row(old, "held", reason)]) in ([], [Moved(1, new)])


def test_a_new_date_in_the_past_leaves_it_held() -> None:
    old, new = on("post", publish_at=NOW - 3 * HOUR), on("post", publish_at=NOW - HOUR)
    assert changes([new], [row(old, "held", "late")]) == [Moved(1, new)]


def test_what_has_expired_is_not_begun_and_is_dropped() -> None:
    want = on("post", expires_at=NOW)
    assert changes([want], []) == []
    assert changes([want], [row(want)]) == [Dropped(1, "planned", "it has expired")]
    assert changes([want], [row(want, "cancelled")]) == []
    assert changes([want], [row(want, "published")]) == []


def test_an_end_is_moved_also_where_it_is_out() -> None:
    new = on("web", expires_at=TOMORROW)
    assert changes([new], [row(on("web"), "published")]) == [Moved(1, new)]


def test_an_end_that_is_taken_back_brings_back_what_had_expired() -> None:
    old, new = on("post", expires_at=NOW), on("post")
    assert changes([new], [row(old, "cancelled")]) == [Back(1, "cancelled", new)]


# threads


def thread(count: int, at: datetime = TOMORROW) -> list[Wanted]:
    parts = [Part(str(number)) for number in range(1, count + 1)]
    return wants(channels=("post",), parts={"post": parts}, publish_at=at)


def rows(asked: Sequence[Wanted], *states: str) -> list[Stored]:
    return [row(want, state, number=n) for n, (want, state) in enumerate(zip(asked, states, strict=True), 1)]


def test_a_thread_that_has_begun_keeps_its_posts() -> None:
    stored = rows(thread(3), "published", "planned", "planned")
    assert changes(thread(5), stored) == []
    assert changes(thread(2), stored) == []
    assert changes([on("post")], stored) == []


def test_a_thread_that_has_not_begun_may_grow_and_shrink() -> None:
    stored = rows(thread(3), "planned", "planned", "planned")
    assert [type(change) for change in changes(thread(4), stored)] == [New]
    assert changes(thread(2), stored) == [Dropped(3, "planned")]


@pytest.mark.parametrize("asked", [[], wants(channels=("web",))], ids=["file gone or draft", "channel taken out"])
def test_the_rest_of_a_thread_is_cancelled_with_its_file(asked: list[Wanted]) -> None:
    stored = rows(thread(3), "published", "retrying", "planned")
    assert [change for change in changes(asked, stored) if isinstance(change, Dropped)] == [
        Dropped(2, "retrying"),
        Dropped(3, "planned"),
    ]


def test_posts_that_were_taken_out_in_time_stay_out_when_the_thread_begins() -> None:
    stored = rows(thread(4), "published", "planned", "cancelled", "cancelled")
    assert changes(thread(2), stored) == []


def test_the_rest_of_a_thread_comes_back_with_its_file() -> None:
    stored = rows(thread(3), "published", "planned", "planned")
    stored = applied(stored, changes([], stored))
    assert [one.state for one in stored] == ["published", "cancelled", "cancelled"]
    stored = applied(stored, changes(thread(3), stored))
    assert [one.state for one in stored] == ["published", "planned", "planned"]


def test_a_thread_that_has_begun_comes_back_with_no_more_posts_than_it_had() -> None:
    stored = rows(thread(3), "published", "cancelled", "cancelled")
    assert changes(thread(5), stored) == [Back(n, "cancelled", thread(3)[n - 1]) for n in (2, 3)]
    assert changes(thread(2), stored) == [Back(2, "cancelled", thread(2)[1])]


def test_a_thread_held_before_its_first_post_takes_a_new_date() -> None:
    stored = [row(want, "held", "late", number=n) for n, want in enumerate(thread(2, NOW - timedelta(hours=5)), 1)]
    assert [type(change) for change in changes(thread(2), stored)] == [Back, Back]


# whatever the state, the difference comes to rest, and never touches what is out

STATES = ["planned", "publishing", "retrying", "published", "held", "failed", "skipped", "cancelled", "withdrawn"]
REASONS = ["", "late", "backlog", "paused", "broken", "after", "page", "person", "uncertain", "rename", "unauthorized"]
TIMES = st.sampled_from([None, NOW - 5 * HOUR, NOW, NOW + HOUR, TOMORROW])

INTENTS = st.builds(
    intent,
    kind=st.sampled_from(["news", "blog"]),
    status=st.sampled_from(["ready", "ready", "draft"]),
    lang=st.sampled_from(["fi", "en"]),
    publish_at=TIMES,
    expires_at=TIMES,
    late=st.sampled_from([None, HOUR]),
    after=st.sampled_from([None, 7]),
    channels=st.sampled_from([None, ("web",), ("post", "mail"), ()]),
    overrides=st.dictionaries(
        st.sampled_from(["web", "post", "mail"]),
        st.builds(Override, at=st.sampled_from([None, HOUR, TOMORROW]), skip=st.booleans()),
        max_size=2,
    ),
    parts=st.sampled_from(
        [{}, {"post": [Part("1"), Part("2"), Part("3")]}, {"post": [Part("main"), Part("avaus", by_hand=True)]}]
    ),
)
FACTS = st.lists(st.tuples(st.sampled_from(STATES), st.sampled_from(REASONS)), min_size=12, max_size=12)


def stored_as(asked: Iterable[Wanted], facts: Sequence[tuple[str, str]]) -> list[Stored]:
    pairs = zip(asked, facts, strict=False)
    return [row(w, s, r if s in ("held", "retrying") else "", n) for n, (w, (s, r)) in enumerate(pairs, 1)]


def applied(stored: Sequence[Stored], found: Sequence[Change]) -> list[Stored]:
    """The database, in short."""
    after = {one.id: one for one in stored}
    for change in found:
        match change:
            case New(_, want):
                number = max(after, default=0) + 1
                after[number] = row(want, number=number)
            case Moved(number, want):
                old = after[number]
                if old.state in ("planned", "retrying", "held"):
                    after[number] = row(want, old.state, old.reason, number)
                elif old.state == "published":
                    after[number] = old._replace(expires_at=want.expires_at)
            case Back(number, state, want):
                assert after[number].state == state
                after[number] = row(want, number=number)
            case Dropped(number, state):
                assert after[number].state == state
                after[number] = after[number]._replace(state="cancelled", reason="dropped")
    return list(after.values())


@given(before=INTENTS, facts=FACTS, then=INTENTS)
def test_the_difference_comes_to_rest_at_once(before: Intent, facts: list[tuple[str, str]], then: Intent) -> None:
    stored = stored_as(wanted(before, RULES), facts)
    asked = list(wanted(then, RULES))
    settled = applied(stored, changes(asked, stored))
    assert changes(asked, settled) == []


@given(before=INTENTS, facts=FACTS, then=INTENTS)
def test_the_difference_never_touches_what_is_out_or_may_be(
    before: Intent, facts: list[tuple[str, str]], then: Intent
) -> None:
    stored = stored_as(wanted(before, RULES), facts)
    out = {one.id for one in stored if one.state in ("publishing", "published", "withdrawn")}
    doubtful = {one.id for one in stored if one.reason == "uncertain"}
    known = {(one.channel, one.part) for one in stored}
    for change in changes(list(wanted(then, RULES)), stored):
        match change:
            case Back(number) | Dropped(number):
                assert number not in out | doubtful
            case New(_, want):
                assert (want.channel, want.part) not in known
                assert want.expires_at is None or want.expires_at > NOW


@given(before=INTENTS)
def test_each_channel_and_part_is_wanted_once(before: Intent) -> None:
    keys = [(want.channel, want.part) for want in wanted(before, RULES)]
    assert len(keys) == len(set(keys))


@given(
    kind=st.sampled_from(["news", "blog", "video"]),
    lang=st.sampled_from(["fi", "sv", "en"]),
    hours=st.integers(-24 * 30, 24 * 30),
    late=st.none() | st.timedeltas(timedelta(0), timedelta(days=9)),
    expires=st.none() | st.just(TOMORROW),
)
def test_an_override_that_says_nothing_changes_nothing(
    kind: str, lang: str, hours: int, late: timedelta | None, expires: datetime | None
) -> None:
    """Most pieces say nothing of their channels and take a shorter way through the planning."""
    told = {"kind": kind, "lang": lang, "publish_at": NOW + hours * HOUR, "late": late, "expires_at": expires}
    usual = RULES.kinds.get(kind, ((), None))[0]
    assert wants(**told) == wants(**told, overrides=dict.fromkeys(usual, Override()))
