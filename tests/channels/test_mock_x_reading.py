"""What the mock X shows, and what X's document says of its requests and answers."""

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image

from tests.mocks.stand import Hands
from tests.mocks.x.accounts import USER
from tests.mocks.x.client import Client, media
from tests.mocks.x.routes import ROUTES
from tests.mocks.x.schema import DOCUMENT, load
from tests.mocks.x.server import MockX

MP4 = b"\x00\x00\x00\x18ftypmp42" + b"\x01" * 5000
needs_document = pytest.mark.skipif(not DOCUMENT.exists(), reason="X's OpenAPI document is not beside this checkout")


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


# What X's document says


@needs_document
@pytest.mark.parametrize(
    ("method", "path", "told", "said"),
    [
        ("POST", "/2/tweets", {"json": {"text": "Hei", "key": "1"}}, "key"),
        ("POST", "/2/tweets", {"json": {"text": 5}}, "$.text"),
        ("POST", "/2/tweets", {"json": {"text": "Hei", "media": {"media_ids": []}}}, "media_ids"),
        ("POST", "/2/tweets", {"json": {"text": "Hei", "reply": {}}}, "in_reply_to_tweet_id"),
        ("POST", "/2/tweets", {"data": "text=Hei"}, "a body of the type"),
        ("POST", "/2/tweets", {}, "body is missing"),
        ("POST", "/2/tweets", {"json": ["Hei"]}, "not a JSON object"),
        ("DELETE", "/2/tweets/none", {}, "id"),
        ("GET", "/2/users/me", {"params": {"user.field": "id"}}, "no parameter user.field"),
        ("GET", "/2/tweets", {}, "ids is missing"),
        ("GET", "/2/tweets", {"params": {"ids": ",".join(map(str, range(101)))}}, "ids"),
        ("GET", "/2/tweets", {"params": {"ids": "1", "tweet.fields": "likes"}}, "tweet.fields"),
        ("GET", f"/2/users/{USER}/tweets", {"params": {"max_results": "101"}}, "max_results"),
        ("GET", f"/2/users/{USER}/tweets", {"params": {"start_time": "today"}}, "start_time"),
        ("POST", "/2/media/upload", {"json": {"media": ""}}, "media_category"),
        ("POST", "/2/media/upload/initialize", {"json": {"total_bytes": "5"}}, "total_bytes"),
        ("POST", "/2/media/upload/1/append", {"json": {"media": "", "segment_index": 1000}}, "segment_index"),
        ("POST", "/2/media/upload/1/finalize", {"json": {"id": "1"}}, "a body where none is known"),
        ("POST", "/2/media/metadata", {"json": {"id": "1", "metadata": {"alt_text": {"text": "x" * 1001}}}}, "text"),
    ],
)
def test_what_the_document_forbids_is_refused_and_noted(
    x: MockX, client: Client, method: str, path: str, told: dict[str, Any], said: str
) -> None:
    answer = client(method, path, **told)
    x.strict = False
    assert (answer.status_code, answer.json()["title"]) == (400, "Invalid Request")
    assert said in x.violations[0]
    assert x.ledger.posts == []


@needs_document
def test_the_scopes_are_those_of_the_document() -> None:
    document = load()
    assert document
    for route in ROUTES:
        assert route.scopes == document.scopes(route.method, route.path), route.path


@needs_document
def test_answers_in_new_names_are_as_the_document_says(x: MockX, client: Client) -> None:
    document, x.names = load(), "new"
    assert document
    fields = "created_at,attachments,entities,public_metrics,non_public_metrics,organic_metrics"
    done = client.upload(picture(), "tweet_image", "image/png")
    video = client.upload(MP4, "tweet_video", "video/mp4")
    first = client("POST", "/2/tweets", json={"text": "A https://example.org/a", "media": media(done)})
    post = first.json()["data"]["id"]
    timeline = f"/2/users/{USER}/tweets"
    alt = {"id": done.json()["data"]["id"], "metadata": {"alt_text": {"text": "Kuva"}}}
    status = {"command": "STATUS", "media_id": video.json()["data"]["id"]}
    seen = [
        ("POST", "/2/tweets", first),
        ("POST", "/2/media/upload/1/finalize", done),
        ("POST", "/2/media/upload/1/finalize", video),
        ("GET", "/2/media/upload", client("GET", "/2/media/upload", params=status)),
        ("POST", "/2/media/metadata", client("POST", "/2/media/metadata", json=alt)),
        ("GET", timeline, client("GET", timeline, params={"post.fields": fields, "expansions": "referenced_posts"})),
        ("GET", "/2/tweets", client("GET", "/2/tweets", params={"ids": f"{post},1", "post.fields": fields})),
        ("GET", "/2/users/me", client("GET", "/2/users/me")),
        ("DELETE", f"/2/tweets/{post}", client("DELETE", f"/2/tweets/{post}")),
    ]
    for method, path, answer in seen:
        assert document.answer_faults(method, path, answer.status_code, answer.json()) == [], path
    assert x.violations == []


@needs_document
def test_what_the_document_forbids_fails_the_test() -> None:
    with pytest.raises(AssertionError, match=r"no parameter user\.field is known"), MockX() as x:
        Client(x)("GET", "/2/users/me", params={"user.field": "id"})


