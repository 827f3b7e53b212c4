"""The website: pages, and everything that lists them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.contract import Item, Receipt
from channels.errors import Rejected
from channels.message import Message
from channels.piece import Piece
from channels.registry import adapter
from channels.testing import NOW, SITE, MemoryArchive, capture, context, sample_piece, sample_view
from channels.view import View

FEEDS = ("rss.xml", "atom.xml", "feed.json")


class Desk:
    """The desk's part: renders, keeps copies of files, publishes, and remembers what is live."""

    def __init__(self, root: Path, site=SITE) -> None:
        self.root = root
        self.archive = MemoryArchive()
        self.relations: dict[str, Mapping[str, str]] = {}
        files = sample_view(root).files
        names = sample_view(root).names
        self.view = View(site, root, files, lambda piece: self.relations.get(piece.id, {}), names)
        found = adapter("website")
        self.channel = found.open("website", found.options(), replace_site(context(root, self.archive), site))
        self.site = root / "var/site"

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

    def page(self, path: str) -> str:
        return (self.site / path.strip("/") / "index.html").read_text()

    def files(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.site)): path.read_bytes() for path in self.site.rglob("*") if path.is_file()}


def replace_site(base, site):
    return replace(base, site=site)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def piece(slug: str, lang: str = "fi", kind: str = "news", at: datetime = NOW, **changes: object) -> Piece:
    base = {
        "id": f"{lang}/{slug}",
        "uid": f"uid-{lang}-{slug}",
        "slug": slug,
        "lang": lang,
        "title": f"Title of {slug}",
        "body": f"Body of {slug}.",
        "publish_at": at,
        "tags": (),
        "image": None,
    }
    return sample_piece(kind, **{**base, **changes})


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.targets += [value for name in ("href", "src") if (value := values.get(name))]
        self.targets += [part.split()[0] for part in (values.get("srcset") or "").split(",") if part.strip()]


def dead_links(site: Path) -> list[str]:
    """Addresses on the site's pages that lead to nothing on it. The feeds are another channel's."""
    dead = []
    for page in site.rglob("*.html"):
        links = Links()
        links.feed(page.read_text())
        for target in links.targets:
            path = (
                re.sub(r"^https://example\.org(?=/(?:fi|sv|en|media)/)", "", target).partition("#")[0].partition("?")[0]
            )
            if not path.startswith("/") or path.endswith(FEEDS):
                continue
            file = site / path.strip("/")
            if not (file / "index.html" if path.endswith("/") else file).is_file():
                dead.append(f"{page.relative_to(site)}: {target}")
    return dead


def test_a_piece_and_everything_that_lists_it_appear_together(desk: Desk) -> None:
    desk.publish(sample_piece("news"))
    page = desk.page("/fi/news/news-esimerkki/")
    assert '<html lang="fi">' in page
    assert page.count("<h1") == 1
    assert "Kirjoittanut Maija Mäkelä" in page
    assert "30. marraskuuta 2026" in page
    for path in ("/", "/fi/", "/fi/news/", "/fi/tags/palvelumuotoilu/", "/fi/tags/digital-services/"):
        assert 'href="/fi/news/news-esimerkki/"' in desk.page(path), path
    assert "https://example.org/fi/news/news-esimerkki/" in (desk.site / "sitemap.xml").read_text()
    assert not dead_links(desk.site)


def test_every_page_tells_its_language_and_how_to_skip_to_the_content(desk: Desk) -> None:
    desk.publish(sample_piece("news"), piece("talk", "en", "event"), piece("film", "sv", "video"))
    for path in desk.site.rglob("*.html"):
        page = path.read_text()
        assert re.search(r'<html lang="(fi|sv|en)">', page)
        assert '<a class="skip" href="#julki-main">' in page
        assert page.count("<h1") == 1
        assert page.count("<main") == 1
        assert "<script" not in page
        assert all(" alt=" in image for image in re.findall(r"<img[^>]*>", page))


def test_a_repeat_changes_no_file(desk: Desk) -> None:
    desk.publish(sample_piece("news"), sample_piece("event"))
    before = {path: path.stat().st_mtime_ns for path in desk.site.rglob("*") if path.is_file()}
    desk.publish(sample_piece("news"), sample_piece("event"))
    assert {path: path.stat().st_mtime_ns for path in desk.site.rglob("*") if path.is_file()} == before


