"""One build: a batch's pages, then everything that lists them. Nothing else is touched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from channels.card import Card
from channels.catalogue import Catalogue, Change, ListKey
from channels.contract import Archive, Item
from channels.errors import Rejected
from channels.files import OutsideError, inside, remove, write_atomic
from channels.message import Media, Message
from channels.pictures import Pictures
from channels.piece import KINDS
from channels.website.leaves import full_pages, leaves, shifted_since
from channels.website.pages import Pages, alternates, leaf_path
from channels.website.theme import Theme
from channels.website.words import words

LOOK = ".julki-theme"
"""The file in the site's folder that names the look all its pages have."""


class Build:
    """Works once. `folder` is the site's; `live` the channel's name in the archive."""

    def __init__(self, folder: Path, theme: Theme, stock: Path, archive: Archive) -> None:
        self.folder = folder
        self.theme = theme
        self.archive = archive
        self.pictures = Pictures(stock, folder / "media", theme.root)

    def run(self, channel: str, items: Sequence[Item]) -> dict[str, Rejected]:
        """Bring the site to where the items are in it; key → why one is not. Raises `OSError`."""
        rejected = {item.key: why for item in items if (why := self._refused(item))}
        good = [item for item in items if item.key not in rejected]
        whole = not self._looks_right()
        if good or whole:
            catalogue = Catalogue(self.archive.live(channel), good, _lists_of)
            self._write(catalogue, good, whole=whole)
        return rejected

    def _write(self, catalogue: Catalogue, items: Sequence[Item], *, whole: bool) -> None:
        pages = Pages(self.theme, catalogue, self.pictures)
        if whole:
            self._fixed(pages)
        self._pieces(pages, items, whole=whole)
        self._lists(pages, whole=whole)
        self._fronts(pages, whole=whole)
        self._former(pages, items, whole=whole)
        if whole:
            write_atomic(self.folder / LOOK, self.theme.version)

    def _refused(self, item: Item) -> Rejected | None:
        """What keeps one item off the site, found before anything is written; its files are put there on the way."""
        message = item.message
        if not self._is_address(message.card["url"]):
            return Rejected("The piece has no proper address on the website.", hint="Write another slug.")
        if message.card["lang"] not in self.theme.site.languages:
            known = ", ".join(self.theme.site.languages)
            return Rejected(
                f"The website has no language '{message.card['lang']}'.", hint=f"Write one of {known} as lang."
            )
        return None if item.purpose == "withdraw" else self._serve(message)

    def _is_address(self, url: str) -> bool:
        parts = url.strip("/").split("/")
        if len(parts) != 3 or any(not part.isprintable() or part.startswith(".") for part in parts):
            return False
        try:
            inside(self.folder, url.strip("/"))
        except OutsideError:
            return False
        return True

    def _serve(self, message: Message) -> Rejected | None:
        image = message.card["image"]
        try:
            self.pictures.serve_all(message.media)
            if image:
                self.pictures.thumbnail(Media(image["digest"], image["suffix"]))
        except Rejected as error:
            return error
        return None

    def _looks_right(self) -> bool:
        try:
            return (self.folder / LOOK).read_text() == self.theme.version
        except FileNotFoundError:
            return False

    def _fixed(self, pages: Pages) -> None:
        write_atomic(self.folder / "theme.css", self.theme.css, durable=False)
        write_atomic(self.folder / "robots.txt", pages.robots(), durable=False)
        write_atomic(self.folder / "404.html", pages.missing(), durable=False)

    def _pieces(self, pages: Pages, items: Sequence[Item], *, whole: bool) -> None:
        """The items' own pages, and those of their translations, which link to them."""
        catalogue = pages.catalogue
        messages = {item.message.card["uid"]: item.message for item in items if item.purpose != "withdraw"}
        touched = {catalogue.group(card) for change in catalogue.changes for card in change.cards}
        for group in catalogue.groups(None if whole else touched).values():
            translations = alternates(group)
            for card in group:
                message = messages.get(card["uid"]) or self._stored(catalogue, card)
                self._put(card["url"], pages.piece(message, card, translations))

    def _stored(self, catalogue: Catalogue, card: Card) -> Message:
        message = self.archive.message(catalogue.digests[card["uid"]])
        # A page that is out stays out, though a picture of it can't be made anew.
        self._serve(message)
        return message

    def _lists(self, pages: Pages, *, whole: bool) -> None:
        catalogue = pages.catalogue
        touched: Mapping[ListKey, Sequence[Change]] = catalogue.touched_lists()
        keys: Collection[ListKey] = touched.keys()
        if whole:
            kinds = {(lang, "kind", kind) for lang in self.theme.site.languages for kind in KINDS}
            keys = kinds | touched.keys() | catalogue.all_lists().keys()
        for key, cards in catalogue.members(keys).items():
            since = 0 if whole else shifted_since(cards, touched[key])
            self._list(pages, key, cards, since)

    def _list(self, pages: Pages, key: ListKey, cards: Sequence[Card], since: int) -> None:
        if cards or key[1] == "kind":
            title = _title(key, cards)
            for leaf in leaves(cards, since):
                self._put(leaf_path(key, leaf.number), pages.leaf(key, leaf, title))
        else:
            remove(self._file(leaf_path(key, 0)))
        number = full_pages(len(cards)) + 1
        while remove(self._file(leaf_path(key, number))):
            number += 1

    def _fronts(self, pages: Pages, *, whole: bool) -> None:
        site = self.theme.site
        touched = {card["lang"] for change in pages.catalogue.changes for card in change.cards}
        for lang in site.languages if whole else sorted(touched):
            home = pages.home(lang)
            self._put(f"/{lang}/", home)
            self._put(f"/{lang}/tags/", pages.tags(lang))
            if lang == site.languages[0]:
                self._put("/", home)
        if whole or touched:
            write_atomic(self.folder / "sitemap.xml", pages.sitemap(), durable=False)

    def _former(self, pages: Pages, items: Sequence[Item], *, whole: bool) -> None:
        """Addresses that had a page: withdrawn pieces get a notice, moved ones a way on."""
        catalogue = pages.catalogue
        for path, card in self._withdrawn(catalogue, items).items():
            if path not in catalogue.urls:
                self._put(path, pages.gone(card))
        moved = {change.old["url"]: change.new for change in catalogue.changes if change.old and change.new}
        moved.update(self._redirects(catalogue, catalogue.cards if whole else list(moved.values())))
        for path, target in moved.items():
            if path not in catalogue.urls:
                self._put(path, pages.moved(path.split("/")[1], target))

    def _withdrawn(self, catalogue: Catalogue, items: Sequence[Item]) -> dict[str, Card]:
        """Path → card. What was live decides; a repeat no longer finds that, and goes by the message."""
        gone = {item.message.card["uid"]: item.message.card for item in items if item.purpose == "withdraw"}
        gone.update({change.old["uid"]: change.old for change in catalogue.changes if change.old and not change.new})
        return {card["url"]: card for card in gone.values()}

    def _redirects(self, catalogue: Catalogue, targets: Iterable[Card]) -> dict[str, Card]:
        """Old path → card, for the pieces among `targets` that were renamed."""
        redirects = self.archive.redirects()
        wanted = {card["id"] for card in targets} if redirects else set()
        found = {}
        for old in redirects:
            card = catalogue.get(_now(old, redirects))
            if card and card["id"] in wanted:
                lang, _, slug = old.partition("/")
                found[f"/{lang}/{card['kind']}/{slug}/"] = card
        return found

    def _put(self, path: str, text: str) -> None:
        write_atomic(self._file(path), text, durable=False)

    def _file(self, path: str) -> Path:
        return self.folder / path.strip("/") / "index.html"


def _lists_of(card: Card) -> list[ListKey]:
    return [(card["lang"], "kind", card["kind"]), *((card["lang"], "tag", slug) for slug, _ in card["tags"])]


def _now(piece: str, redirects: Mapping[str, str]) -> str:
    """The id that a renamed piece has by now; a circle ends where it began."""
    seen = {piece}
    while (following := redirects.get(piece)) is not None and following not in seen:
        seen.add(following)
        piece = following
    return piece


def _title(key: ListKey, cards: Sequence[Card]) -> str:
    lang, what, which = key
    if what == "kind":
        return words(lang)[which]
    return words(lang)["tagged"].format(dict(cards[-1]["tags"])[which])
