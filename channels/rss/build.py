"""One build of the feeds: those whose newest entries a batch touches, and no other."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from channels.card import Card
from channels.catalogue import Catalogue, Change, ListKey, order
from channels.contract import Archive, Item
from channels.errors import Rejected
from channels.files import OutsideError, inside, remove, write_atomic
from channels.message import Message
from channels.pictures import Pictures
from channels.rss import feed
from channels.view import Site

LOOK = ".julki-feeds"
"""The file in the site's folder that names how all its feeds were made."""
_KEPT = 300


class Entries:
    """Entries as they were made, the latest used kept: most pieces of a batch stand in several feeds."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], feed.Entry] = OrderedDict()

    def get(self, digest: str, date: str) -> feed.Entry | None:
        if (digest, date) in self._kept:
            self._kept.move_to_end((digest, date))
        return self._kept.get((digest, date))

    def put(self, digest: str, entry: feed.Entry) -> None:
        self._kept[digest, entry.date] = entry
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


class Build:
    """Works once. `count` is how many entries a feed holds; `entries` outlives the build."""

    def __init__(
        self, folder: Path, site: Site, pictures: Pictures, archive: Archive, entries: Entries, count: int
    ) -> None:
        self.folder = folder
        self.site = site
        self.pictures = pictures
        self.archive = archive
        self.entries = entries
        self.count = count
        self._fresh: dict[str, tuple[str, Message]] = {}

    def run(self, channel: str, items: Sequence[Item]) -> dict[str, Rejected]:
        """Bring the feeds to where the items are in them; key → why one is not. Raises `OSError`."""
        rejected = {item.key: why for item in items if (why := self._refused(item))}
        good = [item for item in items if item.key not in rejected]
        whole = not self._looks_right()
        if not (good or whole):
            return rejected
        catalogue = Catalogue(self.archive.live(channel), good, lists_of)
        self._fresh = {
            item.message.card["uid"]: (item.message.digest(), item.message)
            for item in good
            if item.purpose != "withdraw"
        }
        touched = catalogue.touched_lists()
        always: set[ListKey] = {(lang, "all", "") for lang in self.site.languages}
        keys = always | touched.keys() | catalogue.all_lists().keys() if whole else touched.keys()
        for key, cards in catalogue.members(keys).items():
            if whole or self._shows(key, cards, touched[key]):
                self._write(catalogue, key, cards)
        if whole:
            write_atomic(self.folder / LOOK, self._version())
        return rejected

    def _refused(self, item: Item) -> Rejected | None:
        card = item.message.card
        if card["lang"] not in self.site.languages:
            return Rejected(f"The site has no language '{card['lang']}'.", hint="Write one of the site's as lang.")
        try:
            for key in lists_of(card):
                inside(self.folder, _path(key))
            if item.purpose != "withdraw":
                self.pictures.serve_all(item.message.media)
        except OutsideError:
            return Rejected("A tag leads out of the website.", hint="Write another tag.")
        except Rejected as error:
            return error
        return None

    def _shows(self, key: ListKey, cards: Sequence[Card], changes: Iterable[Change]) -> bool:
        """Whether any of the changes is among the newest, or was; also where the feed is not there yet."""
        if len(cards) < self.count or not (self.folder / _path(key) / feed.JSON).is_file():
            return True
        oldest = order(cards[-self.count])
        return any(order(card) >= oldest for change in changes for card in change.cards)

    def _write(self, catalogue: Catalogue, key: ListKey, cards: Sequence[Card]) -> None:
        lang, what, tag = key
        folders = [_path(key)] + ([""] if key == (self.site.languages[0], "all", "") else [])
        if not cards and what == "tag":
            for form in (feed.RSS, feed.ATOM, feed.JSON):
                remove(self.folder / _path(key) / form)
            return
        name = dict(cards[-1]["tags"])[tag] if what == "tag" else ""
        entries = [self._entry(catalogue, card) for card in reversed(cards[-self.count :])]
        for form, text in feed.forms(feed.head(self.site, lang, tag, name), entries).items():
            for folder in folders:
                write_atomic(self.folder / folder / form, text, durable=False)

    def _entry(self, catalogue: Catalogue, card: Card) -> feed.Entry:
        uid = card["uid"]
        digest, message = self._fresh.get(uid) or (catalogue.digests[uid], None)
        found = self.entries.get(digest, card["date"])
        if found is None:
            message = message or self.archive.message(digest)
            found = feed.entry(message, card, self.site, self._enclosure(card))
            self.entries.put(digest, found)
        return found

    def _enclosure(self, card: Card) -> feed.Enclosure | None:
        image = card["image"]
        if image is None:
            return None
        name = image["digest"] + image["suffix"]
        path = self.pictures.out / name
        return feed.Enclosure(f"{self.site.url}/media/{name}", path.stat().st_size) if path.is_file() else None

    def _looks_right(self) -> bool:
        try:
            return (self.folder / LOOK).read_text() == self._version()
        except FileNotFoundError:
            return False

    def _version(self) -> str:
        hashed = hashlib.sha256(json.dumps([asdict(self.site), self.count], sort_keys=True).encode())
        for path in sorted(Path(__file__).parent.glob("*.py")):
            hashed.update(path.read_bytes())
        return hashed.hexdigest()


def lists_of(card: Card) -> list[ListKey]:
    """The feeds that a card stands in: its language's, and those of its tags."""
    return [(card["lang"], "all", ""), *((card["lang"], "tag", slug) for slug, _ in card["tags"])]


def _path(key: ListKey) -> str:
    lang, what, tag = key
    return f"{lang}/tags/{tag}" if what == "tag" else lang
