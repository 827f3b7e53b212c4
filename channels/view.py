"""What rendering may know beside the piece itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from channels.message import Media
from channels.piece import Piece


@dataclass(frozen=True, slots=True)
class Site:
    """The website's name, address (no slash at the end), zone (IANA name) and languages (the first is the default)."""

    title: str
    url: str
    timezone: str
    languages: tuple[str, ...]


@dataclass(frozen=True)
class View:
    """What rendering may know beside the piece. Frozen; the desk makes it.

    `names` gives people's, clients', projects' and audiences' shown names: `names[("author", "maija")]`.
    """

    site: Site
    root: Path
    files: Callable[[Piece, str], Media | None]
    related: Callable[[Piece], Mapping[str, str]]
    names: Mapping[tuple[str, str], str] = field(default_factory=dict)
    links: Callable[[str, Piece, str], str] = lambda url, _piece, _channel: url
    linked: Callable[[Piece, str], Piece | None] = lambda _piece, _target: None
    paged: Callable[[Piece], bool] = lambda _piece: True

    def page(self, piece: Piece) -> str:
        """The address of the piece's own page."""
        return f"{self.site.url}/{piece.lang}/{piece.kind}/{piece.slug}/"

    def has_page(self, piece: Piece) -> bool:
        """Whether the piece goes out on a channel that gives it a page; so it is where the desk publishes none at all."""
        return self.paged(piece)

    def link(self, url: str, piece: Piece, channel: str) -> str:
        """An outgoing address as this channel should publish it."""
        return self.links(url, piece, channel)

    def file(self, piece: Piece, src: str, alt: str = "") -> Media | None:
        """The local file that `src` names in this piece; None if it is remote or not there."""
        media = self.files(piece, src)
        return media and Media(media.digest, media.suffix, alt, src, media.source)

    def page_at(self, piece: Piece, target: str) -> str | None:
        """The page of the piece whose file `target` names, from this piece's; None where that won't be out by then."""
        other = self.linked(piece, target)
        if other is None or other.status != "ready" or other.publish_at is None or piece.publish_at is None:
            return None
        return self.page(other) if other.publish_at <= piece.publish_at else None

    def translations(self, piece: Piece) -> Mapping[str, str]:
        """Language → `lang/slug` of the same piece in the other languages."""
        return self.related(piece)

    def name(self, what: str, key: str) -> str:
        return self.names.get((what, key), key)
