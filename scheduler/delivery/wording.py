"""Whether two texts say the same to a reader. Pure."""

from __future__ import annotations

import regex

from channels.urls import addresses

_HASHTAG = regex.compile(r"[#＃][\p{L}\p{M}\p{Nd}_]+")


def same(one: str, other: str, site: str) -> bool:
    """Addresses of the own site aside: what is added to them changes with the settings, and a page that was moved is
    redirected. So are hashtags, of which the settings say how many there are."""
    return _words(one, site) == _words(other, site)


def _words(text: str, site: str) -> str:
    for address in reversed(addresses(text)):
        if text.startswith(site, address.start):
            text = text[: address.start] + text[address.end :]
    return " ".join(_HASHTAG.sub("", text).split())
