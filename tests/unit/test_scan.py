"""Which files changed: by stat alone, and nothing taken for deleted that is only out of reach."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from scheduler.calendar.scan import Scan, Stamp, scan

SECOND = 1_000_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "ws" / "content" / "news").mkdir(parents=True)
    return tmp_path / "ws"


def put(root: Path, path: str, text: str = "x") -> Path:
    place = root / "content" / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    return place


def later(root: Path, known: dict[str, Stamp] | None = None) -> Scan:
    return scan(root, known or {}, time.time_ns() + SECOND)


def paths(found: Scan) -> list[str]:
    return [path for path, _ in found.changed]


def known_of(root: Path) -> dict[str, Stamp]:
    return dict(later(root).changed)


def test_pieces_are_found_at_any_depth_and_droppings_are_not(root: Path) -> None:
    wanted = ["content/news/a.md", "content/news/2026/11/b.md", "content/top.md"]
    for path in wanted:
        put(root, path.removeprefix("content/"))
    droppings = ["foo.md~", ".foo.md.swp", "4913", "#foo.md#", "foo.md.tmp", ".#foo.md", "_draft.md", "photo.jpg"]
    for name in droppings:
        put(root, f"news/{name}")
    for path in ("_hidden/a.md", "news/.git/a.md", "newsletter/intro.md", "newsletter/deep/intro.md"):
        put(root, path)
    put(root, "news/newsletter/kept.md")
    assert paths(later(root)) == sorted([*wanted, "content/news/newsletter/kept.md"])


def test_an_ending_in_capitals_is_not_passed_over_in_silence(root: Path) -> None:
    put(root, "news/LUPA.MD")
    ((path, reason),) = later(root).refused
    assert path == "content/news/LUPA.MD"
    assert ".md" in reason


def test_what_is_known_and_the_same_is_not_told(root: Path) -> None:
    put(root, "news/a.md")
    assert later(root, known_of(root)) == Scan()


def test_a_change_of_size_of_time_or_of_inode_is_told(root: Path) -> None:
    place = put(root, "news/a.md", "one")
    known = known_of(root)
    stamp = known["content/news/a.md"]
    for other in (
        Stamp(stamp.size + 1, stamp.mtime_ns, stamp.inode),
        Stamp(stamp.size, stamp.mtime_ns - 1, stamp.inode),
        Stamp(stamp.size, stamp.mtime_ns, stamp.inode + 1),
    ):
        assert later(root, {"content/news/a.md": other}).changed == (("content/news/a.md", stamp),)
    place.write_text("another")
    assert paths(later(root, known)) == ["content/news/a.md"]


def test_a_file_being_written_waits(root: Path) -> None:
    place = put(root, "news/a.md")
    now = place.stat().st_ctime_ns
    assert scan(root, {}, now + 100_000_000).waiting == ("content/news/a.md",)
    assert scan(root, {}, now + 100_000_000).changed == ()
    assert paths(scan(root, {}, now + 400_000_000)) == ["content/news/a.md"]


def test_a_copied_time_of_writing_does_not_fake_stillness(root: Path) -> None:
    place = put(root, "news/a.md")
    os.utime(place, (1_000_000_000, 1_000_000_000))
    assert scan(root, {}, place.stat().st_ctime_ns + 1).waiting == ("content/news/a.md",)


def test_a_clock_that_runs_ahead_does_not_keep_a_file_waiting(root: Path) -> None:
    ctime = put(root, "news/a.md").stat().st_ctime_ns
    assert scan(root, {}, ctime - 2 * SECOND).waiting == ("content/news/a.md",)
    assert paths(scan(root, {}, ctime - 60 * SECOND)) == ["content/news/a.md"]


def test_a_known_file_that_waits_is_not_vanished(root: Path) -> None:
    place = put(root, "news/a.md")
    known = known_of(root)
    place.write_text("longer than before")
    found = scan(root, known, place.stat().st_ctime_ns)
    assert (found.waiting, found.vanished) == (("content/news/a.md",), ())


def test_a_deleted_file_vanishes(root: Path) -> None:
    put(root, "news/a.md")
    put(root, "news/b.md")
    known = known_of(root)
    (root / "content/news/a.md").unlink()
    assert later(root, known) == Scan(vanished=("content/news/a.md",))


def test_a_move_is_told_whole_and_at_once(root: Path) -> None:
    place = put(root, "news/a.md")
    known = known_of(root)
    place.rename(place.with_name("b.md"))
    found = scan(root, known, place.with_name("b.md").stat().st_ctime_ns)
    assert paths(found) == ["content/news/b.md"]
    assert found.vanished == ("content/news/a.md",)
    assert found.waiting == found.leaving == ()


def test_nothing_vanishes_while_a_new_file_is_still_written(root: Path) -> None:
    put(root, "news/a.md", "the same text")
    known = known_of(root)
    (root / "content/news/a.md").unlink()
    fresh = put(root, "news/b.md", "the same text, longer")
    now = fresh.stat().st_ctime_ns
    first = scan(root, known, now)
    assert (first.vanished, first.leaving, first.waiting) == ((), ("content/news/a.md",), ("content/news/b.md",))
    second = scan(root, known, now + SECOND)
    assert (second.vanished, second.leaving) == (("content/news/a.md",), ())
    assert paths(second) == ["content/news/b.md"]


@pytest.mark.parametrize("how", ["removed", "emptied", "a file"])
def test_a_folder_that_is_not_mounted_deletes_nothing(root: Path, how: str) -> None:
    for number in range(6):
        put(root, f"news/{number}.md")
    known = known_of(root)
    shutil.rmtree(root / "content")
    if how == "emptied":
        (root / "content").mkdir()
    if how == "a file":
        (root / "content").write_text("")
    assert later(root, known) == Scan(missing_root=True)


def test_the_last_few_pieces_may_be_deleted(root: Path) -> None:
    for number in range(5):
        put(root, f"news/{number}.md")
    known = known_of(root)
    shutil.rmtree(root / "content/news")
    found = later(root, known)
    assert not found.missing_root
    assert len(found.vanished) == 5


def test_an_empty_calendar_is_not_missing(root: Path) -> None:
    assert later(root) == Scan()


def test_links_inside_are_followed_and_links_out_are_refused(root: Path) -> None:
    (root / "shared").mkdir()
    (root / "shared" / "inside.md").write_text("x")
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("x")
    news = root / "content/news"
    (news / "good.md").symlink_to(root / "shared/inside.md")
    (news / "folder").symlink_to("../../shared")
    (news / "bad.md").symlink_to(outside / "secret.md")
    (news / "badfolder").symlink_to(outside)
    (news / "dangling.md").symlink_to("nothing.md")
    (news / "circle.md").symlink_to("circle.md")
    found = later(root)
    assert paths(found) == ["content/news/folder/inside.md", "content/news/good.md"]
    reasons = dict(found.refused)
    assert sorted(reasons) == [f"content/news/{n}" for n in ("bad.md", "badfolder", "circle.md", "dangling.md")]
    assert "leads out of the workspace" in reasons["content/news/bad.md"]
    assert "not there" in reasons["content/news/dangling.md"]
    assert "circle" in reasons["content/news/circle.md"]


def test_links_in_a_circle_end_and_a_folder_keeps_its_real_path(root: Path) -> None:
    put(root, "news/z/a.md")
    (root / "content/news/again").symlink_to("z")
    (root / "content/news/z/up").symlink_to("..")
    (root / "content/news/root").symlink_to("../..")
    (root / "notes.md").write_text("no piece")
    found = later(root)
    assert paths(found) == ["content/news/z/a.md"]
    assert [path for path, _ in found.refused] == ["content/news/root"]


def test_content_itself_may_be_a_link_out(root: Path) -> None:
    put(root, "news/a.md")
    (root / "content/news/link.md").symlink_to("a.md")
    (root / "content").rename(root.parent / "elsewhere")
    (root / "content").symlink_to(root.parent / "elsewhere")
    assert paths(later(root)) == ["content/news/a.md", "content/news/link.md"]


def test_what_is_not_an_ordinary_file_is_refused(root: Path) -> None:
    os.mkfifo(root / "content/news/pipe.md")
    put(root, "news/line\nbreak.md")
    (root / "content/news" / os.fsdecode(b"lat\xe4in.md")).write_text("x")
    found = later(root)
    assert found.changed == ()
    assert len(found.refused) == 3
    for path, reason in found.refused:
        path.encode()
        assert reason.endswith(".")


ODD = ["line\nbreak", "esc\x1b[31m", "tab\tbed", "sep\u2028arator", os.fsdecode(b"lat\xe4in")]


@pytest.mark.parametrize("name", ODD)
def test_an_odd_name_is_told_on_one_line_whether_of_a_file_a_folder_or_a_link(root: Path, name: str) -> None:
    put(root, f"news/{name}.md")
    put(root, f"blog/{name}/a.md")
    (root / f"content/news/{name}-link.md").symlink_to(root.parent / "elsewhere.md")
    (root / f"content/news/{name}-folder").symlink_to(root / "content/blog")
    (root / f"content/news/{name}-circle").symlink_to(f"{name}-circle")
    put(root, f"news/{name}.jpg")
    found = later(root)
    assert found.changed == ()
    assert len(found.refused) == 5
    for path, reason in found.refused:
        assert path.isprintable()
        path.encode()
        assert "Rename" in reason or "link" in reason


def test_what_is_known_below_an_odd_folder_is_not_vanished(root: Path) -> None:
    put(root, "news/line\nbreak/a.md")
    put(root, "news/b.md")
    known = known_of(root)
    stamp = known["content/news/b.md"]
    assert later(root, {"content/news/line\nbreak/a.md": stamp, "content/news/b.md": stamp}).vanished == ()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_folder_keeps_what_is_known_below(root: Path) -> None:
    put(root, "news/deep/a.md")
    put(root, "blog/b.md")
    known = known_of(root)
    (root / "content/news/deep").chmod(0)
    try:
        found = later(root, known)
    finally:
        (root / "content/news/deep").chmod(0o755)
    assert found.vanished == ()
    assert [path for path, _ in found.refused] == ["content/news/deep"]


def test_what_lies_below_a_refused_folder_is_not_vanished(root: Path) -> None:
    put(root, "news/deep/a.md")
    put(root, "news/deeper.md")
    known = known_of(root)
    (root / "content/news/deep").rename(root.parent / "deep")
    (root / "content/news/deep").symlink_to(root.parent / "deep")
    (root / "content/news/deeper.md").unlink()
    put(root, "news/other.md")
    found = later(root, known)
    assert found.vanished == ("content/news/deeper.md",)
    assert [path for path, _ in found.refused] == ["content/news/deep"]


def test_ten_thousand_files_take_one_look_each(root: Path) -> None:
    for folder in range(10):
        (root / f"content/news/{folder}").mkdir()
        for number in range(100):
            (root / f"content/news/{folder}/{number}.md").touch()
    known = known_of(root)
    assert len(known) == 1000
    began = time.process_time()
    assert later(root, known) == Scan()
    # A tenth of the files in a generous multiple of the share that they may have; reading them would take longer.
    assert time.process_time() - began < 0.5
