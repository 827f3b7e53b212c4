"""Reading the timeline back: what is the message, what only looks like it, and when nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from channels.contract import Channel, Receipt
from channels.errors import CannotTell, ChannelError, RateLimited, Unavailable, Uncertain
from channels.message import Media, Message
from channels.testing import open_channel
from channels.x import likeness
from channels.x.access import Keys
from channels.x.session import _ahead
from tests.mocks.x.accounts import USER
from tests.mocks.x.server import MockX

PICTURE = Media("0" * 64, ".jpg", "Sali", "sali.jpg")
TIMELINE = ("GET", f"/2/users/{USER}/tweets")


@pytest.fixture
def x() -> Iterator[MockX]:
    with MockX() as server:
        yield server
        assert server.violations == []


def live(x: MockX, tmp_path: Path, **options: Any) -> Channel:
    return open_channel("x", tmp_path, sandbox=False, api_url=x.url, **options)


def post(text: str, *media: Media, **data: Any) -> Message:
    return Message("x", "fi/a", text=text, media=media, data={"reply": False, **data})


def out(x: MockX, text: str, *, age: timedelta = timedelta(), pictures: int = 0, **more: Any) -> str:
    """A post that is out already; its number."""
    made = x.ledger.accept(text, [str(9_000 + n) for n in range(pictures)], more.pop("reply_to", None), **more)
    made.created_at -= age
    return made.id


def found(x: MockX, tmp_path: Path, message: Message, since: datetime | None = None) -> str | None:
    receipt = live(x, tmp_path).find(message, "k", since or datetime.now(UTC))
    return receipt.remote_id if receipt else None


# What it is


_WORDS = st.sampled_from(
    [
        "Lupapalvelu uudistui", "Åbo & Turku", "1 < 2 > 0", "&amp;", "&lt;b&gt;", "&copy=1", "”Näin se käy”", "👩‍👩‍👧‍👦", "🇫🇮", "e\u0301",
        "#avoindata", "@ministeriö", "$NOK", "vm.fi", "https://vm.fi/a?b=1&copy=2&c=ä#d", "http://www.example.org/", "example.org/ö",
        "https://x.com/joku/status/1234567890", "\n\n", "\r\n", "\u200b", "...", "(https://a.fi/b_(c))", "nimi@vm.fi", "t.co", "foo.unknownending/x<y",
    ]
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(_WORDS, min_size=1, max_size=9), pictures=st.integers(0, 4), names=st.sampled_from(["old", "new"])
)
def test_a_post_is_known_again_however_x_shows_it(
    words: list[str], pictures: int, names: Any, x: MockX, tmp_path: Path
) -> None:
    text = " ".join(words)
    assume(likeness.words(text))
    x.ledger.posts.clear()
    x.names, x.refuses_other_names = names, True
    number = out(x, text, pictures=pictures)
    assert found(x, tmp_path, post(text, *[PICTURE] * pictures)) == number


def test_a_receipt_says_when_it_went_out(x: MockX, tmp_path: Path) -> None:
    out(x, "Hei", age=timedelta(seconds=30))
    receipt = live(x, tmp_path).find(post("Hei"), "k", datetime.now(UTC))
    assert receipt is not None
    assert datetime.fromisoformat(receipt.data["at"]) <= datetime.now(UTC) - timedelta(seconds=29)
    assert receipt.permalink == f"https://x.com/i/status/{receipt.remote_id}"


@pytest.mark.parametrize("names", ["old", "new"])
@pytest.mark.parametrize("strict", [True, False])
def test_both_generations_of_names_are_understood(x: MockX, tmp_path: Path, names: Any, strict: bool) -> None:
    x.names, x.refuses_other_names = names, strict
    other, number = out(x, "Hei", reply_to="1"), out(x, "Hei")
    channel = live(x, tmp_path)
    assert other != number
    for _ in range(3):
        receipt = channel.find(post("Hei"), "k", datetime.now(UTC))
        assert receipt is not None
        assert receipt.remote_id == number
    # Which names it understands is asked once.
    assert x.ledger.requests.count(TIMELINE) == (4 if names == "new" and strict else 3)


def test_a_server_that_overlooks_names_it_does_not_know_is_asked_by_the_others(x: MockX, tmp_path: Path) -> None:
    bare = {"data": [{"id": "1990000000000000009", "text": "Hei"}], "meta": {"result_count": 1}}
    number = out(x, "Hei")
    x.fail_read((200, {}, bare))
    assert found(x, tmp_path, post("Hei")) == number


def test_what_the_timeline_does_not_show_yet_is_not_there_yet(x: MockX, tmp_path: Path) -> None:
    x.lag = timedelta(hours=1)
    number = out(x, "Hei")
    assert found(x, tmp_path, post("Hei")) is None
    x.lag = timedelta()
    assert found(x, tmp_path, post("Hei")) == number


def test_it_is_found_on_a_later_page(x: MockX, tmp_path: Path) -> None:
    number = out(x, "Hei")
    for count in range(250):
        out(x, f"Muuta {count}")
    assert found(x, tmp_path, post("Hei")) == number
    assert x.ledger.requests.count(TIMELINE) == 3


def test_more_posts_than_can_be_looked_through_tell_nothing(x: MockX, tmp_path: Path) -> None:
    for count in range(501):
        out(x, f"Muuta {count}")
    with pytest.raises(CannotTell, match="too many"):
        found(x, tmp_path, post("Hei"))


# What only looks like it


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Uusi blogi: https://a.fi/1", "Uusi blogi: https://a.fi/2"),
        ("Uusi blogi: https://a.fi/1", "Uusi blogi: a.fi/1?utm_source=x"),
        ("Uusi blogi: https://a.fi/1", "Uusi blogi: https://a.fi/1 https://b.fi"),
        ("Uusi blogi: https://a.fi/1", "Uusi blogi:"),
        ("Uusi blogi:", "Uusi blogi: https://a.fi/1"),
    ],
)
def test_posts_that_differ_in_their_links_alone_are_told_apart(x: MockX, tmp_path: Path, text: str, other: str) -> None:
    out(x, other)
    assert found(x, tmp_path, post(text)) is None
    number = out(x, text)
    assert found(x, tmp_path, post(text)) == number


@pytest.mark.parametrize("told", ["https://a.fi/ä?b=1", "http://www.a.fi/%C3%A4?b=1", "A.fi/a\u0308/?b=1", None])
def test_one_link_in_other_clothes_is_one_link(told: str | None) -> None:
    urls = {"urls": [{"url": "https://t.co/abc", "expanded_url": told}]}
    shown = {"id": "1", "text": "Blogi https://t.co/abc", "entities": urls}
    assert likeness.same(post("Blogi https://a.fi/ä?b=1"), shown)
    assert likeness.same(post("Blogi https://a.fi/toinen"), shown) == (told is None)


def test_a_link_that_x_tells_nothing_of_may_be_any() -> None:
    shown = {"id": "1", "text": "Blogi https://t.co/abc"}
    assert likeness.same(post("Blogi https://a.fi/1"), shown)
    assert not likeness.same(post("Uutinen https://a.fi/1"), shown)


@pytest.mark.parametrize(("sent", "shown"), [(0, 1), (1, 2), (2, 1)])
def test_other_pictures_are_another_post(x: MockX, tmp_path: Path, sent: int, shown: int) -> None:
    out(x, "Hei", pictures=shown)
    assert found(x, tmp_path, post("Hei", *[PICTURE] * sent)) is None


@pytest.mark.parametrize("names", ["old", "new"])
@pytest.mark.parametrize(
    ("data", "shown", "expected"),
    [
        ({}, {"reply_to": "5"}, False),
        ({}, {"quotes": "5"}, False),
        ({"reply": True}, {"reply_to": "5"}, True),
        # Where nothing was known to reply to, it stands alone.
        ({"reply": True}, {}, True),
        ({"reply": True, "answers": "quote"}, {"quotes": "5"}, True),
        ({"reply": True, "answers": "quote"}, {"reply_to": "5"}, False),
        ({"quote": "5"}, {"quotes": "5"}, True),
        ({"quote": "5"}, {"quotes": "6"}, False),
        ({"quote": "5", "reply": True}, {"quotes": "5", "reply_to": "7"}, True),
    ],
)
def test_what_it_answers_or_quotes_must_fit(
    x: MockX, tmp_path: Path, names: Any, data: dict[str, Any], shown: dict[str, Any], expected: bool
) -> None:
    x.names, x.refuses_other_names = names, True
    number = out(x, "Kiitos!", **shown)
    assert found(x, tmp_path, post("Kiitos!", **data)) == (number if expected else None)


def test_a_share_of_the_same_words_is_not_it() -> None:
    shared = {"id": "1", "text": "Hei", "referenced_tweets": [{"type": "retweeted", "id": "2"}]}
    assert not likeness.same(post("Hei"), shared)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_x_tells_of_a_post_it_is_compared(data: st.DataObject) -> None:
    """Fields of any shape: what is not understood is not held against the post."""
    value = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda more: st.lists(more, max_size=3) | st.dictionaries(st.text(max_size=4), more, max_size=3), max_leaves=5
    )  # fmt: skip
    fields = ["attachments", "entities", "referenced_tweets", "referenced_posts", "edit_history_tweet_ids"]
    shown = {field: data.draw(value) for field in fields}
    assert isinstance(likeness.same(post("Hei https://a.fi"), {"id": "1", "text": "Hei https://t.co/a", **shown}), bool)
    assert isinstance(likeness.edited(shown), bool)


# Which of several


def test_the_post_of_last_week_is_another_one(x: MockX, tmp_path: Path) -> None:
    out(x, "Hyvää viikonloppua!", age=timedelta(days=7))
    out(x, "Hyvää viikonloppua!", age=timedelta(minutes=3))
    assert found(x, tmp_path, post("Hyvää viikonloppua!")) is None


def test_of_two_that_fit_the_oldest_since_then_is_taken(x: MockX, tmp_path: Path) -> None:
    since = datetime.now(UTC) - timedelta(minutes=10)
    out(x, "Hei", age=timedelta(minutes=11))
    first = out(x, "Hei", age=timedelta(minutes=9))
    out(x, "Hei", age=timedelta(minutes=8))
    assert found(x, tmp_path, post("Hei"), since) == first


def test_clocks_may_differ_a_little(x: MockX, tmp_path: Path) -> None:
    out(x, "Hei", age=timedelta(seconds=100))
    newest = out(x, "Hei", age=timedelta(seconds=90))
    assert found(x, tmp_path, post("Hei")) == newest


def test_what_somebody_deleted_is_not_there(x: MockX, tmp_path: Path) -> None:
    out(x, "Hei")
    x.ledger.posts[0].deleted = True
    assert found(x, tmp_path, post("Hei")) is None


@pytest.mark.parametrize("history", ["edit_history_tweet_ids", "edit_history_post_ids"])
def test_where_a_post_was_edited_nobody_can_tell(x: MockX, tmp_path: Path, history: str) -> None:
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    changed = {"id": "1990000000000000009", "text": "Hei taas", "created_at": stamp, history: ["1", "2"]}
    page = {"data": [changed], "meta": {"result_count": 1}}
    x.fail_read((200, {}, page))
    with pytest.raises(CannotTell, match="edited"):
        found(x, tmp_path, post("Hei"))
    x.fail_read((200, {}, page))
    assert found(x, tmp_path, post("Hei taas")) == changed["id"]


# When nobody can tell

PROBLEM = {"title": "Problem", "type": "about:blank"}
SILENT: list[Any] = [
    "html",
    "errors",
    "503",
    "cut",
    (200, {}, {}),
    (200, {}, []),
    (200, {}, ""),
    (200, {}, {"meta": {"result_count": 3}}),
    (200, {}, {"meta": 0}),
    (200, {}, {"data": {}, "meta": {"result_count": 0}}),
    (200, {}, {"data": ["1"]}),
    (200, {}, {"data": [{"id": "x", "text": "Hei"}]}),
    (200, {}, {"data": [{"id": "1", "created_at": "2026-11-24T00:00:00Z"}]}),
    (503, {}, [{"message": "over capacity"}]),
    (500, {}, None),
]


@pytest.mark.parametrize("answer", SILENT)
def test_an_answer_that_says_nothing_does_not_say_that_nothing_is_there(x: MockX, tmp_path: Path, answer: Any) -> None:
    """Taken for an empty timeline, each of these would post it twice."""
    channel = live(x, tmp_path)
    x.fail_next("accepted-then-cut")
    with pytest.raises(Uncertain):
        channel.publish(post("Hei"), "k", None)
    x.fail_read(answer)
    with pytest.raises(Unavailable):
        channel.find(post("Hei"), "k", datetime.now(UTC))
    receipt = channel.find(post("Hei"), "k", datetime.now(UTC))
    assert receipt is not None
    assert receipt.remote_id == x.ledger.live()[0].id


@pytest.mark.parametrize("status", [401, 402, 403, 404])
@pytest.mark.parametrize("place", ["timeline", "me"])
def test_a_refusal_is_shown_to_a_person(x: MockX, tmp_path: Path, status: int, place: str) -> None:
    x.fail(place, (status, {}, {**PROBLEM, "detail": "No."}))
    with pytest.raises(CannotTell, match=f"{status}: No") as caught:
        found(x, tmp_path, post("Hei"))
    assert caught.value.look.startswith("https://x.com/")


@pytest.mark.parametrize("place", ["timeline", "me"])
def test_not_now_is_not_no(x: MockX, tmp_path: Path, place: str) -> None:
    x.fail(place, (429, {"retry-after": "60"}, PROBLEM))
    with pytest.raises(RateLimited) as caught:
        found(x, tmp_path, post("Hei"))
    assert caught.value.retry_after == timedelta(seconds=60)


@pytest.mark.parametrize("answer", ["html", "errors", "cut", (200, {}, {"data": {"id": "desk"}})])
def test_whose_account_it_is_is_asked_until_x_says_it(x: MockX, tmp_path: Path, answer: Any) -> None:
    number, channel = out(x, "Hei"), live(x, tmp_path)
    x.fail("me", answer)
    with pytest.raises(Unavailable):
        channel.find(post("Hei"), "k", datetime.now(UTC))
    receipt = channel.find(post("Hei"), "k", datetime.now(UTC))
    assert receipt is not None
    assert receipt.remote_id == number


# What is sent in the first place


@pytest.mark.parametrize(
    ("data", "reply_to", "quotes"),
    [
        ({"reply": True}, "parent", None),
        ({"reply": True, "answers": "reply"}, "parent", None),
        ({"reply": True, "answers": "quote"}, None, "parent"),
        ({"reply": True, "quote": "other"}, "parent", "other"),
    ],
)
def test_a_post_answers_or_quotes_what_it_should(
    x: MockX, tmp_path: Path, data: dict[str, Any], reply_to: str | None, quotes: str | None
) -> None:
    channel = live(x, tmp_path)
    ids = {"parent": out(x, "Juuri"), "other": out(x, "Toinen"), None: None}
    if "quote" in data:
        data = {**data, "quote": ids[data["quote"]]}
    receipt = channel.publish(post("Hei", **data), "k", Receipt(str(ids["parent"])))
    made = x.ledger.live()[-1]
    assert (made.id, made.reply_to, made.quotes) == (receipt.remote_id, ids[reply_to], ids[quotes])


@pytest.mark.parametrize("fault", ["errors", "html", "503", "cut", (200, {}, {"data": {"id": "x"}}), (204, {}, "")])
def test_only_a_number_says_that_it_is_out(x: MockX, tmp_path: Path, fault: Any) -> None:
    x.fail_next(fault)
    with pytest.raises(ChannelError) as caught:
        live(x, tmp_path).publish(post("Hei"), "k", None)
    assert type(caught.value) is Uncertain


def test_a_clock_that_is_ahead_of_xs_hides_no_post(x: MockX, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """X's own answers tell how far the clocks are apart: here an hour."""
    hour = timedelta(hours=1)
    now = datetime.now(UTC)
    assert round(_ahead(format_datetime(now - hour), now, timedelta(0)) / hour) == 1
    assert _ahead("soon", now, hour) == hour
    receipt = live(x, tmp_path).publish(post("Palvelu aukeaa."), "k", None)
    monkeypatch.setattr("channels.x.session._ahead", lambda *_: hour)
    found = live(x, tmp_path).find(post("Palvelu aukeaa."), "k", now + hour - timedelta(seconds=5))
    assert found is not None
    assert found.remote_id == receipt.remote_id


def test_another_account_is_asked_for_its_own_timeline(x: MockX, tmp_path: Path) -> None:
    channel = live(x, tmp_path)
    before = datetime.now(UTC)
    channel.publish(post("Yksi."), "k", None)
    assert channel.find(post("Yksi."), "k", before)
    remote: Any = channel._remote  # type: ignore[attr-defined]
    remote._access = Keys(
        {name: f"toinen-{name}" for name in ("api_key", "api_secret", "access_token", "access_token_secret")}
    )
    channel.publish(post("Kaksi."), "k", None)
    assert channel.find(post("Kaksi."), "k", before)
    assert channel.find(post("Yksi."), "k", before) is None


def test_an_empty_answer_with_errors_is_no_proof(x: MockX, tmp_path: Path) -> None:
    x.fail_read((200, {}, {"data": [], "errors": [{"title": "Oops"}], "meta": {"result_count": 0}}))
    with pytest.raises(Unavailable):
        live(x, tmp_path).find(post("Yksi."), "k", datetime.now(UTC))
