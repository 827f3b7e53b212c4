"""Uploads to the mock X: in one go, in pieces, processed, refused."""

import base64
import io
from collections.abc import Iterator

import pytest
from PIL import Image

from tests.mocks.x.client import OTHER, Client, media
from tests.mocks.x.server import MockX
from tests.mocks.x.world import Processing

MP4 = b"\x00\x00\x00\x18ftypmp42" + b"\x01" * 5000


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


# Media


def test_a_picture_in_one_go_keeps_its_bytes_and_its_words(x: MockX, client: Client) -> None:
    content = picture()
    body = {"media": base64.b64encode(content).decode(), "media_category": "tweet_image"}
    sent = client("POST", "/2/media/upload", json=body)
    media_id = sent.json()["data"]["id"]
    alt = {"id": media_id, "metadata": {"alt_text": {"text": "Sininen kuva"}}}
    assert client("POST", "/2/media/metadata", json=alt).status_code == 200
    client.made("Kuva", media=media(sent))
    assert (x.ledger.media[media_id], x.ledger.alt[media_id]) == (content, "Sininen kuva")
    assert (x.ledger.uploads[media_id].media_type, x.ledger.uploads[media_id].size) == ("image/png", (60, 40))


def test_a_form_carries_raw_bytes(x: MockX, client: Client) -> None:
    content = picture(form="JPEG") + b"\r\n--\r\n\xff\x00 tail"
    start = {"media_category": "tweet_image", "media_type": "image/jpeg", "total_bytes": len(content)}
    media_id = client("POST", "/2/media/upload/initialize", json=start).json()["data"]["id"]
    for index, part in enumerate((content[:100], content[100:])):
        told = {"files": {"media": ("blob", part)}, "data": {"segment_index": str(index)}}
        assert client("POST", f"/2/media/upload/{media_id}/append", **told).status_code == 200
    assert client("POST", f"/2/media/upload/{media_id}/finalize").status_code == 200
    assert x.ledger.media[media_id] == content
    assert x.violations == []


def test_a_video_is_processed_before_it_can_be_posted(x: MockX, client: Client) -> None:
    done = client.upload(MP4, "tweet_video", "video/mp4")
    told = [done.json()["data"]["processing_info"]["state"]]
    query = {"command": "STATUS", "media_id": done.json()["data"]["id"]}
    early = client.post("Liian aikaisin", media=media(done))
    assert (early.status_code, early.json()["errors"][0]["message"]) == (400, "Your media IDs are invalid.")
    for _ in range(2):
        status = client("GET", "/2/media/upload", params=query).json()["data"]["processing_info"]
        told.append(status["state"])
    assert told == ["pending", "in_progress", "succeeded"]
    client.made("Video", media=media(done))
    assert x.ledger.media[query["media_id"]] == MP4


def test_processing_can_fail() -> None:
    with MockX(processing=Processing(polls=1, fails=True)) as x:
        client = Client(x)
        done = client.upload(MP4, "tweet_video", "video/mp4")
        query = {"media_id": done.json()["data"]["id"]}
        info = client("GET", "/2/media/upload", params=query).json()["data"]["processing_info"]
        assert info["state"] == "failed"
        assert client.post("Video", media=media(done)).status_code == 400


def test_segments_are_counted(x: MockX, client: Client) -> None:
    start = {"media_category": "tweet_video", "media_type": "video/mp4", "total_bytes": len(MP4)}
    media_id = client("POST", "/2/media/upload/initialize", json=start).json()["data"]["id"]
    address = f"/2/media/upload/{media_id}"

    def append(index: int, content: bytes) -> int:
        body = {"media": base64.b64encode(content).decode(), "segment_index": index}
        return client("POST", f"{address}/append", json=body).status_code

    assert append(1, MP4[3000:]) == 200
    assert client("POST", f"{address}/finalize").status_code == 400
    assert [append(0, MP4[:2000]), append(0, MP4[:3000])] == [200, 200]
    assert append(2, b"") == 400
    assert append(2, b"x" * (5 * 1024 * 1024 + 1)) == 400
    assert client("GET", "/2/media/upload", params={"media_id": media_id}).status_code == 400
    assert client("POST", f"{address}/finalize").status_code == 200
    assert append(2, b"late") == 400
    assert x.ledger.media[media_id] == MP4
    assert client("POST", "/2/media/upload/77/append", json={"media": "", "segment_index": 0}).status_code == 400


@pytest.mark.parametrize(
    ("content", "category", "media_type"),
    [
        (picture(8193, 2), "tweet_image", "image/png"),
        (b"no picture", "tweet_image", "image/png"),
        (picture(), "tweet_gif", "image/gif"),
        (picture(), "tweet_video", "video/mp4"),
    ],
)
def test_what_is_no_usable_file_is_refused(client: Client, content: bytes, category: str, media_type: str) -> None:
    assert client.upload(content, category, media_type).status_code == 400


def test_a_file_that_is_too_large_is_refused_at_once(client: Client) -> None:
    for category, media_type, most in (("tweet_image", "image/png", 5), ("tweet_gif", "image/gif", 15)):
        start = {"media_category": category, "media_type": media_type, "total_bytes": most * 1024 * 1024 + 1}
        assert client("POST", "/2/media/upload/initialize", json=start).status_code == 400


def test_pictures_do_not_mix_with_a_video_nor_with_others_pictures(x: MockX, client: Client) -> None:
    x.processing = Processing(polls=0)
    photos = [client.upload(picture(), "tweet_image", "image/png") for _ in range(4)]
    video = client.upload(MP4, "tweet_video", "video/mp4")
    other = Client(x, OTHER)
    assert client.post("Sekaisin", media=media(photos[0], video)).status_code == 400
    assert client.post("Kahdesti", media=media(photos[0], photos[0])).status_code == 400
    assert other.post("Toisen", media=media(photos[0])).status_code == 400
    assert client.post("Neljä", media=media(*photos)).status_code == 201
    assert client.post("Video", media=media(video)).status_code == 201
