"""The mock X itself, asked by a plain HTTP client: what it takes, what it refuses, and how it fails."""

import io
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from requests_oauthlib import OAuth1

from channels.text import weighted_length
from tests.mocks.x.accounts import USER
from tests.mocks.x.client import OTHER, Client, media, signed
from tests.mocks.x.exchange import Reply
from tests.mocks.x.faults import MORE
from tests.mocks.x.length import weight
from tests.mocks.x.limits import Limits
from tests.mocks.x.server import FAULTS, MockX

ROOT = Path(__file__).parents[2]


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def x() -> Iterator[MockX]:
    with MockX() as mock:
        yield mock


@pytest.fixture
def client(x: MockX) -> Client:
    return Client(x)


def picture(width: int = 60, height: int = 40, form: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (0, 60, 110)).save(file, form)
    return file.getvalue()


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
    clock = Clock()
    with MockX(now=clock) as x:
        client = Client(x)
        client.made("Hei")
        again = client.post("Hei")
        assert (again.status_code, "duplicate" in again.json()["detail"]) == (403, True)
        clock.at += timedelta(hours=25)
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


# Limits and money


def test_a_hundred_posts_in_a_quarter_of_an_hour() -> None:
    clock = Clock()
    with MockX(now=clock, limits=Limits(posts=2)) as x:
        client = Client(x)
        answers = [client.post(f"Viesti {n}") for n in range(3)]
        assert [one.status_code for one in answers] == [201, 201, 429]
        assert [one.headers["x-rate-limit-remaining"] for one in answers] == ["1", "0", "0"]
        reset = datetime.fromtimestamp(int(answers[2].headers["x-rate-limit-reset"]), UTC)
        assert reset == clock.at + timedelta(minutes=15)
        clock.at = reset
        assert client.post("Viesti 3").status_code == 201


def test_a_day_may_be_full_when_the_quarter_is_long_over() -> None:
    clock = Clock()
    with MockX(now=clock, limits=Limits(user_day=3, app_day=10)) as x:
        client = Client(x)
        client.made("Viesti 1")
        x.limits.exhaust_day(USER, clock.at, timedelta(hours=5))
        answer = client.post("Viesti 2")
        assert answer.status_code == 429
        assert answer.headers["x-user-limit-24hour-remaining"] == "0"
        assert int(answer.headers["x-user-limit-24hour-reset"]) == (clock.at + timedelta(hours=5)).timestamp()
        assert int(answer.headers["x-rate-limit-reset"]) < clock.at.timestamp()
        assert answer.headers["x-app-limit-24hour-remaining"] == "9"
        assert client("GET", "/2/users/me").status_code == 200
        clock.at += timedelta(hours=5)
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


# Faults


@pytest.mark.parametrize("fault", [fault for fault in (*FAULTS, *MORE) if not fault.endswith(("hang", "drip"))])
@pytest.mark.parametrize("place", ["post", "timeline", "lookup", "me", "initialize", "append", "status", "metadata"])
def test_faults_strike_where_they_are_put(x: MockX, client: Client, place: str, fault: str) -> None:
    calls: dict[str, tuple[str, str, dict[str, Any]]] = {
        "post": ("POST", "/2/tweets", {"json": {"text": "Hei"}}),
        "timeline": ("GET", f"/2/users/{USER}/tweets", {}),
        "lookup": ("GET", "/2/tweets", {"params": {"ids": "1"}}),
        "me": ("GET", "/2/users/me", {}),
        "initialize": (
            "POST",
            "/2/media/upload/initialize",
            {"json": {"total_bytes": 1, "media_type": "image/png", "media_category": "tweet_image"}},
        ),
        "append": ("POST", "/2/media/upload/{id}/append", {"json": {"media": "AA==", "segment_index": 0}}),
        "status": ("GET", "/2/media/upload", {"params": {"media_id": "{id}"}}),
        "metadata": ("POST", "/2/media/metadata", {"json": {"id": "{id}"}}),
    }
    upload = client("POST", "/2/media/upload/initialize", json=calls["initialize"][2]["json"]).json()["data"]["id"]
    x.ledger.uploads[upload].state = "succeeded" if place == "status" else "uploading"
    x.fail(place, fault)
    method, path, told = json.loads(json.dumps(calls[place]).replace("{id}", upload))
    said = fault.removeprefix("accepted-then-")
    if said == "cut":
        with pytest.raises(requests.ConnectionError):
            client(method, path, **told)
    else:
        answer = client(method, path, **told)
        assert answer.status_code == (503 if said == "503" else 200)
        assert ("errors" in answer.text) == (said == "errors")
    if place == "post":
        assert len(x.ledger.posts) == fault.startswith("accepted")
    assert sum(x.served.values()) == 1
    assert client("GET", "/2/users/me").status_code == 200


