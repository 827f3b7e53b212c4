"""Photos and films from elsewhere on this machine, as they come off a phone: looked at first, then copied beside the event."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from PIL import Image as Picture
from slugify import slugify

from channels.message import Media
from channels.piece import Piece

_PHOTOS = (".jpg", ".jpeg", ".png", ".webp", ".gif")
_FILMS = (".mp4", ".mov")
_LARGEST = 512 * 1024 * 1024


def elsewhere(src: str) -> Media | None:
    """The photo or film at that path of this machine; None where there is none that can be read. Any other file, whatever
    it is called, is none."""
    try:
        path = Path(src).expanduser()
        if not path.is_absolute() or not path.is_file() or path.stat().st_size > _LARGEST or not _is_media(path):
            return None
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError, RuntimeError):
        return None
    return Media(digest, path.suffix.lower(), "", src, str(path))


def _is_media(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix in _FILMS:
        with path.open("rb") as file:
            return file.read(12)[4:8] in (b"ftyp", b"moov", b"wide", b"mdat", b"free")
    if suffix not in _PHOTOS:
        return False
    try:
        with Picture.open(path, formats=("JPEG", "PNG", "WEBP", "GIF")) as image:
            image.verify()
    except (OSError, SyntaxError, ValueError, Picture.DecompressionBombError):
        return False
    return True


def brought(root: Path, piece: Piece, src: str) -> str:
    """`src`, or where it was copied to: beside the event, where a recap finds it. The same photo is copied once."""
    media = elsewhere(src)
    content = root / "content"
    if media is None or Path(media.source).resolve().is_relative_to(content.resolve()):
        return src
    stem = str(slugify(Path(media.source).stem, max_length=40)) or "photo"
    target = content / "events" / piece.slug / f"{stem}-{media.digest[:12]}{media.suffix}"
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        shutil.copyfile(media.source, target)
    return "/" + target.relative_to(content).as_posix()
