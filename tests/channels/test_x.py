"""X: composing posts, the sandbox's outbox, and every answer of the real one."""

import json
import multiprocessing
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from channels.contract import Channel, Receipt
from channels.errors import (
    CannotTell,
    ChannelError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Uncertain,
)
from channels.message import Message
from channels.piece import Event, Image, LivePost, Override, Piece
from channels.testing import NOW, capture, context, open_channel, sample_piece, sample_view
from channels.x import ADAPTER
from channels.x.access import Keys
from channels.x.live import Live
from channels.x.verdict import verdict
from tests.mocks.x.server import MockX

BODIES = Path(__file__).parents[2] / "../shared/data/x/error-bodies.json"
LONG = "Tämä on kokonainen lause, jonka pituus on tavallinen. " * 12


def rendered(tmp_path: Path, piece: Piece, **options: Any) -> list[Message]:
    return open_channel("x", tmp_path, **options).render(piece, sample_view(tmp_path))


def rules(tmp_path: Path, piece: Piece, **options: Any) -> dict[str, str]:
    found = open_channel("x", tmp_path, **options).check(piece, sample_view(tmp_path))
    return {problem.rule: problem.severity for problem in found}


def own(text: str, **changes: Any) -> Piece:
    return sample_piece(overrides={"x": Override(text=text)}, **changes)


def event(**changes: Any) -> Piece:
    posts = (
        LivePost(
            "alku", "Alku", NOW, "Alamme **nyt** #AvoinData.", tuple(Image("kuva.png", f"Kuva {n}") for n in range(4))
        ),
        LivePost("vapaa", "Vapaa", None, "Kysymys salista."),
    )
    fields = {"hashtags": ("avoindata", "d9 päivä"), "live": True, "thread": True, "posts": posts, **changes}
    return sample_piece("event", event=Event(NOW, **fields))


# Composing


def test_a_piece_becomes_title_summary_link_and_hashtags(tmp_path: Path) -> None:
    piece = sample_piece(title="Otsikko", summary="Tiivistelmä.", tags=("yksi", "kaksi osaa", "kolme", "neljä"))
    (message,) = rendered(tmp_path, piece)
    assert (
        message.text == f"Otsikko\n\nTiivistelmä.\n\nhttps://example.org/fi/news/{piece.slug}/ #yksi #KaksiOsaa #kolme"
    )
    assert message.links_page
    assert [media.alt for media in message.media] == [piece.image.alt if piece.image else ""]
    assert not message.problems


def test_a_long_summary_is_shortened_but_never_the_link(tmp_path: Path) -> None:
    (message,) = rendered(tmp_path, sample_piece(summary=LONG))
    assert "…\n\nhttps://example.org/fi/news/" in message.text
    assert message.length is not None
    assert 240 < message.length <= 280
    assert not message.problems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Oma teksti", "Oma teksti\n\n{page}"),
        ("Katso {link} heti", "Katso {page} heti"),
        ("Katso https://vm.fi/a", "Katso https://vm.fi/a"),
        ("Katso vm.fi ja {link}", "Katso vm.fi ja {page}"),
    ],
)
def test_a_text_of_ones_own_gets_the_link_where_it_has_none(tmp_path: Path, text: str, expected: str) -> None:
    piece = own(text)
    page = sample_view(tmp_path).page(piece)
    (message,) = rendered(tmp_path, piece)
    assert message.text == expected.replace("{page}", page)
    assert message.links_page == (page in message.text)


def test_without_threads_a_long_text_is_cut_and_keeps_its_link(tmp_path: Path) -> None:
    piece = own(LONG + "{link}")
    (message,) = rendered(tmp_path, piece)
    assert message.text.endswith(sample_view(tmp_path).page(piece))
    assert rules(tmp_path, piece) == {"shortened": "warning"}


