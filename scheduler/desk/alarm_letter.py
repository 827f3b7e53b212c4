"""How a mail of the desk to its own team looks: sections of short entries, as HTML and as text. The digest's, too. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import css_inline
from jinja2 import Environment, PackageLoader, Template

from channels.newsletter.mail import SUBJECT, Mail, line

_TITLE = 200
_TEXT = 700
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=False)


@dataclass(frozen=True, slots=True)
class Item:
    """One entry. `meta` is in the receiver's language, `text` in the desk's own (English)."""

    title: str = ""
    meta: str = ""
    text: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Entries of one sort; `more` says how many there are beside those shown, and how to see them."""

    heading: str
    items: Sequence[Item] = ()
    note: str = ""
    more: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    heading: str
    lead: str
    sections: Sequence[Section]
    foot: str


def compose(letter: Letter, site: str, lang: str) -> Mail:
    """The mail; whatever stands in it, a title is one line of 200 characters at most, a text of 700."""
    capped = Letter(letter.subject, letter.heading, letter.lead, [_capped(one) for one in letter.sections], letter.foot)
    page = _INLINER.inline(_template().render(letter=capped, site=site, lang=lang))
    return Mail(line(letter.subject, SUBJECT), page, "\n".join(_text(capped, site)))


def _capped(section: Section) -> Section:
    items = [Item(line(i.title, _TITLE), line(i.meta, _TEXT), line(i.text, _TEXT), i.url) for i in section.items]
    return Section(line(section.heading, _TITLE), items, section.note, section.more)


def _text(letter: Letter, site: str) -> Iterator[str]:
    yield from (letter.heading, "", letter.lead, "")
    for section in letter.sections:
        yield from (section.heading, "-" * min(len(section.heading), 72))
        yield from filter(None, [section.note])
        for item in section.items:
            yield from _entry(item)
        yield from ([section.more, ""] if section.more else [""])
    yield from ("-- ", letter.foot, site, "")


def _entry(item: Item) -> Iterator[str]:
    shown = [part for part in (item.title, item.meta, item.text, item.url) if part]
    yield from (f"{'*' if first else ' '} {part}" for first, part in zip([True, *[False] * 3], shown, strict=False))


@cache
def _template() -> Template:
    loader = PackageLoader("scheduler.desk", "templates")
    return Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True).get_template("letter.html")
