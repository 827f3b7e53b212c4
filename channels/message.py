"""The message: a piece as one channel will publish it, whole and hashed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from channels.piece import MAIN

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