def test_with_threads_a_long_text_becomes_numbered_parts(tmp_path: Path) -> None:
    messages = rendered(tmp_path, own(LONG), threads=True)
    assert [message.part for message in messages] == ["1", "2", "3"]
    assert [message.data["reply"] for message in messages] == [False, True, True]
    assert [bool(message.media) for message in messages] == [True, False, False]
    assert [message.links_page for message in messages] == [False, False, True]
    assert all(message.length is not None and message.length <= 280 for message in messages)
    assert [message.part for message in rendered(tmp_path, own("Lyhyt"), threads=True)] == ["main"]


def test_a_live_event_is_announced_and_each_post_stands_with_its_hashtags(tmp_path: Path) -> None:
    announcement, first, second = rendered(tmp_path, event())
    assert announcement.part == "main"
    assert announcement.text.endswith("#avoindata #D9Päivä")
    assert (first.part, first.text) == ("alku", "Alamme nyt #AvoinData.\n\n#D9Päivä")
    assert [media.alt for media in first.media] == ["Kuva 0", "Kuva 1", "Kuva 2", "Kuva 3"]
    assert (second.part, second.text) == ("vapaa", "Kysymys salista.\n\n#avoindata #D9Päivä")
    assert not first.links_page
    parts = open_channel("x", tmp_path).parts(event(), sample_view(tmp_path))  # type: ignore[attr-defined] # of Parting
    assert [(part.name, part.at, part.by_hand) for part in parts] == [
        ("main", None, False),
        ("alku", NOW, False),
        ("vapaa", None, True),
    ]


def test_an_events_posts_answer_each_other_only_where_threads_are_on(tmp_path: Path) -> None:
    assert [m.data["reply"] for m in rendered(tmp_path, event(), threads=True)] == [False, True, True]
    assert not any(m.data["reply"] for m in rendered(tmp_path, event()))
    assert not any(m.data["reply"] for m in rendered(tmp_path, event(thread=False), threads=True))
    assert rules(tmp_path, event())["threads-off"] == "warning"


@pytest.mark.parametrize(
    ("piece", "rule", "severity"),
    [
        (sample_piece(title="x" * 400, summary=""), "too-long", "error"),
        (own("x" * 400), "too-long", "error"),
        (sample_piece(title=" ", summary="\u200b", image=None), "empty-text", "error"),
        (sample_piece(image=Image("kuva.png")), "missing-alt", "error"),
        (sample_piece(image=Image("puuttuu.png", "Kuva")), "image-left-out", "warning"),
        (own("$NOK ja $AAPL"), "cashtags", "error"),
        (event(posts=(LivePost("a", "A", NOW, "T", (Image("kuva.png"),)),)), "missing-alt", "error"),
        (event(posts=(LivePost("a", "A", NOW, "T", (Image("kuva.png", "K"),) * 5),)), "too-many-images", "error"),
        (event(posts=(LivePost("a", "A", NOW, LONG),)), "shortened", "warning"),
        (event(posts=(LivePost("a", "A", NOW, " "),)), "empty-text", "error"),
    ],
)
def test_what_a_person_should_mend_is_named(tmp_path: Path, piece: Piece, rule: str, severity: str) -> None:
    assert rules(tmp_path, piece).get(rule) == severity


def test_a_picture_alone_is_a_post(tmp_path: Path) -> None:
    piece = event(hashtags=(), posts=(LivePost("a", "A", NOW, "", (Image("kuva.png", "Täysi sali"),)),))
    assert "empty-text" not in rules(tmp_path, piece)


def test_a_sound_piece_has_nothing_to_mend(tmp_path: Path) -> None:
    assert rules(tmp_path, sample_piece()) == {}
    assert rules(tmp_path, own("$NOK maksaa $5")) == {}


