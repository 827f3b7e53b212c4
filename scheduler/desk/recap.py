"""A recap: after a live event, the draft of a news piece with what was posted, the photos and the links of the day."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from channels.files import write_atomic
from channels.message import Media, Message
from channels.piece import Piece
from channels.urls import addresses
from scheduler.calendar.draft import Value, draft, write_new
from scheduler.delivery.acts import Refused
from scheduler.desk.assemble import Desk
from scheduler.desk.hall import Hall
from scheduler.store import deliveries, handmade, messages

_TITLES: Mapping[str, str] = {"fi": "Näin meni: {}", "sv": "Så gick det: {}", "en": "How it went: {}"}
_FOLDER = "content/news"
_SIGNS = re.compile(r"[\\`*_{}\[\]]")
_AHEAD = re.compile(r"^([ \t]*(?:\d+(?=[.)]))?)(?=#|[-+>](?:\s|[->])|(?<=\d)[.)])", re.MULTILINE)
_STRUCTURE = re.compile(r"^[=:]|\|", re.MULTILINE)
"""What no backslash takes its meaning from: underlines, explanations, tables."""
_ENTITY = re.compile(r"&(?=#?\w+;)")
_UNSAFE = re.compile(r"[^\w./~-]")


@dataclass
class Said:
    """A post that is out, once for all its channels, and what corrected it."""

    at: datetime
    message: Message
    links: dict[str, str] = field(default_factory=dict)
    corrections: list[Said] = field(default_factory=list)


def write(desk: Desk, event: str, slug: str = "") -> str:
    """Write the draft below `content/news/`; its path from the workspace. Never over a file that is there.

    Raises `Refused` where nothing of the event is out, and `DraftError`.
    """
    hall = Hall(desk, event)
    said = _said(desk, hall)
    if not said:
        raise Refused(
            f"Nothing of {hall.piece.id} has been posted, so there is nothing to tell. Write one with: julki new news"
        )
    shown = [media for one in said for media in one.message.media]
    sources = {media.name: found for media in shown if (found := _source(desk, hall.piece, media))}
    path, text = _draft(desk, hall.piece, said, sources, slug)
    write_new(desk.workspace.root, path, text)
    _bring(desk, shown, sources)
    return path


def _said(desk: Desk, hall: Hall) -> list[Said]:
    """In the order in which they went out."""
    found: dict[str, Said] = {}
    with desk.store.read() as db:
        for line in hall.program().lines:
            if line.state != "published" or line.published_at is None:
                continue
            row = deliveries.get(db, line.id)
            if row is None:
                continue
            one = found.setdefault(line.part, Said(line.published_at, messages.load(db, row.digest)))
            _link(one, row)
            corrected = [
                _corrected(db, each) for each in handmade.corrections(db, line.id) if each.state == "published"
            ]
            known = {each.message.text for each in one.corrections}
            one.corrections += [each for each in corrected if each.message.text not in known]
    return sorted(found.values(), key=lambda one: one.at)


def _corrected(db: Any, row: Any) -> Said:
    one = Said(row.published_at, messages.load(db, row.digest))
    _link(one, row)
    return one


def _link(one: Said, row: Any) -> None:
    if row.permalink.startswith(("https://", "http://")):
        one.links[row.channel] = row.permalink


def _draft(desk: Desk, piece: Piece, said: Sequence[Said], sources: Mapping[str, str], slug: str) -> tuple[str, str]:
    zone, name = desk.settings.zone, slug or f"{piece.slug}-recap"
    event = piece.event
    assert event is not None  # noqa: S101  a hall is made of events alone
    title = _TITLES.get(piece.lang, _TITLES["en"]).format(piece.title)
    languages = desk.settings.site.languages
    body = "\n\n".join(_body(desk, piece, said, sources))
    _, text = draft(
        "news", title, lang=piece.lang, slug=name, fields=_fields(piece, said, sources), body=body,
        default_lang=languages[0],
    )  # fmt: skip
    return f"{_FOLDER}/{event.starts_at.astimezone(zone):%Y-%m-%d}-{name}.md", text


def _fields(piece: Piece, said: Sequence[Said], sources: Mapping[str, str]) -> dict[str, Value]:
    event = piece.event
    tags = (*piece.tags, *(event.hashtags if event else ()))
    own = {tag.casefold(): tag for tag in reversed(tags)}
    found: dict[str, Value] = {"client": piece.client, "project": piece.project, "audiences": piece.audiences}
    found["tags"] = tuple(own[tag] for tag in dict.fromkeys(tag.casefold() for tag in tags))
    first = next((media for one in said for media in one.message.media if media.name in sources), None)
    if first is not None:
        found |= {"image_src": _relative(sources[first.name]), "image_alt": first.alt}
    return {key: value for key, value in found.items() if value}


def _body(desk: Desk, piece: Piece, said: Sequence[Said], sources: Mapping[str, str]) -> Iterator[str]:
    zone = desk.settings.zone
    event = piece.event
    assert event is not None  # noqa: S101  a hall is made of events alone
    days = sorted({one.at.astimezone(zone).date() for one in said})
    when = " – ".join(dict.fromkeys(_day(day, piece.lang) for day in (days[0], days[-1])))
    where = f", {escaped(event.place)}" if event.place else ""
    yield f"[{escaped(piece.title)}]({desk.library.view.page(piece)}), {when}{where}"
    today = None if len(days) > 1 else days[0]
    for one in said:
        if (day := one.at.astimezone(zone).date()) != today:
            today = day
            yield f"## {_day(day, piece.lang)}"
        yield from _told(one, desk, sources)


def _told(one: Said, desk: Desk, sources: Mapping[str, str]) -> Iterator[str]:
    clock = f"{one.at.astimezone(desk.settings.zone):%H:%M}"
    links = ", ".join(f"[{clock} {escaped(channel)}]({_address(link)})" for channel, link in one.links.items())
    yield f"**{links or clock}** {escaped(_as_meant(one.message.text, desk.settings.site.url))}"
    for media in one.message.media:
        if media.name in sources:
            yield f"![{escaped(' '.join(media.alt.split()))}]({_relative(sources[media.name])})"
    for correction in one.corrections:
        yield from _told(correction, desk, sources)


def _as_meant(text: str, site: str) -> str:
    """The site's own addresses without what told by which channel a reader came: here everybody comes from the site."""
    for address in reversed(addresses(text)):
        url = urlsplit(text[address.start : address.end])
        if text.startswith(site, address.start) and "utm_" in url.query:
            kept = "&".join(pair for pair in url.query.split("&") if not pair.startswith("utm_"))
            text = text[: address.start] + urlunsplit(url._replace(query=kept)) + text[address.end :]
    return text


