"""Pictures and videos on their way to X: piece by piece, waited for, and described. Nothing here posts anything.

Version 2 of the API: initialize, append, finalize; then the state is asked for until X has looked through it; then the
alternative text. An upload lives for a day and is never used twice: a repeated attempt uploads anew.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, BinaryIO

from channels.errors import Rejected, Unauthorized, Unavailable
from channels.message import Media
from channels.x import film, photo
from channels.x.ask import Ask, data_of, number_of
from channels.x.verdict import answered

PHOTOS = 4
"""As many photos go with one post; or one GIF that moves, or one video."""
ALT = 1000
"""Characters of an alternative text."""
CHUNK = 2_000_000
"""Bytes of one append: under X's 5 MB also as base64, and a slow line has them through within one call."""
VIDEOS = {".mp4": "video/mp4", ".mov": "video/quicktime"}
VIDEO_BYTES, VIDEO_SECONDS = 512_000_000, 140
_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
"""Seconds between two questions, whatever X asks for."""
_CATEGORIES = {"photo": "tweet_image", "gif": "tweet_gif", "video": "tweet_video"}
_REMEDIES = {
    "photo": "Save it anew as a JPEG or PNG file, then retry.",
    "gif": "Save it as a smaller GIF, or as an MP4 video, then retry.",
    "video": "Save it as an MP4 file (H.264 and AAC), at most 140 seconds long, then retry.",
}
_AGAIN = "It is uploaded anew by itself. If it lasts, try a smaller file."


@dataclass(frozen=True, slots=True)
class Load:
    """One file, ready to be sent. `data` of a photo or GIF; a video is read from `path` while it is sent."""

    media: Media
    kind: str
    media_type: str
    size: int
    path: Path
    data: bytes = b""
    film: film.Film | None = None

    @property
    def name(self) -> str:
        return named(self.media)

    @contextmanager
    def opened(self) -> Iterator[Iterator[bytes]]:
        if self.film is None:
            yield (self.data[at : at + CHUNK] for at in range(0, self.size, CHUNK))
            return
        with _file(self.path, self.media) as file:
            yield film.chunks(file, self.film, CHUNK)


def named(media: Media) -> str:
    """The file as the writer knows it."""
    return media.src or media.name


def prepare(media: Sequence[Media], folder: Path) -> list[Load]:
    """The files as X will get them, in order; `folder` holds the desk's copies. Raises `Rejected`."""
    for one in media:
        _described(one)
    loads = [_load(one, folder / one.name) for one in media]
    others = [load for load in loads if load.kind != "photo"]
    if len(loads) > PHOTOS or (others and len(loads) > 1):
        raise Rejected(
            f"A post on X takes up to {PHOTOS} photos, or one moving GIF, or one video; here are {len(loads)} files.",
            hint="Move some of them to another post.",
        )
    return loads


def upload(load: Load, ask: Ask, deadline: float, stop: Event) -> str:
    """Send one file and describe it; its number at X. `deadline` is by `time.monotonic`; `stop` breaks it off.

    Raises `Rejected` where X can't use the file, `Unavailable` where it is not there in time: nothing was posted.
    """
    with _about(load):
        media_id = _sent(load, ask, stop)
        _ready(media_id, load, ask, deadline, stop)
        _describe(media_id, load, ask)
    return media_id


def _described(media: Media) -> None:
    if not media.alt.strip():
        raise Rejected(
            f"{named(media)} has no alternative text.", hint="Say in a sentence what is to be seen (alt), then retry."
        )
    if len(media.alt) > ALT:
        raise Rejected(
            f"The alternative text of {named(media)} has {len(media.alt)} characters; X takes {ALT}.",
            hint="Shorten it, then retry.",
        )


def _load(media: Media, path: Path) -> Load:
    with _file(path, media) as file:
        size = path.stat().st_size
        if media.suffix.lower() in VIDEOS:
            found = _film(media, file, size)
            return Load(media, "video", VIDEOS[media.suffix.lower()], size, path, film=found)
        picture = photo.prepare(file.read(photo.MOST_READ + 1), named(media))
    kind = "gif" if picture.moves else "photo"
    return Load(media, kind, picture.media_type, len(picture.data), path, picture.data)