# Options


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"auth": "basic"}, 'Write auth = "oauth1"'),
        ({"budget_usd": -1}, "greater than or equal to 0"),
        ({"authorize_url": "http://localhost.example.com"}, "https://"),
        ({"api_url": "http://x.example.com"}, "https://"),
        ({"api_key": "abc"}, "Extra inputs"),
        ({"hashtags": 99}, "less than or equal to 10"),
    ],
)
def test_options_are_refused_with_the_remedy(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        ADAPTER.options(**options)


def test_settle_is_zero_in_the_sandbox_alone(tmp_path: Path) -> None:
    assert open_channel("x", tmp_path, settle="90s").settle == timedelta(0)
    assert open_channel("x", tmp_path, sandbox=False, settle="90s").settle == timedelta(seconds=90)


def test_without_keys_it_renders_and_names_what_is_missing(tmp_path: Path) -> None:
    options = ADAPTER.options(sandbox=False)
    channel = ADAPTER.open("x-fi", options, context(tmp_path, secrets={"api_key": "k"}))
    message = channel.render(sample_piece(), sample_view(tmp_path))[0]
    with pytest.raises(
        Unauthorized, match="JULKI_X_FI_API_SECRET, JULKI_X_FI_ACCESS_TOKEN, JULKI_X_FI_ACCESS_TOKEN_SECRET"
    ):
        channel.publish(message, "k", None)
    with pytest.raises(CannotTell):
        channel.find(message, "k", NOW)


# The sandbox


def outbox(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "var/outbox/x.jsonl").read_text().splitlines()]


def post(text: str = "Hei", **changes: Any) -> Message:
    return Message("x", "fi/a", text=text, data={"reply": False}, **changes)


def test_the_outbox_holds_what_was_posted(tmp_path: Path) -> None:
    channel = open_channel("x", tmp_path)
    message = channel.render(sample_piece(), sample_view(tmp_path))[0]
    root = channel.publish(post("Juuri"), "key-0", None)
    receipt = channel.publish(message, "key-1", root)
    line = outbox(tmp_path)[1]
    assert (line["key"], line["piece"], line["part"], line["text"]) == ("key-1", message.piece, "main", message.text)
    assert line["media"] == [{"name": message.media[0].name, "alt": message.media[0].alt}]
    assert (line["id"], line["reply_to"]) == (receipt.remote_id, root.remote_id)
    assert receipt.permalink == f"sandbox:x/{receipt.remote_id}"


@pytest.mark.parametrize("torn", [b'{"key": "key-2", "te', b"\x00\x00\x00", b'{"key": "key-2", "id": "s"}'])
def test_a_torn_last_line_loses_nothing_after_it(tmp_path: Path, torn: bytes) -> None:
    channel = open_channel("x", tmp_path)
    channel.publish(post(), "key-1", None)
    with (tmp_path / "var/outbox/x.jsonl").open("ab") as file:
        file.write(torn)
    whole = torn.endswith(b"}")
    assert (channel.find(post(), "key-2", NOW) is not None) == whole
    channel.publish(post(), "key-3", None)
    assert [line["key"] for line in outbox(tmp_path)] == (["key-1", "key-2", "key-3"] if whole else ["key-1", "key-3"])
    assert all(channel.find(post(), key, NOW) for key in ("key-1", "key-3"))


def test_a_key_is_found_wherever_it_stands(tmp_path: Path) -> None:
    channel = open_channel("x", tmp_path)
    channel.publish(post("x" * 3_000_000), "first", None)
    tricky = 'Sanoi "key": "never" ja "withdrawn"\n' * 1000
    for number in range(300):
        channel.publish(post(tricky), f"key-{number}", None)
    assert all(channel.find(post(), key, NOW) for key in ("first", "key-0", "key-150", "key-299"))
    assert channel.find(post(), "never", NOW) is None
    assert channel.find(post(), "key-1500", NOW) is None
    assert channel.find(post(), "key-", NOW) is None


def _publish_some(folder: str, worker: int) -> None:
    channel = open_channel("x", Path(folder))
    for number in range(30):
        channel.publish(post("ä" * 5000), f"{worker}-{number}", None)


