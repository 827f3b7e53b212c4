"""The contract between the desk and a channel. See docs/write-a-channel.md.

A channel renders a piece into messages and publishes them. It keeps no calendar, retries nothing and never
asks for the time of a delivery: the desk does that. What more a channel can do, it tells by the small
protocols below (`Batching`, `Collecting`, …), which the desk looks for with `isinstance`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from channels.errors import ChannelError
from channels.piece import MAIN, Piece

Json = Any
"""Anything that `json.dumps` writes and `json.loads` gives back unchanged."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a person should mend before the piece goes out on a channel.

    `rule` is a stable kebab-case name; `field` the front-matter key it is about ("" for the body).
    An `error` keeps the piece off the channel; a `warning` does not.
    """

    rule: str
    message: str
    severity: Literal["error", "warning"] = "error"
    field: str = ""


@dataclass(frozen=True, slots=True)
class Media:
    """A file that goes with a message. `digest` is the SHA-256 of its bytes, in hex; `suffix` like `.jpg`.

    The desk keeps a copy under `Context.media / name` from the claim on; that copy is what is published.
    `source` is where it was read (an absolute path), for previews only: it is not part of the message's hash.
    """

    digest: str
    suffix: str
    alt: str = ""
    src: str = ""
    source: str = ""

    @property
    def name(self) -> str:
        return self.digest + self.suffix


@dataclass(frozen=True, slots=True)
class Message:
    """What goes out, whole: publishing reads nothing but this and `Context.media`.

    `text` is what is read as plain text (a post, the text part of a mail, a page's summary), `html` the rich form.
    `data` is whatever else the adapter needs, JSON. `card` is a small JSON mapping that lists are made of (title,
    url, date, tags …), kept beside the message so that lists need not load `html`. `links_page`: the message holds
    the address of the piece's own page, so it waits until that page is out. `length` and `limit` are in the
    channel's own measure (None: there is none). `problems` are shown, not sent.
    """

    channel: str
    piece: str
    part: str = MAIN
    title: str = ""
    text: str = ""
    html: str = ""
    media: tuple[Media, ...] = ()
    card: Mapping[str, Json] = field(default_factory=dict)
    data: Mapping[str, Json] = field(default_factory=dict)
    links_page: bool = False
    length: int | None = None
    limit: int | None = None
    problems: tuple[Problem, ...] = ()

    def payload(self) -> dict[str, Json]:
        """The message as JSON: what is stored, hashed and sent. `from_payload` is its inverse."""
        return {
            "channel": self.channel,
            "piece": self.piece,
            "part": self.part,
            "title": self.title,
            "text": self.text,
            "html": self.html,
            "media": [[m.digest, m.suffix, m.alt, m.src] for m in self.media],
            "card": dict(self.card),
            "data": dict(self.data),
            "links_page": self.links_page,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Json]) -> Message:
        media = tuple(Media(*row) for row in payload["media"])
        return cls(**{**payload, "media": media})

    def digest(self) -> str:
        """SHA-256 of the payload, in hex: equal exactly where the same would be sent."""
        text = json.dumps(self.payload(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Receipt:
    """The remote's word that a message is out. `data` is what the adapter needs to find, revise or measure it."""

    remote_id: str
    permalink: str = ""
    data: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Item:
    """One message of a batch. `published_at` is when this delivery first went out (now, for a new one).

    `purpose` is publish (new to the channel), revise (replaces what is out) or withdraw (takes it off).
    """

    key: str
    message: Message
    published_at: datetime
    purpose: Literal["publish", "revise", "withdraw"] = "publish"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One figure of reach. `value` is None where the remote no longer tells it."""

    remote_id: str
    metric: str
    value: int | None
    measured_at: datetime


@dataclass(frozen=True, slots=True)
class Period:
    """One edition's time: `key` is unique a channel (`2026-W47`), `due_at` is when it goes out (UTC)."""

    key: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a piece on a channel. `at` None: as the piece; `by_hand`: a person fires it."""

    name: str = MAIN
    at: datetime | None = None
    by_hand: bool = False


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

    def page(self, piece: Piece) -> str:
        """The address of the piece's own page."""
        return f"{self.site.url}/{piece.lang}/{piece.kind}/{piece.slug}/"

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


@dataclass(frozen=True, slots=True)
class Live:
    """One piece that is out on a channel: its card, and where the whole message is."""

    piece: str
    part: str
    published_at: datetime
    card: Mapping[str, Json]
    digest: str


class Archive(Protocol):
    """What is live on a channel, for adapters that build from it (the website, the feeds)."""

    def live(self, channel: str) -> Sequence[Live]:
        """Newest first, by the card's date. Cards only: 10,000 fit in memory."""
        ...

    def message(self, digest: str) -> Message: ...

    def redirects(self) -> Mapping[str, str]:
        """Old `lang/slug` → the id it has now."""
        ...


@dataclass(frozen=True)
class Context:
    """What an adapter gets to live on. `secrets` are this channel's only, by lower-case field name."""

    root: Path
    media: Path
    site: Site
    archive: Archive
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    names: Mapping[tuple[str, str], str] = field(default_factory=dict)


class Channel(Protocol):
    """What every adapter is. Threads: one call at a time, except that `check` and `render` may run beside the others."""

    name: str
    idempotent: bool
    """Publishing the same key twice has one effect."""
    settle: timedelta
    """For how long "not found" proves nothing."""

    def check(self, piece: Piece, view: View) -> list[Problem]:
        """What keeps the piece from going out well here. No network; fast."""
        ...

    def render(self, piece: Piece, view: View) -> list[Message]:
        """One message a part, in order. Pure: a preview is exactly this."""
        ...

    def publish(self, message: Message, key: str, parent: Receipt | None) -> Receipt:
        """Put it out. No retry inside, finite time-outs. Raises a `ChannelError`; `parent`: the receipt replied to."""
        ...

    def find(self, message: Message, key: str, since: datetime) -> Receipt | None:
        """Did it go out after all? Raises `CannotTell` where the remote can't be read back."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class Batching(Protocol):
    """Many messages, one effect (one build). Only idempotent channels; what they publish is public archive.

    A batching channel revises and withdraws in its batches, too. It is called with no items at every start, to bring
    what is out up to date with its settings.
    """

    name: str

    def publish_all(self, items: Sequence[Item]) -> Mapping[str, Receipt | ChannelError]:
        """Key → receipt or error, for every item. An exception: the outcome of all is unknown, all are repeated."""
        ...


@runtime_checkable
class Parting(Protocol):
    """A piece may be several deliveries here: a thread, a live event."""

    def parts(self, piece: Piece, view: View) -> list[Part]:
        """The parts in order, the names equal to those of `render`."""
        ...


@runtime_checkable
class Collecting(Protocol):
    """Pieces are collected into editions."""

    def period(self, at: datetime) -> Period | None:
        """The edition that a piece of that time goes into; None: each piece goes out by itself."""
        ...

    def collect(self, period: Period, pieces: Sequence[Piece], view: View) -> list[Message]:
        """One message a language and segment; `Message.piece` is empty, `data["pieces"]` lists their ids."""
        ...


@runtime_checkable
class Revising(Protocol):
    """What is out can be replaced."""

    def revise(self, message: Message, key: str, receipt: Receipt) -> Receipt: ...


@runtime_checkable
class Withdrawing(Protocol):
    """What is out can be taken back."""

    def withdraw(self, receipt: Receipt, key: str) -> None: ...


def can_withdraw(channel: object) -> bool:
    """Whether what is out there can be taken back."""
    return isinstance(channel, Batching | Withdrawing)


@runtime_checkable
class Measuring(Protocol):
    def measure(self, receipts: Sequence[Receipt], now: datetime) -> list[Measurement]: ...
