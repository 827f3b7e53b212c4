"""Every page of the site, as text: from cards and messages, through the theme."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from channels.card import Card
from channels.catalogue import Catalogue, ListKey
from channels.message import Message
from channels.pictures import Pictures
from channels.piece import KINDS
from channels.website.leaves import Leaf
from channels.website.theme import Page, Theme
from channels.website.words import words

_HOME = 12
_TOPICS = 40
_SITEMAP = 50_000
"""The most addresses that a sitemap may hold (sitemaps.org)."""


class Pages:
    """Paths and texts of pages. Paths are from the site's root, with a slash at both ends."""

    def __init__(self, theme: Theme, catalogue: Catalogue, pictures: Pictures) -> None:
        self.theme = theme
        self.catalogue = catalogue
        self.pictures = pictures
        self.languages = theme.site.languages

    def piece(self, message: Message, card: Card, translations: Mapping[str, str]) -> str:
        """The page of one piece. `translations`: language → path, its own among them."""
        image = card["image"]
        name = image and image["digest"] + image["suffix"]
        lead = name and Markup(self.pictures.tag(name, image["alt"], eager=True))  # noqa: S704 - built and escaped there
        page = Page(
            lang=card["lang"],
            path=card["url"],
            title=card["title"],
            summary=card["summary"],
            kind=card["kind"],
            switch={code: translations.get(code, f"/{code}/{card['kind']}/") for code in self.languages},
            translations=translations if len(translations) > 1 else {},
        )
        return self.theme.render(
            "piece.html",
            card["lang"],
            page=page,
            card=card,
            data=message.data,
            mark=mark(message),
            lead=lead,
            og_image=name and self.pictures.largest(name).removeprefix(self.theme.root),
            body=Markup(self.pictures.in_body(message.html)),  # noqa: S704 - sanitised when the message was rendered
        )

    def home(self, lang: str) -> str:
        homes = {code: f"/{code}/" for code in self.languages}
        page = Page(lang, f"/{lang}/", self.theme.site.title, homes, translations=homes)
        topics = sorted(self.catalogue.tags(lang), key=lambda tag: -tag[2])[:_TOPICS]
        cards = self.catalogue.newest(lang, _HOME)
        return self.theme.render("home.html", lang, page=page, cards=cards, tags=sorted(topics, key=_by_name))

    def leaf(self, key: ListKey, leaf: Leaf, title: str) -> str:
        """One page of a list by kind or tag."""
        lang, what, which = key
        is_kind = what == "kind"
        switch = {code: f"/{code}/{which}/" if is_kind else f"/{code}/tags/" for code in self.languages}
        page = Page(
            lang=lang,
            path=leaf_path(key, leaf.number),
            title=title + (f", {words(lang)['page'].format(leaf.number)}" if leaf.number else ""),
            switch={**switch, lang: leaf_path(key, leaf.number)},
            kind=which if is_kind else "tags",
            is_list=is_kind and not leaf.number,
            translations=switch if is_kind and not leaf.number else {},
        )
        return self.theme.render(
            "list.html",
            lang,
            page=page,
            cards=leaf.cards,
            tag="" if is_kind else which,
            older=None if leaf.older is None else leaf_path(key, leaf.older),
            newer=None if leaf.newer is None else leaf_path(key, leaf.newer),
        )

    def tags(self, lang: str) -> str:
        switch = {code: f"/{code}/tags/" for code in self.languages}
        page = Page(lang, switch[lang], words(lang)["tags"], switch, kind="tags", translations=switch)
        return self.theme.render("tags.html", lang, page=page, tags=self.catalogue.tags(lang))

    def gone(self, card: Card) -> str:
        """What stands where a withdrawn piece stood."""
        lang = card["lang"]
        switch = {code: f"/{code}/{card['kind']}/" for code in self.languages}
        page = Page(lang, card["url"], words(lang)["gone"], switch, hidden=True)
        return self.theme.render("notice.html", lang, page=page, texts=[(lang, words(lang)["gone_text"])])

    def missing(self) -> str:
        """The page for an address that leads nowhere: in every language, since the reader's is not known."""
        lang = self.languages[0]
        switch = {code: f"/{code}/" for code in self.languages}
        page = Page(lang, "/404.html", words(lang)["missing"], switch, hidden=True)
        texts = [(code, f"{words(code)['missing']}. {words(code)['missing_text']}") for code in self.languages]
        return self.theme.render("notice.html", lang, page=page, texts=texts)

    def moved(self, lang: str, target: Card) -> str:
        return self.theme.render("moved.html", lang, target=target["url"], title=target["title"])

    def sitemap(self) -> str:
        groups = {card["uid"]: group for group in self.catalogue.groups().values() for card in group}
        places: list[tuple[str, str, dict[str, str]]] = [(f"/{lang}/", "", {}) for lang in self.languages]
        places += [(f"/{lang}/{kind}/", "", {}) for lang in self.languages for kind in KINDS]
        newest = self.catalogue.cards[::-1][: _SITEMAP - len(places)]
        places += [(card["url"], card["date"], alternates(groups[card["uid"]])) for card in newest]
        return self.theme.render("sitemap.xml", self.languages[0], places=places)

    def robots(self) -> str:
        return f"User-agent: *\nAllow: /\n\nSitemap: {self.theme.site.url}/sitemap.xml\n"


def mark(message: Message) -> str:
    """What a page bears to tell which message it shows."""
    return message.digest()[:16]


def alternates(group: list[Card]) -> dict[str, str]:
    """Language → path of the pieces that say the same; none where there is but one."""
    found: dict[str, str] = {}
    for card in group:
        found.setdefault(card["lang"], card["url"])
    return found if len(found) > 1 else {}


def leaf_path(key: ListKey, number: int) -> str:
    lang, what, which = key
    front = f"/{lang}/{which}/" if what == "kind" else f"/{lang}/tags/{which}/"
    return f"{front}page/{number}/" if number else front


def _by_name(tag: tuple[str, str, int]) -> str:
    return tag[1].casefold()
