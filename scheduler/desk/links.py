"""The addresses that a channel publishes: those of the site carry by which channel a reader came (UTM)."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlsplit, urlunsplit

from channels.piece import Piece
from channels.registry import adapter
from scheduler.settings import Settings

_MEDIA = {"x": "social", "newsletter": "email", "rss": "feed"}
"""Adapter → `utm_medium`; any other is called by its own name."""


def paged(settings: Settings) -> Callable[[Piece], bool]:
    """Tells whether a piece has a page: whether it goes to a channel that publishes pages, where there is one."""
    pages = [name for name, table in settings.channels.items() if adapter(table.adapter).pages]

    def found(piece: Piece) -> bool:
        return not pages or any(_goes_to(piece, name, settings) for name in pages)

    return found


def _goes_to(piece: Piece, channel: str, settings: Settings) -> bool:
    usual = settings.kinds[piece.kind].channels
    asked = channel in (usual if piece.channels is None else piece.channels) or channel in piece.overrides
    languages = settings.channels[channel].languages
    return asked and not piece.override(channel).skip and (not languages or piece.lang in languages)


def rule(settings: Settings) -> Callable[[str, Piece, str], str]:
    """The workspace's rule, as `View.links` takes it: address, piece and channel → address. Other people's pages get
    nothing added: it would tell them what they have not asked for, and may break their addresses."""
    site, written = settings.site.url, settings.links.utm

    def link(url: str, piece: Piece, channel: str) -> str:
        if not written or not (url == site or url.startswith((f"{site}/", f"{site}?", f"{site}#"))):
            return url
        table = settings.channels.get(channel)
        medium = _MEDIA.get(table.adapter, table.adapter) if table else channel
        values = {"channel": channel, "medium": medium, "campaign": piece.project or piece.client or piece.slug}
        values |= {"kind": piece.kind, "lang": piece.lang, "slug": piece.slug}
        added = written.format(**{name: quote(value, safe="") for name, value in values.items()})
        parts = urlsplit(url)
        if "utm_source=" in parts.query:  # the writer has said so already
            return url
        return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, added)))))

    return link
