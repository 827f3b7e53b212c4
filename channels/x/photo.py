"""Pictures as X gets them: upright, small enough, in sRGB, and with nothing in the file but what is to be seen.

No Exif, no place, no name of a camera or a person, no thumbnail, no comment: a picture is decoded and encoded anew. A GIF
that moves is kept frame by frame, and only its texts are taken out.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageCms, UnidentifiedImageError

from channels.errors import Rejected
from channels.x import gif

MOST_READ = 40_000_000
"""Bytes of a file that is opened at all."""
MOST_PIXELS = 60_000_000
"""A larger picture is refused: no camera of a small team makes it, and a bomb does."""
PHOTO_BYTES, GIF_BYTES = 5_000_000, 15_000_000
"""What X takes."""
GIF_SIZE = (1280, 1080)
SIDE = 4096
"""Pixels of the longer side: half of what X takes, more than a screen shows, and 5 MB hold it at a good quality."""
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_QUALITIES = (90, 85, 80, 75)
_STEP = 0.8
_SMOOTH = ("RGB", "RGBA", "L", "LA", "CMYK")
"""Modes in which a picture can be made smaller before anything else; in the others a number is no shade."""
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class BadPicture(Rejected):
    """A file that X can't be given; the sentence names it, the hint says what to do."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What is uploaded. `moves`: it is a GIF of several frames."""

    data: bytes
    media_type: str
    moves: bool = False


def prepare(content: bytes, name: str, most: int = PHOTO_BYTES) -> Picture:
    """The picture for X, the same for the same file; `most` is how many bytes a photo may have. Raises `BadPicture`."""
    if len(content) > MOST_READ:
        raise BadPicture(f"The picture {name} is larger than 40 MB.", hint="Save it smaller.")
    if content.startswith(b"GIF8"):
        moving = _moving(content, name)
        if moving is not None:
            return moving
    return _still(content, name, most)


def _moving(content: bytes, name: str) -> Picture | None:
    """None where it is a single picture, which is a photo like any other."""
    try:
        found = gif.read(content)
    except gif.BrokenGif:
        raise _broken(name) from None
    if found.frames < 2:
        return None
    if found.width > GIF_SIZE[0] or found.height > GIF_SIZE[1]:
        told = f"The GIF {name} has {found.width} × {found.height} pixels; X takes {GIF_SIZE[0]} × {GIF_SIZE[1]}."
        raise BadPicture(told, hint="Save it smaller, or as a video (MP4).")
    if len(found.data) > GIF_BYTES:
        raise BadPicture(f"The GIF {name} is larger than 15 MB.", hint="Save it smaller, or as a video (MP4).")
    return Picture(found.data, "image/gif", moves=True)


def _still(content: bytes, name: str, most: int) -> Picture:
    try:
        with Image.open(BytesIO(content), formats=_FORMATS) as image:
            if image.width * image.height <= MOST_PIXELS:
                return _encoded(_seen(image), image.format or "", most)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        pass
    except UnidentifiedImageError:
        told = f"The file {name} is not a JPEG, PNG, WebP or GIF picture, whatever its name says."
        raise BadPicture(told, hint="Open it in an image program and save it as JPEG or PNG.") from None
    except Exception:  # noqa: BLE001 - whatever a decoder trips over, it is the file that is wrong
        raise _broken(name) from None
    told = f"The picture {name} has more than {MOST_PIXELS // 1_000_000} million pixels."
    raise BadPicture(told, hint="Save it smaller.")


def _seen(image: Image.Image) -> Image.Image:
    """What is to be seen of it, in RGB or RGBA: upright, in sRGB, no larger than `SIDE`; nothing else."""
    # A JPEG can be read at a half, a quarter, an eighth of its size: so much less memory.
    shrink = max(1, *(side / SIDE for side in image.size))
    image.draft(None, (int(image.width / shrink), int(image.height / shrink)))
    image.load()
    turn = _TURNS.get(_orientation(image))
    if image.mode in _SMOOTH and "transparency" not in image.info:
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    seen = _coloured(image)
    seen.info = {}
    seen.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return seen.transpose(turn) if turn is not None else seen


def _orientation(image: Image.Image) -> int:
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - Exif is often damaged; then the picture stands as it is stored
        return 1
    return found if isinstance(found, int) else 1


def _coloured(image: Image.Image) -> Image.Image:
    has_alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    mode = "RGBA" if has_alpha else "RGB"
    if image.mode.startswith("I"):
        # 16 bits of grey; converted as they are, everything but the darkest would become white.
        return image.convert("I").point(lambda value: value / 256).convert("L").convert(mode)
    profile = image.info.get("icc_profile")
    direct = image.mode in ("RGB", "RGBA", "CMYK", "L")
    converted = _in_srgb(image, profile, mode) if profile and direct else None
    # A copy of a large picture is a lot: only where another mode is needed.
    seen = converted or (image if image.mode == mode else image.convert(mode))
    return seen.convert("RGB") if has_alpha and seen.getchannel("A").getextrema() == (255, 255) else seen


def _in_srgb(image: Image.Image, profile: bytes, mode: str) -> Image.Image | None:
    """None where the profile does not fit the picture, which then is taken for sRGB."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        flat = image if image.mode in ("CMYK", "L") or image.mode == mode else image.convert(mode)
        made = ImageCms.profileToProfile(flat, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    if made is not None and mode == "RGBA":
        made.putalpha(image.convert("RGBA").getchannel("A"))
    return made


def _encoded(image: Image.Image, format_: str, most: int) -> Picture:
    """A PNG stays one while it is small, and what is transparent stays a PNG; else a JPEG, worse and smaller until it fits."""
    if format_ in ("PNG", "GIF") or image.mode == "RGBA":
        found = _saved(image, "PNG", optimize=True)
        while len(found) > most and image.mode == "RGBA":
            image = _smaller(image)
            found = _saved(image, "PNG", optimize=True)
        if len(found) <= most:
            return Picture(found, "image/png")
    return Picture(_jpeg(image, most), "image/jpeg")


def _jpeg(image: Image.Image, most: int) -> bytes:
    while True:
        for quality in _QUALITIES:
            found = _saved(image, "JPEG", quality=quality, optimize=True, progressive=True)
            if len(found) <= most or image.size == (1, 1):
                return found
        image = _smaller(image)


def _smaller(image: Image.Image) -> Image.Image:
    size = (max(1, int(image.width * _STEP)), max(1, int(image.height * _STEP)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _saved(image: Image.Image, format_: str, **how: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format=format_, **how)
    return buffer.getvalue()


def _broken(name: str) -> BadPicture:
    return BadPicture(f"The picture {name} is damaged.", hint="Open it in an image program and save it anew.")