def test_a_new_piece_touches_only_what_lists_it(desk: Desk) -> None:
    many = [piece(f"old-{n:03}", at=NOW + timedelta(hours=n), tags=("a", "b")) for n in range(70)]
    desk.publish(*many, piece("other", "en", "blog"))
    before = {path: path.stat().st_ino for path in desk.site.rglob("*") if path.is_file()}
    desk.publish(piece("new", at=NOW + timedelta(days=9), tags=("a",)))
    after = {path: path.stat().st_ino for path in desk.site.rglob("*") if path.is_file()}
    changed = {str(path.relative_to(desk.site)) for path in after if after[path] != before.get(path)}
    assert changed == {
        f"{path}index.html" for path in ("", "fi/", "fi/news/", "fi/news/new/", "fi/tags/", "fi/tags/a/")
    } | {"sitemap.xml"}


def test_pages_of_lists_keep_their_number(desk: Desk) -> None:
    many = [piece(f"p-{n:03}", at=NOW + timedelta(hours=n)) for n in range(65)]
    desk.publish(*many)
    listed = [
        re.findall(r'<h2><a href="/fi/news/(p-\d+)/"', desk.page(f"/fi/news/{path}"))
        for path in ("page/1/", "page/2/", "")
    ]
    assert listed == [
        [f"p-{n:03}" for n in range(stop, start - 1, -1)] for start, stop in ((0, 19), (20, 39), (40, 64))
    ]
    first = desk.page("/fi/news/page/1/")
    desk.publish(*(piece(f"q-{n:03}", at=NOW + timedelta(days=9, hours=n)) for n in range(30)))
    assert desk.page("/fi/news/page/1/") == first
    assert not dead_links(desk.site)


def test_translations_link_to_each_other_as_soon_as_they_are_out(desk: Desk) -> None:
    finnish, swedish = piece("lupa"), piece("tillstand", "sv", translation_of="lupa")
    desk.relations = {"fi/lupa": {"sv": "sv/tillstand"}, "sv/tillstand": {"fi": "fi/lupa"}}
    desk.publish(finnish)
    assert 'hreflang="sv" lang="sv"' in desk.page("/fi/news/lupa/")
    assert 'href="/sv/news/"' in desk.page("/fi/news/lupa/")
    desk.publish(swedish)
    assert '<link rel="alternate" hreflang="sv" href="https://example.org/sv/news/tillstand/">' in desk.page(
        "/fi/news/lupa/"
    )
    assert 'href="/fi/news/lupa/"' in desk.page("/sv/news/tillstand/")
    desk.publish(swedish, purpose="withdraw")
    assert "tillstand" not in desk.page("/fi/news/lupa/")
    assert not dead_links(desk.site)


def test_what_is_withdrawn_leaves_all_lists_and_a_notice(desk: Desk) -> None:
    desk.publish(piece("stays"), piece("goes", tags=("lone",)))
    desk.publish(piece("goes", tags=("lone",)), purpose="withdraw")
    notice = desk.page("/fi/news/goes/")
    assert "Sivu on poistettu" in notice
    assert "Body of goes" not in notice
    assert "noindex" in notice
    others = {path: body for path, body in desk.files().items() if path != "fi/news/goes/index.html"}
    assert not [path for path, body in others.items() if b"goes" in body]
    assert "fi/tags/lone/index.html" not in others
    desk.publish(piece("goes"))
    assert "Body of goes" in desk.page("/fi/news/goes/")


def test_a_revision_replaces_and_a_lost_tag_loses_its_page(desk: Desk) -> None:
    desk.publish(piece("a", tags=("one", "two")), piece("b", tags=("two",)))
    desk.publish(piece("a", title="Better", tags=("three",)), purpose="revise")
    assert "Better" in desk.page("/fi/")
    assert "Better" not in desk.page("/fi/tags/two/")
    assert not (desk.site / "fi/tags/one/index.html").exists()
    assert not dead_links(desk.site)


@pytest.mark.parametrize("changes", [{"id": "fi/new", "slug": "new"}, {"kind": "blog"}])
def test_a_moved_piece_leaves_a_way_on(desk: Desk, changes: dict[str, str]) -> None:
    desk.publish(piece("old"))
    moved = replace(piece("old"), **changes)
    if "id" in changes:
        desk.archive.redirect("fi/old", "fi/new")
    desk.publish(moved, purpose="revise")
    way = desk.page("/fi/news/old/")
    target = f"/fi/{moved.kind}/{moved.slug}/"
    assert f'content="0; url={target}"' in way
    assert f'<link rel="canonical" href="https://example.org{target}">' in way
    assert "Body of old" in desk.page(target)