def _film(media: Media, file: BinaryIO, size: int) -> film.Film:
    if size > VIDEO_BYTES:
        told = f"The video {named(media)} is larger than 512 MB."
        raise Rejected(told, hint="Save it smaller: 1280 × 720 pixels will do.")
    try:
        found = film.read(file, size)
    except film.BrokenFilm:
        told = f"The file {named(media)} is not an MP4 or MOV video, or a part of it is missing."
        raise Rejected(told, hint="Save it anew as an MP4 file (H.264 and AAC).") from None
    if found.seconds is not None and int(found.seconds) > VIDEO_SECONDS:
        told = f"The video {named(media)} lasts {int(found.seconds)} seconds; X takes {VIDEO_SECONDS}."
        raise Rejected(told, hint="Cut it, or link to where the whole of it can be seen.")
    return found


@contextmanager
def _file(path: Path, media: Media) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        told = f"The file {named(media)} is no longer where Julki keeps its copy."
        raise Rejected(told, hint="Save the piece once more, then try again.") from None
    except OSError as error:
        told = f"The file {named(media)} can't be read ({error.strerror})."
        raise Unavailable(told, hint="Look at the disk, and at the file's rights.") from error


@contextmanager
def _about(load: Load) -> Iterator[None]:
    """What X says against a file names the file."""
    try:
        yield
    except Rejected as error:
        if answered(error, 404, 410):
            raise Unavailable(f"X lost {load.name} on the way.", hint=_AGAIN) from None
        if load.name in str(error):
            raise
        if answered(error, 403):
            hint = (
                "Check in X's developer console that the app may write and upload, and that the account is not locked."
            )
            raise Unauthorized(f"{load.name}: {error}", hint=hint) from None
        hint = f"X does not take {load.name} as it is. {_REMEDIES[load.kind]}"
        raise Rejected(f"{load.name}: {error}", hint=hint) from None


def _sent(load: Load, ask: Ask, stop: Event) -> str:
    begun = ask(
        "POST",
        "/2/media/upload/initialize",
        json={"media_type": load.media_type, "media_category": _CATEGORIES[load.kind], "total_bytes": load.size},
    )
    media_id = _number(begun, load)
    with load.opened() as chunks:
        for index, chunk in enumerate(chunks):
            _go_on(stop)
            body = {"media": base64.b64encode(chunk).decode("ascii"), "segment_index": index}
            ask("POST", f"/2/media/upload/{media_id}/append", json=body)
    return media_id


def _ready(media_id: str, load: Load, ask: Ask, deadline: float, stop: Event) -> None:
    """Wait until X has looked through the file."""
    answer = ask("POST", f"/2/media/upload/{media_id}/finalize")
    while (pause := _processing(answer, load)) is not None:
        if time.monotonic() + pause > deadline:
            raise Unavailable(f"X has not looked through {load.name} in time.", hint=_AGAIN)
        if stop.wait(pause):
            _go_on(stop)
        answer = ask("GET", "/2/media/upload", params={"command": "STATUS", "media_id": media_id})
    _number(answer, load)


def _processing(answer: Mapping[str, Any], load: Load) -> float | None:
    """How many seconds to wait before asking again; None where the file is ready. Raises `Rejected` where it failed."""
    info = data_of(answer).get("processing_info")
    state = info.get("state") if isinstance(info, Mapping) else None
    if state == "failed":
        raise Rejected(f"X can't use {load.name}.", hint=_REMEDIES[load.kind])
    if not isinstance(info, Mapping) or state == "succeeded":
        return None
    after = info.get("check_after_secs")
    wanted = float(after) if isinstance(after, int | float) else _PAUSE
    return min(max(wanted, _PAUSE), _LONGEST_PAUSE)


def _describe(media_id: str, load: Load, ask: Ask) -> None:
    """A post whose picture has no description does not go out: without X's word for it, it is not there."""
    alt = {"id": media_id, "metadata": {"alt_text": {"text": load.media.alt}}}
    try:
        _number(ask("POST", "/2/media/metadata", json=alt), load)
    except Rejected as error:
        # X's document does not say whether a video may have one; a video must not fail by that.
        if load.kind != "video" or not answered(error, 400):
            raise


def _number(answer: Mapping[str, Any], load: Load) -> str:
    _processing(answer, load)
    media_id = number_of(answer)
    if not media_id:
        raise Unavailable(f"X did not confirm that it has {load.name}.", hint=_AGAIN)
    return media_id


def _go_on(stop: Event) -> None:
    if stop.is_set():
        raise Unavailable(
            "Julki was stopped while a file was on its way to X.", hint="It goes on after the next start."
        )
