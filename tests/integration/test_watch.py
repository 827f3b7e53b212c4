"""The watch hears of real files, survives its folder, and stops."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scheduler.calendar.watch import Watch

LONG = 15.0


class Ear:
    """Counts the calls, and waits for them to come or to end."""

    def __init__(self) -> None:
        self.calls = 0
        self._heard = threading.Condition()

    def __call__(self) -> None:
        with self._heard:
            self.calls += 1
            self._heard.notify_all()

    def hears(self, doing: Callable[[], object]) -> bool:
        self.quiet()
        with self._heard:
            before = self.calls
        doing()
        with self._heard:
            return self._heard.wait_for(lambda: self.calls > before, LONG)

    def quiet(self) -> None:
        """Wait until nothing has been told for a while, so that what comes next has a new cause."""
        with self._heard:
            while self._heard.wait(1.2):
                pass


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "content" / "news").mkdir(parents=True)
    (tmp_path / "config").mkdir()
    return tmp_path


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def watching(root: Path, ear: Ear) -> Iterator[Watch]:
    with Watch(root, ear) as watch:
        yield watch


def test_it_tells_of_new_changed_moved_and_deleted_files(root: Path, ear: Ear, watching: Watch) -> None:
    place = root / "content/news/a.md"
    assert ear.hears(lambda: place.write_text("one"))
    assert ear.hears(lambda: place.write_text("two"))
    assert ear.hears(lambda: place.rename(root / "content/news/b.md"))
    assert ear.hears((root / "content/news/b.md").unlink)
    assert ear.hears(lambda: (root / "config/julki.toml").write_text(""))


def test_it_tells_of_files_in_new_folders(root: Path, ear: Ear, watching: Watch) -> None:
    new = root / "content/blog/2026"
    assert ear.hears(lambda: new.mkdir(parents=True))
    assert ear.hears(lambda: (new / "a.md").write_text("x"))


def test_many_writes_are_few_calls(root: Path, ear: Ear, watching: Watch) -> None:
    ear.quiet()
    before = ear.calls

    def write() -> None:
        for number in range(500):
            (root / f"content/news/{number}.md").write_text("x")

    assert ear.hears(write)
    ear.quiet()
    assert ear.calls - before < 100


def test_droppings_of_editors_are_not_told(root: Path, ear: Ear, watching: Watch) -> None:
    ear.quiet()
    before = ear.calls
    for name in (".a.md.swp", "a.md~", "a.md.tmp", ".git"):
        (root / "content/news" / name).write_text("x")
    ear.quiet()
    assert ear.calls == before
    assert ear.hears(lambda: (root / "content/news/a.md").write_text("x"))


def test_it_survives_the_folder_going_and_coming_back(root: Path, ear: Ear, watching: Watch) -> None:
    assert ear.hears(lambda: (root / "content").rename(root / "aside"))
    assert ear.hears(lambda: (root / "aside").rename(root / "content"))
    assert ear.hears(lambda: (root / "content/news/a.md").write_text("x"))


def test_it_survives_another_folder_in_its_place(root: Path, ear: Ear, watching: Watch) -> None:
    def replace() -> None:
        (root / "fresh/news").mkdir(parents=True)
        (root / "content").rename(root / "old")
        (root / "fresh").rename(root / "content")

    assert ear.hears(replace)
    assert ear.hears(lambda: (root / "content/news/a.md").write_text("x"))


def test_it_starts_before_there_is_anything_to_watch(root: Path, ear: Ear) -> None:
    shutil.rmtree(root / "content")
    shutil.rmtree(root / "config")
    with Watch(root, ear) as watch:
        assert ear.hears(lambda: (root / "content/news").mkdir(parents=True))
        assert ear.hears(lambda: (root / "content/news/a.md").write_text("x"))
        assert watch.alive
    assert not watch.alive


def test_it_hears_by_comparing_where_the_system_tells_nothing(root: Path, ear: Ear) -> None:
    with Watch(root, ear, polling=True):
        assert ear.hears(lambda: (root / "content/news/a.md").write_text("x"))


def test_an_error_in_what_it_calls_does_not_end_it(root: Path) -> None:
    ear = Ear()

    def changed() -> None:
        ear()
        raise RuntimeError("the desk is on fire")

    with Watch(root, changed) as watch:
        assert ear.hears(lambda: (root / "content/news/a.md").write_text("x"))
        assert ear.hears(lambda: (root / "content/news/a.md").write_text("xx"))
        assert watch.alive


def test_an_error_in_the_watching_does_not_end_it(root: Path, ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    import scheduler.calendar.watch as module

    real, failures = module.watch, [OSError("no more watches")]

    def failing(*args: object, **options: object) -> object:
        if failures:
            raise failures.pop()
        return real(*args, **options)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(module, "watch", failing)
    with Watch(root, ear) as watch:
        assert ear.hears(lambda: (root / "content/news/a.md").write_text("x"))
        assert watch.alive
    assert not failures


def test_it_stops_promptly_and_tells_nothing_more(root: Path, ear: Ear) -> None:
    watch = Watch(root, ear)
    watch.start()
    assert ear.hears(lambda: (root / "content/news/a.md").write_text("x"))
    began = time.monotonic()
    watch.stop()
    assert time.monotonic() - began < 3
    assert not watch.alive
    before = ear.calls
    (root / "content/news/b.md").write_text("x")
    time.sleep(0.5)
    assert ear.calls == before
    watch.stop()
