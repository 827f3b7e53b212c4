"""A live event as somebody in the hall sees it: its programme, and everything that can be done about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from channels.contract import Batching, Parting
from channels.message import Media, Message
from channels.piece import MAIN, Event, Image, LivePost, Piece
from scheduler.delivery import hall as acts
from scheduler.delivery.acts import Person, Refused
from scheduler.desk import obstacles, photo, spec
from scheduler.desk.assemble import Desk
from scheduler.store import handmade, messages, pieces, shifts

_DRAFT = "draft"
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Line:
    """One post on one channel. `label` is what the desk calls it; `by_hand`: it has no time and waits to be fired;
    `fired`: it was, and is on its way; `fresh`: it was typed in the hall. `due_at` counts the shift in."""

    id: int
    part: str
    label: str
    channel: str
    state: str
    due_at: datetime | None
    published_at: datetime | None
    by_hand: bool
    fired: bool
    fresh: bool
    text: str
    length: int | None
    limit: int | None
    error: str
    permalink: str
    pictures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """The event and its posts, in the order in which they go out; what has no time stands at the end. `shift`: by how
    much it runs late. `channels` → whether that is a sandbox. `obstacles`: what will keep its posts back."""

    name: str
    title: str
    place: str
    starts_at: datetime
    ends_at: datetime | None
    shift: timedelta
    channels: Mapping[str, bool]
    lines: Sequence[Line]
    obstacles: Sequence[str] = ()


class Hall:
    """One live event. Raises `Refused` where there is no such event, or its file has errors."""

    def __init__(self, desk: Desk, told: str) -> None:
        self.desk = desk
        with desk.store.read() as db:
            row = pieces.named(db, told, desk.settings.site.languages[0])
        if row is None or row.gone_at is not None:
            raise Refused(f"There is no event '{told}'. Write it like fi/avoin-data-2026, as julki plan shows it.")
        self._row = row
        self._piece = self._read()
        self._rendered: tuple[Piece, Mapping[tuple[str, str], Message]] | None = None

    @property
    def piece(self) -> Piece:
        """As its file says now; while that is being written, or is broken, as it said before."""
        found = self.desk.library.latest(self._row)
        if found is not None and found.event is not None and found.event.live:
            self._piece = found
        return self._piece

    @property
    def channels(self) -> list[str]:
        """Where its posts go."""
        mine = self.desk.intake.asked_for(self._piece)
        return [name for name in mine if _posts(self.desk.channels[name])]

    def program(self) -> Program:
        piece = self.piece
        event = self._event(piece)
        known = self._messages(piece)
        with self.desk.store.read() as db:
            late = shifts.of(db, event.piece, event.starts_at)
            rows = [row for row in handmade.live(db, event.piece) if row.state != "cancelled"]
            kept = {row.id: messages.load(db, row.digest) for row in rows if row.digest and _is_kept(row)}
        labels = {post.part: post.label for post in _posts_of(piece)}
        lines = [_line(row, kept.get(row.id) or known.get((row.channel, row.part)), labels) for row in rows]
        lines.sort(key=lambda line: _place(line))
        sandboxes = {name: self.desk.settings.channels[name].sandbox for name in self.channels}
        own = piece.event
        assert own is not None  # noqa: S101  a hall is made of events alone
        ahead = obstacles.of(self.desk, self._row, self.channels)
        return Program(piece.id, piece.title, own.place, own.starts_at, own.ends_at, late, sandboxes, lines, ahead)

    def fire(self, part: str, person: Person, tap: str = "") -> str:
        """Send that post now."""
        approval = self.desk.settings.desk.approval
        return acts.fire(self.desk.store, self._event(), part, person, tap, approval=approval)

    def skip(self, part: str, person: Person, tap: str = "") -> str:
        """Leave that post out."""
        return acts.skip(self.desk.store, self._event(), part, person, tap)

    def late(self, by: timedelta, person: Person, tap: str = "", seen: timedelta | None = None) -> str:
        """The hall runs that much later (or, below zero, earlier) than it did. `seen`: as `Program.shift` told it when the
        person decided; refused where that is no longer so."""
        return acts.shift(self.desk.store, self._event(), by, person, tap, seen)

    def move(self, to: datetime, person: Person, tap: str = "") -> str:
        """The event starts then; what has not gone out moves along."""
        return acts.move(self.desk.store, self._event(), to, person, tap)

    def draft(self, text: str, images: Sequence[Image] = (), part: str = _DRAFT) -> list[Message]:
        """The post as each channel would send it, with its length and what is wrong with it."""
        post = LivePost(part, "", None, text, tuple(images), plain=True)
        return [message for name in self.channels for message in self._one(name, post)]

    def say(
        self, text: str, person: Person, tap: str = "", images: Sequence[Image] = (), at: datetime | None = None
    ) -> str:
        """A fresh post, now or at that time. `tap` is its name, too: sent twice, it goes out once."""
        name = tap or uuid4().hex
        if not _is_name(name):
            raise Refused(f"'{name[:80]}' can't name a post: small letters a-z, digits and -, at most {_LONGEST_NAME}.")
        photos = [image for image in images if image.src.strip()]
        self._refuse(self.draft(text, photos, name))
        own = [replace(image, src=photo.brought(self.desk.workspace.root, self._piece, image.src)) for image in photos]
        made = [replace(one, data={**one.data, "by": person.name}) for one in self.draft(text, own, name)]
        self.desk.library.keep([media for message in made for media in message.media])
        late = {one.channel: self._late(one.channel) for one in made}
        fresh = acts.Fresh(made, late, at, self._piece.expires_at)
        return acts.say(self.desk.store, self._event(), fresh, person, name, approval=self.desk.settings.desk.approval)

    def _late(self, channel: str) -> int | None:
        """For how many seconds a fresh post is worth sending: as long as a prepared one."""
        usual = {name: late for name, _, late in self.desk.refresh.rules.usual(self._piece.kind, self._piece.lang)}
        own = self._piece.late
        return usual.get(channel) if own is None else int(own.total_seconds())

    def _read(self) -> Piece:
        found = self.desk.library.latest(self._row) or self._kept()
        if found is None:
            raise Refused(f"{self._row.path} has errors. Mend it first; see: julki check {self._row.path}")
        if found.event is None or not found.event.live:
            raise Refused(f"{found.id} is no live event. That takes kind: event, and live: true in its front matter.")
        return found

    def _kept(self) -> Piece | None:
        """While its file is broken: as much as is stored of what it said when it was whole. No texts are."""
        with self.desk.store.read() as db:
            source = pieces.source(db, self._row.path)
            parts = dict.fromkeys(row.part for row in handmade.live(db, self._row.id) if not row.fixed)
        if source is None or "starts" not in (source.spec or {}):
            return None
        intent = spec.intent(source, self._row.id, None)
        posts = tuple(LivePost(part, part, None, "") for part in parts)
        event = Event(datetime.fromisoformat(source.spec["starts"]), live=True, posts=posts)
        slug = self._row.name.partition("/")[2]
        piece = Piece(
            self._row.name, self._row.uid, self._row.path, source.lang, slug, "event", source.title, event=event
        )
        told = {"channels": intent.channels, "overrides": intent.overrides, "publish_at": source.publish_at}
        return replace(piece, client=source.client, project=source.project, **told)

    def _event(self, piece: Piece | None = None) -> acts.Event:
        if not (self.desk.workspace.root / self._row.path).exists() and not self._is_elsewhere():
            raise Refused(f"{self._row.path} is gone: nothing of it goes out. Put it back, and look again.")
        found = piece or self.piece
        assert found.event is not None  # noqa: S101  a hall is made of events alone
        return acts.Event(self._row.id, found.id, found.event.starts_at, found.client, found.project)

    def _is_elsewhere(self) -> bool:
        """Its file was renamed or moved meanwhile, and is the same piece."""
        with self.desk.store.read() as db:
            self._row = pieces.get(db, self._row.id)
        return Path(self.desk.workspace.root, self._row.path).exists()

    def _messages(self, piece: Piece) -> Mapping[tuple[str, str], Message]:
        """(Channel, part) → the post as its file says now; rendered again only when the file has changed."""
        if self._rendered is None or self._rendered[0] != piece:
            found = {}
            for name in self.channels:
                for message in self.desk.channels[name].render(piece, self.desk.library.view):
                    found[name, message.part] = message
            self._rendered = (piece, found)
        return self._rendered[1]

    def _one(self, channel: str, post: LivePost) -> Iterator[Message]:
        """Of the event with that post alone: it is rendered at every key that is pressed."""
        event = self._piece.event
        assert event is not None  # noqa: S101  a hall is made of events alone
        piece = replace(self._piece, event=replace(event, posts=(post,)))
        view = replace(self.desk.library.view, files=self._file)
        rendered = self.desk.channels[channel].render(piece, view)
        return (message for message in rendered if message.part == post.part)

    def _refuse(self, drafts: Sequence[Message]) -> None:
        """Where a channel objects to one of them. A post from the hall is sent as it was typed, or not at all."""
        if not drafts:
            raise Refused(f"{self._piece.id} is posted nowhere: no channel of it takes live posts.")
        for message in drafts:
            for problem in message.problems:
                if problem.severity == "error" or problem.rule == "image-left-out":
                    raise Refused(f"{message.channel}: {problem.message}")

    def _file(self, piece: Piece, src: str) -> Media | None:
        """Of the workspace, or a photo or film of this machine."""
        return self.desk.library.media(piece, src) or photo.elsewhere(src)


def _posts(channel: object) -> bool:
    return isinstance(channel, Parting) and not isinstance(channel, Batching)


def _posts_of(piece: Piece) -> Sequence[LivePost]:
    return piece.event.posts if piece.event else ()


def _is_name(name: str) -> bool:
    plain = name.isascii() and name.replace("-", "").isalnum() and name == name.lower()
    return plain and len(name) <= _LONGEST_NAME and not name.isdigit() and name != MAIN


def _is_kept(row: Any) -> bool:
    """Whether what was kept is what goes out, or went, rather than what the file says now."""
    return row.fixed or row.state in ("published", "publishing", "withdrawn")


def _line(row: Any, message: Message | None, labels: Mapping[str, str]) -> Line:
    waiting = row.state in ("planned", "retrying")
    text = message.text if message else ""
    fresh = " ".join(text.split())[:60] if row.fixed else row.part
    return Line(
        id=row.id,
        part=row.part,
        label=labels.get(row.part, fresh),
        channel=row.channel,
        state=row.state,
        due_at=row.due_at,
        published_at=row.published_at,
        by_hand=row.due_at is None,
        fired=waiting and row.waived,
        fresh=row.fixed,
        text=text,
        length=message.length if message else None,
        limit=message.limit if message else None,
        error=row.error,
        permalink=row.permalink,
        pictures=tuple(media.alt or media.src for media in message.media) if message else (),
    )


def _place(line: Line) -> tuple[float, int]:
    at = line.published_at or line.due_at
    return (at.timestamp() if at else float("inf"), line.id)
