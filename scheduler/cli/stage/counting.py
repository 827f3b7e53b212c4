"""A fresh post while it is typed: how long it is on each channel, and what is in its way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from channels.message import Problem
from channels.piece import Image
from scheduler.cli.stage.drafts import Photo
from scheduler.desk.hall import Hall


@dataclass(frozen=True, slots=True)
class Count:
    """`lengths`: a line for each channel that counts; `problems`: sentences. It can be sent where there are none."""

    lengths: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def count(hall: Hall, text: str, photos: Sequence[Photo] = ()) -> Count:
    """As the channels see it."""
    made = hall.draft(text, images(hall, photos))
    lengths = [f"{one.channel}: {one.length} of {one.limit}" for one in made if one.limit is not None]
    told = [f"{one.channel}: {problem.message}" for one in made for problem in one.problems if _stops(problem)]
    if not made:
        told.append("No channel of this event takes live posts.")
    return Count(tuple(lengths), tuple(dict.fromkeys([*_lost(photos), *told])))


def images(hall: Hall, photos: Sequence[Photo]) -> list[Image]:
    """Those that were named: beside the event, else in the folder where the command was typed, or anywhere by its path."""
    return [Image(_found(hall, path.strip()), " ".join(alt.split())) for path, alt in photos if path.strip()]


def _found(hall: Hall, path: str) -> str:
    if hall.desk.library.media(hall.piece, path) is not None:
        return path
    try:
        here = Path.cwd() / path
        return str(here) if here.is_file() else path
    except (OSError, ValueError):  # a name that no file system takes
        return path


def _lost(photos: Sequence[Photo]) -> Iterator[str]:
    if any(alt.strip() and not path.strip() for path, alt in photos):
        yield "There are words about a photo, and no photo. Name its file."


def _stops(problem: Problem) -> bool:
    """As `Hall.say` has it."""
    return problem.severity == "error" or problem.rule == "image-left-out"
