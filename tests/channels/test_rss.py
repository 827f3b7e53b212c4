"""The feeds: RSS, Atom and JSON Feed of each language and tag."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from channels.contract import Item, Receipt
from channels.errors import Rejected
from channels.message import Message
from channels.piece import Image, Piece
from channels.registry import adapter
from channels.testing import NOW, SITE, MemoryArchive, capture, context, hostile_pieces, sample_piece, sample_view

ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
CREATOR = "{http://purl.org/dc/elements/1.1/}creator"


class Desk:
    """The desk's part: renders, keeps copies of files, publishes, and remembers what is live."""

    def __init__(self, root: Path, items: int = 50) -> None:
        self.root = root
        self.archive = MemoryArchive()
        self.view = sample_view(root)
        self.items = items
        self.channel = self.opened(root)
        self.site = root / "var/site"

    def opened(self, root: Path):
        found = adapter("rss")
        return found.open("rss", found.options(items=self.items), context(root, self.archive))

    def message(self, piece: Piece) -> Message:
        (message,) = self.channel.render(piece, self.view)
        capture([message], self.root)
        return message

    def publish(self, *pieces: Piece, purpose: str = "publish") -> None:
        items = [Item(f"key-{piece.id}", self.message(piece), NOW, purpose) for piece in pieces]
        outcome = self.channel.publish_all(items)
        assert all(isinstance(one, Receipt) for one in outcome.values()), outcome
        for item in items:
            if purpose == "withdraw":
                self.archive.remove(item.message)
            else:
                self.archive.add(item.message, item.published_at)

    def json(self, folder: str = "fi") -> dict:
        return json.loads((self.site / folder / "feed.json").read_text())

    def xml(self, path: str) -> ElementTree.Element:
        return ElementTree.fromstring((self.site / path).read_bytes())  # noqa: S314 - our own file

    def files(self) -> Mapping[str, bytes]:
        return {str(path.relative_to(self.site)): path.read_bytes() for path in self.site.rglob("*") if path.is_file()}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def piece(n: int, lang: str = "fi", at: datetime | None = None, **changes: object) -> Piece:
    base = {
        "id": f"{lang}/p{n}",
        "uid": f"0000-{lang}-{n:04}",
        "slug": f"p{n}",
        "lang": lang,
        "title": f"Title {n}",
        "body": f"Body {n}.",
        "publish_at": at or NOW + timedelta(hours=n),
        "tags": (),
        "image": None,
    }
    return sample_piece("news", **{**base, **changes})


def ids(feed: dict) -> list[str]:
    return [item["id"] for item in feed["items"]]


def test_one_piece_in_all_forms(desk: Desk) -> None:
    desk.publish(sample_piece("news"))
    for folder in ("", "fi", "fi/tags/palvelumuotoilu", "fi/tags/digital-services"):
        (item,) = desk.xml(f"{folder}/rss.xml".strip("/")).findall("channel/item")
        assert item.findtext("guid") == "urn:uuid:uid-news"
        assert item.findtext("link") == "https://example.org/fi/news/news-esimerkki/"
        assert item.findtext("pubDate") == "Mon, 30 Nov 2026 07:00:00 +0000"
        assert item.findtext(CREATOR) == "Maija Mäkelä"
        assert "<strong>lyhyempi</strong>" in str(item.findtext(CONTENT))
        (entry,) = desk.xml(f"{folder}/atom.xml".strip("/")).findall(f"{ATOM}entry")
        assert entry.findtext(f"{ATOM}id") == "urn:uuid:uid-news"
        assert entry.findtext(f"{ATOM}updated") == "2026-11-30T07:00:00+00:00"
        assert [one.get("label") for one in entry.findall(f"{ATOM}category")] == ["palvelumuotoilu", "digital services"]
        (form,) = desk.json(folder)["items"]
        assert form["date_published"] == "2026-11-30T07:00:00Z"
        assert form["authors"] == [{"name": "Maija Mäkelä"}]
        assert form["tags"] == ["palvelumuotoilu", "digital services"]


def test_every_language_has_its_feeds_from_the_start(desk: Desk) -> None:
    desk.publish(piece(1))
    assert [len(desk.json(lang)["items"]) for lang in ("fi", "sv", "en", "")] == [1, 0, 0, 1]
    assert desk.xml("sv/rss.xml").findtext("channel/language") == "sv"
    assert desk.xml("sv/atom.xml").findtext(f"{ATOM}id") == "https://example.org/sv/"


def test_addresses_are_whole(desk: Desk) -> None:
    desk.publish(piece(1, body="![a](kuva.png) [b](#there) [c](/fi/) [d](other.md)\n\nx[^1]\n\n[^1]: Foot."))
    html = desk.json()["items"][0]["content_html"]
    assert 'src="https://example.org/media/' in html
    assert 'href="https://example.org/fi/news/p1/#there"' in html
    assert 'href="https://example.org/fi/"' in html
    assert 'href="https://example.org/fi/news/p1/#fn:1"' in html
    assert "<a>d</a>" in html


def test_the_picture_is_enclosed_with_its_size(desk: Desk) -> None:
    desk.publish(sample_piece("news"))
    enclosure = desk.xml("fi/rss.xml").find("channel/item/enclosure")
    assert enclosure is not None
    name = str(enclosure.get("url")).removeprefix("https://example.org/")
    assert (desk.site / name).stat().st_size == int(str(enclosure.get("length")))
    assert enclosure.get("type") == "image/png"


