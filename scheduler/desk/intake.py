"""From a changed file to the row that the store keeps of it. The same for the daemon and for `check`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import structlog

from channels.contract import Batching, Channel, Parting
from channels.message import Problem
from channels.piece import Piece
from channels.view import View
from scheduler.calendar.document import contents
from scheduler.calendar.finding import Finding
from scheduler.calendar.reading import Reading, Rules, read
from scheduler.calendar.scan import Stamp
from scheduler.desk import spec
from scheduler.desk.library import stamp_of
from scheduler.settings import Settings

log = structlog.get_logger("julki.calendar")

_LINES = ("title", "slug", "after", "translation_of")


@dataclass(frozen=True)
class Intake:
    """Reads files by the workspace's rules and asks each channel that a piece goes to what it thinks of it."""

    root: Path
    rules: Rules
    settings: Settings
    channels: Mapping[str, Channel]
    view: View

    def row(self, path: str, stamp: Stamp) -> dict[str, Any] | None:
        """The file as a `source` row; None where it changed or vanished while it was read: look again."""
        file = self.root / path
        try:
            raw = contents(file)
            if stamp_of(file) != stamp:
                return None
        except FileNotFoundError:
            return None
        except OSError as error:
            return self._unreadable(path, stamp, error)
        reading, findings = self.look(raw, path)
        return self._row(reading, findings, stamp)

    def look(self, raw: bytes, path: str) -> tuple[Reading, list[Finding]]:
        """What the file says, and everything there is to say about it, the channels' view included."""
        reading = read(raw, path, self.rules)
        findings = list(reading.findings)
        if reading.piece is not None and reading.piece.status == "ready":
            objections = self._objections(reading, reading.piece)
            graver = {(one.rule, one.line) for one in objections if one.severity == "error"}
            findings = [one for one in findings if (one.rule, one.line) not in graver]
            findings += [*_idea(reading, reading.piece), *objections]
        return reading, findings

    def goes_to(self, piece: Piece) -> list[str]:
        """The channels that the piece would be planned on."""
        past = self._is_past(piece)
        return [name for name in self.asked_for(piece) if isinstance(self.channels[name], Batching) or not past]

    def asked_for(self, piece: Piece) -> list[str]:
        """The channels that the piece asks for, whether its time is past or not."""
        names = piece.channels
        if names is None:
            kind = self.settings.kinds[piece.kind].channels
            names = kind + tuple(name for name in piece.overrides if name not in kind)
        return [name for name in names if name in self.channels and self._takes(name, piece)]

    def _takes(self, name: str, piece: Piece) -> bool:
        languages = self.settings.channels[name].languages
        return not piece.override(name).skip and (not languages or piece.lang in languages)

    def _is_past(self, piece: Piece) -> bool:
        """Archive: due, or over, before `[desk] since`, so it goes nowhere but to the website and the feeds."""
        ends = [at for at in (piece.publish_at, piece.expires_at) if at is not None]
        live = piece.event is not None and piece.event.live
        return bool(ends) and min(ends) < self.settings.since and not live

    def _objections(self, reading: Reading, piece: Piece) -> list[Finding]:
        own = {(one.rule, one.line) for one in reading.findings if one.severity == "error"}
        found = []
        for name in self.goes_to(piece):
            for problem in self._asked(name, piece):
                finding = _finding(problem, name, reading)
                if (finding.rule, finding.line) not in own:
                    found.append(finding)
        return found

    def _asked(self, name: str, piece: Piece) -> Sequence[Problem]:
        try:
            return self.channels[name].check(piece, self.view)
        except Exception:
            log.exception("check failed", channel=name, piece=piece.id)
            return [
                Problem("channel-check", f"The channel {name} could not look at this piece; the log has the details.")
            ]

    def _parts(self, piece: Piece) -> dict[str, Any]:
        found = {}
        for name in self.goes_to(piece):
            channel = self.channels[name]
            if isinstance(channel, Parting):
                try:
                    found[name] = channel.parts(piece, self.view)
                except Exception:
                    log.exception("parts failed", channel=name, piece=piece.id)
        return found

    def _row(self, reading: Reading, findings: Sequence[Finding], stamp: Stamp) -> dict[str, Any]:
        piece = reading.piece
        row = {"path": reading.path, **_stamped(stamp), "findings": encode(findings), "broken": piece is None}
        if piece is None:
            return row | {"identity": reading.identity}
        return row | {
            "identity": piece.id,
            "tangled": None,
            "body": body_hash(piece),
            "title": piece.title,
            "kind": piece.kind,
            "lang": piece.lang,
            "status": piece.status,
            "publish_at": piece.publish_at,
            "expires_at": piece.expires_at,
            "late": None if piece.late is None else int(piece.late.total_seconds()),
            "after": piece.after,
            "translation_of": piece.translation_of,
            "spec": spec.encode(piece, self._parts(piece)),
            "client": piece.client,
            "project": piece.project,
            "lines": {name: list(reading.lines[name]) for name in _LINES if name in reading.lines},
        }

    def _unreadable(self, path: str, stamp: Stamp, error: OSError) -> dict[str, Any]:
        why = f"This file can't be read ({error.strerror}). Give the desk the right to read it."
        finding = Finding(path, 1, 1, "error", "unreadable", why)
        return {"path": path, **_stamped(stamp), "findings": encode([finding]), "broken": True, "identity": ""}


def _stamped(stamp: Stamp) -> dict[str, int]:
    return {"size": stamp.size, "mtime_ns": stamp.mtime_ns, "inode": stamp.inode}


def _idea(reading: Reading, piece: Piece) -> list[Finding]:
    """An event that was given a start, but no time to be announced, is easily taken for planned."""
    if piece.event is None or piece.publish_at is not None:
        return []
    line, column = reading.lines.get("starts_at", (1, 1))
    message = "This event has a start but no publish_at: it stays an idea, and nothing of it goes out. Add publish_at."
    return [Finding(reading.path, line, column, "warning", "event-without-date", message)]


def _finding(problem: Problem, channel: str, reading: Reading) -> Finding:
    line, column = reading.lines.get(problem.field) or reading.lines.get("title") or (1, 1)
    return Finding(reading.path, line, column, problem.severity, problem.rule, f"{channel}: {problem.message}")


def body_hash(piece: Piece) -> str:
    """Tells the same text under another name. "" for an empty body, which tells nothing."""
    posts = "".join(f"\n## {post.label}\n{post.text}" for post in piece.event.posts) if piece.event else ""
    text = " ".join((piece.body + posts).split())
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32] if text else ""


def encode(findings: Sequence[Finding]) -> list[list[Any]] | None:
    return [list(asdict(one).values()) for one in findings] or None


def decode(rows: Sequence[Sequence[Any]] | None) -> list[Finding]:
    return [Finding(*row) for row in rows or ()]