def test_several_processes_never_mix_their_lines(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_publish_some, args=(str(tmp_path), number)) for number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert sorted(line["key"] for line in outbox(tmp_path)) == sorted(f"{w}-{n}" for w in range(3) for n in range(30))


def test_an_outbox_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    channel = open_channel("x", tmp_path, outbox="file/x.jsonl")
    with pytest.raises(Unavailable, match="outbox"):
        channel.publish(post(), "key-1", None)


# Answers

SAID = [
    (200, {}, {"data": {}}, None),
    (400, {}, {"detail": "bad"}, Rejected),
    (401, {}, None, Unauthorized),
    (402, {}, {"title": "Payment Required"}, Unauthorized),
    (403, {}, {"detail": "You are not allowed to create a Tweet with duplicate content."}, Uncertain),
    (403, {}, {"errors": [{"code": 187, "message": "Status is a duplicate."}]}, Uncertain),
    (403, {}, {"detail": "Reply to this conversation is not allowed because …"}, Rejected),
    (403, {}, {"type": "https://api.twitter.com/2/problems/unsupported-authentication"}, Unauthorized),
    (403, {}, {"errors": [{"code": 326, "message": "locked"}]}, Unauthorized),
    (403, {}, {"detail": "Something new"}, Rejected),
    (404, {}, "not json", Unavailable),
    (408, {}, None, Uncertain),
    (429, {}, {"title": "Too Many Requests"}, RateLimited),
    (301, {}, None, Uncertain),
    (500, {}, [{"message": "list"}], Uncertain),
    (503, {}, None, Uncertain),
    (504, {}, {"errors": "words"}, Uncertain),
]


@pytest.mark.parametrize(("status", "headers", "body", "expected"), SAID)
def test_each_answer_becomes_its_error(status: int, headers: dict[str, str], body: Any, expected: type | None) -> None:
    found = verdict(status, headers, body, NOW)
    assert (type(found) if found else None) == expected
    assert found is None or f"X answered {status}" in str(found)


KNOWN = {
    "duplicate content": Uncertain,
    "duplicate content (v1.1 / web shape)": Uncertain,
    "rate limit (v2)": RateLimited,
    "rate limit (documented legacy body)": RateLimited,
    "24h user/app post cap": RateLimited,
    "monthly cap": RateLimited,
    "credits depleted (pay per use, 2026-07)": Unauthorized,
    "credits depleted (older form)": Unauthorized,
    "reply not allowed (self-serve, since 2026-02-23)": Rejected,
    "invalid/expired token": Unauthorized,
    "app-only token on a user endpoint": Unauthorized,
    "bad media ids": Unavailable,
    "overload": Uncertain,
    "media processing failed": Rejected,
}


def test_every_gathered_body_becomes_its_error(x: MockX, tmp_path: Path) -> None:
    if not BODIES.exists():
        pytest.skip("the gathered bodies are not beside this checkout")
    rows = json.loads(BODIES.read_text())
    assert {row["case"] for row in rows} == set(KNOWN)
    for row in rows:
        channel = live(x, tmp_path)
        reset = str(int((datetime.now(UTC) + timedelta(hours=2)).timestamp()))
        headers = {name: value.replace("<unix>", reset) for name, value in row.get("headers", {}).items()}
        message = post(f"Teksti: {row['case']}")
        if "processing_info" in json.dumps(row["body"]):
            message = channel.render(sample_piece(), sample_view(tmp_path))[0]
            capture([message], tmp_path)
            x.fail_upload((row["status"], headers, row["body"]))
        else:
            x.fail_next((row["status"], headers, row["body"]))
        with pytest.raises(ChannelError) as caught:
            channel.publish(message, row["case"], None)
        assert type(caught.value) is KNOWN[row["case"]], row["case"]
        if headers:
            wait = caught.value.retry_after  # type: ignore[attr-defined] # it is a RateLimited, as asserted above
            assert timedelta(minutes=115) < wait < timedelta(minutes=125), row["case"]
    assert x.ledger.live() == []


