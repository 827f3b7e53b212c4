"""Files of messages as the site serves them, under `/media/`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from pathlib import Path

from channels import images
from channels.article import DOCUMENTS
from channels.errors import Rejected
from channels.files import write_atomic
from channels.message import Media

_TAG = re.compile(r'<img\b[^<>]*?\ssrc="[^"]*/media/([0-9a-f]{64}\.[A-Za-z0-9]+)"[^<>]*>')
_SIZES = "(max-width: 45rem) 100vw, 42rem"


class Pictures:
    """Serves files for as long as one build lasts: `stock` is the desk's copy of them, `out` the site's folder."""

    def __init__(self, stock: Path, out: Path, root: str) -> None:
        self.stock = stock
        self.out = out
        self.root = root
        self._served: dict[str, list[images.Variant]] = {}

    def serve(self, media: Media) -> None:
        """Put the file on the site, a picture in its sizes. Raises `Rejected` and `OSError`."""
        if media.name in self._served:
            return
        source = self.stock / media.name
        if not source.is_file():
            raise Rejected(
                f"The file {media.src or media.name} is no longer where Julki keeps its copy.",
                hint="Save the piece once more, then try again.",
            )
        self._served[media.name] = self._served_now(source, media)

    def serve_all(self, media: Iterable[Media]) -> None:
        for one in media:
            self.serve(one)

    def thumbnail(self, media: Media) -> None:
        images.thumbnail(self.stock / media.name, media.digest, self.out)

    def largest(self, name: str) -> str:
        """The address of a served picture in its own format, at its largest."""
        return f"{self.root}/media/{name}"

    def tag(self, name: str, alt: str, *, eager: bool = False) -> str:
        """A picture's `<picture>`."""
        lazy = "" if eager else ' loading="lazy"'
        return self._picture(name, f'<img alt="{escape(alt)}" src="{self.largest(name)}"{lazy}>')

    def in_body(self, html: str) -> str:
        """The body with each of its served pictures in sizes to choose from."""
        return _TAG.sub(lambda tag: self._picture(tag[1], tag[0].replace("<img", '<img loading="lazy"', 1)), html)

    def _picture(self, name: str, tag: str) -> str:
        variants = self._served.get(name)
        if not variants:
            return tag
        own = [variant for variant in variants if variant.type == variants[0].type]
        webp = [variant for variant in variants if variant.type == "image/webp" and variant not in own]
        size = f'<img width="{own[-1].width}" height="{own[-1].height}" srcset="{self._set(own)}" sizes="{_SIZES}"'
        img = re.sub(r'\s(?:width|height)="[^"]*"', "", tag).replace("<img", size, 1)
        if not webp:
            return img
        source = f'<source type="image/webp" srcset="{self._set(webp)}" sizes="{_SIZES}">'
        return f"<picture>{source}{img}</picture>"

    def _set(self, variants: list[images.Variant]) -> str:
        return ", ".join(f"{self.root}/media/{variant.name} {variant.width}w" for variant in variants)

    def _served_now(self, source: Path, media: Media) -> list[images.Variant]:
        if media.suffix.lower() in DOCUMENTS:
            write_atomic(self.out / media.name, source.read_bytes(), durable=False)
            return []
        variants = images.variants(source, media.digest, self.out)
        own = [variant for variant in variants if variant.type == variants[0].type]
        if not (self.out / media.name).is_file():
            write_atomic(self.out / media.name, (self.out / own[-1].name).read_bytes(), durable=False)
        return variants
