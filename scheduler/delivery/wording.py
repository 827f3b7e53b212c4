"""Whether two messages say the same to a reader. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

from channels.message import Message
from channels.urls import addresses

_OWN = "⟨page⟩"


def same(one: str, other: Message, site: str, piece: str) -> bool:
    """Whether the text `one`, of the piece that was called `piece` then, says what `other` says. What the settings add to
    the own site's addresses is no difference, nor is the address of the piece's page: one that was moved is redirected."""
    return _words(one, site, piece) == _words(other.text, site, other.piece)


def _words(text: str, site: str, piece: str) -> str:
    for address in reversed(addresses(text)):
        url = text[address.start : address.end]
        if url.startswith(site):
            text = text[: address.start] + _plain(url, piece) + text[address.end :]
    return " ".join(text.split())


def _plain(url: str, piece: str) -> str:
    lang, _, slug = piece.partition("/")
    path = urlsplit(url).path.rstrip("/")
    return _OWN if path.endswith(f"/{slug}") and f"/{lang}/" in path else path
