"""The contract between the desk and a channel. See docs/write-a-channel.md.

A channel renders a piece into messages and publishes them. It keeps no calendar, retries nothing and never
asks for the time of a delivery: the desk does that. What more a channel can do, it tells by the small
protocols below (`Batching`, `Collecting`, …), which the desk looks for with `isinstance`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from channels.errors import ChannelError
from channels.message import Json, Message, Problem
from channels.piece import MAIN, Piece
from channels.view import Site, View


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


GONE = "It is not there any more."
"""The reason for figures that are not told because the remote says that what was published is gone: it is asked for no
more. With any other reason it is asked again at the next age."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One figure of reach. `value` is None where it was not told, and `why` says why; never 0 for that."""

    remote_id: str
    metric: str
    value: int | None
    measured_at: datetime
    why: str = ""


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
class Live:
    """One piece that is out on a channel: its card, and where the whole message is."""

    piece: str
    part: str
    published_at: datetime
    card: Mapping[str, Json]
    digest: str


class Vault(Protocol):
    """Where a channel keeps its tokens, encrypted; the key stands outside the database."""

    def read(self, channel: str) -> Mapping[str, Json] | None:
        """What was kept last, or None. Raises `Locked` where the key is gone or another."""
        ...

    def write(self, channel: str, token: Mapping[str, Json]) -> None:
        """Keep it instead of what was there; when this returns, it survives a crash."""
        ...


class Locked(Exception):
    """The tokens can't be decrypted; the sentence says what to do."""


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
    vault: Vault | None = None


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
class Priced(Protocol):
    """Publishing costs money here. Amounts are in US dollars."""

    paid: bool
    """False in a sandbox: the prices are told, and nothing is charged."""
    budget: Decimal | None
    """The most that a calendar month (of the site's zone) may cost; None: no limit."""
    read_price: Decimal
    """What one post costs that is read back or measured."""

    @property
    def read(self) -> int:
        """How many posts were read so far by this channel, from its opening on."""
        ...

    def cost(self, message: Message) -> Decimal:
        """What publishing it is charged for. No network."""
        ...


@runtime_checkable
class Correcting(Protocol):
    """What is out can't be replaced here; a correction is published beside it."""

    def correction(self, message: Message, part: str, lang: str) -> Message:
        """The post that corrects an earlier one: `message` is the text as it should be, `part` the correction's name.
        It is published with the receipt of the corrected post as `parent`."""
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
class Visible(Protocol):
    """Where a person sees what is out, when the desk can't tell: an address, or a file of this machine."""

    @property
    def look(self) -> str: ...


@runtime_checkable
class Measuring(Protocol):
    """How far what is out has reached can be asked for."""

    metrics: Sequence[str]
    """The names of the figures there may be."""

    def measure(self, receipts: Sequence[Receipt], now: datetime) -> list[Measurement]:
        """Every metric of every receipt (at most 100). Raises a `ChannelError`: then nothing was learnt."""
        ...
