"""The piece: one Markdown file of a writer, read and typed.

All times are aware and in UTC. Durations are `timedelta`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

Kind = Literal["news", "blog", "video", "event"]
Status = Literal["draft", "ready"]
Phase = Literal["start", "middle", "end"]

KINDS: tuple[Kind, ...] = ("news", "blog", "video", "event")
MAIN = "main"
"""The part of every delivery that is not one post of several."""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture; `src` as written (relative to the piece's file, or `/…` from `content/`, or http)."""

    src: str
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Video:
    url: str
    duration: timedelta | None = None
    captions: str = ""
    transcript: str = ""


@dataclass(frozen=True, slots=True)
class LivePost:
    """One `## WHEN label` section of a live event.

    `part` is the slug of the label, unique in the event; `at` is None for a post fired by hand;
    `text` is the section's Markdown without its images, which stand in `images`. `plain`: it was typed by hand in the
    hall, and is taken to the letter.
    """

    part: str
    label: str
    at: datetime | None
    text: str
    images: tuple[Image, ...] = ()
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    starts_at: datetime
    ends_at: datetime | None = None
    place: str = ""
    hashtags: tuple[str, ...] = ()
    live: bool = False
    thread: bool = False
    posts: tuple[LivePost, ...] = ()


@dataclass(frozen=True, slots=True)
class Override:
    """What a piece says for one channel. `at` is absolute, or counted from `publish_at`; `images` go out instead of the
    piece's own (films, too)."""

    text: str = ""
    subject: str = ""
    at: datetime | timedelta | None = None
    segment: str = ""
    skip: bool = False
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece. `id` is `lang/slug`; `body` is Markdown, of a live event only the announcement.

    `uid` never changes, whatever becomes of the title, the slug or the language: feeds name entries by it.
    `path` is relative to the workspace, with `/` (`content/news/lupa.md`).
    `channels` is None where the kind decides. `after` and `translation_of` are as written (`slug` or `lang/slug`).
    """

    id: str
    uid: str
    path: str
    lang: str
    slug: str
    kind: Kind
    title: str
    body: str = ""
    status: Status = "ready"
    publish_at: datetime | None = None
    expires_at: datetime | None = None
    summary: str = ""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    image: Image | None = None
    client: str = ""
    project: str = ""
    phase: Phase | None = None
    audiences: tuple[str, ...] = ()
    after: str = ""
    late: timedelta | None = None
    translation_of: str = ""
    channels: tuple[str, ...] | None = None
    overrides: Mapping[str, Override] = field(default_factory=dict)
    video: Video | None = None
    event: Event | None = None

    def override(self, channel: str) -> Override:
        return self.overrides.get(channel, _NO_OVERRIDE)


_NO_OVERRIDE = Override()
