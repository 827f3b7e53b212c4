"""Pictures: which ones a body shows, and whether they are there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from channels.images import MAX_PIXELS
from channels.piece import Image
from scheduler.calendar.finding import Notes, Place, shortened

_ALT = r"!\[((?:[^\[\]\n]|\n(?!\n))*(?:\[[^\[\]\n]*\](?:[^\[\]\n]|\n(?!\n))*)*)\]"
_SRC = r"\(\s*(?:<([^<>\n]*)>|((?:[^\s()<>]|\([^\s()<>]*\))+))(?:\s+(?:\"[^\"\n]*\"|'[^'\n]*'))?\s*\)"
_IMAGE = re.compile(_ALT + "(?:" + _SRC + r"|\[([^\[\]\n]*)\])")
_DEFINITION = re.compile(r"^[ ]{0,3}\[([^\[\]\n^]+)\]:[ \t]*<?([^\s<>]+)", re.MULTILINE)
_REMOTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//")
_EMPTY_LINK = re.compile(r"\[\s*\]\([^()\n]*\)")
State = Literal["there", "broken", "missing", "outside"]
_FORMATS = frozenset({"JPEG", "MPO", "PNG", "WEBP", "GIF"})
"""MPO: a JPEG with more than one picture in it, as some phones write it."""
_BARE = re.compile(r"<img\b(?![^<>]*\balt\s*=)[^<>]{0,2000}>", re.IGNORECASE)
_RASTER = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif"})


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture in a body, and from where to where its Markdown stands."""

    image: Image
    start: int
    end: int


def shown(text: str) -> list[Shown]:
    """The pictures in `text` (a body without its code), in order."""
    return list(_shown(text)) if "![" in text else []


def _shown(text: str) -> Iterator[Shown]:
    named: dict[str, str] | None = None
    for match in _IMAGE.finditer(text):
        alt, bracketed, plain, label = match.groups()
        src = bracketed or plain
        if src is None and label is not None:
            named = named if named is not None else {m[1].lower(): m[2] for m in _DEFINITION.finditer(text)}
            src = named.get((label or alt).lower())
        if src:
            yield Shown(Image(src, " ".join(alt.split())), match.start(), match.end())


def without(text: str, pictures: list[Shown], offset: int = 0) -> str:
    """`text` without the Markdown of `pictures`, which stand at their places minus `offset`."""
    for one in reversed(pictures):
        text = text[: one.start - offset] + text[one.end - offset :]
    text = _EMPTY_LINK.sub("", text) if pictures else text
    return re.sub(r"\n(?:[ \t]*\n){2,}", "\n\n", text).strip()


def note_image(image: Image, path: str, root: Path, place: Place, notes: Notes, *, body: bool) -> None:
    """Notes a picture that is not there, lies outside `content/`, or has no alternative text.

    A body's picture with an address from the site's root may be served by something else: only a warning.
    """
    if not image.alt:
        how = "Write what it shows between the brackets: ![…](…)." if body else "Write what it shows: alt: …"
        notes.warn("missing-alt", place, f"This image has no alternative text. {how}")
    if "{{" in image.src or "{%" in image.src or _REMOTE.match(image.src):
        return
    state = _state(image.src, path, root)
    if state == "outside":
        message = f"The image '{shortened(image.src)}' lies outside content/. Copy it into content/."
        notes.error("image-outside", place, message)
    elif state == "missing":
        message = f"There is no image '{shortened(image.src)}'. {_looked(image.src, path)}"
        say = notes.warn if body and image.src.startswith("/") else notes.error
        say("missing-image", place, message)
    elif state == "broken":
        message = f"'{shortened(image.src)}' is no picture that can be shown. Save it anew as JPEG, PNG or WebP, not too large."
        notes.error("broken-image", place, message)


def note_captions(src: str, path: str, root: Path, place: Place, notes: Notes) -> None:
    """Notes captions that are named and not there: nobody should believe that they are out."""
    if not _REMOTE.match(src) and _state(src, path, root) != "there":
        notes.warn("missing-captions", place, f"There are no captions '{shortened(src)}'. {_looked(src, path)}")


def note_bare_images(text: str, first_line: int, notes: Notes) -> None:
    """Notes pictures written as HTML that have no words for those who can't see them."""
    for match in _BARE.finditer(text):
        line = first_line + text.count("\n", 0, match.start())
        column = match.start() - text.rfind("\n", 0, match.start())
        message = 'This image has no alternative text. Write what it shows: alt="…".'
        notes.warn("missing-alt", (line, column), message)


def _looked(src: str, path: str) -> str:
    if src.startswith("/"):
        return "It would be looked for in content/. Mend the name, or put the file there."
    return f"It would be looked for in {path.rpartition('/')[0]}/. Mend the name, or put the file there."


def _state(src: str, path: str, root: Path) -> State:
    content = _content(root)
    states = []
    for name in dict.fromkeys((unquote(src), unquote(re.split("[?#]", src, maxsplit=1)[0]))):
        start = content if name.startswith("/") else (root / path).parent
        states.append(_found(start, name.lstrip("/"), content))
    return next(state for state in ("there", "broken", "outside", "missing") if state in states)


def _found(start: Path, name: str, content: Path) -> State:
    try:
        file = (start / name).resolve()
        if not file.is_relative_to(content):
            return "outside"
        if not file.is_file():
            return "missing"
        return "broken" if file.suffix.lower() in _RASTER and not _readable(file) else "there"
    except (OSError, ValueError, RuntimeError):  # a name that no file system takes; a circle of links
        return "missing"


def _readable(file: Path) -> bool:
    """By its head alone: what is further wrong with it shows when its sizes are made."""
    from PIL import Image as Picture  # only pieces with pictures pay for it
    from PIL import UnidentifiedImageError

    try:
        with Picture.open(file) as picture:
            return picture.format in _FORMATS and picture.width * picture.height <= MAX_PIXELS
    except (UnidentifiedImageError, OSError, ValueError, Picture.DecompressionBombError):
        return False


@lru_cache(maxsize=8)
def _content(root: Path) -> Path:
    return (root / "content").resolve()
