"""Every request that Julki makes of X, held against X's own OpenAPI document by the mock.

The mock refuses what the document does not allow, and fails the test at its end; here every sort of request is made once,
and it is seen that each was.
"""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import tweepy
from PIL import Image

from channels.contract import Channel, Measuring, Receipt, Withdrawing
from channels.errors import ChannelError, Unauthorized
from channels.message import Media, Message
from channels.testing import open_channel
from channels.x import oauth2
from channels.x.live import Live
from tests.mocks.x.accounts import Caller
from tests.mocks.x.ledger import Post
from tests.mocks.x.oauth2 import Grant
from tests.mocks.x.schema import DOCUMENT
from tests.mocks.x.server import MockX

if not DOCUMENT.exists():
    pytest.skip("X's OpenAPI document is not beside this checkout", allow_module_level=True)


def box(name: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + name + content


def film(size: int) -> bytes:
    """The boxes of an MP4 that lasts two seconds; `size` bytes of it would be pictures."""
    header = bytes(12) + (1000).to_bytes(4, "big") + (2000).to_bytes(4, "big") + bytes(80)
    moov = box(b"moov", box(b"mvhd", header))
    return box(b"ftyp", b"mp42" + bytes(4) + b"mp42isom") + moov + box(b"mdat", bytes(range(256)) * (size // 256))


@pytest.fixture(params=["old", "new"])
def x(request: pytest.FixtureRequest) -> Iterator[MockX]:
    with MockX(names=request.param) as mock:
        yield mock


@pytest.fixture
def channel(x: MockX, tmp_path: Path) -> Iterator[Channel]:
    channel = open_channel("x", tmp_path, sandbox=False, api_url=x.url)
    yield channel
    channel.close()


def post(text: str = "Hei", *media: Media, **data: Any) -> Message:
    return Message("x", "fi/uutinen", text=text, media=media, data=data)


def stored(root: Path, content: bytes, suffix: str, alt: str = "Kuvan sanat") -> Media:
    """As the desk keeps a file from the claim on."""
    media = Media(sha256(content).hexdigest(), suffix, alt, "kuva" + suffix)
    path = root / "var" / "media" / media.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return media


def drawn(form: str, frames: int = 1, size: tuple[int, int] = (64, 48)) -> bytes:
    images = [Image.new("RGB", size, (60 * frame, 80, 120)) for frame in range(frames)]
    file = io.BytesIO()
    more: dict[str, Any] = {"save_all": True, "append_images": images[1:]} if frames > 1 else {}
    images[0].save(file, form, **more)
    return file.getvalue()


def asked(x: MockX) -> set[str]:
    """The sorts of requests that came, numbers left out."""
    return {f"{method} {re.sub(r'/[0-9]{6,}', '/N', path)}" for method, path in x.ledger.requests}


def only(x: MockX) -> Post:
    (found,) = x.ledger.live()
    return found


@pytest.mark.parametrize(
    "text",
    [
        "Hei",
        "Ääkkösiä & <merkkejä> 👩‍💻\n\nhttps://example.org/a?b=1#c\n#tunniste @maija $EUR",
        '"lainaus" \\ \u200d loppu',
    ],
)
def test_a_post_of_text(x: MockX, channel: Channel, text: str) -> None:
    channel.publish(post(text), "key-1", None)
    assert only(x).text == text
    assert asked(x) >= {"POST /2/tweets"}


def test_a_reply_and_a_quote(x: MockX, channel: Channel) -> None:
    root = channel.publish(post("Juuri"), "key-1", None)
    channel.publish(post("Vastaus", reply=True), "key-2", root)
    channel.publish(post("Oikaisu", reply=True, answers="quote"), "key-3", root)
    found = [(one.text, one.reply_to, one.quotes) for one in x.ledger.live()]
    assert found == [
        ("Juuri", None, None),
        ("Vastaus", root.remote_id, None),
        ("Oikaisu", None, root.remote_id),
    ]


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize(("form", "suffix"), [("JPEG", ".jpg"), ("PNG", ".png")])
def test_photos(x: MockX, channel: Channel, tmp_path: Path, form: str, suffix: str, count: int) -> None:
    photos = [stored(tmp_path, drawn(form, size=(64, 48 + n)), suffix, f"Kuva {n}") for n in range(count)]
    channel.publish(post("Kuvia", *photos), "key-1", None)
    uploads = [x.ledger.uploads[one] for one in only(x).media_ids]
    assert [one.category for one in uploads] == ["tweet_image"] * count
    assert [x.ledger.alt[one] for one in only(x).media_ids] == [f"Kuva {n}" for n in range(count)]
    assert asked(x) >= {"POST /2/media/metadata", "POST /2/tweets"}


def test_a_gif_that_moves(x: MockX, channel: Channel, tmp_path: Path) -> None:
    channel.publish(post("Liikkuu", stored(tmp_path, drawn("GIF", frames=3), ".gif")), "key-1", None)
    (upload,) = [x.ledger.uploads[one] for one in only(x).media_ids]
    assert (upload.category, upload.state, x.ledger.alt[upload.id]) == ("tweet_gif", "succeeded", "Kuvan sanat")
    assert upload.polls > 0


def test_a_video_in_pieces_is_polled_until_it_is_ready(x: MockX, channel: Channel, tmp_path: Path) -> None:
    content = film(5_000_000)
    channel.publish(post("Video", stored(tmp_path, content, ".mp4")), "key-1", None)
    (upload,) = [x.ledger.uploads[one] for one in only(x).media_ids]
    assert (upload.category, upload.state, x.ledger.media[upload.id]) == ("tweet_video", "succeeded", content)
    assert len(upload.segments) > 1
    assert asked(x) >= {
        "POST /2/media/upload/initialize",
        "POST /2/media/upload/N/append",
        "POST /2/media/upload/N/finalize",
        "GET /2/media/upload",
        "POST /2/media/metadata",
    }


def test_reading_back(x: MockX, channel: Channel) -> None:
    since = datetime.now(UTC)
    for number in range(120):
        x.ledger.accept(f"Muuta {number}", [], None)
    x.ledger.posts.reverse()
    receipt = channel.publish(post("Katso https://example.org/a"), "key-1", None)
    found = channel.find(post("Katso https://example.org/a"), "key-1", since)
    assert found
    assert found.remote_id == receipt.remote_id
    assert channel.find(post("Tätä ei ole"), "key-2", since) is None
    pages = [path for method, path in x.ledger.requests if method == "GET" and path.endswith("/tweets")]
    assert len(pages) > 2
    assert asked(x) >= {"GET /2/users/me", "GET /2/users/N/tweets"}


def test_taking_back(x: MockX, channel: Channel) -> None:
    assert isinstance(channel, Withdrawing)
    channel.withdraw(channel.publish(post(), "key-1", None), "key-2")
    assert x.ledger.live() == []
    assert asked(x) >= {"DELETE /2/tweets/N"}


def test_measuring(x: MockX, channel: Channel) -> None:
    assert isinstance(channel, Measuring)
    now = datetime.now(UTC)
    x.now = lambda: now - timedelta(days=40)
    posts = [x.ledger.accept("Vanha", [], None)]
    x.now = lambda: now
    posts += [x.ledger.accept(f"Viesti {number}", [], None) for number in range(98)]
    x.ledger.metrics[posts[1].id] = {"impression_count": 70, "repost_count": 3, "url_link_clicks": 5}
    gone = Receipt("1999999999999999999")
    told = channel.measure([*(Receipt(one.id) for one in posts), gone], now)
    figures = {(one.remote_id, one.metric): one.value for one in told}
    assert [figures[posts[1].id, name] for name in ("impressions", "reposts", "link_clicks")] == [70, 3, 5]
    assert figures[posts[0].id, "impressions"] == 0
    assert figures[posts[0].id, "link_clicks"] is None
    assert {value for (number, _), value in figures.items() if number == gone.remote_id} == {None}
    assert asked(x) >= {"GET /2/tweets"}


class Bearer:
    """Access by a token, without a vault."""

    user_auth = False

    def __init__(self, token: str) -> None:
        self._token = token

    def client(self) -> tweepy.Client:
        return tweepy.Client(bearer_token=self._token)

    def secrets(self) -> list[str]:
        return [self._token]


def test_the_scopes_that_a_desk_asks_for_are_enough_and_all_needed(x: MockX, tmp_path: Path) -> None:
    """The same requests with an OAuth 2 token. Without one of its scopes, something fails."""
    photo = stored(tmp_path, drawn("PNG"), ".png")
    for missing in ("", *(scope for scope in oauth2.SCOPES if scope != "offline.access")):
        scopes = frozenset(oauth2.SCOPES) - {missing, "offline.access"}
        token = x.oauth2.issue(Grant(x.accounts.first, "mock-client_id", scopes))["access_token"]
        live = Live(x.url, Bearer(token), tmp_path / "var" / "media")
        try:
            _whole_round(live, f"Viesti ilman {missing}", photo)
        except ChannelError:
            assert missing
        else:
            assert not missing
        live.close()
    assert x.ledger.live() == []


def _whole_round(live: Live, text: str, photo: Media) -> None:
    since = datetime.now(UTC)
    receipt = live.publish(post(text, photo), "key-1", None)
    found = live.find(post(text, photo), "key-1", since)
    assert found
    assert found.remote_id == receipt.remote_id
    live.measure([receipt], since)
    live.withdraw(receipt, "key-2")


@pytest.mark.parametrize("secret", ["", "mock-client_secret"])
def test_signing_in_and_renewing(x: MockX, secret: str) -> None:
    """X's document leaves out the token endpoint; the mock knows its fields from RFC 6749 and 7636."""
    client, proof, back = oauth2.Client("mock-client_id", secret), oauth2.Proof(), "http://127.0.0.1:8022/callback"
    address = oauth2.address(f"{x.url}/i/oauth2/authorize", client, back, proof)
    sent = requests.get(address, allow_redirects=False, timeout=10).headers["Location"]
    told = {name: values[0] for name, values in parse_qs(urlsplit(sent).query).items()}
    assert told["state"] == proof.state
    first = oauth2.ask(x.url, client, oauth2.exchange(client, told["code"], back, proof), 10)
    assert oauth2.refusal(first) is None
    second = oauth2.ask(x.url, client, oauth2.refresh(client, str(first.body["refresh_token"])), 10)
    assert oauth2.refusal(second) is None
    again = oauth2.ask(x.url, client, oauth2.refresh(client, str(first.body["refresh_token"])), 10)
    assert isinstance(oauth2.refusal(again), Unauthorized)
    assert x.oauth2.caller(str(second.body["access_token"])) == Caller(x.accounts.first, frozenset(oauth2.SCOPES))


def test_an_answer_that_is_lost_leads_to_no_request_of_another_sort(x: MockX, channel: Channel) -> None:
    since = datetime.now(UTC)
    x.fail_next("accepted-then-html")
    with pytest.raises(ChannelError):
        channel.publish(post("Kadonnut"), "key-1", None)
    assert channel.find(post("Kadonnut"), "key-1", since)
    assert x.violations == []
