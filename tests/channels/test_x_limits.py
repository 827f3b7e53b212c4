"""X's limits, and the desk's own: how long is waited, for what, and that every call ends."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Receipt
from channels.errors import RateLimited, Unauthorized, Unavailable, Uncertain
from channels.message import Message
from channels.testing import NOW, open_channel
from channels.x import limits
from channels.x.guard import Guard
from channels.x.verdict import verdict
from tests.mocks.x.limits import Limits
from tests.mocks.x.server import MockX


@pytest.fixture
def x() -> Iterator[MockX]:
    with MockX() as server:
        yield server


def live(x: MockX, tmp_path: Path, **options: Any) -> Any:
    return open_channel("x", tmp_path, sandbox=False, api_url=x.url, **options)


def post(text: str = "Hei") -> Message:
    return Message("x", "fi/a", text=text, data={"reply": False})


def stamp(after: timedelta) -> str:
    return str(int((NOW + after).timestamp()))


def family(name: str, remaining: str, reset: str) -> dict[str, str]:
    return {f"{name}-limit": "100", f"{name}-remaining": remaining, f"{name}-reset": reset}


WINDOW, USER, APP = "x-rate-limit", "x-user-limit-24hour", "x-app-limit-24hour"
SOON, PAST, LATER = stamp(timedelta(minutes=10)), stamp(-timedelta(minutes=10)), stamp(timedelta(hours=9))
EMPTY = {f"{APP}-limit": "", f"{APP}-remaining": "", f"{APP}-reset": ""}


@pytest.mark.parametrize(
    ("headers", "refused", "granted"),
    [
        ({}, None, None),
        (EMPTY, None, None),
        (family(WINDOW, "0", SOON), 601, 601),
        (family(WINDOW, "", SOON), 601, None),
        ({f"{WINDOW}-reset": SOON}, 601, None),
        (family(WINDOW, "7", SOON), None, None),
        (family(WINDOW, "0", PAST), None, None),
        (family(WINDOW, "0", PAST) | family(USER, "0", LATER) | EMPTY, 9 * 3600 + 1, 9 * 3600 + 1),
        (family(WINDOW, "99", SOON) | family(APP, "0", LATER), 9 * 3600 + 1, 9 * 3600 + 1),
        (family(WINDOW, "0", SOON) | family(USER, "", LATER), 601, 601),
        (family(WINDOW, " 0 ", SOON), 601, 601),
        (family(WINDOW, "0", "soon"), None, None),
        (family(WINDOW, "0", "-5"), None, None),
        (family(WINDOW, "0", "9" * 30), None, None),
        (family(WINDOW, "0", "99999999999"), 31 * 86400, 31 * 86400),
        ({"retry-after": "30"}, 30, None),
        ({"retry-after": "30", **family(WINDOW, "0", SOON)}, 601, 601),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=45), usegmt=True)}, 45, None),
        ({"retry-after": format_datetime(NOW - timedelta(seconds=45), usegmt=True)}, None, None),
        ({"retry-after": "Mon, 99 Foo"}, None, None),
        ({"retry-after": "99999999999"}, 31 * 86400, None),
    ],
)
def test_the_limit_that_lasts_longest_counts(headers: dict[str, str], refused: int | None, granted: int | None) -> None:
    def seconds(wait: timedelta | None) -> float | None:
        return None if wait is None else wait.total_seconds()

    found = verdict(429, headers, None, NOW)
    assert isinstance(found, RateLimited)
    assert seconds(found.retry_after) == refused
    assert seconds(limits.used_up(headers, NOW)) == granted


@given(
    headers=st.dictionaries(
        st.sampled_from([f"{name}-{key}" for name in (WINDOW, USER, APP) for key in ("remaining", "reset")] + ["retry-after"]),
        st.text(max_size=14) | st.sampled_from(["", "0", SOON, LATER]),
    )
)  # fmt: skip
def test_no_header_is_too_odd(headers: dict[str, str]) -> None:
    for wait in (limits.asked(headers, NOW), limits.used_up(headers, NOW)):
        assert wait is None or timedelta() < wait <= limits.LONGEST


def test_no_credits_is_a_matter_for_a_person(x: MockX, tmp_path: Path) -> None:
    x.limits.credits = x.limits.spent
    with pytest.raises(Unauthorized, match="402") as caught:
        live(x, tmp_path).publish(post(), "k", None)
    assert "credits" in caught.value.hint
    assert x.ledger.posts == []


def test_a_day_that_is_used_up_is_waited_for(x: MockX, tmp_path: Path) -> None:
    """The 15 minutes are long over; the day isn't."""
    channel = live(x, tmp_path)
    channel.publish(post(), "k", None)
    x.limits.exhaust_day(x.accounts.first.id, x.now(), timedelta(hours=3))
    with pytest.raises(RateLimited) as caught:
        channel.publish(post("Toinen"), "k", None)
    assert caught.value.retry_after is not None
    assert timedelta(hours=2, minutes=59) < caught.value.retry_after <= timedelta(hours=3, seconds=1)


