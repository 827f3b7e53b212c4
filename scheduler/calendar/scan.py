"""Which files of `content/` changed since the last look. Stat only: nothing is read."""

from __future__ import annotations

import errno
import os
import stat
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CONTENT = "content"
NEWSLETTER = "content/newsletter"
"""Introductions to editions, not pieces."""

_PATIENCE_NS = 3_000_000_000
_SETTLE_NS = 400_000_000
_SKEW_NS = 5_000_000_000
_FEW = 5


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells a file as unchanged: bytes, nanoseconds since 1970, inode (of a link: its target's)."""

    size: int
    mtime_ns: int
    inode: int


def inode_of(status: os.stat_result) -> int:
    """What databases can keep of an inode: 63 bits. Some file systems use the last one."""
    return status.st_ino & 0x7FFF_FFFF_FFFF_FFFF


@dataclass(frozen=True)
class Scan:
    """What a look at `content/` found; all paths relative to the workspace, with `/`, sorted.

    `changed`: new or different, and still. `vanished`: known, and not there any more.
    `waiting`: new or different, but written to a moment ago; look again soon.
    `refused`: path (a file's or a folder's) and reason; what is known there or below is not vanished.
    `missing_root`: `content/` is not there, or is empty although there were pieces in numbers. A folder that is not
    mounted does not mean that every file was deleted, so `vanished` is empty then.
    `leaving`: not there any more, but a new file that is still being written may be the same piece under another
    name; so it is told as vanished only when that one is still. Nothing of it should go out meanwhile.
    """

    changed: tuple[tuple[str, Stamp], ...] = ()
    vanished: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    missing_root: bool = False
    leaving: tuple[str, ...] = ()


def scan(root: Path, known: Mapping[str, Stamp], now_ns: int, settle_ns: int = _SETTLE_NS) -> Scan:
    """Compare the files below `root/content` with `known`. `now_ns` is the wall clock's, since 1970.

    A link is followed where it stays in the workspace (or in what `content` itself is a link to).
    """
    walk = _Walk(root, known, now_ns, settle_ns)
    found = walk.run()
    missing = not found or (not walk.pieces and len(known) > _FEW)
    if missing:
        return Scan(refused=walk.told(), missing_root=True)
    gone = walk.gone()
    changed, waiting = walk.settled(gone)
    leaving = walk.leaving(gone, changed) if any(path not in known for path in waiting) else ()
    held = walk.newcomers(changed, gone) if leaving else ()
    if walk.overdue(held):
        leaving = held = ()
    return Scan(
        changed=tuple(one for one in changed if one[0] not in held),
        vanished=tuple(path for path in gone if path not in leaving),
        waiting=tuple(sorted((*waiting, *held))),
        refused=walk.told(),
        leaving=leaving,
    )


class _Walk:
    """One pass over the tree. Real folders come before linked ones, so that a folder keeps its real path."""

    def __init__(self, root: Path, known: Mapping[str, Stamp], now_ns: int, settle_ns: int) -> None:
        self.top = os.fspath(root)
        self.known = known
        self.now_ns = now_ns
        self.settle_ns = settle_ns
        self.pieces = 0
        self.seen: set[str] = set()
        self.fresh: list[tuple[str, Stamp, int]] = []
        self.refused: dict[str, str] = {}
        self.folders: list[str] = [CONTENT]
        self.linked: list[str] = []
        self.entered: set[tuple[int, int]] = set()
        self.content = os.path.realpath(os.path.join(self.top, CONTENT))  # noqa: PTH118 – strings, 10,000 times
        self.inside = (os.path.realpath(self.top), self.content)

    def run(self) -> bool:
        """False if `content/` itself can't be listed."""
        if not self._enter(CONTENT):
            return False
        while self.folders or self.linked:
            if self.folders:
                self._enter(self.folders.pop())
            else:
                self.linked.sort(reverse=True)
                self._follow(self.linked.pop())
        return CONTENT not in self.refused

    def gone(self) -> tuple[str, ...]:
        missing = [path for path in self.known if path not in self.seen] if len(self.seen) < len(self.known) else []
        if self.refused:
            missing = [path for path in missing if not any(up in self.refused for up in _upwards(path))]
        return tuple(sorted(missing))

    def told(self) -> tuple[tuple[str, str], ...]:
        """What was refused, and why, with names that can be written on one line."""
        return tuple(sorted((_shown(path), why) for path, why in self.refused.items()))

    def settled(self, gone: tuple[str, ...]) -> tuple[tuple[tuple[str, Stamp], ...], tuple[str, ...]]:
        """The fresh files, parted into those that are still and those to wait for.

        A file that was only moved has its old stamp, though its ctime is new: there is nothing to wait for.
        """
        moved = {self.known[path] for path in gone}
        changed, waiting = [], []
        for path, stamp, ctime_ns in sorted(self.fresh):
            age = self.now_ns - ctime_ns
            if age >= self.settle_ns or age < -_SKEW_NS or stamp in moved:
                changed.append((path, stamp))
            else:
                waiting.append(path)
        return tuple(changed), tuple(waiting)

    def leaving(self, gone: tuple[str, ...], changed: Sequence[tuple[str, Stamp]]) -> tuple[str, ...]:
        """Of what is gone, that which stands under no other name yet, and which a file that is waited for may turn out
        to be: both names have to be told in one pass."""
        there = {stamp for _, stamp in changed}
        return tuple(path for path in gone if self.known[path] not in there)

    def newcomers(self, changed: Sequence[tuple[str, Stamp]], gone: tuple[str, ...]) -> tuple[str, ...]:
        """The new files that were not just moved: any of them may be what is leaving, under another name and edited."""
        moved = {self.known[path] for path in gone}
        return tuple(path for path, stamp in changed if path not in self.known and stamp not in moved)

    def overdue(self, held: Sequence[str]) -> bool:
        """Whether one of them was held back long enough: where new files come without end, nothing waits without end."""
        ages = {path: self.now_ns - ctime_ns for path, _, ctime_ns in self.fresh}
        return any(ages[path] > _PATIENCE_NS for path in held)

    def _enter(self, folder: str) -> bool:
        """List one folder; False if it can't be."""
        place = f"{self.top}/{folder}"
        try:
            status = os.stat(place)  # noqa: PTH116 – as above
            if (status.st_dev, status.st_ino) in self.entered:
                return True
            with os.scandir(place) as entries:
                self.entered.add((status.st_dev, status.st_ino))
                for entry in entries:
                    self._look(folder, entry)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            self.refused[folder] = _reason(error)
            return False
        return True

    def _look(self, folder: str, entry: os.DirEntry[str]) -> None:
        name = entry.name
        if name[0] in "_.":
            return
        path = f"{folder}/{name}"
        if entry.is_symlink():
            self._look_at_link(path, entry)
        elif entry.is_dir(follow_symlinks=False):
            self._note(path, name, self.folders)
        elif _is_markdown(name):
            self._take(path, entry)

    def _note(self, path: str, name: str, folders: list[str]) -> None:
        """A folder to be entered later."""
        if _unspeakable(name):
            self.refused[path] = _UNSPEAKABLE
        elif path != NEWSLETTER:
            folders.append(path)

    def _look_at_link(self, path: str, entry: os.DirEntry[str]) -> None:
        try:
            folder = entry.is_dir()
        except OSError as error:
            self.refused[path] = _reason(error)
            return
        if folder:
            self._note(path, entry.name, self.linked)
        elif _is_markdown(entry.name):
            if self._leads_out(os.path.realpath(entry.path)):
                self.refused[path] = _LEADS_OUT
            else:
                self._take(path, entry)

    def _follow(self, folder: str) -> None:
        target = os.path.realpath(f"{self.top}/{folder}")
        if self._leads_out(target):
            self.refused[folder] = _LEADS_OUT
        elif (self.content + "/").startswith(target.rstrip("/") + "/"):
            self.refused[folder] = "is a link to a folder that it lies in itself. Remove the link."
        else:
            self._enter(folder)

    def _leads_out(self, target: str) -> bool:
        return not any(target == top or target.startswith(top.rstrip("/") + "/") for top in self.inside)

    def _take(self, path: str, entry: os.DirEntry[str]) -> None:
        try:
            status = entry.stat()
        except OSError as error:
            # A file that went between the listing and this line is simply not there.
            if not isinstance(error, FileNotFoundError) or entry.is_symlink():
                self.refused[path] = _reason(error)
            return
        self.pieces += 1
        old = self.known.get(path)
        if old is not None:
            self.seen.add(path)
            if (old.size, old.mtime_ns, old.inode) == (status.st_size, status.st_mtime_ns, inode_of(status)):
                return
        self._fresh(path, entry, status)

    def _fresh(self, path: str, entry: os.DirEntry[str], status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            self.refused[path] = "is not an ordinary file. Remove it, or give it another ending than .md."
        elif _unspeakable(entry.name):
            self.refused[path] = _UNSPEAKABLE
        elif not entry.name.endswith(".md"):
            self.refused[path] = "has an ending in capitals. Rename it, so that it ends in .md."
        elif not os.access(entry.path, os.R_OK):
            self.refused[path] = _NOT_ALLOWED
        else:
            stamp = Stamp(status.st_size, status.st_mtime_ns, inode_of(status))
            self.fresh.append((path, stamp, status.st_ctime_ns))


_LEADS_OUT = "is a link that leads out of the workspace. Put the file itself here instead."
_NOT_ALLOWED = "may not be read by Julki. Give it the right to read this."


_UNSPEAKABLE = "has a name with characters that can't be written. Rename it."


def _is_markdown(name: str) -> bool:
    """Also in capitals, which is refused: a piece that is passed over in silence is lost."""
    return name[-3:].lower() == ".md"


def _unspeakable(name: str) -> bool:
    """Control characters, line breaks of any kind, and bytes that are not UTF-8 (they come as lone surrogates)."""
    return not name.isprintable() and any(unicodedata.category(char) in _UNWRITABLE for char in name)


_UNWRITABLE = frozenset(("Cc", "Cs", "Zl", "Zp"))


def _shown(path: str) -> str:
    text = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join("\ufffd" if unicodedata.category(char) in _UNWRITABLE else char for char in text)


def _upwards(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]


def _reason(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return _NOT_ALLOWED
    if error.errno == errno.ENOENT:
        return "is a link to something that is not there. Remove the link, or put the file back."
    if error.errno == errno.ELOOP:
        return "is a link that leads in a circle. Remove it."
    return f"can't be read ({error.strerror}). Look at the disk or the network drive."
