"""Uploads: in one go or in pieces, the processing afterwards, and the alternative text."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Callable
from typing import Any

from PIL import Image

from tests.mocks.x.accounts import Account
from tests.mocks.x.bodies import invalid
from tests.mocks.x.exchange import Call, Reply
from tests.mocks.x.ledger import Upload
from tests.mocks.x.world import World

MB = 1024 * 1024
CHUNK = 5 * MB
MOST = {"tweet_image": 5 * MB, "tweet_gif": 15 * MB, "tweet_video": 512 * MB, "amplify_video": 512 * MB}
"""The most bytes that X takes, by category."""
WIDEST = 8192
"""Pixels, either way."""
_PROCESSED = {"tweet_gif", "tweet_video", "amplify_video"}
_HALF_A_DAY = 12 * 3600


def one_shot(world: World, call: Call, account: Account) -> Reply:
    """`POST /2/media/upload`."""
    content = _content(call.data.get("media"))
    if content is None:
        return invalid("The media is not base64.", media="…")
    with world.ledger.lock:
        upload = _opened(world, account, call.data["media_category"], "", len(content))
        upload.segments[0] = content
    return _finish(world, upload)


def initialize(world: World, call: Call, account: Account) -> Reply:
    """`POST /2/media/upload/initialize`."""
    data = call.data
    category, total = data.get("media_category", "tweet_image"), data.get("total_bytes", 0)
    if not data.get("media_type") or total <= 0:
        return invalid("media_type and total_bytes are needed.", total_bytes=total)
    if total > MOST.get(category, CHUNK):
        return invalid("The file is too large.", total_bytes=total)
    with world.ledger.lock:
        upload = _opened(world, account, category, data["media_type"], total)
    return Reply(200, {"data": {"id": upload.id, "media_key": upload.key, "expires_after_secs": _HALF_A_DAY}})


def append(world: World, call: Call, account: Account) -> Reply:
    """`POST /2/media/upload/{id}/append`. A segment may come again, and in any order."""
    upload, content = _mine(world, call, account), _content(call.data.get("media"))
    if upload is None or upload.state != "uploading":
        return invalid("The media ID is unknown, or its upload is over.", id=call.path.split("/")[4])
    if not content or len(content) > CHUNK:
        return invalid(f"A segment has between 1 and {CHUNK} bytes.", media=len(content or b""))
    upload.segments[call.data["segment_index"]] = content
    return Reply(200, {"data": {"expires_at": int(world.now().timestamp()) + _HALF_A_DAY}})


def finalize(world: World, call: Call, account: Account) -> Reply:
    """`POST /2/media/upload/{id}/finalize`."""
    upload = _mine(world, call, account)
    if upload is None:
        return invalid("The media ID is unknown.", id=call.path.split("/")[4])
    if upload.state != "uploading":
        return Reply(200, {"data": _told(world, upload)})
    if sorted(upload.segments) != list(range(len(upload.segments))) or len(upload.content) != upload.total_bytes:
        return invalid("Segments are missing, or their bytes are not as many as was said.", id=upload.id)
    return _finish(world, upload)


def status(world: World, call: Call, account: Account) -> Reply:
    """`GET /2/media/upload`: how far the processing is."""
    upload = world.ledger.uploads.get(call.query.get("media_id", ""))
    if upload is None or upload.owner != account.id or upload.state == "uploading":
        return invalid("The media ID is unknown, or its upload isn't finalized.", media_id=call.query.get("media_id"))
    upload.polls += 1
    if upload.state in ("pending", "in_progress"):
        over = upload.polls >= world.processing.polls
        upload.state = ("failed" if world.processing.fails else "succeeded") if over else "in_progress"
    return Reply(200, {"data": _told(world, upload)})


def describe(world: World, call: Call, account: Account) -> Reply:
    """`POST /2/media/metadata`: the alternative text."""
    upload = world.ledger.uploads.get(call.data.get("id", ""))
    if upload is None or upload.owner != account.id:
        return invalid("The media ID is unknown.", id=call.data.get("id"))
    metadata = call.data.get("metadata", {})
    if "alt_text" in metadata:
        world.ledger.alt[upload.id] = metadata["alt_text"]["text"]
    return Reply(200, {"data": {"id": upload.id, "associated_metadata": metadata}})


def _opened(world: World, account: Account, category: str, media_type: str, total: int) -> Upload:
    upload = Upload(world.ledger.next_id(), account.id, category, media_type, total)
    world.ledger.uploads[upload.id] = upload
    return upload


def _mine(world: World, call: Call, account: Account) -> Upload | None:
    upload = world.ledger.uploads.get(call.path.split("/")[4])
    return upload if upload and upload.owner == account.id else None


def _finish(world: World, upload: Upload) -> Reply:
    """Everything is there: it is looked at, and a video or a GIF is processed."""
    wrong = _KINDS.get(upload.category, _anything)(upload)
    if wrong or len(upload.content) > MOST.get(upload.category, CHUNK):
        upload.state = "failed"
        return invalid(wrong or "The file is too large.", media=upload.id)
    world.ledger.media[upload.id] = upload.content
    upload.state = "pending" if upload.category in _PROCESSED and world.processing.polls else "succeeded"
    if world.processing.fails and upload.state == "succeeded" and upload.category in _PROCESSED:
        upload.state = "failed"
    return Reply(200, {"data": _told(world, upload)})


def _told(world: World, upload: Upload) -> dict[str, Any]:
    found: dict[str, Any] = {"id": upload.id, "media_key": upload.key, "size": len(upload.content)}
    if upload.state != "failed":
        found["expires_after_secs"] = _HALF_A_DAY
    if upload.size:
        found["image"] = {"w": upload.size[0], "h": upload.size[1], "image_type": upload.media_type}
    if upload.category in _PROCESSED:
        percent = {"pending": 0, "in_progress": 50, "failed": 12}.get(upload.state, 100)
        info: dict[str, Any] = {"state": upload.state, "progress_percent": percent}
        if upload.state in ("pending", "in_progress"):
            info["check_after_secs"] = world.processing.check_after
        found["processing_info"] = info
    return found


def _content(media: Any) -> bytes | None:
    """The bytes: raw of a multipart form, base64 of JSON; None where they are neither."""
    if isinstance(media, bytes):
        return media
    try:
        return base64.b64decode(str(media), validate=True)
    except binascii.Error:
        return None


def _picture(upload: Upload) -> str:
    """What is wrong with a picture; nothing where X could show it."""
    try:
        with Image.open(io.BytesIO(upload.content)) as image:
            upload.size, upload.media_type = image.size, image.get_format_mimetype() or ""
    except (OSError, ValueError):
        return "The media could not be read."
    return "The picture is too wide or too high." if max(upload.size) > WIDEST else ""


def _gif(upload: Upload) -> str:
    return "" if upload.content.startswith((b"GIF87a", b"GIF89a")) else "The media is not a GIF."


def _video(upload: Upload) -> str:
    """Only its wrapping is looked at: an MP4 or MOV says so in its first box, a WebM in its first bytes."""
    head = upload.content[:12]
    return "" if head[4:8] in (b"ftyp", b"moov") or head.startswith(b"\x1aE\xdf\xa3") else "The media is not a video."


def _anything(_upload: Upload) -> str:
    return ""


_KINDS: dict[str, Callable[[Upload], str]] = {
    "tweet_image": _picture,
    "tweet_gif": _gif,
    "tweet_video": _video,
    "amplify_video": _video,
}