def test_an_unknown_call_is_noted(x: MockX, client: Client) -> None:
    x.strict = False
    assert client("GET", "/2/tweets/search/recent").status_code == 404
    assert x.violations == ["GET /2/tweets/search/recent: the mock knows no such call"]


# Reading back


def test_the_timeline_rewrites_addresses_and_escapes_signs(client: Client) -> None:
    done = client.upload(picture(), "tweet_image", "image/png")
    client.made("A & B <c>: https://example.org/a?b=1&c=2. Ja example.org!", media=media(done))
    fields = {"tweet.fields": "entities,attachments,created_at"}
    (post,) = client("GET", f"/2/users/{USER}/tweets", params=fields).json()["data"]
    links = post["entities"]["urls"]
    assert post["text"].startswith("A &amp; B &lt;c&gt;: https://t.co/")
    assert [post["text"][one["start"] : one["end"]] for one in links] == [one["url"] for one in links]
    assert [one["expanded_url"] for one in links[:2]] == ["https://example.org/a?b=1&c=2", "http://example.org"]
    assert links[2]["expanded_url"].endswith("/photo/1")
    assert len(post["attachments"]["media_keys"]) == 1


def test_only_what_is_asked_for_is_told(client: Client) -> None:
    client.made("Hei")
    (post,) = client("GET", f"/2/users/{USER}/tweets").json()["data"]
    assert set(post) == {"id", "text", "edit_history_tweet_ids"}


def test_the_timeline_lags_and_has_pages() -> None:
    clock = Hands()
    with MockX(now=clock, lag=timedelta(seconds=30)) as x:
        client = Client(x)
        for number in range(12):
            client.made(f"Viesti {number}")
        timeline = f"/2/users/{USER}/tweets"
        assert client("GET", timeline).json() == {"meta": {"result_count": 0}}
        clock.now += timedelta(seconds=30)
        first = client("GET", timeline, params={"max_results": 10}).json()
        query = {"max_results": 10, "pagination_token": first["meta"]["next_token"]}
        second = client("GET", timeline, params=query).json()
        texts = [post["text"] for post in first["data"] + second["data"]]
        assert texts == [f"Viesti {number}" for number in reversed(range(12))]
        assert "next_token" not in second["meta"]
        assert (
            client("GET", timeline, params={"start_time": "2026-11-30T07:00:01Z"}).json()["meta"]["result_count"] == 0
        )
        assert (
            client("GET", timeline, params={"start_time": "2026-11-30T07:00:00Z"}).json()["meta"]["result_count"] == 10
        )


def test_both_generations_of_names() -> None:
    for names, referenced, reposts in (
        ("old", "referenced_tweets", "retweet_count"),
        ("new", "referenced_posts", "repost_count"),
    ):
        with MockX(names=names) as x:
            client = Client(x)
            root = client.made("Juuri")
            reply = client.made("Vastaus", reply={"in_reply_to_tweet_id": root})
            x.ledger.metrics[root] = {"retweet_count": 3, "like_count": 5}
            for asked in ("tweet.fields", "post.fields"):
                query = {"ids": f"{root},{reply}", asked: "public_metrics", "expansions": "referenced_tweets.id"}
                first, second = client("GET", "/2/tweets", params=query).json()["data"]
                assert second[referenced] == [{"type": "replied_to", "id": root}]
                figures = first["public_metrics"]
                assert (figures[reposts], figures["like_count"], figures["reply_count"]) == (3, 5, 1)
                assert len(figures) == 6
            assert x.violations == []


def test_a_mock_of_one_generation_can_refuse_the_names_of_the_other() -> None:
    with MockX(names="new", refuses_other_names=True) as x:
        query = {"ids": "1", "tweet.fields": "public_metrics"}
        assert Client(x)("GET", "/2/tweets", params=query).status_code == 400
        assert Client(x)("GET", "/2/tweets", params={"ids": "1", "post.fields": "public_metrics"}).status_code == 200


def test_private_figures_are_the_authors_for_thirty_days() -> None:
    clock = Hands()
    with MockX(now=clock) as x:
        client = Client(x)
        old = client.made("Vanha")
        clock.now += timedelta(days=29)
        new = client.made("Uusi")
        others = x.ledger.accept("Muiden", [], None, x.accounts.named("somebody").id).id
        x.ledger.metrics[new] = {"url_link_clicks": 7, "impression_count": 100}
        query = {"ids": f"{old},{new},{others},5", "tweet.fields": "public_metrics,non_public_metrics,organic_metrics"}
        found = client("GET", "/2/tweets", params=query).json()
        assert [post["id"] for post in found["data"]] == [old, new]
        assert found["data"][1]["non_public_metrics"]["url_link_clicks"] == 7
        clock.now += timedelta(days=1)
        found = client("GET", "/2/tweets", params=query).json()
        assert [post["id"] for post in found["data"]] == [new]
        titles = {(error["resource_id"], error["title"]) for error in found["errors"]}
        refused = "Field Authorization Error"
        assert titles == {(old, refused), (others, refused), ("5", "Not Found Error")}
        public = client("GET", "/2/tweets", params=query | {"tweet.fields": "public_metrics"}).json()
        assert [post["id"] for post in public["data"]] == [old, new, others]
