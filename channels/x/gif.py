"""GIFs taken apart into their blocks: what shows is kept byte for byte, and what only talks is left out.

The format: GIF89a, "Graphics Interchange Format", CompuServe 1990.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_SIGNS = (b"GIF87a", b"GIF89a")
_EXTENSION, _IMAGE, _END = 0x21, 0x2C, 0x3B
_CONTROL, _APPLICATION = 0xF9, 0xFF
_LOOPING = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
"""Of the extensions by applications, those that say how often the pictures are repeated."""


class BrokenGif(ValueError):
    """It ends too early, or holds what no GIF has."""


@dataclass(frozen=True, slots=True)
class Gif:
    """`data` is the GIF without comments, texts and the data of programs (XMP, colour profiles, …)."""

    width: int
    height: int
    frames: int
    data: bytes


def read(content: bytes) -> Gif:
    """Raises `BrokenGif`."""
    if not content.startswith(_SIGNS) or len(content) < 13:
        raise BrokenGif
    start = 13 + _table(content[10])
    blocks = list(_blocks(content, start))
    kept = b"".join(content[begin:end] for begin, end in blocks if _shows(content, begin))
    return Gif(
        width=int.from_bytes(content[6:8], "little"),
        height=int.from_bytes(content[8:10], "little"),
        frames=sum(content[begin] == _IMAGE for begin, _ in blocks),
        data=content[:start] + kept + bytes([_END]),
    )


def _blocks(content: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Where each block begins and ends; what follows the end of the GIF is none."""
    while (kind := _byte(content, at)) != _END:
        if kind == _EXTENSION:
            end = _after(content, at + 2)
        elif kind == _IMAGE:
            # The table's size stands in the descriptor; one byte (the code size) comes before the data.
            end = _after(content, at + 10 + _table(_byte(content, at + 9)) + 1)
        else:
            raise BrokenGif
        yield at, end
        at = end


def _shows(content: bytes, begin: int) -> bool:
    if content[begin] == _IMAGE:
        return True
    label = content[begin + 1]
    return label == _CONTROL or (label == _APPLICATION and content[begin + 3 : begin + 14] in _LOOPING)


def _after(content: bytes, at: int) -> int:
    """Behind a chain of sub-blocks, each of which begins with its length; one of length 0 is the last."""
    while size := _byte(content, at):
        at += 1 + size
    return at + 1


def _table(flags: int) -> int:
    """The bytes of a colour table."""
    return 3 * (2 << (flags & 7)) if flags & 0x80 else 0


def _byte(content: bytes, at: int) -> int:
    if at >= len(content):
        raise BrokenGif
    return content[at]
