"""The mock X itself, asked by a plain HTTP client: how it fails, what it shows a person, and how it is started."""

import io
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image
from requests_oauthlib import OAuth1

from tests.mocks.x.accounts import USER
from tests.mocks.x.client import Client, media, signed
from tests.mocks.x.exchange import Reply
from tests.mocks.x.faults import MORE
from tests.mocks.x.server import FAULTS, MockX

ROOT = Path(__file__).parents[2]


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


def test_an_answer_of_a_tests_own_has_no_other_headers(x: MockX, client: Client) -> None:
    x.fail_next((429, {"retry-after": "5"}, {"title": "Too Many Requests"}))
    limited = client.post("Hei").headers
    assert (limited["retry-after"], [name for name in limited if name.lower().startswith("x-")]) == ("5", [])
    assert "x-rate-limit-remaining" in client.post("Hei").headers


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
        rest, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
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