def stamp(after: timedelta) -> str:
    return str(int((NOW + after).timestamp()))


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": stamp(timedelta(minutes=10))}, 601),
        ({"x-rate-limit-remaining": "5", "x-rate-limit-reset": stamp(timedelta(minutes=10))}, None),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": stamp(-timedelta(minutes=10))}, None),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "soon"}, None),
        ({"retry-after": "30"}, 30),
        (
            {
                "x-rate-limit-remaining": "0",
                "x-rate-limit-reset": stamp(-timedelta(minutes=1)),
                "x-user-limit-24hour-remaining": "0",
                "x-user-limit-24hour-reset": stamp(timedelta(hours=9)),
                "x-app-limit-24hour-remaining": "",
            },
            9 * 3600 + 1,
        ),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "99999999999"}, 31 * 86400),
    ],
)
def test_the_longest_exhausted_limit_says_how_long_to_wait(headers: dict[str, str], wait: int | None) -> None:
    found = verdict(429, headers, None, NOW)
    assert isinstance(found, RateLimited)
    assert found.retry_after == (None if wait is None else timedelta(seconds=wait))


# The real one


@pytest.fixture
def x() -> Iterator[MockX]:
    with MockX() as server:
        yield server


def live(x: MockX, tmp_path: Path) -> Channel:
    return open_channel("x", tmp_path, sandbox=False, api_url=x.url)


def test_a_post_goes_out_with_its_picture_described(x: MockX, tmp_path: Path) -> None:
    channel = live(x, tmp_path)
    message = channel.render(sample_piece(), sample_view(tmp_path))[0]
    capture([message], tmp_path)
    receipt = channel.publish(message, "key-1", None)
    reply = channel.publish(post("Vastaus"), "key-2", receipt)
    first, second = x.ledger.live()
    assert (first.id, first.text, second.reply_to) == (receipt.remote_id, message.text, receipt.remote_id)
    assert list(x.ledger.alt.values()) == [message.media[0].alt]
    assert x.ledger.media[first.media_ids[0]].startswith(b"\x89PNG")
    assert reply.permalink == f"https://x.com/i/status/{second.id}"


@pytest.mark.parametrize("fault", ["accepted-then-503", "accepted-then-cut", "accepted-then-html"])
def test_a_lost_answer_is_uncertain_and_the_post_is_found_again(x: MockX, tmp_path: Path, fault: str) -> None:
    channel = live(x, tmp_path)
    since = datetime.now(UTC)
    message = channel.render(sample_piece(title="A & B <c>"), sample_view(tmp_path))[0]
    capture([message], tmp_path)
    x.fail_next(fault)
    with pytest.raises(Uncertain):
        channel.publish(message, "key-1", None)
    found = channel.find(message, "key-1", since)
    assert found is not None
    assert found.remote_id == x.ledger.live()[0].id


def test_what_never_arrived_is_not_found(x: MockX, tmp_path: Path) -> None:
    channel = live(x, tmp_path)
    since = datetime.now(UTC)
    channel.publish(post("Toinen viesti"), "key-0", None)
    x.fail_next("cut")
    with pytest.raises(Uncertain):
        channel.publish(post("Hei"), "key-1", None)
    assert channel.find(post("Hei"), "key-1", since) is None
    assert channel.find(post("Toinen viesti"), "key-0", since + timedelta(hours=1)) is None