def _source(desk: Desk, piece: Piece, media: Media) -> str:
    """Where in `content/` the photo is as it was posted, or can be put; "" where it is lost."""
    content = desk.workspace.root / "content"
    known = desk.library.media(piece, media.src)
    if known is not None and known.digest == media.digest:
        place = os.path.relpath(os.path.realpath(known.source), os.path.realpath(content))
        return PurePosixPath(place).as_posix()
    if (desk.library.media_folder / media.name).is_file():
        return f"events/{piece.slug}/{media.digest[:12]}{media.suffix}"
    return ""


def _bring(desk: Desk, shown: Sequence[Media], sources: Mapping[str, str]) -> None:
    """Photos that are not as they were posted are copied from what was kept of them."""
    for media in shown:
        if media.name in sources:
            target = desk.workspace.root / "content" / sources[media.name]
            if not target.exists():
                write_atomic(target, (desk.library.media_folder / media.name).read_bytes())


def _relative(source: str) -> str:
    """From beside the new piece; nothing in it ends a link."""
    return "../" + _UNSAFE.sub(lambda match: quote(match[0]), source)


def _address(link: str) -> str:
    return re.sub(r"[\s()<>]", lambda match: quote(match[0]), link)


def escaped(text: str) -> str:
    """Plain text as Markdown that reads the same, its addresses as links, its line ends kept."""
    out, last = [], 0
    for address in addresses(text):
        link = text[address.start : address.end]
        full = link if "://" in link else f"https://{link}"
        if address.sure or "://" in link:
            out += [_escaped(text[last : address.start]), f"[{_escaped(link)}]({_address(full)})"]
            last = address.end
    whole = "".join([*out, _escaped(text[last:])])
    lines = (line.rstrip() for line in _AHEAD.sub(r"\1\\", whole).split("\n"))
    kept = _STRUCTURE.sub(lambda match: f"&#{ord(match[0])};", "\n".join(lines))
    return re.sub(r"(?<=[^\n])\n(?=[^\n])", "  \n", kept)


def _escaped(text: str) -> str:
    return _SIGNS.sub(r"\\\g<0>", _ENTITY.sub("&amp;", text)).replace("<", "&lt;")


def _day(day: date, lang: str) -> str:
    try:
        return format_date(day, "long", locale=Locale.parse(lang))
    except (UnknownLocaleError, ValueError):
        return day.isoformat()
