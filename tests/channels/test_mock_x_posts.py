"""What the mock X takes as a post and what it refuses, how often, and for how much."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.text import weighted_length
from tests.mocks.stand import Hands
from tests.mocks.x.accounts import USER
from tests.mocks.x.client import OTHER, Client
from tests.mocks.x.length import weight
from tests.mocks.x.limits import Limits
from tests.mocks.x.server import MockX


@pytest.fixture
def x() -> Iterator[MockX]:
    with MockX() as mock:
        yield mock


@pytest.fixture
def client(x: MockX) -> Client:
    return Client(x)


# Posts


def test_posts_stand_in_the_ledger_with_what_they_relate_to(x: MockX, client: Client) -> None:
    root = client.made("Juuri")
    client.made("Vastaus", reply={"in_reply_to_tweet_id": root})
    client.made("Lainaus", quote_tweet_id=root)
    assert [(one.text, one.reply_to, one.quotes) for one in x.ledger.live()] == [
        ("Juuri", None, None),
        ("Vastaus", root, None),
        ("Lainaus", None, root),
    ]
    assert client("DELETE", f"/2/tweets/{root}").json() == {"data": {"deleted": True}}
    assert client("DELETE", f"/2/tweets/{root}").status_code == 404
    assert client.post("Myöhässä", reply={"in_reply_to_tweet_id": root}).status_code == 403
    assert client.post("Myöhässä", quote_tweet_id=root).status_code == 403


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("a" * 280, 201),
        ("a" * 281, 403),
        ("語" * 140, 201),
        ("語" * 141, 403),
        ("a" * 256 + " https://example.org/" + "b" * 200, 201),
        ("a" * 257 + " https://example.org/b", 403),
        ("👩‍👩‍👧‍👦" * 140, 201),
        ("$AAA ja $BBB", 403),
        ("$AAA maksaa 5 $", 201),
        ("  ", 400),
    ],
)
def test_length_and_cashtags_are_judged(client: Client, text: str, status: int) -> None:
    assert client.post(text).status_code == status


WORDS = st.sampled_from(
    [
        "sana",
        "Tämä",
        "är",
        "#hashtag",
        "@maija",
        "https://example.org/a?b=1",
        "語",
        "👍🏽",
        "🇫🇮",
        "–",
        "”",
        "example.org",
        "©",
        ".",
    ]
)


@given(st.lists(WORDS, max_size=60).map(" ".join))
def test_the_mock_never_counts_more_than_the_desk(text: str) -> None:
    """What it refuses as too long is too long. The desk's way of counting is held against the official one elsewhere."""
    assert weight(text) <= weighted_length(text)


def test_a_duplicate_is_one_of_the_same_account_within_a_day() -> None:
    clock = Hands()
    with MockX(now=clock) as x:
        client = Client(x)
        client.made("Hei")
        again = client.post("Hei")
        assert (again.status_code, "duplicate" in again.json()["detail"]) == (403, True)
        clock.now += timedelta(hours=25)
        client.made("Hei")


def test_answers_go_only_where_the_account_was_mentioned() -> None:
    with MockX(replies="summoned") as x:
        client = Client(x)
        own, somebody = client.made("Juuri"), x.accounts.named("somebody")
        assert client.post("Vastaus", reply={"in_reply_to_tweet_id": own}).status_code == 403
        calling = x.ledger.accept("Hei @desk, mitä kuuluu?", [], None, somebody.id)
        silent = x.ledger.accept("Hei kaikki", [], None, somebody.id)
        assert client.post("Kiitos", reply={"in_reply_to_tweet_id": calling.id}).status_code == 201
        assert client.post("Moi", reply={"in_reply_to_tweet_id": silent.id}).status_code == 403
        assert client.post("Lainaus", quote_tweet_id=own).status_code == 201


def test_numbers_tell_the_time_and_always_rise() -> None:
    clock = Hands()
    with MockX(now=clock) as x:
        first = int(x.ledger.next_id())
        assert first >> 22 == int(clock.now.timestamp() * 1000) - 1_288_834_974_657
        clock.now -= timedelta(days=1)
        assert int(x.ledger.next_id()) == first + 1


# Limits and money


def test_a_hundred_posts_in_a_quarter_of_an_hour() -> None:
    clock = Hands()
    with MockX(now=clock, limits=Limits(posts=2)) as x:
        client = Client(x)
        answers = [client.post(f"Viesti {n}") for n in range(3)]
        assert [one.status_code for one in answers] == [201, 201, 429]
        assert [one.headers["x-rate-limit-remaining"] for one in answers] == ["1", "0", "0"]
        reset = datetime.fromtimestamp(int(answers[2].headers["x-rate-limit-reset"]), UTC)
        assert reset == clock.now + timedelta(minutes=15)
        clock.now = reset
        assert client.post("Viesti 3").status_code == 201


def test_a_day_may_be_full_when_the_quarter_is_long_over() -> None:
    clock = Hands()
    with MockX(now=clock, limits=Limits(user_day=3, app_day=10)) as x:
        client = Client(x)
        client.made("Viesti 1")
        x.limits.exhaust_day(USER, clock.now, timedelta(hours=5))
        answer = client.post("Viesti 2")
        assert answer.status_code == 429
        assert answer.headers["x-user-limit-24hour-remaining"] == "0"
        assert int(answer.headers["x-user-limit-24hour-reset"]) == (clock.now + timedelta(hours=5)).timestamp()
        assert int(answer.headers["x-rate-limit-reset"]) < clock.now.timestamp()
        assert answer.headers["x-app-limit-24hour-remaining"] == "9"
        assert client("GET", "/2/users/me").status_code == 200
        clock.now += timedelta(hours=5)
        assert client.post("Viesti 2").status_code == 201


def test_the_app_has_a_cap_over_all_its_users() -> None:
    with MockX(limits=Limits(app_day=1, user_day=5)) as x:
        other = Client(x, OTHER)
        Client(x).made("Hei")
        answer = other.post("Hei")
        assert (answer.status_code, answer.headers["x-app-limit-24hour-remaining"]) == (429, "0")
        assert answer.headers["x-user-limit-24hour-remaining"] == "5"


def test_a_month_can_be_full() -> None:
    with MockX(limits=Limits(month=1)) as x:
        Client(x).made("Hei")
        assert (answer := Client(x).post("Hei taas")).status_code == 429
        assert answer.json()["title"] == "UsageCapExceeded"


def test_posts_links_and_reads_cost() -> None:
    with MockX(credits=0.22) as x:
        client = Client(x)
        post = client.made("Katso https://example.org/a")
        client.made("Hei")
        assert str(x.limits.spent) == "0.215"
        assert client("GET", "/2/tweets", params={"ids": post}).status_code == 200
        assert str(x.limits.spent) == "0.216"
        assert client.post("Liikaa").status_code == 402
        x.limits.credits = x.limits.spent
        assert client("GET", "/2/tweets", params={"ids": post}).status_code == 402
        assert len(x.ledger.live()) == 2
