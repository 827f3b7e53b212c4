"""The card: what lists, feeds and language links are made of, small enough to keep for every piece that is out.

id, uid, lang, slug, kind, title, summary, url (`/fi/news/lupa/`), date (UTC, ISO; "" where there is none),
tags ([slug, name] pairs), authors, client, project, audiences (shown names), group (the id of the piece that it
translates, else its own), image ({digest, suffix, alt} or None), starts, ends, place (events), video (address)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache

from slugify import slugify

from channels.markdown import clean
from channels.message import Json, Media
from channels.piece import Piece
from channels.view import View

Card = Mapping[str, Json]


def card(piece: Piece, view: View, summary: str, image: Media | None) -> dict[str, Json]:
    """The card of a piece; `summary` is plain text, `image` the picture that stands for it."""
    event = piece.event
    return {
        "id": piece.id,
        "uid": piece.uid,
        "lang": piece.lang,
        "slug": piece.slug,
        "kind": piece.kind,
        "title": clean(piece.title) or piece.slug,
        "summary": summary,
        "url": view.page(piece).removeprefix(view.site.url),
        "date": instant(piece.publish_at),
        "tags": tags(piece.tags),
        "authors": [clean(view.name("author", key)) for key in piece.authors],
        "client": piece.client and clean(view.name("client", piece.client)),
        "project": piece.project and clean(view.name("project", piece.project)),
        "audiences": [clean(view.name("audience", key)) for key in piece.audiences],
        "group": _group(piece, view),
        "image": image and {"digest": image.digest, "suffix": image.suffix, "alt": clean(image.alt)},
        "starts": instant(event.starts_at if event else None),
        "ends": instant(event.ends_at if event else None),
        "place": clean(event.place) if event else "",
        "video": clean(piece.video.url) if piece.video else "",
    }


def instant(at: datetime | None) -> str:
    """An aware UTC time as `2026-11-23T07:00:00Z`; "" for none."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""


def moment(text: str) -> datetime:
    """The inverse of `instant`."""
    return datetime.fromisoformat(text)


def tags(names: Iterable[str]) -> list[list[str]]:
    """`[slug, name]` of each tag; two that have one address are one."""
    found: dict[str, str] = {}
    for name in map(clean, names):
        found.setdefault(tag_slug(name), name)
    return [[slug, name] for slug, name in found.items()]


@lru_cache(maxsize=4096)
def tag_slug(name: str) -> str:
    """A tag as a part of an address; a name that has no letters gets one made of its hash."""
    return slugify(name, max_length=80) or "tag-" + hashlib.sha256(name.encode()).hexdigest()[:8]


def _group(piece: Piece, view: View) -> str:
    """The id of the original. `translation_of` may be a mere slug, so the desk's answer is asked first."""
    original = piece.translation_of
    if not original:
        return piece.id
    for other in view.translations(piece).values():
        if original in (other, other.partition("/")[2]):
            return other
    return original if "/" in original else f"{view.site.languages[0]}/{original}"
