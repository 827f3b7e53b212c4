"""The live posts of an event: `## WHEN label` sections of its body. See the design, "Event pieces"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from slugify import slugify

from channels.duration import parse_duration
from channels.piece import MAIN, LivePost
from scheduler.calendar.finding import Notes, Place, shortened
from scheduler.calendar.images import Shown, shown, without
from scheduler.calendar.prose import prose
from scheduler.calendar.walltime import WallTimeError, describe, to_utc

_HEADING = re.compile(r"^##(?!#)(.*)$", re.MULTILINE)
_WHEN = re.compile(
    r"(?:(?P<hand>live)|(?P<after>\+[0-9wdhms]+)|(?:(?P<day>\d{4}-\d\d-\d\d)[ T]+)?(?P<clock>\d{1,2}:\d\d))"
    r"(?::?[ \t]+|:?$)[-–—:]?[ \t]*(?P<label>.*)",
    re.IGNORECASE | re.ASCII,
)
_FORMS = "Write ## 09:05 label, ## 2026-11-30 09:05 label, ## +1h30m label or ## live label."


@dataclass(frozen=True, slots=True)
class Section:
    """One section as it stands: the heading without `##`, where it is, and where its text begins and ends."""

    heading: str
    place: Place
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when the event lasts, in the zone whose clock its sections show."""

    starts_at: datetime
    ends_at: datetime | None
    zone: str


def announcement(body: str) -> str:
    """What stands before the first section."""
    first = _HEADING.search(prose(body))
    return body[: first.start()] if first else body


def posts(body: str, first_line: int, event: Span, notes: Notes) -> tuple[LivePost, ...]:
    """The live posts in order; notes every section that is none, and leaves it out."""
    bare = prose(body)
    pictures = shown(bare)
    made: dict[str, LivePost] = {}
    for section in _sections(bare, first_line):
        post = _post(section, body, pictures, event, notes)
        if post and post.part in made:
            message = f"Another section is called '{shortened(made[post.part].label)}'. Give each its own label."
            notes.error("section-duplicate", section.place, message)
        elif post:
            made[post.part] = post
    return tuple(made.values())


def _sections(bare: str, first_line: int) -> Iterator[Section]:
    headings = list(_HEADING.finditer(bare))
    ends = [*(heading.start() for heading in headings), len(bare)][1:]
    line, at = first_line, 0
    for heading, end in zip(headings, ends, strict=True):
        line, at = line + bare.count("\n", at, heading.start()), heading.start()
        yield Section(heading[1].strip().rstrip("#").rstrip(), (line, 1), heading.end(), end)


def _post(section: Section, body: str, pictures: list[Shown], event: Span, notes: Notes) -> LivePost | None:
    match = _WHEN.fullmatch(section.heading)
    if not match:
        message = f"'{shortened(section.heading)}' does not say when this post goes out. {_FORMS} Or use ###."
        notes.error("section-when", section.place, message)
        return None
    label = match["label"].strip()
    part = str(slugify(label, max_length=100))
    if not _is_free(part, label, section.place, notes):
        return None
    try:
        at = _moment(match, event)
    except WallTimeError as error:
        notes.error("section-time" if error.rule == "bad-time" else error.rule, section.place, str(error))
        return None
    except (ValueError, OverflowError) as error:
        notes.error("section-time", section.place, f"{error} {_FORMS}")
        return None
    if at and not _is_inside(at, event, section.place, notes):
        return None
    own = [one for one in pictures if section.start <= one.start < section.end]
    text = without(body[section.start : section.end], own, section.start)
    if not text and not own:
        notes.error("section-empty", section.place, "This section has no text. Write what to post, or delete it.")
        return None
    return LivePost(part, label, at, text, tuple(one.image for one in own))


def _is_free(part: str, label: str, place: Place, notes: Notes) -> bool:
    """Whether a post may be called so: the announcement's own posts are called `main`, or 1, 2, 3 in a thread."""
    if not part:
        message = "This section has no label. Write one after the time: ## 09:05 Opening."
    elif part == MAIN or part.isdigit():
        message = f"A section can't be called '{shortened(label)}': the announcement's posts are. Add a word."
    else:
        return True
    notes.error("section-label", place, message)
    return False


def _moment(match: re.Match[str], event: Span) -> datetime | None:
    if match["hand"]:
        return None
    if match["after"]:
        return event.starts_at + parse_duration(match["after"][1:])
    day = match["day"] or event.starts_at.astimezone(ZoneInfo(event.zone)).strftime("%Y-%m-%d")
    return to_utc(f"{day} {match['clock']}", event.zone)


def _is_inside(at: datetime, event: Span, place: Place, notes: Notes) -> bool:
    if at < event.starts_at:
        edge = f"before the event starts ({describe(event.starts_at, event.zone)})"
    elif event.ends_at and at > event.ends_at:
        edge = f"after the event ends ({describe(event.ends_at, event.zone)})"
    else:
        return True
    message = f"{describe(at, event.zone)} is {edge}. Mend the time here, or starts_at and ends_at."
    notes.error("section-outside", place, message)
    return False