def test_the_newest_stand_first_and_the_oldest_leave(tmp_path: Path) -> None:
    desk = Desk(tmp_path, items=3)
    desk.publish(*(piece(n) for n in range(5)))
    assert ids(desk.json()) == [f"urn:uuid:0000-fi-{n:04}" for n in (4, 3, 2)]
    guids = [item.findtext("guid") for item in desk.xml("fi/rss.xml").findall("channel/item")]
    assert guids == ids(desk.json())
    assert desk.xml("fi/rss.xml").findtext("channel/lastBuildDate") == "Mon, 30 Nov 2026 11:00:00 +0000"


def test_an_older_piece_is_taken_into_account_and_touches_no_feed(tmp_path: Path) -> None:
    desk = Desk(tmp_path, items=3)
    desk.publish(*(piece(n) for n in range(5)))
    before = {path: path.stat().st_ino for path in desk.site.rglob("*") if path.is_file()}
    desk.publish(piece(9, at=NOW - timedelta(days=99)))
    assert {path: path.stat().st_ino for path in desk.site.rglob("*") if path.is_file()} == before


def test_only_feeds_that_show_the_piece_are_touched(desk: Desk) -> None:
    desk.publish(piece(1, tags=("a",)), piece(2, tags=("b",)), piece(3, "sv", tags=("a",)))
    before = {path: path.stat().st_ino for path in desk.site.rglob("*") if path.is_file()}
    desk.publish(piece(4, tags=("b", "c")))
    after = {path: path.stat().st_ino for path in desk.site.rglob("*") if path.is_file()}
    folders = {str(path.relative_to(desk.site).parent) for path in after if after[path] != before.get(path)}
    assert folders == {".", "fi", "fi/tags/b", "fi/tags/c"}


def test_a_repeat_changes_no_file(desk: Desk) -> None:
    desk.publish(piece(1), piece(2))
    before = {path: path.stat().st_ino for path in desk.site.rglob("*") if path.is_file()}
    desk.publish(piece(1), piece(2))
    assert {path: path.stat().st_ino for path in desk.site.rglob("*") if path.is_file()} == before


def test_an_entry_keeps_its_id_whatever_the_piece_is_called(desk: Desk) -> None:
    desk.publish(piece(1, tags=("a",)))
    first = ids(desk.json())
    renamed = replace(piece(1, tags=("b",)), id="fi/new", slug="new", title="New")
    desk.publish(renamed, purpose="revise")
    (item,) = desk.json()["items"]
    assert ([item["id"]], item["title"], item["url"]) == (first, "New", "https://example.org/fi/news/new/")
    assert not (desk.site / "fi/tags/a/rss.xml").exists()


def test_what_is_withdrawn_leaves_the_feeds(desk: Desk) -> None:
    desk.publish(piece(1, tags=("a",)), piece(2))
    desk.publish(piece(1, tags=("a",)), purpose="withdraw")
    assert ids(desk.json()) == ["urn:uuid:0000-fi-0002"]
    assert not (desk.site / "fi/tags/a/feed.json").exists()


def test_hostile_texts_leave_every_feed_well_formed(desk: Desk) -> None:
    pieces = [
        replace(one, id=f"fi/p{n}", uid=f"u{n}", slug=f"p{n}", image=Image("kuva.png", one.title))
        for n, one in enumerate(hostile_pieces("rss"))
    ]
    desk.publish(*pieces)
    assert len(desk.json()["items"]) == len(pieces)
    for path in desk.site.rglob("*.xml"):
        desk.xml(str(path.relative_to(desk.site)))
    for path in desk.site.rglob("*.json"):
        json.loads(path.read_text())


def test_a_broken_picture_keeps_back_its_own_piece_alone(desk: Desk) -> None:
    (desk.root / "content/news/half.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    bad = desk.message(piece(1, body="![x](half.png)"))
    good = desk.message(piece(2))
    outcome = desk.channel.publish_all([Item("bad", bad, NOW), Item("good", good, NOW)])
    assert isinstance(outcome["bad"], Rejected)
    assert isinstance(outcome["good"], Receipt)
    assert ids(desk.json()) == ["urn:uuid:0000-fi-0002"]


def test_a_changed_site_is_told_in_all_feeds(desk: Desk) -> None:
    desk.publish(piece(1, tags=("a",)))
    found = adapter("rss")
    renamed = replace(context(desk.root, desk.archive), site=replace(SITE, title="Another name"))
    found.open("rss", found.options(), renamed).publish_all([])
    assert desk.json()["title"] == "Another name"
    assert desk.json("fi/tags/a")["title"] == "Another name – a"


def test_options_are_bounded() -> None:
    with pytest.raises(ValidationError):
        adapter("rss").options(items=0)
    with pytest.raises(ValidationError):
        adapter("rss").options(pages=3)


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["publish", "revise", "withdraw"]),
        st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True),
        st.sampled_from([(), ("a",), ("a", "b")]),
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(ACTS)
def test_step_by_step_they_become_what_they_would_at_once(tmp_path_factory: pytest.TempPathFactory, acts: list) -> None:
    desk = Desk(tmp_path_factory.mktemp("steps"), items=3)
    live: set[int] = set()
    for purpose, numbers, tags in acts:
        chosen = [n for n in numbers if (n in live) is (purpose != "publish")]
        live = live - set(chosen) if purpose == "withdraw" else live | set(chosen)
        desk.publish(*(piece(n, tags=tags, title=f"{purpose} {n}") for n in chosen), purpose=purpose)
        assert all(len(set(ids(feed))) == len(feed["items"]) for feed in map(json.loads, feeds(desk)))
    afresh = Desk(tmp_path_factory.mktemp("afresh"), items=3)
    afresh.archive = desk.archive
    afresh.opened(afresh.root).publish_all([])
    desk.channel.publish_all([])
    assert desk.files() == afresh.files()


def feeds(desk: Desk) -> list[str]:
    return [path.read_text() for path in desk.site.rglob("feed.json")]
