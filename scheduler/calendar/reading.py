"""A file's bytes to a piece, or to what keeps it from being one.

The steps: text (`document`), YAML (`frontmatter`), keys (`naming`), types (`fields`), then what the workspace
has to say about them (here), pictures, and the live posts of an event (`sections`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from uuid import NAMESPACE_URL, uuid5

from channels.piece import KINDS, Event, Image, Kind, Override, Piece, Video
from scheduler.calendar import document, frontmatter
from scheduler.calendar.fields import Fields, typed
from scheduler.calendar.finding import Finding, Notes, Place, Unreadable, shortened, suggestion
from scheduler.calendar.images import note_bare_images, note_captions, note_image, shown
from scheduler.calendar.links import note_links
from scheduler.calendar.naming import Named, named, slug
from scheduler.calendar.prose import prose
from scheduler.calendar.sections import Span, announcement, posts
from scheduler.calendar.shortcodes import note_shortcodes
from scheduler.calendar.walltime import describe

_FOLDERS: Mapping[str, Kind] = {"news": "news", "blog": "blog", "video": "video", "events": "event"}
_SALVAGE = re.compile(r"""^(slug|lang):[ \t]+["']?([\w%-]{1,200})["']?[ \t]*$""", re.MULTILINE)


@dataclass(frozen=True)
class Rules:
    """What reading must know of the workspace. `timezone` is an IANA name; `projects` is project → client."""

    root: Path
    timezone: str
    languages: tuple[str, ...]
    channels: frozenset[str]
    clients: frozenset[str]
    projects: Mapping[str, str]
    audiences: frozenset[str]
    authors: frozenset[str]


@dataclass(frozen=True)
class Reading:
    """What a file says. `piece` is None exactly where a finding is an error.

    `lines` gives each field's line and column by its own name (not the alias's); "" is the body's first line.
    `identity` is `lang/slug` where it could be told even though the file is broken, else "".
    """

    path: str
    piece: Piece | None
    findings: tuple[Finding, ...]
    lines: Mapping[str, tuple[int, int]]
    identity: str


def read(raw: bytes, path: str, rules: Rules) -> Reading:
    """The piece that `raw`, the file at `path`, holds, with all that should be mended. Never raises."""
    notes = Notes(path)
    identity = ""
    try:
        text = document.split(raw)
        identity = _salvaged(text.head, path, rules)
        block = frontmatter.parse(text.head, text.head_line)
    except Unreadable as error:
        notes.error(error.rule, error.place, str(error))
        return Reading(path, None, notes.sorted(), {}, identity)
    if text.control:
        notes.warn("control-character", text.control, "Invisible control characters were left out. Delete them.")
    return _Reader(text, named(block, notes), path, rules, notes).reading()


def _salvaged(head: str, path: str, rules: Rules) -> str:
    """The identity by what the lines look like, for a head that may not be YAML."""
    told = dict(_SALVAGE.findall(head))
    return _identity(told.get("lang", ""), slug(told.get("slug", ""), path), rules)


def _identity(lang: str, name: str, rules: Rules) -> str:
    lang = lang.lower() or rules.languages[0]
    return f"{lang}/{name}" if name and lang in rules.languages else ""


class _Reader:
    """One file on its way from typed fields to a piece."""

    def __init__(self, text: document.Document, front: Named, path: str, rules: Rules, notes: Notes) -> None:
        self.front, self.path, self.rules, self.notes = front, path, rules, notes
        self.body = text.body.lstrip("\n")
        self.body_line = text.body_line + len(text.body) - len(self.body)
        self.top: Place = (max(text.head_line - 1, 1), 1)
        self.fields, wrong = typed(front.values, rules.timezone)
        self.wrong = {where.partition(".")[0] for where, _, _ in wrong}
        for where, rule, message in wrong:
            notes.error(rule, front.place(where), message)
        self.slug = slug(self.fields.slug, path)
        self.lang = self.fields.lang.lower() or rules.languages[0]
        self.identity = _identity(self.lang, self.slug, rules)

    def reading(self) -> Reading:
        lines = {name: self.front.place(name) for name in self.front.written}
        lines[""] = (self.body_line, 1)
        kind = self._kind()
        self._check_names()
        self._check_known()
        self._check_order()
        self._check_body()
        piece = self._piece(kind) if kind else None
        if self.notes.broken:
            piece = None
        return Reading(self.path, piece, self.notes.sorted(), MappingProxyType(lines), self.identity)

    def _place(self, field: str) -> Place:
        """Where a field stands; for what is not written, the front matter's first line."""
        return self.front.place(field, self.top)

    def _kind(self) -> Kind | None:
        parts = PurePosixPath(self.path).parts
        folder = parts[1] if len(parts) > 2 else ""
        written = self.fields.kind.lower()
        if not written and folder in _FOLDERS:
            return _FOLDERS[folder]
        for kind in KINDS:
            if kind == written:
                return kind
        if written:
            message = f"There is no kind '{shortened(written)}'.{suggestion(written, KINDS)}"
        else:
            message = (
                f"The folder content/{folder + '/' if folder else ''} does not tell what kind of piece this is. "
                "Move it into content/news/, blog/, video/ or events/, or write kind: news."
            )
        self.notes.error("unknown-kind", self._place("kind"), message)
        return None

    def _check_names(self) -> None:
        fields = self.fields
        if not fields.title and "title" not in self.wrong:
            message = "There is no title. Write one near the top: title: …"
            self.notes.error("missing-title", self._place("title"), message)
        if (
            "title" in self.front.written
            and document.without_control(given := str(self.front.values["title"])) != given
        ):
            message = "Invisible control characters in the title were left out. Delete them."
            self.notes.warn("control-character", self._place("title"), message)
        if not self.slug:
            message = "No letter or digit is left for the address. Write one: slug: my-piece."
            self.notes.error("empty-slug", self._place("slug"), message)
        elif fields.slug and fields.slug != self.slug:
            message = f"The address will be '{self.slug}', for '{shortened(fields.slug)}' can't be one. Write that."
            self.notes.warn("slug", self._place("slug"), message)
        if self.lang not in self.rules.languages:
            known = suggestion(self.lang, self.rules.languages)
            message = f"The site has no language '{shortened(self.lang)}'.{known}"
            self.notes.error("unknown-language", self._place("lang"), message)

    def _check_known(self) -> None:
        fields, rules = self.fields, self.rules
        for field, what, known in (
            (fields.client, "client", rules.clients),
            (fields.project, "project", frozenset(rules.projects)),
        ):
            if field and field not in known:
                self._unknown(what, field, known, self._place(what))
        for index, audience in enumerate(fields.audiences):
            if audience not in rules.audiences:
                self._unknown("audience", audience, rules.audiences, self._place(f"audiences.{index}"))
        for name in fields.channels or ():
            if name not in rules.channels:
                self._unknown("channel", name, rules.channels, self._channel(name))
        for index, author in enumerate(fields.authors):
            if author not in rules.authors:
                self._unknown_author(author, f"authors.{index}")
        owner = rules.projects.get(fields.project, "")
        if fields.client and owner and owner != fields.client:
            message = f"The project '{fields.project}' is of the client '{owner}', not of '{shortened(fields.client)}'."
            self.notes.error("wrong-client", self._place("client"), f"{message} Mend one, or delete client.")

    def _unknown(self, what: str, name: str, known: frozenset[str], place: Place) -> None:
        message = f"There is no {what} '{shortened(name)}'.{suggestion(name, known)}"
        self.notes.error(f"unknown-{what}", place, message)

    def _channel(self, name: str) -> Place:
        """Where a channel's name stands, be it in a list or a mapping."""
        written = self.front.values["channels"]
        path = f"channels.{written.index(name) if isinstance(written, list) else name}"
        return self.front.block.keys.get(path) or self._place(path)

    def _unknown_author(self, author: str, field: str) -> None:
        hint = suggestion(author, self.rules.authors, listing=False)
        message = f"'{shortened(author)}' is not in config/team.toml.{hint or ' Add them there.'}"
        self.notes.warn("unknown-author", self._place(field), message)

    def _check_order(self) -> None:
        fields, zone = self.fields, self.rules.timezone
        if fields.status and fields.draft and fields.status != "draft":
            message = "'draft: true' counts, so it does not go out; 'status' says the opposite. Delete one of them."
            self.notes.warn("two-names", self._place("draft"), message)
        hashtags = self.front.values.get("hashtags")
        if isinstance(hashtags, list) and None in hashtags:
            message = "A hashtag got lost here: after # YAML reads nothing. Write the hashtags without #."
            self.notes.warn("empty-hashtag", self._place("hashtags"), message)
        if fields.publish_at and fields.expires_at and fields.expires_at < fields.publish_at:
            message = (
                f"It expires before it is published ({describe(fields.publish_at, zone)}), so nobody will see it. "
                "Mend one of the two times."
            )
            self.notes.warn("expires-before-publish", self._place("expires_at"), message)

    def _check_body(self) -> None:
        fields, root = self.fields, self.rules.root
        for where, image in self._pictures():
            note_image(image, self.path, root, self._place(where), self.notes, body=False)
        if fields.video and (captions := fields.video.captions):
            note_captions(captions, self.path, root, self._place("video.captions"), self.notes)
        if "<img" in self.body:
            note_bare_images(prose(self.body), self.body_line, self.notes)
        if "![" not in self.body and "](" not in self.body and "{{" not in self.body and "{%" not in self.body:
            return
        text = prose(self.body)
        note_shortcodes(text, (self.body_line, 1), self.notes)
        line, at = self.body_line, 0
        note_links(text, self.body_line, self.path, self.rules.root, self.notes)
        for one in shown(text):
            line, at = line + text.count("\n", at, one.start), one.start
            column = one.start - text.rfind("\n", 0, one.start)
            note_image(one.image, self.path, root, (line, column), self.notes, body=True)

    def _pictures(self) -> Iterator[tuple[str, Image]]:
        if self.fields.image.src:
            yield "image.src", Image(self.fields.image.src, self.fields.image.alt)
        for name, given in self._overrides(self.fields).items():
            yield from ((f"channels.{name}.images.{index}", image) for index, image in enumerate(given.images))

    def _event(self) -> Event | None:
        """None where no time is known yet: an idea has no programme."""
        fields = self.fields
        starts_at = fields.starts_at or fields.publish_at
        if not starts_at:
            return None
        ends_at = fields.ends_at
        if ends_at and ends_at < starts_at:
            message = f"The event ends before it starts ({describe(starts_at, self.rules.timezone)}). Mend one of them."
            say = self.notes.error if fields.live else self.notes.warn
            say("ends-before-start", self._place("ends_at"), message)
            ends_at = None
        span = Span(starts_at, ends_at, self.rules.timezone)
        live = posts(self.body, self.body_line, span, self.notes) if fields.live else ()
        return Event(starts_at, ends_at, fields.place, fields.hashtags, fields.live, fields.thread, live)

    def _piece(self, kind: Kind) -> Piece:
        fields = self.fields
        if fields.live and kind != "event":
            message = f"Only an event can be live; this is of the kind {kind}. Write kind: event, or delete live."
            self.notes.warn("not-an-event", self._place("live"), message)
        video, image = fields.video, fields.image
        body = announcement(self.body) if fields.live and kind == "event" else self.body
        return Piece(
            id=f"{self.lang}/{self.slug}",
            uid=str(uuid5(NAMESPACE_URL, f"julki:{self.lang}/{self.slug}")),
            path=self.path,
            lang=self.lang,
            slug=self.slug,
            kind=kind,
            title=fields.title,
            body=body.rstrip(),
            status="draft" if fields.draft else fields.status or "ready",
            publish_at=fields.publish_at,
            expires_at=fields.expires_at,
            summary=fields.summary,
            authors=fields.authors,
            tags=fields.tags,
            image=Image(image.src, image.alt) if image.src else None,
            client=fields.client or self.rules.projects.get(fields.project, ""),
            project=fields.project,
            phase=fields.phase,
            audiences=fields.audiences,
            after=fields.after,
            late=fields.late,
            translation_of=fields.translation_of,
            channels=self._chosen(fields),
            overrides=self._overrides(fields),
            video=Video(video.url, video.duration, video.captions, video.transcript) if video else None,
            event=self._event() if kind == "event" else None,
        )

    def _chosen(self, fields: Fields) -> tuple[str, ...] | None:
        """A list chooses the channels; a mapping leaves that to the kind."""
        plain = not isinstance(self.front.values.get("channels"), dict)
        return tuple(fields.channels) if plain and fields.channels is not None else None

    def _overrides(self, fields: Fields) -> Mapping[str, Override]:
        """Every channel that a mapping names: naming one adds it, where the kind does not have it."""
        mapped = isinstance(self.front.values.get("channels"), dict)
        return {name: given.override() for name, given in (fields.channels or {}).items() if mapped}
