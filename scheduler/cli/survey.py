"""A look at all files of `content/`, without a database: what `check`, `preview` and `export` need."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from scheduler.calendar.document import contents
from scheduler.calendar.finding import Finding
from scheduler.calendar.reading import Reading
from scheduler.calendar.relations import Known, Relations, endless, relate
from scheduler.calendar.scan import CONTENT, Scan, Stamp, scan

if TYPE_CHECKING:
    from scheduler.cli.screen import Advance
    from scheduler.desk.reader import Reader


@dataclass(frozen=True)
class Survey:
    """What the files say. `findings` are those of the files themselves, of their names, and of all beside each other."""

    scan: Scan
    readings: dict[str, Reading] = field(default_factory=dict)
    stamps: dict[str, Stamp] = field(default_factory=dict)
    own: list[Finding] = field(default_factory=list)
    language: str = ""

    @cached_property
    def relations(self) -> Relations:
        return relate(_known(self.readings.values()), self.language)

    @property
    def findings(self) -> list[Finding]:
        warnings = endless(_known(self.readings.values()), self.relations)
        return [*self.own, *self.relations.findings, *warnings]


def survey(reader: Reader, advance: Advance) -> Survey:
    """Read every file as the daemon does. A file that vanishes meanwhile is not there."""
    root = reader.workspace.root
    found = scan(root, {}, time.time_ns(), 0)
    paths = sorted([*dict(found.changed), *found.waiting])
    seen = Survey(found, stamps=dict(found.changed), language=reader.workspace.settings.site.languages[0])
    seen.own.extend(_refused(found))
    for done, path in enumerate(paths, 1):
        try:
            raw = contents(root / path)
        except FileNotFoundError:
            continue
        except OSError as error:
            why = f"This file can't be read ({error.strerror}). Give the desk the right to read it."
            seen.own.append(Finding(path, 1, 1, "error", "unreadable", why))
            continue
        seen.readings[path], findings = reader.intake.look(raw, path)
        seen.own.extend(findings)
        advance(done, len(paths))
    return seen


def _refused(found: Scan) -> Iterable[Finding]:
    if found.missing_root:
        message = "The folder content/ is not there. Make it, or look whether its drive is mounted."
        yield Finding(CONTENT, 1, 1, "error", "no-content", message)
    for path, reason in found.refused:
        yield Finding(path, 1, 1, "error", "unreadable", f"{path} {reason}")


def _known(readings: Iterable[Reading]) -> Iterable[Known]:
    for reading in readings:
        piece = reading.piece
        if piece is not None:
            named = (piece.after, piece.translation_of)
            yield Known(piece.id, reading.path, piece.publish_at, *named, reading.lines, piece.status)
