"""Files that a reader may see at any moment: whole or not there, never half."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from channels.errors import Unavailable

_MARK = ".julki-tmp-"
_OWN = f"{_MARK}{secrets.token_hex(6)}-"


_OBSTACLES = {
    errno.ENOSPC: ("the disk is full", "Make room on it"),
    errno.EDQUOT: ("its user's share of the disk is used up", "Make room there, or ask for more"),
    errno.EROFS: ("the disk can only be read", "Mount it so that it can be written"),
    errno.EACCES: ("Julki's user may not write there", "Give that right"),
}
"""What the system says → what a person understands, and does."""


class OutsideError(ValueError):
    """A path leads out of the folder that it should stay in."""


def write_atomic(path: Path, data: bytes | str, *, durable: bool = True) -> bool:
    """Put `data` at `path`, whole or not at all; False, and the file untouched, where it holds the same already.

    Text is written as UTF-8. The folders above are made; the mode is 0644. `durable` waits until the disk has it.
    Raises `OSError` (no space, no permission); then the old file, if any, is still there.
    """
    content = data.encode("utf-8", "replace") if isinstance(data, str) else data
    if _holds(path, content):
        return False
    temporary = path.with_name(f"{_OWN}{secrets.token_hex(6)}")
    try:
        _write(temporary, content, durable)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(path.parent)
    return True


def unwritable(what: str, error: OSError) -> Unavailable:
    """That `what` (a folder, a file) can't be written, why not, and the remedy."""
    other = (str(error.strerror or error), "Look at the disk, and at the folder's name and rights")
    why, remedy = _OBSTACLES.get(error.errno or 0, other)
    return Unavailable(f"{what} can't be written: {why}.", hint=f"{remedy}; then it goes on by itself.")


def remove(path: Path) -> bool:
    """Take the file away; False where there was none."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def inside(root: Path, path: str | Path) -> Path:
    """`path`, counted from `root`, as an absolute path. Raises `OutsideError` where it leads out, also by a link."""
    base = root.resolve()
    found = (base / path).resolve()
    if not found.is_relative_to(base):
        raise OutsideError(f"{path} leads out of {root}")
    return found


def sweep(root: Path) -> int:
    """Remove what interrupted writes of earlier processes left below `root`; how many files that were."""
    if not root.is_dir():
        return 0
    return sum(remove(path) for path in root.rglob(_MARK + "*") if not path.name.startswith(_OWN))


@contextmanager
def building(root: Path, name: str) -> Iterator[None]:
    """Around a build of many files in `root`: where the one before was interrupted, its leavings are swept first.

    On the way out everything is on the disk, so the files inside need not be written `durable` one by one.
    """
    marker = root / f".julki-{name}-building"
    if marker.exists():
        sweep(root)
    else:
        write_atomic(marker, "", durable=False)
    yield
    os.sync()
    remove(marker)


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except FileNotFoundError:
        return False


def _write(path: Path, content: bytes, durable: bool) -> None:
    handle = _create(path)
    with os.fdopen(handle, "wb") as file:
        # The mode is the reader's right, whatever the umask of the desk.
        os.fchmod(handle, 0o644)
        file.write(content)
        if durable:
            file.flush()
            os.fsync(handle)


def _create(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o644)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags, 0o644)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
