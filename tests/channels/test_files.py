"""Files that are whole or not there."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from channels.files import OutsideError, building, inside, remove, sweep, unwritable, write_atomic


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_it_writes_makes_folders_and_lets_others_read(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.html"
    before = os.umask(0o077)
    try:
        assert write_atomic(path, "åäö")
    finally:
        os.umask(before)
    assert path.read_bytes() == "åäö".encode()
    assert path.stat().st_mode & 0o777 == 0o644
    assert names(tmp_path) == ["c.html"]


def test_the_same_bytes_leave_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_atomic(path, b"one")
    first = path.stat()
    assert not write_atomic(path, b"one", durable=False)
    assert path.stat().st_ino == first.st_ino
    assert write_atomic(path, b"two")
    assert path.read_bytes() == b"two"


def test_where_writing_fails_the_old_file_stays_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "old").write_text("old")
    with pytest.raises(OSError, match="folder"):
        write_atomic(tmp_path / "folder", b"x")
    assert names(tmp_path) == ["old"]


def test_a_killed_write_leaves_no_half_file_and_is_swept(tmp_path: Path) -> None:
    path = tmp_path / "page"
    write_atomic(path, b"old")
    code = (
        "import os, sys; from pathlib import Path; from channels import files\n"
        "os.fsync = lambda handle: os._exit(9)\n"
        "files.write_atomic(Path(sys.argv[1]), b'new')\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == 9
    assert path.read_bytes() == b"old"
    assert len(names(tmp_path)) == 2
    assert sweep(tmp_path) == 1
    assert names(tmp_path) == ["page"]
    assert sweep(tmp_path / "none") == 0


def test_an_interrupted_build_is_swept_by_the_next(tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    with pytest.raises(Killed), building(tmp_path, "site"):
        raise Killed
    (tmp_path / ".julki-tmp-0123456789ab-cdef").write_text("half")
    with building(tmp_path, "site"):
        assert len(names(tmp_path)) == 1
    assert names(tmp_path) == []


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    assert remove(tmp_path / "x")
    assert not remove(tmp_path / "x")


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "link/x"])
def test_what_leads_out_is_refused(tmp_path: Path, path: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(OutsideError):
        inside(root, path)
    assert inside(root, "a/../b") == root / "b"


def test_what_keeps_a_file_from_being_written_is_told_with_the_remedy() -> None:
    told = {
        code: unwritable("The folder", OSError(code, os.strerror(code)))
        for code in (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO)
    }
    assert {code: f"{error} {error.hint}" for code, error in told.items()} == {
        errno.ENOSPC: "The folder can't be written: the disk is full. Make room on it; then it goes on by itself.",
        errno.EROFS: "The folder can't be written: the disk can only be read. "
        "Mount it so that it can be written; then it goes on by itself.",
        errno.EACCES: "The folder can't be written: Julki's user may not write there. "
        "Give that right; then it goes on by itself.",
        errno.EIO: "The folder can't be written: Input/output error. "
        "Look at the disk, and at the folder's name and rights; then it goes on by itself.",
    }