# What is remembered


def test_what_is_used_up_is_not_asked_again(x: MockX, tmp_path: Path) -> None:
    x.limits.change(posts=2)
    channel = live(x, tmp_path)
    first = channel.publish(post("Yksi"), "k", None)
    channel.publish(post("Kaksi"), "k", None)
    asked = len(x.ledger.requests)
    with pytest.raises(RateLimited) as caught:
        channel.publish(post("Kolme"), "k", None)
    assert caught.value.retry_after is not None
    assert timedelta(minutes=14) < caught.value.retry_after <= timedelta(minutes=15)
    assert len(x.ledger.requests) == asked
    # Other calls have limits of their own.
    assert channel.find(post("Kaksi"), "k", datetime.now(UTC)) is not None
    channel.withdraw(first, "k")
    assert [one.text for one in x.ledger.live()] == ["Kaksi"]


def test_reading_has_its_own_limit(x: MockX, tmp_path: Path) -> None:
    x.limits.change(reads=1)
    channel = live(x, tmp_path)
    receipt = channel.publish(post(), "k", None)
    assert channel.find(post(), "k", datetime.now(UTC)) is not None
    with pytest.raises(RateLimited):
        channel.find(post(), "k", datetime.now(UTC))
    # X counts them together; to us they are two routes, so that X is asked, and says no.
    with pytest.raises(RateLimited):
        channel.measure([receipt], datetime.now(UTC))
    channel.publish(post("Toinen"), "k", None)


def test_each_posts_number_is_the_same_route(x: MockX, tmp_path: Path) -> None:
    channel = live(x, tmp_path)
    x.limits.change(deletes=1)
    receipts = [channel.publish(post(text), "k", None) for text in ("Yksi", "Kaksi")]
    channel.withdraw(receipts[0], "k")
    asked = len(x.ledger.requests)
    with pytest.raises(RateLimited):
        channel.withdraw(receipts[1], "k")
    assert len(x.ledger.requests) == asked


def test_memory_fades() -> None:
    now = 100.0

    def left(*routes: str) -> list[timedelta | None]:
        return [memory.left(route) for route in routes]

    memory = limits.Memory(lambda: now)
    memory.note("a", timedelta(hours=9))
    memory.note("b", timedelta(seconds=5))
    memory.note("c", None)
    assert left("a", "b", "c", "d") == [limits.REMEMBERED, timedelta(seconds=5), None, None]
    now = 105.0
    assert left("b") == [None]
    memory.note("a", None)
    assert left("a") == [None]


# Every call ends


