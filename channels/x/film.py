"""MP4 and MOV files taken apart into their boxes: the film is kept byte for byte, and what only talks becomes blank.

A telephone writes into a film where it was, when, and what it is. Those boxes keep their length, for everything else in the
file is found by counting bytes; so they can be blanked while the film is on its way. The format: ISO/IEC 14496-12.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_OPENED = (b"moov", b"trak")
"""The boxes that are looked into, by how deep they lie."""
_TALKING = (b"udta", b"meta", b"uuid")
"""Notes of any sort: the place, the maker, XMP."""
_MOST_BOXES = 10_000
_NAME = 4
"""Where in a box its name begins; its length comes before."""


class BrokenFilm(ValueError):
    """It is no film, or a part of it is missing."""


@dataclass(frozen=True, slots=True)
class Film:
    """`seconds` is how long it lasts, None where it does not say; `blanks` are the places (from, to) of what only talks."""

    seconds: float | None
    blanks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Box:
    name: bytes
    start: int
    inside: int
    end: int


def read(file: BinaryIO, size: int) -> Film:
    """Raises `BrokenFilm`, and `OSError` of the disk."""
    boxes = list(_walk(file, 0, size))
    if not {b"moov", b"mdat"} <= {box.name for box in boxes}:
        raise BrokenFilm
    blanks = sorted((box.start + _NAME, box.end) for box in boxes if box.name in _TALKING)
    lengths = [_seconds(file, box) for box in boxes if box.name == b"mvhd"]
    return Film(next(iter(lengths), None), tuple(blanks))


def chunks(file: BinaryIO, film: Film, size: int) -> Iterator[bytes]:
    """The film in pieces of `size` bytes, from its beginning, with the blanks in."""
    file.seek(0)
    at = 0
    while chunk := file.read(size):
        yield _blanked(chunk, at, film)
        at += len(chunk)


def _walk(file: BinaryIO, start: int, end: int, depth: int = 0) -> Iterator[_Box]:
    """The boxes at this level, and those within the ones that are opened."""
    at = start
    for _ in range(_MOST_BOXES):
        if at + 8 > end:
            return
        box = _box(file, at, end)
        yield box
        if box.name in _OPENED[depth : depth + 1]:
            yield from _walk(file, box.inside, box.end, depth + 1)
        at = box.end
    raise BrokenFilm


def _box(file: BinaryIO, at: int, end: int) -> _Box:
    file.seek(at)
    head = file.read(16)
    size, inside = int.from_bytes(head[:4], "big"), 8
    if size == 1:
        size, inside = int.from_bytes(head[8:16], "big"), 16
    # 0: the rest of the file.
    size = size or end - at
    if size < inside or at + size > end:
        raise BrokenFilm
    return _Box(head[4:8], at, at + inside, at + size)


def _seconds(file: BinaryIO, box: _Box) -> float | None:
    file.seek(box.inside)
    data = file.read(32)
    # Version 1 has longer times before, and a longer duration.
    at, width = (20, 8) if data[:1] == b"\x01" else (12, 4)
    scale, told = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 4 + width]
    unknown = len(told) < width or told == b"\xff" * width
    return None if unknown or not scale else int.from_bytes(told, "big") / scale


def _blanked(chunk: bytes, at: int, film: Film) -> bytes:
    out = bytearray(chunk)
    for start, end in film.blanks:
        begin, stop = max(start, at), min(end, at + len(chunk))
        for offset in range(begin, min(stop, start + _NAME)):
            out[offset - at] = b"free"[offset - start]
        begin = max(begin, start + _NAME)
        if begin < stop:
            out[begin - at : stop - at] = bytes(stop - begin)
    return bytes(out)
