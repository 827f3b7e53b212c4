"""A piece's body as HTML for a page or a feed, and the files that it shows or offers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from channels import images, markdown
from channels.message import Media
from channels.piece import Piece
from channels.view import View

DOCUMENTS = frozenset({
    ".csv", ".docx", ".ics", ".json", ".odp", ".ods", ".odt", ".pdf", ".pptx", ".srt", ".txt", ".vtt", ".xlsx", ".zip",
})  # fmt: skip
"""Files that a body may offer beside pictures. Nothing that a browser would run on the site's own host."""
SUMMARY = 40
"""How many words of the body stand for a missing summary."""


@dataclass(frozen=True, slots=True)
class Article:
    """`media` are the lead picture and the body's files, each once; `summary` is plain text."""

    html: str
    summary: str
    lead: Media | None
    media: tuple[Media, ...]


def article(piece: Piece, view: View, base: str = "") -> Article:
    """The piece ready for a page (`base`: the path that the site lies under, mostly "") or a feed (the site's url).

    A link to another piece's file leads to its page; one to a file that is not there, or to a piece that is not out by
    then, becomes its text; such a picture goes.
    Raises `channels.markdown.Unreadable`.
    """
    html = markdown.to_html(piece.body, piece.lang)
    lead = view.file(piece, piece.image.src, piece.image.alt) if piece.image else None
    lead = lead if lead and lead.suffix.lower() in images.SUFFIXES else None
    found = {lead.name: lead} if lead else {}
    alts = {link.target: link.text for link in markdown.links(html) if link.image}

    def resolve(target: str) -> str | None:
        if target.startswith("#"):
            return view.page(piece) + target if "://" in base else target
        if not markdown.is_local(target):
            return target
        if page := _page(piece, view, target):
            return base + page.removeprefix(view.site.url)
        media = _file(piece, view, target, alts.get(target, ""))
        if media is None:
            return base + target if target.startswith("/") and not _is_picture(target) else None
        found.setdefault(media.name, media)
        return address(media, base)

    body = markdown.absolutise(html, resolve)
    summary = markdown.clean(piece.summary) or markdown.shortened(markdown.stripped(body), SUMMARY)
    return Article(body, summary, lead, tuple(found.values()))


def address(media: Media, base: str = "") -> str:
    """Where the website serves a file."""
    return f"{base}/media/{media.name}"


def _page(piece: Piece, view: View, target: str) -> str | None:
    """Where a link to another piece's file leads, with its `#part`."""
    path, mark, part = target.partition("#")
    page = view.page_at(piece, unquote(path)) if path.lower().endswith(".md") else None
    return page and page + mark + part


def _file(piece: Piece, view: View, target: str, alt: str) -> Media | None:
    try:
        media = view.file(piece, unquote(urlsplit(target).path), alt)
    except (OSError, ValueError):
        # What no file can be called: too long, a null byte, half an IPv6 address.
        return None
    return media if media and media.suffix.lower() in images.SUFFIXES | DOCUMENTS else None


def _is_picture(target: str) -> bool:
    path = target.partition("?")[0].partition("#")[0]
    return PurePosixPath(path).suffix.lower() in images.SUFFIXES | {".svg", ".avif", ".bmp", ".tif"}
