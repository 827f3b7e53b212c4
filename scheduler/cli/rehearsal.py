"""The demo's workspace: a copy of the example, its calendar moved around today, one piece of each kind due in seconds."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median_low
from typing import TYPE_CHECKING

from scheduler.cli.session import Failed

if TYPE_CHECKING:
    from channels.piece import Piece
    from scheduler.desk.reader import Reader

MARK = ".julki-demo"
_SOON = (5, 8, 11, 14)
"""Seconds from the start at which the piece of each kind goes out."""
_TIME_KEY = r"publish_at|date|starts_at|ends_at|end_date|expires_at|expirydate|at"
_DATED = re.compile(rf"((?:^[ \t]*|[{{,][ \t]*)(?:{_TIME_KEY})[ \t]*:[ \t]*[\"']?)(\d{{4}}-\d\d-\d\d)", re.MULTILINE)
_SECTION = re.compile(r"^(##[ \t]+)(\d{4}-\d\d-\d\d)(?=[ T]\d)", re.MULTILINE)
_HEAD = re.compile(r"\A(?:\ufeff)?---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_LIVE = re.compile(r"^live[ \t]*:[ \t]*(?:true|yes|on)\b", re.MULTILINE | re.IGNORECASE)


def source() -> Path:
    """The example workspace: it lies beside the package, in the repository. Raises `Failed`."""
    import scheduler

    root = Path(scheduler.__file__).resolve().parent.parent
    if not ((root / "config" / "julki.toml").is_file() and (root / "content").is_dir()):
        raise Failed(
            "The example lies in Julki's repository, and this copy has none. Make your own with: julki init DIR"
        )
    return root


def make(folder: Path, origin: Path) -> None:
    """Copy the example to a new folder, in place of what an earlier demo left there. Raises `Failed`."""
    _clear(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("julki demo made this folder, and deletes it when it starts again.\n", "utf-8")
    for name in ("config", "content"):
        shutil.copytree(origin / name, folder / name, dirs_exist_ok=True)


def _clear(folder: Path) -> None:
    from scheduler.store.lock import holder

    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise Failed(f"{folder} is not an ordinary folder. Name another for the demo: julki demo DIR")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / MARK).is_file():
        raise Failed(f"{folder} holds files that no demo made. Name an empty folder: julki demo DIR")
    if running := holder(folder / "var" / "julki.db"):
        raise Failed(f"A demo is running there already: {running}. Stop that first, or name another folder.")
    shutil.rmtree(folder)


def settle(folder: Path, today: date) -> None:
    """The demo's own settings: today on is no archive, a mail a piece, and ports that are free."""
    path = folder / "config" / "julki.toml"
    text = path.read_text("utf-8")
    text = re.sub(r"(?m)^since[ \t]*=[^#\n]*", f"since = {today.isoformat()} ", text)
    text = re.sub(r"(?m)^edition[ \t]*=[^#\n]*", 'edition = "each" ', text)
    text = re.sub(r"(?m)^(port[ \t]*=[ \t]*)(\d+)", lambda found: found[1] + str(_free(int(found[2]))), text)
    path.write_text(text, "utf-8")


def _free(port: int) -> int:
    """The port, or 0 (any free one) where somebody has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port


def shift(folder: Path, days: int) -> None:
    """Move every date of the calendar; the time of day and all else stay, byte for byte."""
    for path in _files(folder):
        _rewrite(path, partial(shifted, days=days))


def shifted(text: str, days: int) -> str:
    """One file's text with its dates moved: in the front matter, and over the posts of a live event."""
    head = _HEAD.match(text)
    if not head:
        return text
    moved = text[: head.start(1)] + _moved(_DATED, head[1], days)
    body = text[head.end(1) :]
    return moved + (_moved(_SECTION, body, days) if _LIVE.search(head[1]) else body)


def _moved(pattern: re.Pattern[str], text: str, days: int) -> str:
    def one(found: re.Match[str]) -> str:
        try:
            return found[1] + (date.fromisoformat(found[2]) + timedelta(days=days)).isoformat()
        except (ValueError, OverflowError):
            return found[0]

    return pattern.sub(one, text)


def middle(pieces: Iterable[Piece], reader: Reader) -> date | None:
    """The day on which half of the calendar lies behind."""
    zone = reader.workspace.settings.zone
    days = [piece.publish_at.astimezone(zone).date() for piece in pieces if piece.publish_at]
    return median_low(days) if days else None


def pieces(reader: Reader) -> list[Piece]:
    """Every piece of the workspace that can be read."""
    from scheduler.cli.survey import survey

    seen = survey(reader, lambda _done, _total: None)
    return [reading.piece for reading in seen.readings.values() if reading.piece is not None]


def stars(found: Sequence[Piece], reader: Reader, now: datetime) -> list[Piece]:
    """One piece of each kind to go out at once: the one on most channels, nearest to now, that waits for no other."""
    from channels.piece import KINDS

    def rank(piece: Piece) -> tuple[int, bool, timedelta]:
        begun = piece.event is not None and (piece.event.live or piece.event.starts_at < now)
        return -len(reader.intake.goes_to(piece)), begun, abs((piece.publish_at or now) - now)

    able = [piece for piece in found if _able(piece)]
    chosen = [min((one for one in able if one.kind == kind), key=rank, default=None) for kind in KINDS]
    return [piece for piece in chosen if piece is not None]


def _able(piece: Piece) -> bool:
    free = not piece.after and all(one.at is None for one in piece.overrides.values())
    return free and piece.status == "ready" and piece.publish_at is not None


def schedule(folder: Path, chosen: Sequence[Piece], now: datetime, zone: str) -> None:
    """Write the seconds ahead into the chosen pieces; an event that would be over begins the day after."""
    from scheduler.calendar.walltime import as_wall

    for piece, seconds in zip(chosen, _SOON, strict=False):
        at = now.replace(microsecond=0) + timedelta(seconds=seconds)
        values = {"publish_at|date": as_wall(at, zone)}
        if piece.event is not None and piece.event.starts_at <= at:
            values["starts_at"] = as_wall(at + timedelta(days=1), zone)
            values["ends_at|end_date"] = as_wall(at + timedelta(days=1, hours=2), zone)
        _rewrite(folder / piece.path, partial(_put, values=values))


def _put(text: str, values: Mapping[str, str]) -> str:
    """The text with these values in its front matter, where the keys (`a|b`: either) stand."""
    head = _HEAD.match(text)
    if not head:
        return text
    block = head[1]
    for keys, value in values.items():
        line = re.compile(rf"^((?:{keys})[ \t]*:[ \t]*)[^#\r\n]*", re.MULTILINE)
        block = line.sub(rf"\g<1>{value}", block, count=1)
    return text[: head.start(1)] + block + text[head.end(1) :]


def _files(folder: Path) -> list[Path]:
    return sorted((folder / "content").rglob("*.md"))


def _rewrite(path: Path, change: Callable[[str], str]) -> None:
    """The file's bytes but for what `change` changes: line ends and a byte-order mark stay."""
    before = path.read_bytes().decode("utf-8")
    after = change(before)
    if after != before:
        path.write_bytes(after.encode("utf-8"))