def test_pictures_come_small_and_in_two_formats(desk: Desk) -> None:
    desk.publish(sample_piece("news"))
    page = desk.page("/fi/news/news-esimerkki/")
    assert 'type="image/webp" srcset="/media/' in page
    assert 'width="1200" height="630"' in page
    assert 'alt="Asiakas täyttää hakemusta tabletilla."' in page
    assert re.search(r'og:image" content="https://example.org/media/[0-9a-f]{64}\.png"', page)
    assert not dead_links(desk.site)


def test_what_a_link_names_is_there_or_the_link_is_not(desk: Desk) -> None:
    folder = desk.root / "content/news"
    (folder / "report.pdf").write_bytes(b"%PDF-1.7")
    (folder / "page.html").write_text("<script>alert(1)</script>")
    text = "[Report](report.pdf) [other](other.md) [page](page.html) ![gone](gone.png) [root](/fi/news/)"
    desk.publish(piece("links", body=text))
    body = desk.page("/fi/news/links/").partition('class="body"')[2]
    assert re.search(r'href="/media/[0-9a-f]{64}\.pdf"', body)
    assert "<a>other</a>" in body
    assert "<a>page</a>" in body
    assert "gone" not in body
    assert not dead_links(desk.site)


def test_a_broken_picture_keeps_back_its_own_piece_alone(desk: Desk) -> None:
    (desk.root / "content/news/half.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    bad = desk.message(piece("bad", body="![x](half.png)"))
    good = desk.message(piece("good"))
    outcome = desk.channel.publish_all([Item("bad", bad, NOW), Item("good", good, NOW)])
    assert isinstance(outcome["bad"], Rejected)
    assert outcome["bad"].hint
    assert outcome["good"] == Receipt("fi/good", "https://example.org/fi/news/good/")
    assert "good" in desk.page("/fi/")
    assert "bad" not in desk.page("/fi/")


@pytest.mark.parametrize("slug", ["..", "../../../x", ".git", "a/b", "a\nb"])
def test_no_piece_leads_out_of_its_place(desk: Desk, slug: str) -> None:
    message = desk.message(piece("x"))
    hostile = replace(message, card={**message.card, "url": f"/fi/news/{slug}/"})
    outcome = desk.channel.publish_all([Item("key", hostile, NOW)])
    assert isinstance(outcome["key"], Rejected)


def test_a_changed_site_is_built_anew_from_the_archive(desk: Desk) -> None:
    desk.publish(piece("a", tags=("t",)), piece("b", "en"))
    renamed = replace(SITE, title="Another name")
    found = adapter("website")
    again = found.open("website", found.options(), replace_site(context(desk.root, desk.archive), renamed))
    again.publish_all([])
    pages = list(desk.site.rglob("*.html"))
    assert len(pages) > 10
    assert all("Another name" in page.read_text() for page in pages)


def test_a_site_below_a_path_links_below_it(tmp_path: Path) -> None:
    site = replace(SITE, url="https://example.org/team")
    desk = Desk(tmp_path, site)
    desk.publish(sample_piece("news"))
    page = desk.page("/fi/news/news-esimerkki/")
    assert 'href="https://example.org/team/fi/news/news-esimerkki/"' in page
    hosts = [target for target in re.findall(r'(?:href|src)="(/[^"]*)"', page) if not target.startswith("/team/")]
    assert hosts == []


def test_an_event_tells_when_and_where_in_the_sites_zone(desk: Desk) -> None:
    desk.publish(sample_piece("event"))
    page = desk.page("/fi/event/event-esimerkki/")
    assert "maanantai 30. marraskuuta 2026, 11.00–14.00 (UTC+2)" in page
    assert "Helsinki" in page


def test_a_video_loads_nothing_from_elsewhere(desk: Desk) -> None:
    video = sample_piece("video")
    assert video.video
    desk.publish(replace(video, image=None, video=replace(video.video, transcript="What is **said**.")))
    page = desk.page("/fi/video/video-esimerkki/")
    assert '<a href="https://video.example.org/1">Katso video (3 min)</a>' in page
    assert "What is <strong>said</strong>." in page
    assert "<iframe" not in page
    assert not re.findall(r'(?:src|srcset)="https?:', page)


def test_texts_are_escaped_wherever_they_stand(desk: Desk) -> None:
    evil = '"><script>alert(1)</script>'
    desk.publish(piece("evil", title=evil, summary=evil, tags=(evil,), authors=(evil,), client=evil, project=evil))
    for body in desk.files().values():
        assert b"<script>alert" not in body


def test_the_sitemap_is_well_formed_and_names_translations(desk: Desk) -> None:
    desk.relations = {"sv/b": {"fi": "fi/a&b"}}
    desk.publish(piece("a&b"), piece("b", "sv", translation_of="fi/a&b"))
    root = ElementTree.fromstring((desk.site / "sitemap.xml").read_text())  # noqa: S314 - our own file
    spaces = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "x": "http://www.w3.org/1999/xhtml"}
    urls = {url.findtext("s:loc", "", spaces): url for url in root.findall("s:url", spaces)}
    links = urls["https://example.org/sv/news/b/"].findall("x:link", spaces)
    assert {link.get("hreflang") for link in links} == {"fi", "sv"}