def test_a_hanging_answer_ends_in_time(x: MockX, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.x.session.TIMEOUT", (5, 0.3))
    channel = live(x, tmp_path)
    since = datetime.now(UTC)
    x.fail_next("accepted-then-hang")
    with pytest.raises(Uncertain):
        channel.publish(post(), "key-1", None)
    assert channel.find(post(), "key-1", since) is not None


def test_a_duplicate_is_looked_up_and_not_taken_for_a_failure(x: MockX, tmp_path: Path) -> None:
    channel = live(x, tmp_path)
    channel.publish(post(), "key-1", None)
    with pytest.raises(Uncertain, match="duplicate"):
        channel.publish(post(), "key-2", None)
    assert len(x.ledger.live()) == 1


def test_a_name_that_does_not_resolve_is_unavailable(tmp_path: Path) -> None:
    channel = open_channel("x", tmp_path, sandbox=False, api_url="https://nowhere.invalid")
    with pytest.raises(Unavailable):
        channel.publish(post(), "key-1", None)


def test_what_is_only_an_address_cannot_be_told_apart(x: MockX, tmp_path: Path) -> None:
    with pytest.raises(CannotTell):
        live(x, tmp_path).find(post("https://example.org/a"), "key-1", NOW)


def test_revoked_keys_cannot_tell(tmp_path: Path) -> None:
    class Revoked(Live):
        def _ask(self, *_: Any, **__: Any) -> Any:
            raise Unauthorized("X answered 401.")

    with pytest.raises(CannotTell) as caught:
        Revoked("https://nowhere.invalid", Keys({}), tmp_path).find(post(), "key-1", NOW)
    assert caught.value.look.startswith("https://x.com/")


def test_withdrawing_deletes_and_minds_nothing_that_is_gone(x: MockX, tmp_path: Path) -> None:
    channel = live(x, tmp_path)
    receipt = channel.publish(post(), "key-1", None)
    channel.withdraw(receipt, "key-2")  # type: ignore[attr-defined] # of Withdrawing
    channel.withdraw(receipt, "key-3")  # type: ignore[attr-defined] # of Withdrawing
    channel.withdraw(Receipt("1990000000000099999"), "key-4")  # type: ignore[attr-defined] # of Withdrawing
    assert x.ledger.live() == []


def test_a_picture_that_vanished_is_named(x: MockX, tmp_path: Path) -> None:
    channel = live(x, tmp_path)
    message = channel.render(sample_piece(), sample_view(tmp_path))[0]
    with pytest.raises(Rejected, match=r"kuva\.png"):
        channel.publish(message, "key-1", None)
    assert x.ledger.posts == []


def test_the_pictures_named_for_the_channel_go_out_instead_of_the_pieces_own(tmp_path: Path) -> None:
    view = sample_view(tmp_path)
    folder = tmp_path / "content" / "news"
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes((folder / "kuva.png").read_bytes() + name.encode())
    images = (Image("a.jpg", "Yksi."), Image("b.jpg", "Kaksi."))
    piece = sample_piece(overrides={"x": Override(images=images)})
    message = open_channel("x", tmp_path).render(piece, view)[0]
    assert [(media.src, media.alt) for media in message.media] == [("a.jpg", "Yksi."), ("b.jpg", "Kaksi.")]


@pytest.mark.parametrize(
    ("names", "rule"),
    [
        (["a.gif", "b.jpg"], "mixed-media"),
        (["a.mp4", "b.mp4"], "mixed-media"),
        (["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"], "too-many-images"),
        (["a.txt"], "image-left-out"),
        (["a.mp4"], ""),
        (["a.jpg", "b.jpg", "c.webp", "d.png"], ""),
    ],
)
def test_photos_or_one_gif_or_one_film(tmp_path: Path, names: list[str], rule: str) -> None:
    view = sample_view(tmp_path)
    for name in names:
        (tmp_path / "content" / "news" / name).write_bytes(name.encode())
    images = tuple(Image(name, "Sanoja.") for name in names)
    message = open_channel("x", tmp_path).render(sample_piece(overrides={"x": Override(images=images)}), view)[0]
    assert [problem.rule for problem in message.problems] == ([rule] if rule else [])


def test_a_piece_without_a_page_has_no_link(tmp_path: Path) -> None:
    view = replace(sample_view(tmp_path), paged=lambda _piece: False)
    message = open_channel("x", tmp_path).render(sample_piece(), view)[0]
    assert "http" not in message.text
    assert not message.links_page
