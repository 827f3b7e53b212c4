"""The addresses that a channel publishes: those of the site carry by which channel a reader came (UTM)."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlsplit, urlunsplit

from channels.piece import Piece
from scheduler.settings import Settings

_MEDIA = {"x": "social", "newsletter": "email", "rss": "feed"}
"""Adapter → `utm_medium`; any other is called by its own name."""


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
