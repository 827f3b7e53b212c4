"""Sample pieces, a workspace to see them from, and the desk's part in memory: what tests of adapters need."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from PIL import Image as Picture

from channels.contract import Channel, Context, Live
from channels.message import Media, Message
from channels.piece import KINDS, Event, Image, Kind, LivePost, Override, Piece, Video
from channels.registry import adapter
from channels.view import Site, View

NOW = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)
SITE = Site("D9", "https://example.org", "Europe/Helsinki", ("fi", "sv", "en"))
CANARY = "canary-3f9d2b71c4"
"""Stands at the beginning of every secret that `context` hands out; it may show up nowhere."""


_HOSTILE = (
    "\x00\x1b[31m\x07 control",
    "\u202eoikealta\u2066 vasemmalle\u200b",
    "<script>alert(1)</script><b>&amp;\"'",
    '[x](javascript:alert(1)) <img src="x" onerror="alert(1)"> "><svg onload=alert(1)>',
    "👩🏽‍💻🏳️‍🌈🇫🇮 " * 50,
    "x" * 10_000,
    "sana " * 2_000,
    "Subject\r\nBcc: everybody@example.org",
    "\ud800 half a pair",
    "{{ 7 * 7 }} {% raw %} %s {link}",
    " ",
)
_PLACES: tuple[tuple[Kind, bool], ...] = (("news", True), ("video", False))


def sample_piece(kind: Kind = "news", **changes: Any) -> Piece:
    """A piece with everything that its kind may have; `changes` replace fields."""
    piece = Piece(
        id=f"fi/{kind}-esimerkki",
        uid=f"uid-{kind}",
        path=f"content/{kind}/esimerkki.md",
        lang="fi",
        slug=f"{kind}-esimerkki",
        kind=kind,
        title="Lupapalvelu uudistui: hakemus valmistuu vartissa",
        body="## Mikä muuttui\n\nHakemus on **lyhyempi**. [Lue lisää](https://example.org/lupa).\n\n![Kaavio](kuva.png)\n",
        publish_at=NOW,
        summary="Asukas tekee hakemuksen nyt vartissa, ja päätös tulee viikossa.",
        authors=("maija",),
        tags=("palvelumuotoilu", "digital services"),
        image=Image("kuva.png", "Asiakas täyttää hakemusta tabletilla."),
        video=Video("https://video.example.org/1", timedelta(minutes=3)) if kind == "video" else None,
        event=_sample_event() if kind == "event" else None,
    )
    return replace(piece, **changes)


def _sample_event() -> Event:
    posts = (
        LivePost("avaus", "Avaus", NOW + timedelta(hours=2), "Ovet ovat auki.", (Image("kuva.png", "Täysi sali."),)),
        LivePost("kysymys", "Kysymys", None, "Ensimmäinen kysymys yleisöltä."),
    )
    start = NOW + timedelta(hours=2)
    return Event(start, start + timedelta(hours=3), "Helsinki", ("avoindata",), live=True, thread=True, posts=posts)


def sample_view(tmp_path: Path, site: Site = SITE) -> View:
    """A view on a workspace in `tmp_path`, in which the sample pieces find their picture."""
    picture = Picture.new("RGB", (1200, 630), (0, 60, 110))
    for kind in KINDS:
        folder = tmp_path / "content" / kind
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "kuva.png").exists():
            picture.save(folder / "kuva.png")

    def files(piece: Piece, src: str) -> Media | None:
        path = (tmp_path / piece.path).parent / src
        if "://" in src or not path.is_file():
            return None
        return Media(sha256(path.read_bytes()).hexdigest(), path.suffix, src=src, source=str(path))

    return View(site, tmp_path, files, lambda _: {}, {("author", "maija"): "Maija Mäkelä"})


class MemoryArchive:
    """What is live, in memory: the desk's part in testing adapters that build from an archive."""

    def __init__(self) -> None:
        self._messages: dict[tuple[str, str, str], tuple[Message, datetime]] = {}
        self._redirects: dict[str, str] = {}

    def add(self, message: Message, published_at: datetime = NOW) -> None:
        self._messages[message.channel, message.piece, message.part] = (message, published_at)

    def remove(self, message: Message) -> None:
        self._messages.pop((message.channel, message.piece, message.part), None)

    def redirect(self, old: str, new: str) -> None:
        self._redirects[old] = new

    def live(self, channel: str) -> Sequence[Live]:
        rows = [
            Live(message.piece, message.part, at, message.card, message.digest())
            for message, at in self._messages.values()
            if message.channel == channel
        ]
        return sorted(rows, key=lambda row: (str(row.card.get("date", row.published_at)), row.piece), reverse=True)

    def message(self, digest: str) -> Message:
        return next(message for message, _ in self._messages.values() if message.digest() == digest)

    def redirects(self) -> Mapping[str, str]:
        return self._redirects


def context(
    tmp_path: Path, archive: MemoryArchive | None = None, secrets: Mapping[str, str] | None = None, site: Site = SITE
) -> Context:
    """What an adapter lives on, in `tmp_path`. The names are those of `sample_view`."""
    media = tmp_path / "var" / "media"
    media.mkdir(parents=True, exist_ok=True)
    names = sample_view(tmp_path, site).names
    return Context(tmp_path, media, site, archive or MemoryArchive(), secrets or {}, names)


def open_channel(name: str, tmp_path: Path, archive: MemoryArchive | None = None, **options: Any) -> Channel:
    """The built-in or installed adapter `name`, opened as a channel of that name, with made-up secrets."""
    found = adapter(name)
    secrets = {field: f"{CANARY}-{field}" for field in found.secrets}
    return found.open(name, found.options(**options), context(tmp_path, archive, secrets))


def capture(messages: Sequence[Message], tmp_path: Path) -> None:
    """Copy the messages' files to where the desk keeps them from the claim on."""
    for media in (media for message in messages for media in message.media):
        target = tmp_path / "var" / "media" / media.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(media.source, target)


def long_piece(channel: str) -> Piece:
    text = "Pitkä teksti, jota ei voi julkaista yhtenä viestinä. " * 20
    return sample_piece("news", summary=text, body=text * 10, overrides={channel: Override(text=text)})


def hostile_pieces(channel: str) -> list[Piece]:
    """Every hostile text, in every place that a writer fills."""
    return [
        sample_piece(
            kind,
            title=text,
            summary=text,
            body=text,
            tags=(text,),
            authors=(text[:50],),
            image=Image("kuva.png", text),
            overrides={channel: Override(text=text, subject=text, segment=text[:40])} if own else {},
        )
        for text in _HOSTILE
        for kind, own in _PLACES
    ]


def scripts_in(html: str) -> list[str]:
    """What a browser would run of this HTML: scripts, event handlers, `javascript:` addresses."""
    parser = _Scripts()
    parser.feed(html)
    parser.close()
    return parser.found


class _Scripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "script" and "json" not in (values.get("type") or ""):
            self.found.append(tag)
        links = (values.get("href") or "", values.get("src") or "")
        self.found += [link for link in links if link.strip().lower().startswith("javascript:")]
        self.found += [name for name in values if name.startswith("on")]