def test_an_answer_that_drips_never_ends(x: MockX, client: Client) -> None:
    x.fail_next("accepted-then-drip")
    begun = time.monotonic()
    with requests.Session() as session:
        auth = signed()
        address = f"{x.url}/2/tweets"
        answer = session.post(address, json={"text": "Hei"}, auth=auth, timeout=5, stream=True)
        seen = [next(answer.iter_content(1)) for _ in range(5)]
        answer.close()
    assert seen == [b" "] * 5
    assert time.monotonic() - begun > 0.2
    assert len(x.ledger.posts) == 1


def test_a_fault_of_an_unknown_name_is_a_mistake_of_the_test(x: MockX) -> None:
    with pytest.raises(ValueError, match="burn"):
        x.fail_next("burn")


def test_an_upload_fails_at_any_of_its_steps(x: MockX, client: Client) -> None:
    x.fail_upload((500, {}, {}))
    assert client.upload(picture(), "tweet_image", "image/png").status_code == 500
    assert client.upload(picture(), "tweet_image", "image/png").status_code == 200
    assert x.served == {"500 on upload": 1}


def test_a_storm_passes(x: MockX, client: Client) -> None:
    x.storm(3600)
    answer = client.post("Hei")
    assert (answer.status_code, answer.headers["x-rate-limit-remaining"]) == (429, "0")
    assert int(answer.headers["x-rate-limit-reset"]) > time.time()
    x.storm(-1)
    client.made("Hei")


# The page and the start by hand


def test_the_page_shows_posts_pictures_and_words(x: MockX, client: Client) -> None:
    assert "Nothing has been posted" in requests.get(x.url, timeout=10).text
    done = client.upload(picture(), "tweet_image", "image/png")
    media_id = done.json()["data"]["id"]
    client("POST", "/2/media/metadata", json={"id": media_id, "metadata": {"alt_text": {"text": 'Sana "ja" <b>'}}})
    root = client.made("<script>alert(1)</script> & muuta", media=media(done))
    client.made("Vastaus", reply={"in_reply_to_tweet_id": root})
    page = requests.get(x.url, timeout=10).text
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; muuta" in page
    assert f'<img src="/media/{media_id}" alt="Sana &quot;ja&quot; &lt;b&gt;">' in page
    assert f'Answer to <a href="#p{root}">' in page
    shown = requests.get(f"{x.url}/media/{media_id}", timeout=10)
    assert (shown.headers["Content-Type"], shown.content) == ("image/png", x.ledger.media[media_id])
    assert requests.get(f"{x.url}/media/77", timeout=10).status_code == 404


def test_it_starts_by_hand_and_says_what_to_do() -> None:
    command = [sys.executable, "-m", "tests.mocks.x", "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        told = "".join(
            iter(
                process.stdout.readline, "Each post will be told here. Ctrl-C ends the mock, and forgets everything.\n"
            )
        )
        url = told.partition('api_url = "')[2].partition('"')[0]
        keys = {name: told.partition(f"JULKI_X_{name}=")[2].partition("\n")[0] for name in
                ("API_KEY", "API_SECRET", "ACCESS_TOKEN", "ACCESS_TOKEN_SECRET")}  # fmt: skip
        auth = OAuth1(*keys.values())
        assert (
            requests.post(f"{url}/2/tweets", json={"text": "Hei\x1b[31m sinä"}, auth=auth, timeout=10).status_code
            == 201
        )
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=10)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert "@desk posted " in rest
    assert "    Hei [31m sinä" in rest
    assert "1 posts were out" in rest


def test_a_busy_port_is_told_in_a_sentence(x: MockX) -> None:
    port = x.url.rpartition(":")[2]
    command = [sys.executable, "-m", "tests.mocks.x", "--port", port]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Port {port} can't be used")


def test_a_reply_knows_whether_it_is_good() -> None:
    assert [Reply(status).good for status in (200, 201, 302, 400, 0)] == [True, True, False, False, False]


def test_numbers_tell_the_time_and_always_rise() -> None:
    clock = Clock()
    with MockX(now=clock) as x:
        first = int(x.ledger.next_id())
        assert first >> 22 == int(clock.at.timestamp() * 1000) - 1_288_834_974_657
        clock.at -= timedelta(days=1)
        assert int(x.ledger.next_id()) == first + 1


def test_every_option_is_told_in_the_documents() -> None:
    command = [sys.executable, "-m", "tests.mocks.x", "--help"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=True).stdout
    page = (ROOT / "docs" / "mock-x.md").read_text("utf-8")
    assert set(re.findall(r"^  (--\w+)", told, re.M)) == set(re.findall(r"^\| `(--\w+)`", page, re.M))


def test_a_client_that_dies_while_sending_has_asked_for_nothing(x: MockX) -> None:
    port = int(x.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b'POST /2/tweets HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"text"')
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    assert (x.ledger.requests, x.violations) == ([], [])


def trip(_text: str) -> bool:
    raise RuntimeError("a hook gone wrong")


def post_while_it_trips() -> None:
    with MockX() as x:
        x.on_ask = trip
        with pytest.raises(requests.ConnectionError):
            Client(x).post("Hei")


def test_a_mock_that_trips_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="a hook gone wrong"):
        post_while_it_trips()
