"""How a mail looks: HTML with its style inlined, and the same as text. Pure; nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import unescape
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

import css_inline
import html2text
from jinja2 import Environment, PackageLoader, Template

from channels.article import DOCUMENTS
from channels.errors import Rejected
from channels.images import SUFFIXES
from channels.markdown import absolutise, excerpt, is_local, to_html
from channels.newsletter.words import day, moment, words
from channels.piece import Piece
from channels.text import clean, shorten
from channels.view import Site, View

SUBJECT = 150
"""The longest subject, in characters."""

_TITLE = 300
_PREHEADER = 120
_EXCERPT_WORDS = 45
_IMAGE = re.compile(r'<img\b(?:[^<>"]|"[^"]*")*\ssrc="([^"]*)"(?:[^<>"]|"[^"]*")*>')
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece in a mail. `html` is its whole text (clean), empty where the mail only points to the page."""

    title: str
    url: str
    summary: str
    meta: str = ""
    where: str = ""
    video: str = ""
    picture: str = ""
    alt: str = ""
    html: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail before it has an envelope."""

    subject: str
    html: str
    text: str


def line(text: str, limit: int) -> str:
    """`text` as one clean line of at most `limit` characters, whatever it was."""
    flat = " ".join(clean(text).split())
    short = shorten(flat, limit, len)
    return short if len(short) > 1 or len(flat) <= limit else flat[: limit - 1] + "…"


def entry(piece: Piece, view: View, channel: str, *, whole: bool) -> Entry:
    """The piece as an entry: with its whole text, or with the summary alone."""
    zone, lang = ZoneInfo(view.site.timezone), piece.lang
    url = view.link(view.page(piece), piece, channel)
    summary = " ".join(clean(piece.summary).split())
    body = _body(piece, view) if whole else ""
    authors = ", ".join(view.name("author", author) for author in piece.authors)
    date = day(piece.publish_at, zone, lang) if piece.publish_at else ""
    return Entry(
        title=line(piece.title, _TITLE),
        url=url,
        summary=summary or ("" if body else _excerpt(piece)),
        meta=line(" · ".join(filter(None, (date, authors))), _TITLE),
        where=_where(piece, zone),
        video=url if piece.video else "",
        picture=_picture(piece.image.src, piece, view) if piece.image else "",
        alt=line(piece.image.alt, _TITLE) if piece.image else "",
        html=body,
    )


def compose(subject: str, heading: str, entries: Sequence[Entry], site: Site, lang: str) -> Mail:
    """The mail of one or several entries. `browser` shows where one alone has a page of its own."""
    alone = entries[0] if len(entries) == 1 else None
    names = {
        "lang": lang,
        "subject": line(subject, SUBJECT),
        "heading": line(heading, _TITLE),
        "preheader": line(alone.summary if alone else ", ".join(entry.title for entry in entries), _PREHEADER),
        "browser": alone.url if alone else "",
        "entries": entries,
        "site": site,
        "words": words(lang),
    }
    page = _INLINER.inline(_template().render(names))
    return Mail(line(subject, SUBJECT), page, _text(heading, entries, site, lang))


def _body(piece: Piece, view: View) -> str:
    try:
        html = to_html(piece.body, piece.lang)
    except Rejected:
        # The check of the file names what is wrong; the mail points to the page instead.
        return ""
    shown = _IMAGE.sub(lambda image: image.group() if _picture(unescape(image[1]), piece, view) else "", html)
    return absolutise(shown, lambda address: _absolute(address, piece, view)).strip()


def _picture(src: str, piece: Piece, view: View) -> str:
    """Where the website serves a picture of the workspace; "" where there is none. Others stay where they are."""
    if not is_local(src):
        return src
    media = view.file(piece, src)
    served = media is not None and media.suffix.lower() in SUFFIXES | DOCUMENTS
    return f"{view.site.url}/media/{media.name}" if media and served else ""


def _absolute(address: str, piece: Piece, view: View) -> str:
    """An address in a text as a mail needs it: a file where the website has it, all else counted from the page."""
    served = _picture(address, piece, view) if is_local(address) else ""
    try:
        return served or urljoin(view.page(piece), address)
    except ValueError:
        return view.page(piece)


def _excerpt(piece: Piece) -> str:
    try:
        return clean(excerpt(piece.body, _EXCERPT_WORDS))
    except Rejected:
        return ""


def _where(piece: Piece, zone: ZoneInfo) -> str:
    if not piece.event:
        return ""
    return line(", ".join(filter(None, (moment(piece.event.starts_at, zone, piece.lang), piece.event.place))), _TITLE)


def _text(heading: str, entries: Sequence[Entry], site: Site, lang: str) -> str:
    blocks = [line(heading, _TITLE)]
    for entry in entries:
        blocks += _entry_text(entry, lang, titled=len(entries) > 1)
    return "\n\n".join([*blocks, f"-- \n{words(lang)['from']} {site.title}, {site.url}"]) + "\n"


def _entry_text(entry: Entry, lang: str, *, titled: bool) -> list[str]:
    said = words(lang)
    where = f"{said['where']}: {entry.where}" if entry.where else ""
    last = said["watch"] if entry.video else said["browser"] if entry.html else said["more"]
    title = f"* {entry.title}" if titled else ""
    return [
        block
        for block in (title, entry.meta, where, entry.summary, _plain(entry.html), f"{last}: {entry.url}")
        if block
    ]


def _plain(html: str) -> str:
    if not html:
        return ""
    writer = html2text.HTML2Text(bodywidth=0)
    writer.ignore_images = True
    writer.ignore_emphasis = True
    writer.unicode_snob = True
    return writer.handle(html).strip()


@cache
def _template() -> Template:
    loader = PackageLoader("channels.newsletter", "templates")
    return Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True).get_template("mail.html")


def host(site: Site) -> str:
    """The site's host in ASCII, as addresses and Message-IDs need it."""
    name = urlsplit(site.url).hostname or ""
    try:
        return name.encode("idna").decode("ascii") or "localhost.invalid"
    except UnicodeError:
        return "localhost.invalid"
