"""One feed in three forms, and one entry of it. feedgen makes the XML; JSON Feed 1.1 (jsonfeed.org) is made here.

feedgen is slow, and an entry stands in many feeds: so each is made once, and a feed is its head with entries put in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from mimetypes import guess_type

from feedgen.feed import FeedGenerator

from channels.card import Card, moment
from channels.message import Json, Message
from channels.view import Site

RSS, ATOM, JSON = "rss.xml", "atom.xml", "feed.json"
_NEVER = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece in each form, ready to be put into a feed. `date` in UTC, ISO."""

    date: str
    rss: str
    atom: str
    json: str


@dataclass(frozen=True, slots=True)
class Enclosure:
    """The picture that goes with an entry: its address and its length in bytes."""

    url: str
    size: int

    @property
    def type(self) -> str:
        return guess_type(self.url)[0] or "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Head:
    """What a feed tells about itself. `page` is where its pieces are listed, `folder` where it lies (no slash at the end)."""

    title: str
    description: str
    lang: str
    page: str
    folder: str


def head(site: Site, lang: str, tag: str = "", name: str = "") -> Head:
    """The head of a language's feed, or of one of its tags."""
    folder = f"{site.url}/{lang}/tags/{tag}" if tag else f"{site.url}/{lang}"
    return Head(f"{site.title} – {name}" if tag else site.title, site.title, lang, folder + "/", folder)


def entry(message: Message, card: Card, site: Site, enclosure: Enclosure | None) -> Entry:
    """A message as an entry of every feed that it will stand in. Its id is the piece's `uid`, which never changes."""
    feed = _feed(head(site, card["lang"]), RSS, card["date"])
    one = feed.add_entry(order="append")
    url, date = site.url + card["url"], moment(card["date"])
    one.id(_id(card))
    one.guid(_id(card), permalink=False)
    one.title(message.title)
    one.link(href=url)
    one.published(date)
    one.updated(date)
    one.summary(message.text)
    one.description(message.text)
    one.content(message.html or message.text, type="html")
    one.category([{"term": slug, "label": name} for slug, name in card["tags"]])
    if card["authors"]:
        one.author([{"name": name} for name in card["authors"]])
        one.dc.dc_creator(card["authors"])
    if enclosure:
        one.enclosure(enclosure.url, str(enclosure.size), enclosure.type)
    return Entry(
        card["date"],
        _between(feed.rss_str(), "<item>", "</channel>"),
        _between(feed.atom_str(), "<entry>", "</feed>"),
        json.dumps(_json_item(message, card, url, enclosure), ensure_ascii=False),
    )


def forms(about: Head, entries: Sequence[Entry]) -> dict[str, str]:
    """File name → the feed, newest entry first as given."""
    updated = entries[0].date if entries else _NEVER
    rss = _text(_feed(about, RSS, updated).rss_str())
    atom = _text(_feed(about, ATOM, updated).atom_str())
    return {
        RSS: _filled(rss, "</channel>", (one.rss for one in entries)),
        ATOM: _filled(atom, "</feed>", (one.atom for one in entries)),
        JSON: _json_feed(about, entries),
    }


def _feed(about: Head, form: str, updated: str) -> FeedGenerator:
    feed = FeedGenerator()
    feed.load_extension("dc", atom=False, rss=True)
    at: datetime = moment(updated)
    feed.id(about.page)
    feed.title(about.title)
    feed.description(about.description)
    feed.language(about.lang)
    feed.generator("Julki")
    feed.updated(at)
    feed.lastBuildDate(at)
    kind = "application/rss+xml" if form == RSS else "application/atom+xml"
    feed.link(href=f"{about.folder}/{form}", rel="self", type=kind)
    feed.link(href=about.page, rel="alternate")
    return feed


def _id(card: Card) -> str:
    return f"urn:uuid:{card['uid']}"


def _json_item(message: Message, card: Card, url: str, enclosure: Enclosure | None) -> dict[str, Json]:
    item = {
        "id": _id(card),
        "url": url,
        "title": message.title,
        "content_html": message.html,
        "summary": message.text,
        "date_published": card["date"],
        "date_modified": card["date"],
        "language": card["lang"],
        "tags": [name for _, name in card["tags"]],
        "authors": [{"name": name} for name in card["authors"]],
    }
    if enclosure:
        item["image"] = enclosure.url
        item["attachments"] = [{"url": enclosure.url, "mime_type": enclosure.type, "size_in_bytes": enclosure.size}]
    return item


def _json_feed(about: Head, entries: Sequence[Entry]) -> str:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": about.title,
        "home_page_url": about.page,
        "feed_url": f"{about.folder}/{JSON}",
        "language": about.lang,
    }
    items = ",\n".join(one.json for one in entries)
    return f'{json.dumps(feed, ensure_ascii=False)[:-1]}, "items": [\n{items}\n]}}\n'


def _filled(feed: str, end: str, entries: Iterable[str]) -> str:
    before, _, after = feed.rpartition(end)
    return "\n".join([before, *entries, end + after]) + "\n"


def _between(xml: bytes, start: str, end: str) -> str:
    text = _text(xml)
    return text[text.index(start) : text.rindex(end)]


def _text(xml: bytes) -> str:
    return xml.decode("utf-8")
