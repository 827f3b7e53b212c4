"""The theme: templates, style and words, put around what a page is about."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from channels.card import Card, moment
from channels.images import thumbnail_name
from channels.piece import KINDS
from channels.view import Site
from channels.website import words

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Page:
    """What every page tells about itself. Paths are from the site's root, with a slash at both ends.

    `switch` leads to every language; `translations` are the true ones, its own among them; `hidden` from search engines.
    """

    lang: str
    path: str
    title: str
    switch: Mapping[str, str]
    summary: str = ""
    kind: str = ""
    is_list: bool = False
    translations: Mapping[str, str] = field(default_factory=dict)
    hidden: bool = False


class Theme:
    """Renders pages of one site. `version` tells two looks apart: whatever makes it other makes every page other."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.root = urlsplit(site.url).path.rstrip("/")
        self.version = _version(site)
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._templates.globals.update(site=site, root=self.root, kinds=KINDS, version=self.version[:12])
        self._templates.filters.update(
            day=self._day,
            span=self._span,
            language=words.language_name,
            thumbnail=lambda image: thumbnail_name(image["digest"]),
            word=lambda lang, key: words.words(lang)[key],
        )

    @property
    def css(self) -> bytes:
        return (_HERE / "theme.css").read_bytes()

    def render(self, template: str, lang: str, **values: Any) -> str:
        return self._templates.get_template(template).render(lang=lang, t=words.words(lang), **values)

    def _day(self, text: str, lang: str) -> str:
        return words.day(_parsed(text), self.site.timezone, lang)

    def _span(self, card: Card, lang: str) -> str:
        ends = _parsed(card["ends"]) if card["ends"] else None
        return words.span(_parsed(card["starts"]), ends, self.site.timezone, lang)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> datetime:
    return moment(text)


def _version(site: Site) -> str:
    """A hash of everything that a page is made of beside its message and its neighbours."""
    files = sorted(path for path in _HERE.rglob("*") if path.suffix in {".py", ".html", ".xml", ".css"})
    hashed = hashlib.sha256(json.dumps(asdict(site), sort_keys=True).encode())
    for path in files:
        hashed.update(path.read_bytes())
    return hashed.hexdigest()
