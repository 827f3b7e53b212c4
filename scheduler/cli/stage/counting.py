"""A fresh post while it is typed: how long it is on each channel, and what is in its way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from channels.message import Message, Problem
from channels.piece import Image
from scheduler.cli.stage.drafts import Photo
from scheduler.desk.hall import Hall

_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif")
_PHOTOS_FIRST = ("empty-text", "missing-alt", "image-left-out")
"""What a channel says of photos that are not in the workspace yet: this page says it itself, and better."""


@dataclass(frozen=True, slots=True)
class Count:
    """`lengths`: a line for each channel that counts; `problems`: sentences. `fits`: it can be sent as it is."""

    lengths: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        return not self.problems


def images(photos: Sequence[Photo]) -> list[Image]:
    """Those that were named."""
    return [Image(path.strip(), " ".join(alt.split())) for path, alt in photos if path.strip()]


def count(hall: Hall, text: str, photos: Sequence[Photo] = ()) -> Count:
    """As the channels see it. Reads no database."""
    shown = images(photos)
    made = hall.draft(text, shown)
    problems = [*_of_photos(hall, photos), *(one for message in made for one in _of(message, bool(shown)))]
    if not made:
        problems.append("No channel of this event takes live posts.")
    return Count(tuple(_length(one) for one in made if one.limit is not None), tuple(dict.fromkeys(problems)))


def _length(message: Message) -> str:
    if any(problem.rule == "shortened" for problem in message.problems):
        return f"{message.channel}: more than {message.limit}"
    return f"{message.channel}: {message.length} of {message.limit}"


def _of(message: Message, shown: bool) -> Iterator[str]:
    for problem in message.problems:
        if _stops(problem) and not (shown and problem.rule in _PHOTOS_FIRST):
            yield f"{message.channel}: {problem.message}"


def _stops(problem: Problem) -> bool:
    """As `Hall.say` has it."""
    return problem.severity == "error" or problem.rule in ("shortened", "image-left-out")


def _of_photos(hall: Hall, photos: Sequence[Photo]) -> Iterator[str]:
    for path, alt in photos:
        if not path.strip():
            if alt.strip():
                yield "There are words about a photo, and no photo. Name its file."
        elif why := _why_not(hall, path.strip()):
            yield why
        elif not alt.strip():
            yield f"Say in a sentence what is to be seen in {Path(path).name}."


def _why_not(hall: Hall, path: str) -> str:
    if Path(path).suffix.lower() not in _PICTURES:
        return f"{path} is no photo: a JPEG, PNG, WebP or GIF file can be sent."
    try:
        there = hall.desk.library.media(hall.piece, path) is not None or Path(path).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):  # a name that no file system takes, a home that nobody has
        there = False
    return "" if there else f"There is no file {path}, neither beside the event's nor here."