def short(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr("channels.x.session.WHOLE", timedelta(seconds=seconds - 1))


@pytest.mark.parametrize("fault", ["accepted-then-drip", "drip"])
def test_an_answer_that_drips_ends(x: MockX, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    short(monkeypatch, 1.2)
    channel = live(x, tmp_path, timeout="1s")
    since = datetime.now(UTC)
    x.fail_next(fault)
    with pytest.raises(Uncertain, match="too long"):
        channel.publish(post(), "k", None)
    assert (channel.find(post(), "k", since) is not None) == fault.startswith("accepted")


@pytest.mark.parametrize("fault", ["drip", "hang"])
def test_reading_back_ends(x: MockX, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    short(monkeypatch, 1.2)
    channel = live(x, tmp_path, timeout="1s")
    x.fail_read(fault)
    with pytest.raises(Unavailable):
        channel.find(post(), "k", NOW)
    x.fail("lookup", fault)
    with pytest.raises(Unavailable):
        channel.measure([Receipt("1990000000000000000")], datetime.now(UTC))


def test_reading_page_after_page_ends(x: MockX, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.x.live.READING", timedelta(seconds=-1))
    with pytest.raises(Unavailable, match="no time left"):
        live(x, tmp_path).find(post(), "k", NOW)
    assert x.ledger.requests == []


@contextmanager
def server(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server of one's own, which does to each connection what it likes; its address."""
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                try:
                    serve(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(20)


def asked_of(serve: Callable[[socket.socket], None], tmp_path: Path, message: Message | None = None) -> Exception:
    with server(serve) as url:
        channel = open_channel("x", tmp_path, sandbox=False, api_url=url, timeout="1s")
        with pytest.raises(Exception) as caught:
            channel.publish(message or post(), "k", None)
    return caught.value


def test_headers_that_drip_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short(monkeypatch, 1.2)

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        for byte in b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 1000:
            connection.sendall(bytes([byte]))
            time.sleep(0.1)

    found = asked_of(serve, tmp_path)
    assert isinstance(found, Uncertain)
    assert "too long" in str(found)


def test_a_server_that_does_not_read_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short(monkeypatch, 1.2)
    released = threading.Event()

    def serve(_connection: socket.socket) -> None:
        released.wait(30)

    large = post("a" * 30_000_000)
    found = None
    try:
        with server(serve) as url:
            channel = open_channel("x", tmp_path, sandbox=False, api_url=url, timeout="1s")
            with pytest.raises(Uncertain) as caught:
                channel.publish(large, "k", None)
            found = caught.value
            released.set()
    finally:
        released.set()
    assert "too long" in str(found)


def whole(body: bytes, headers: bytes = b"") -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + headers
        connection.sendall(head + b"Connection: close\r\n\r\n" + body)

    return serve


def test_an_answer_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
        while True:
            connection.sendall(b" " * 65536)

    found = asked_of(serve, tmp_path)
    assert isinstance(found, Uncertain)
    # The other side may hang up the moment that nobody reads on.
    assert "too long to be one" in str(found) or "broke off" in str(found)


def test_an_answer_that_unpacks_without_end_is_not_unpacked(tmp_path: Path) -> None:
    packed = gzip.compress(b" " * 60_000_000)
    found = asked_of(whole(packed, b"Content-Encoding: gzip\r\n"), tmp_path)
    assert isinstance(found, Uncertain)
    # The other side may hang up the moment that nobody reads on.
    assert "too long to be one" in str(found) or "broke off" in str(found)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"da",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\nConnection: close\r\n\r\n{}",
        b"HTTP/1.1 302 Found\r\nLocation: /2/tweets\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_uncertain(tmp_path: Path, answer: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    assert type(asked_of(serve, tmp_path)) is Uncertain


def test_a_handshake_that_fails_has_sent_nothing(tmp_path: Path) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with server(serve) as url:
        channel = open_channel("x", tmp_path, sandbox=False, api_url=url.replace("http:", "https:"), timeout="1s")
        with pytest.raises(Unavailable):
            channel.publish(post(), "k", None)


def test_a_handshake_that_hangs_has_sent_nothing(tmp_path: Path) -> None:
    released = threading.Event()

    def serve(_connection: socket.socket) -> None:
        released.wait(20)

    with server(serve) as url:
        channel = open_channel("x", tmp_path, sandbox=False, api_url=url.replace("http:", "https:"), timeout="1s")
        with pytest.raises(Unavailable):
            channel.publish(post(), "k", None)
        released.set()


def test_a_proxy_holds_nobody_up_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short(monkeypatch, 1.2)
    seen: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        seen.append(connection.recv(65536).split(b"\r\n")[0])
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            connection.sendall(b" ")
            time.sleep(0.1)

    with server(serve) as proxy:
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, proxy)
        monkeypatch.setenv("no_proxy", "")
        channel = open_channel("x", tmp_path, sandbox=False, api_url="http://127.0.0.1:9", timeout="1s")
        with pytest.raises(Uncertain, match="too long"):
            channel.publish(post(), "k", None)
    assert seen == [b"POST http://127.0.0.1:9/2/tweets HTTP/1.1"]


def test_a_call_before_is_no_deadline_of_the_next(x: MockX, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short(monkeypatch, 1.2)
    channel = live(x, tmp_path, timeout="1s")
    for number in range(3):
        channel.publish(post(str(number)), "k", None)
        time.sleep(0.6)
    assert len(x.ledger.live()) == 3


def test_what_is_connected_too_late_is_shut_at_once() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, Guard(0.01) as guard:
        while not guard.expired:
            time.sleep(0.01)
        guard.take(ours)
        assert theirs.recv(1) == b""


@pytest.mark.parametrize(
    ("status", "expected"), [(404, Unavailable), (413, Unavailable), (408, Uncertain), (425, Uncertain)]
)
def test_what_a_post_is_told(x: MockX, tmp_path: Path, status: int, expected: type[Exception]) -> None:
    x.fail_next((status, {}, None))
    with pytest.raises(expected, match=str(status)):
        live(x, tmp_path).publish(post(), "k", None)


def test_limits_of_the_mock_are_those_of_x() -> None:
    """What is tried above leans on them."""
    assert (Limits().posts, Limits().app_day) == (100, 10_000)
