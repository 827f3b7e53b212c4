"""Pictures as readers get them: small enough, the right way up, and without the camera's memory of where it was."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from channels.errors import Rejected
from channels.files import write_atomic

MAX_PIXELS = 60_000_000
"""A larger picture is refused: no camera of a small team makes it, and a bomb does."""
MAX_BYTES = 40_000_000
WIDTHS = (480, 960, 1600)
THUMBNAIL = (480, 320)
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif"})

_SAVING: dict[str, dict[str, object]] = {
    "JPEG": {"quality": 82, "optimize": True, "progressive": True},
    "PNG": {"optimize": True},
    "WEBP": {"quality": 80, "method": 4},
}
_SUFFIX = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif"}


class BadImage(Rejected):
    """A file that is no picture that can be shown: broken, too large, or of a kind that is not served."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One size of a picture: the file's name in `out`, width and height in pixels, MIME type, length in bytes."""

    name: str
    width: int
    height: int
    type: str
    size: int


def variants(source: Path, digest: str, out: Path, widths: Sequence[int] = WIDTHS) -> list[Variant]:
    """Write the picture's sizes into `out`, and tell them: of its own format first, then WebP, each from small to large.

    `digest` is the SHA-256 of the source's bytes; the names are made of it (`<digest>-960.webp`), so a second call
    reads the sizes and writes nothing. A picture is never enlarged: where it is narrower than a width, its own is the
    last. A GIF is copied as it is, since it may move. Raises `BadImage`, and `OSError` of the disk.
    """
    with _opened(source) as image:
        if image.format == "GIF":
            return [_copied(source, image, digest, out)]
        upright = _size(image)
        wanted = [(format_, width) for format_ in _formats(image) for width in _fitting(upright[0], widths)]
        names = {pair: f"{digest}-{pair[1]}{_SUFFIX[pair[0]]}" for pair in wanted}
        missing = [pair for pair in wanted if not (out / names[pair]).is_file()]
        if missing:
            _make(image, missing, names, out)
        return [_told(out / names[pair], pair, upright) for pair in wanted]


def thumbnail(source: Path, digest: str, out: Path, size: tuple[int, int] = THUMBNAIL) -> str:
    """Write a small picture of exactly that size (cut to fit) as WebP, and tell its name: `thumbnail_name(digest)`."""
    name = thumbnail_name(digest, size)
    if not (out / name).is_file():
        with _opened(source) as image:
            write_atomic(out / name, _encoded(ImageOps.fit(_plain(image), size), "WEBP"))
    return name


def thumbnail_name(digest: str, size: tuple[int, int] = THUMBNAIL) -> str:
    return f"{digest}-{size[0]}x{size[1]}.webp"


def _make(image: Image.Image, missing: Sequence[tuple[str, int]], names: dict[tuple[str, int], str], out: Path) -> None:
    whole = _plain(image)
    for format_, width in missing:
        height = _scaled(whole.size, width)
        small = whole if width == whole.width else whole.resize((width, height), Image.Resampling.LANCZOS)
        write_atomic(out / names[format_, width], _encoded(small, format_))


@contextmanager
def _opened(source: Path) -> Iterator[Image.Image]:
    """The picture, its header read. Whatever Pillow says of a broken one becomes a sentence for the writer."""
    if source.stat().st_size > MAX_BYTES:
        raise BadImage(f"The image {source.name} is larger than 40 MB.", hint="Save it smaller.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(source, formats=tuple(_SUFFIX)) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise _too_large(source)
                yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large(source) from None
    except UnidentifiedImageError:
        raise BadImage(
            f"The file {source.name} is not a JPEG, PNG, WebP or GIF image.", hint="Save it as JPEG or PNG."
        ) from None
    except (SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise _broken(source) from error
    except OSError as error:
        # Pillow's own complaints carry no number; the disk's do.
        if error.errno is not None:
            raise
        raise _broken(source) from error


def _broken(source: Path) -> BadImage:
    return BadImage(f"The image {source.name} is damaged.", hint="Open it in an image program and save it anew.")


def _too_large(source: Path) -> BadImage:
    return BadImage(
        f"The image {source.name} has more than {MAX_PIXELS // 1_000_000} million pixels.", hint="Save it smaller."
    )


def _size(image: Image.Image) -> tuple[int, int]:
    """Width and height the right way up."""
    turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return (image.height, image.width) if turned else image.size


def _formats(image: Image.Image) -> tuple[str, ...]:
    own = "JPEG" if image.format == "MPO" else image.format or "PNG"  # a phone's JPEG with more than one picture
    return (own,) if own == "WEBP" else (own, "WEBP")


def _fitting(width: int, widths: Sequence[int]) -> list[int]:
    smaller = sorted({one for one in widths if one < width})
    return [*smaller, width] if len(smaller) < len(set(widths)) else smaller


def _scaled(size: tuple[int, int], width: int) -> int:
    return max(1, round(size[1] * width / size[0]))


def _plain(image: Image.Image) -> Image.Image:
    """The picture upright, in RGB or RGBA, with nothing but its pixels and what their colours mean."""
    upright = ImageOps.exif_transpose(image)
    has_alpha = upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info
    plain = upright.convert("RGBA" if has_alpha else "RGB")
    profile = upright.info.get("icc_profile") if upright.mode in ("RGB", "RGBA", "P") else None
    plain.info = {"icc_profile": profile} if profile else {}
    return plain


def _encoded(image: Image.Image, format_: str) -> bytes:
    buffer = BytesIO()
    flat = image.convert("RGB") if format_ == "JPEG" else image
    flat.save(buffer, format=format_, icc_profile=image.info.get("icc_profile"), **_SAVING[format_])
    return buffer.getvalue()


def _copied(source: Path, image: Image.Image, digest: str, out: Path) -> Variant:
    image.load()
    target = out / f"{digest}.gif"
    write_atomic(target, source.read_bytes())
    return Variant(target.name, image.width, image.height, "image/gif", target.stat().st_size)


def _told(path: Path, pair: tuple[str, int], upright: tuple[int, int]) -> Variant:
    format_, width = pair
    return Variant(path.name, width, _scaled(upright, width), f"image/{format_.lower()}", path.stat().st_size)
