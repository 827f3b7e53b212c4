"""Where channels and delivery get pieces and files from."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from channels.files import OutsideError, inside, write_atomic
from channels.message import Media
from channels.piece import Piece
from channels.view import View
from scheduler.calendar.document import contents
from scheduler.calendar.naming import is_piece
from scheduler.calendar.reading import Rules, read
from scheduler.calendar.scan import Stamp, inode_of
from scheduler.desk import links
from scheduler.workspace import Workspace

if TYPE_CHECKING:
    from scheduler.store.engine import Store

_REMOTE = re.compile(r"^([a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)
_LARGEST = 512 * 1024 * 1024


@dataclass
class Library:
    """Delivery's `Shelf`. `related` (id → language → id) is put in whole after each scan, never changed in place."""

    workspace: Workspace
    rules: Rules
    store: Store | None = None
    related: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._edition = 0
        self._digests: dict[Path, tuple[int, int, str]] = {}
        settings = self.workspace.settings
        self.view = View(
            settings.as_site(),
            self.workspace.root,
            self.media,
            self._translations,
            settings.names(),
            links=links.rule(settings),
            paged=links.paged(settings),
            linked=self._linked,
        )

    @property
    def media_folder(self) -> Path:
        return self.workspace.var / "media"

    def relate(self, related: Mapping[str, Mapping[str, str]]) -> None:
        """The same mapping stays in place: what was rendered with it need not be rendered again."""
        if related != self.related:
            self.related = related
            self._edition += 1

    def version(self, row: Any) -> Hashable | None:
        """The file, its name and its stamp, where that is the one that the last scan read, and who translates whom."""
        from scheduler.store import pieces  # looking at pieces without a database loads none

        assert self.store is not None  # noqa: S101  only a desk with a database has rows
        with self.store.read() as db:
            known = pieces.faces(db, [row.path]).get(row.path)
        try:
            stamp = stamp_of(self.workspace.root / row.path)
        except OSError:
            return None
        if known is None or Stamp(known.size, known.mtime_ns, known.inode) != stamp:
            return None
        return row.path, row.name, stamp, self._edition

    def piece(self, row: Any) -> Piece | None:
        """The row's piece as its file says now; None where the file differs from what the last scan read."""
        try:
            raw = contents(self.workspace.root / row.path)
        except OSError:
            return None
        if self.version(row) is None:
            return None
        found = read(raw, row.path, self.rules).piece
        if found is None or found.id != row.name:
            return None
        return replace(found, uid=row.uid)

    def latest(self, row: Any) -> Piece | None:
        """The row's piece as its file says now, whether a scan has come to it or not; None where it has errors."""
        try:
            raw = contents(self.workspace.root / row.path)
        except OSError:
            return None
        found = read(raw, row.path, self.rules).piece
        return replace(found, uid=row.uid) if found is not None and found.id == row.name else None

    def media(self, piece: Piece, src: str) -> Media | None:
        """The file that `src` names, from beside the piece or, with `/` ahead, from `content/`."""
        if not src or _REMOTE.match(src):
            return None
        content = self.workspace.root / "content"
        start = content if src.startswith("/") else (self.workspace.root / piece.path).parent
        name = unquote(re.split(r"[?#]", src, maxsplit=1)[0]).lstrip("/")
        try:
            path = inside(content, start / name)
            if not path.is_file() or path.stat().st_size > _LARGEST:
                return None
            return Media(self._digest(path), path.suffix.lower(), "", src, str(path))
        except (OutsideError, OSError, ValueError):
            return None

    def _digest(self, path: Path) -> str:
        stat = path.stat()
        known = self._digests.get(path)
        if known and known[:2] == (stat.st_mtime_ns, stat.st_size):
            return known[2]
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self._digests[path] = (stat.st_mtime_ns, stat.st_size, digest)
        return digest

    def keep(self, media: Sequence[Media]) -> None:
        """Copies by content: what is there already is the same."""
        for one in media:
            target = self.media_folder / one.name
            if target.is_file():
                os.utime(target)  # in use again: housekeeping takes what is old and named nowhere
            elif one.source:
                data = Path(one.source).read_bytes()
                if hashlib.sha256(data).hexdigest() != one.digest:
                    self._digests.pop(Path(one.source), None)
                    raise OSError(f"{one.src} changed while it was read")
                write_atomic(target, data)

    def _linked(self, piece: Piece, target: str) -> Piece | None:
        """The piece whose file `target` names, from beside `piece` or, with `/` ahead, from `content/`."""
        content = self.workspace.root / "content"
        start = content if target.startswith("/") else (self.workspace.root / piece.path).parent
        try:
            path = inside(content, start / target.lstrip("/"))
            name = path.relative_to(self.workspace.root.resolve()).as_posix()
            return read(contents(path), name, self.rules).piece if is_piece(name) else None
        except (OutsideError, OSError, ValueError):
            return None

    def _translations(self, piece: Piece) -> Mapping[str, str]:
        return self.related.get(piece.id, {})


def stamp_of(path: Path) -> Stamp:
    stat = path.stat()
    return Stamp(stat.st_size, stat.st_mtime_ns, inode_of(stat))