def test_a_full_disk_is_told_and_nothing_is_counted_as_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.publish(piece("a"))
    (desk.site / "fi/news/b").write_text("a file where a folder should be")
    outcome = desk.channel.publish_all([Item("key", desk.message(piece("b")), NOW)])
    assert type(outcome["key"]).__name__ == "Unavailable"
    (desk.site / "fi/news/b").unlink()
    desk.publish(piece("b"))
    assert not dead_links(desk.site)


def test_a_card_is_enough_for_the_checks(desk: Desk) -> None:
    found = {p.rule for p in desk.channel.check(piece("x", lang="de", body="x" * 300_000), desk.view)}
    assert found == {"site-language", "body-too-long"}


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["publish", "revise", "withdraw"]),
        st.lists(st.integers(0, 7), min_size=1, max_size=4, unique=True),
        st.sampled_from([(), ("a",), ("a", "b")]),
        st.sampled_from(["news", "blog"]),
    ),
    max_size=8,
)


def replayed(desk: Desk, acts: list[tuple[str, list[int], tuple[str, ...], str]]) -> Iterator[None]:
    live: set[int] = set()
    for purpose, numbers, tags, kind in acts:
        chosen = [n for n in numbers if (n in live) is (purpose != "publish")]
        live = live - set(chosen) if purpose == "withdraw" else live | set(chosen)
        for n in chosen:
            lang, other = ("fi", "sv") if n % 2 else ("sv", "fi")
            # Pairs of neighbours are translations of each other.
            pair = n + 1 if n % 2 == 0 else n - 1
            desk.relations[f"{lang}/p{n}"] = {other: f"{other}/p{pair}"}
        made = [
            piece(
                f"p{n}",
                "fi" if n % 2 else "sv",
                kind,
                NOW + timedelta(hours=n),
                tags=tags,
                translation_of=f"sv/p{n - 1}" if n % 2 else "",
            )
            for n in chosen
        ]
        if made:
            desk.publish(*made, purpose=purpose)
        yield


@settings(max_examples=25, deadline=None)
@given(ACTS)
def test_step_by_step_it_becomes_what_it_would_at_once(tmp_path_factory: pytest.TempPathFactory, acts: list) -> None:
    desk = Desk(tmp_path_factory.mktemp("steps"))
    for _ in replayed(desk, acts):
        assert not dead_links(desk.site)
    afresh = Desk(tmp_path_factory.mktemp("afresh"))
    afresh.archive = desk.archive
    found = adapter("website")
    found.open("website", found.options(), context(afresh.root, desk.archive)).publish_all([])
    desk.channel.publish_all([])
    steps, once = desk.files(), afresh.files()
    assert {path: steps.get(path) for path in once} == once
    former = {path: body for path, body in steps.items() if path not in once}
    assert all(b"noindex" in body for body in former.values()), sorted(former)


def test_links_are_told_apart(desk: Desk) -> None:
    """The link checker itself: a test that can't fail would be worth nothing."""
    desk.publish(piece("a"))
    (desk.site / "x.html").write_text('<a href="/nowhere/">x</a> <a href="https://elsewhere.example/">y</a>')
    assert dead_links(desk.site) == ["x.html: /nowhere/"]
