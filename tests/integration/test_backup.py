"""Backup and restore: whole or not at all, whatever happens meanwhile and whatever the file holds."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pty
import resource
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from alembic import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from scheduler.desk import guard
from scheduler.store import backup, content, engine, fault, proof, restore
from scheduler.store.engine import BadDatabase, Store, examine, open_store
from scheduler.store.lock import Lock
from scheduler.store.manifest import BadBackup, Manifest
from tests.mocks.typist import Typist, typist, wall

NOW = datetime(2026, 11, 24, 8, 12, tzinfo=UTC)
NAME = "julki-2026-11-24T081200Z.tar"
URL = "sqlite:///var/julki.db"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a piece that is out, with a picture."""
    one = typist(tmp_path_factory.mktemp("model") / "desk")
    one.writes("news/now.md", publish_at=wall(seconds=-5), image="{src: kuva.png, alt: Kuva}")
    Image.new("RGB", (900, 600), "teal").save(one.root / "content" / "news" / "kuva.png")
    one.types("run", "--once")
    assert len(list((one.root / "var" / "media").iterdir())) == 1
    return one.root


@pytest.fixture
def desk(model: Path, tmp_path: Path) -> Typist:
    shutil.copytree(model, tmp_path / "desk")
    store = open_store(URL, tmp_path / "desk")
    guard.keep(store)  # as if it had always been here
    store.close()
    return Typist(tmp_path / "desk")


@dataclass(frozen=True)
class Places:
    root: Path

    @property
    def database(self) -> Path:
        return self.root / "var" / "julki.db"

    @property
    def media(self) -> Path:
        return self.root / "var" / "media"

    @property
    def names(self) -> set[str]:
        return {path.name for path in self.database.parent.iterdir()}

    def make(self, target: Path, now: datetime = NOW) -> Manifest:
        return backup.make(self.database, self.media, target, "D9", now)

    def restore(self, file: Path, now: datetime = NOW) -> Path | None:
        with restore.workplace(self.database) as work:
            found = restore.verify(file, work)
            sealed = restore.prepare(found, self.database, "brought back", now)
            return restore.install(found, sealed, self.database, self.media, now)


@pytest.fixture
def here(desk: Typist) -> Places:
    return Places(desk.root)


@pytest.fixture(scope="module")
def good(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the model."""
    file = tmp_path_factory.mktemp("good") / NAME
    Places(model).make(file)
    return file


def ask(database: Path, query: str) -> list[Any]:
    link = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return link.execute(query).fetchall()
    finally:
        link.close()


def pauses(database: Path) -> list[Any]:
    return ask(database, "SELECT scope, by, reason FROM pause WHERE ended_at IS NULL")


def scar(database: Path) -> None:
    """Something that is in the present database only."""
    link = sqlite3.connect(database)
    link.execute("INSERT INTO mark VALUES ('later', 'yes')")
    link.commit()
    link.close()


def scarred(database: Path) -> bool:
    return bool(ask(database, "SELECT * FROM mark WHERE key = 'later'"))


# making one


def test_it_is_made_verified_and_brought_back(desk: Typist, here: Places) -> None:
    told = desk.types("backup")
    (file,) = (desk.root / "var" / "backups").iterdir()
    assert f"julki restore {file}" in told.stdout
    assert "1 piece, 4 deliveries and 1 captured file" in told.stdout
    assert "read back and is whole" in told.stdout
    assert file.stat().st_mode & 0o777 == 0o600
    (picture,) = here.media.iterdir()
    with tarfile.open(file, "r:") as tar:
        assert tar.getnames() == ["manifest.json", "julki.db", f"media/{picture.name}"]
        manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]  # it is there
    assert manifest["site"] == "D9"
    assert manifest["revision"] == engine.HEAD
    assert manifest["rows"]["delivery"] == 4
    assert manifest["attempt"] == ask(here.database, "SELECT max(id) FROM attempt")[0][0]
    scar(here.database)
    kept, stayed = picture.read_bytes(), here.media / ("f" * 64)
    picture.unlink()
    stayed.write_bytes(b"of a later message")
    told = desk.types("restore", file, "--yes")
    (aside,) = here.database.parent.glob("julki.db.before-restore-*")
    assert str(aside) in told.stdout
    for words in ("julki run", "julki queue --state held", "julki confirm ID", "julki resume", "Europe/Helsinki"):
        assert words in told.stdout
    assert (scarred(here.database), scarred(aside)) == (False, True)
    assert (picture.read_bytes(), stayed.read_bytes()) == (kept, b"of a later message")
    ((scope, by, reason),) = pauses(here.database)
    assert (scope, by) == ("all", "desk")
    assert file.name in reason
    assert ask(here.database, "SELECT by, act FROM audit ORDER BY id DESC LIMIT 1") == [("desk", "guard")]
    assert not {name for name in here.names if name.endswith(("-wal", "-shm")) or name.startswith(".")}


def test_after_a_restore_nothing_goes_out_twice(desk: Typist, here: Places) -> None:
    desk.types("backup")
    desk.writes("news/later.md", publish_at=wall(seconds=-5))
    desk.types("run", "--once")
    outbox = here.root / "var" / "outbox"
    posts = (outbox / "x.jsonl").read_bytes()
    desk.types("restore", next((here.root / "var" / "backups").iterdir()), "--yes")
    desk.types("run", "--once", code=1)
    states = desk.states()
    assert {state for (piece, _), state in states.items() if piece == "fi/later"} == {"held"}
    assert {state for (piece, _), state in states.items() if piece == "fi/now"} == {"published"}
    assert "A few words." in (here.root / "var/site/fi/news/later/index.html").read_text("utf-8")
    desk.types("confirm", desk.number("fi/later", "x"), "https://x.com/d9/status/12")
    desk.types("skip", desk.number("fi/later", "newsletter"))
    assert "Everything goes on" in desk.types("resume").stdout
    desk.types("retry", desk.number("fi/later", "website"), desk.number("fi/later", "rss"))
    desk.types("run", "--once")
    assert (outbox / "x.jsonl").read_bytes() == posts
    assert len(list((outbox / "newsletter" / "new").iterdir())) == 2
    assert "A few words." in (here.root / "var/site/fi/news/later/index.html").read_text("utf-8")


def test_it_is_one_consistent_state_while_others_write(here: Places, tmp_path: Path) -> None:
    """Two tables are always written together, so in every backup they agree."""
    link = sqlite3.connect(here.database)
    link.execute("PRAGMA journal_mode = WAL")
    link.close()
    stop = threading.Event()

    def write() -> None:
        mine = sqlite3.connect(here.database, timeout=20, isolation_level=None)
        number = 0
        while not stop.is_set():
            number += 1
            mine.execute("BEGIN IMMEDIATE")
            mine.execute("INSERT INTO mark VALUES (?, 'x')", (f"m{number}",))
            mine.execute("INSERT INTO round VALUES ('r', ?, '2026-11-24 00:00:00', NULL)", (f"m{number}",))
            mine.execute("COMMIT")
        mine.close()

    before = ask(here.database, "SELECT count(*) FROM mark")[0][0]
    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = [here.make(tmp_path / f"{number}.tar") for number in range(4)]
    finally:
        stop.set()
        writer.join()
    counts = [one.rows["round"] for one in made]
    assert counts == sorted(set(counts))
    assert all(one.rows["mark"] - before == one.rows["round"] for one in made)


def test_no_file_is_overwritten(here: Places, desk: Typist, tmp_path: Path) -> None:
    (tmp_path / "mine.tar").write_text("mine")
    assert "never" not in desk.types("backup", tmp_path / "other.tar").stderr
    assert "is there already" in desk.types("backup", tmp_path / "mine.tar", code=1).stderr
    assert (tmp_path / "mine.tar").read_text() == "mine"
    assert "no folder" in desk.types("backup", tmp_path / "none" / "one.tar", code=1).stderr


def test_only_its_own_older_backups_are_deleted(here: Places, desk: Typist, tmp_path: Path) -> None:
    place = tmp_path / "backups"
    place.mkdir()
    mine = [place / f"julki-2026-11-2{day}T081200Z.tar" for day in range(4)]
    for day, file in enumerate(mine):
        here.make(file, NOW - timedelta(days=4 - day))
    another = place / "julki-2026-11-01T081200Z.tar"
    shutil.copytree(here.root, tmp_path / "another")
    Places(tmp_path / "another").make(another)
    foreign = place / "julki-2026-11-02T081200Z.tar"
    foreign.write_text("not a backup at all")
    by_hand = place / "before-upgrade.tar"
    here.make(by_hand)
    told = desk.types("backup", place, "--keep", "3").stdout
    assert "2 older backups were deleted" in told
    left = set(place.iterdir())
    assert left >= {another, foreign, by_hand, *mine[2:]}
    assert not left & {*mine[:2]}
    assert len(left) == 6
    assert "Give a folder" in desk.types("backup", place / "x.tar", "--keep", "3", code=2).stderr
    desk.types("backup", place, "--keep", "0", code=2)


def test_a_picture_that_is_gone_or_spoilt_is_told_and_hinders_nothing(here: Places, desk: Typist, good: Path) -> None:
    (picture,) = here.media.iterdir()
    for number, spoil in enumerate((lambda: picture.write_bytes(b"spoilt"), picture.unlink)):
        spoil()
        file = here.root / f"{number}.tar"
        told = desk.types("backup", file)
        assert picture.name in told.stderr
        assert "0 captured files" in told.stdout
        here.restore(file, NOW + timedelta(minutes=number))
    here.restore(good, NOW + timedelta(hours=1))
    assert hashlib.sha256(picture.read_bytes()).hexdigest() == picture.stem


def test_without_a_database_there_is_nothing_to_keep(tmp_path: Path) -> None:
    one = typist(tmp_path / "new")
    assert "nothing to keep" in one.types("backup", code=1).stderr
    assert not (one.root / "var" / "julki.db").exists()


@contextmanager
def full(size: int) -> Iterator[None]:
    """No file grows beyond `size` bytes meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("share", [0.1, 0.6, 1.01])
def test_where_there_is_no_room_nothing_is_left_behind(here: Places, tmp_path: Path, share: float) -> None:
    """In the copy of the database, later in it, and in the tar, which is larger."""
    place = tmp_path / "disk"
    place.mkdir()
    size = int(ask(here.database, "PRAGMA page_count")[0][0]) * 4096
    with full(int(size * share)), pytest.raises(BadBackup, match=r"was not made.*disk"):
        here.make(place / NAME)
    assert list(place.iterdir()) == []
    here.make(place / NAME)


def test_what_a_killed_backup_left_is_swept_a_day_later(here: Places, tmp_path: Path) -> None:
    old, young = tmp_path / ".julki-backup-old", tmp_path / ".julki-backup-young"
    for left in (old, young):
        left.mkdir()
        (left / "julki.db").write_text("half")
    os.utime(old, (0, 0))
    here.make(tmp_path / NAME)
    assert (old.exists(), young.exists()) == (False, True)


# going back


def test_somebodys_own_copy_is_a_backup_too(here: Places, tmp_path: Path) -> None:
    link = sqlite3.connect(here.database)
    link.execute("VACUUM INTO ?", (str(tmp_path / "own.db"),))
    link.close()
    scar(here.database)
    here.restore(tmp_path / "own.db")
    assert not scarred(here.database)
    assert len(pauses(here.database)) == 1


def test_a_copy_that_was_taken_with_its_journal_is_read_with_it(here: Places, tmp_path: Path) -> None:
    store = open_store(URL, here.root)
    scar(here.database)
    for name in ("julki.db", "julki.db-wal"):
        shutil.copyfile(here.database.with_name(name), tmp_path / name)
    store.close()
    assert (tmp_path / "julki.db-wal").stat().st_size
    shutil.rmtree(here.root / "var")
    (here.root / "var").mkdir()
    assert here.restore(tmp_path / "julki.db") is None
    assert scarred(here.database)


def test_what_was_put_aside_can_be_brought_back(here: Places, good: Path) -> None:
    scar(here.database)
    aside = here.restore(good)
    assert aside
    here.restore(aside, NOW + timedelta(seconds=1))
    assert scarred(here.database)


def test_a_damaged_database_is_put_aside_as_it_is(here: Places, good: Path) -> None:
    here.database.write_bytes(b"nonsense" * 4000)
    journal = here.database.with_name("julki.db-wal")
    journal.write_bytes(b"more nonsense")
    aside = here.restore(good)
    assert aside
    assert aside.read_bytes() == b"nonsense" * 4000
    assert aside.with_name(aside.name + "-wal").read_bytes() == b"more nonsense"
    assert not journal.exists()
    assert content.look(here.database).rows["delivery"] == 4


def test_an_older_backup_is_brought_up_to_date(tmp_path: Path, here: Places) -> None:
    old = tmp_path / "old"
    (old / "var").mkdir(parents=True)
    store = Store(engine._engine(old / "var" / "julki.db"), old / "var" / "julki.db")
    config = engine._alembic()
    with store.write() as db:
        config.attributes["connection"] = db
        command.upgrade(config, "0001")
    store.close()
    Places(old).make(tmp_path / NAME)
    here.restore(tmp_path / NAME)
    store = open_store(URL, here.root)
    examine(store)
    store.close()
    assert ask(here.database, "SELECT version_num FROM alembic_version") == [(engine.HEAD,)]
    assert len(pauses(here.database)) == 1


def test_a_newer_backup_is_refused(here: Places, tmp_path: Path) -> None:
    link = sqlite3.connect(here.database)
    link.execute("UPDATE alembic_version SET version_num = '9999'")
    link.commit()
    link.close()
    here.make(tmp_path / NAME)
    with pytest.raises(BadBackup, match="newer Julki"):
        here.restore(tmp_path / NAME)


def test_it_is_refused_while_somebody_publishes(desk: Typist, here: Places, good: Path) -> None:
    before = here.database.read_bytes()
    lock = Lock(here.database)
    lock.take(NOW, "julki run")
    try:
        assert "already being published by 'julki run'" in desk.types("restore", good, "--yes", code=1).stderr
    finally:
        lock.release()
    assert here.database.read_bytes() == before
    assert not pauses(here.database)


def test_it_is_refused_while_another_program_has_the_database_open(
    here: Places, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(URL, here.root)
    fold = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: fold(*a, **k | {"timeout": 0.1}))
    with store.read() as db:
        db.exec_driver_sql("SELECT count(*) FROM mark").scalar()
        with pytest.raises(BadBackup, match=r"Nothing was restored.*Close that program"):
            here.restore(good)
    store.close()
    assert not pauses(here.database)
    assert not [name for name in here.names if "before-restore" in name or name.startswith(".")]


def test_without_a_person_it_wants_to_be_told_that_it_is_meant(desk: Typist, here: Places, good: Path) -> None:
    before = here.database.read_bytes()
    assert "--yes" in desk.types("restore", good, code=2).stderr
    assert "no file" in desk.types("restore", here.root / "none.tar", "--yes", code=2).stderr
    assert "the database itself" in desk.types("restore", here.database, "--yes", code=2).stderr
    assert here.database.read_bytes() == before


@pytest.mark.parametrize(("answer", "done"), [("n", False), ("y", True)])
def test_a_person_at_a_terminal_is_asked(here: Places, good: Path, answer: str, done: bool) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    words = [sys.executable, "-c", "from scheduler.cli.main import app; app()"]
    words += ["restore", str(good), "--workspace", str(here.root)]
    try:
        result = subprocess.run(words, stdin=theirs, capture_output=True, text=True, timeout=60, check=False)
    finally:
        os.close(ours)
        os.close(theirs)
    assert result.returncode == (0 if done else 1), result.stderr
    assert "is whole: made 2026-11-24 10:12 (Europe/Helsinki)" in result.stdout
    assert len(pauses(here.database)) == done
    assert ("Nothing was changed." in result.stderr) is not done


# files that were not made here


def packed(target: Path, members: Sequence[tuple[tarfile.TarInfo | str, bytes]], mode: str = "w") -> Path:
    with tarfile.open(target, mode) as tar:  # type: ignore[call-overload]  # the modes are those of the tests
        for entry, data in members:
            info = tarfile.TarInfo(entry) if isinstance(entry, str) else entry
            if info.isreg():
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return target


def unpacked(file: Path) -> list[tuple[tarfile.TarInfo | str, bytes]]:
    found: list[tuple[tarfile.TarInfo | str, bytes]] = []
    with tarfile.open(file) as tar:
        for info in tar:
            data = tar.extractfile(info)
            assert data
            found.append((info.name, data.read()))
    return found


def listed(parts: list[Any], **changes: Any) -> list[Any]:
    """The same, with another manifest."""
    told = json.loads(parts[0][1])
    return [("manifest.json", json.dumps(told | changes).encode()), *parts[1:]]


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def _swapped(members: list[Any], number: int, entry: Any, data: bytes = b"") -> list[Any]:
    return [*members[:number], (entry, data), *members[number + 1 :]]


def _longer(members: list[Any]) -> list[Any]:
    told = json.loads(members[0][1])
    told["members"][0]["size"] += 1
    return listed(members, members=told["members"])


def _twice(members: list[Any]) -> list[Any]:
    told = json.loads(members[0][1])
    return [*listed(members, members=[*told["members"], told["members"][-1]]), members[-1]]


def _named(name: str) -> Callable[[list[Any]], list[Any]]:
    """A picture that is called otherwise, in the manifest too."""

    def change(members: list[Any]) -> list[Any]:
        told = json.loads(members[0][1])
        told["members"][-1]["name"] = name
        return [*listed(members, members=told["members"])[:-1], (name, members[-1][1])]

    return change


HOSTILE: Mapping[str, Callable[[list[Any]], list[Any]]] = {
    "empty": lambda _: [],
    "no manifest": lambda m: m[1:],
    "manifest last": lambda m: [*m[1:], m[0]],
    "manifest a link": lambda m: _swapped(m, 0, special("manifest.json", tarfile.SYMTYPE, "/etc/passwd")),
    "nonsense": lambda m: _swapped(m, 0, "manifest.json", b"\xff{"),
    "deep": lambda m: _swapped(m, 0, "manifest.json", b"[" * 100_000),
    "a later format": lambda m: listed(m, format=2),
    "no members": lambda m: listed(m, members=[]),
    "negative counts": lambda m: listed(m, attempt=-1),
    "other counts": lambda m: listed(m, audit=999),
    "other size": _longer,
    "no database": lambda m: [m[0], m[2]],
    "a link for the database": lambda m: _swapped(m, 1, special("julki.db", tarfile.LNKTYPE, "manifest.json")),
    "a link out": lambda m: _swapped(m, 1, special("julki.db", tarfile.SYMTYPE, "/etc/passwd")),
    "a device": lambda m: _swapped(m, 1, special("julki.db", tarfile.CHRTYPE)),
    "a folder": lambda m: _swapped(m, 2, special("media", tarfile.DIRTYPE)),
    "up": _named("media/../../escaped"),
    "from the root": _named("/escaped"),
    "another picture": lambda m: _swapped(m, 2, m[2][0], b"something else"),
    "more": lambda m: [*m, ("more", b"")],
    "less": lambda m: m[:2],
    "twice": _twice,
}


@pytest.mark.parametrize("how", HOSTILE)
def test_what_does_not_belong_into_a_backup_is_refused_and_touches_nothing(
    here: Places, good: Path, tmp_path: Path, how: str
) -> None:
    file = packed(tmp_path / "hostile.tar", HOSTILE[how](unpacked(good)))
    before = {path: path.read_bytes() for path in here.root.rglob("*") if path.is_file()}
    with pytest.raises(BadBackup, match=r"hostile\.tar can't be used: .*ake another"):
        here.restore(file)
    assert before == {path: path.read_bytes() for path in here.root.rglob("*") if path.is_file()}
    assert not list(tmp_path.rglob("*escaped*"))
    assert not Path("/escaped").exists()


def test_the_tests_own_packing_is_not_what_is_refused(here: Places, good: Path, tmp_path: Path) -> None:
    here.restore(packed(tmp_path / "same.tar", unpacked(good)))
    assert len(pauses(here.database)) == 1


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_what_could_unfold_without_end_is_not_even_opened(here: Places, good: Path, tmp_path: Path, mode: str) -> None:
    with pytest.raises(BadBackup, match="no backup of Julki's"):
        here.restore(packed(tmp_path / "small.tar", unpacked(good), mode))


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TRIGGER t AFTER INSERT ON audit BEGIN DELETE FROM pause; END",
        "CREATE VIEW v AS SELECT * FROM mark",
        "DROP TABLE pause",
        "CREATE TABLE other (a); DROP TABLE delivery",
    ],
)
def test_a_database_that_is_not_julkis_is_refused(here: Places, good: Path, tmp_path: Path, script: str) -> None:
    (tmp_path / "own.db").write_bytes(unpacked(good)[1][1])
    link = sqlite3.connect(tmp_path / "own.db")
    link.executescript(script)
    link.close()
    with pytest.raises(BadBackup, match=r"not one of Julki's|Julki never writes"):
        here.restore(tmp_path / "own.db")
    assert not pauses(here.database)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_that_suffered_is_refused_or_was_hurt_where_it_does_not_matter(
    good: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Cut short, or a few bytes changed, half of them in the headers."""
    raw = bytearray(good.read_bytes())
    if data.draw(st.booleans(), "cut"):
        del raw[data.draw(st.integers(0, len(raw) - 1), "at") :]
    else:
        for _ in range(data.draw(st.integers(1, 4), "changes")):
            end = data.draw(st.sampled_from([512, 4096, len(raw)]), "within")
            raw[data.draw(st.integers(0, end - 1), "at")] = data.draw(st.integers(0, 255), "byte")
    place = tmp_path_factory.mktemp("suffered")
    (place / "it.tar").write_bytes(raw)
    (place / "work").mkdir()
    try:
        manifest = proof.read(place / "it.tar", place / "work", keep=True)
    except BadBackup:
        return
    whole = dict(unpacked(good))
    assert (place / "work" / "julki.db").read_bytes() == whole["julki.db"]
    assert [member.name for member in manifest.members] == list(whole)[1:]


# interrupted


EVENTS = ("os.", "shutil.", "open", "sqlite3.connect", "tempfile.")


def interrupted(work: Callable[[], object], at: int) -> bool:
    """Do it in a process that ends, without a word, before its so many-th touch of a file. Whether it got that far."""
    child = os.fork()
    if child == 0:
        count = 0

        def touch(event: str, _args: object) -> None:
            nonlocal count
            if event.startswith(EVENTS):
                count += 1
                if count == at:
                    os._exit(9)

        code = 1
        try:
            sys.addaudithook(touch)
            work()
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return code == 9


def _interrupt_everywhere(here: Places, good: Path, tmp_path: Path, spoil: Callable[[Path], object]) -> set[bool]:
    """Interrupt a restore at each of its steps, from the same beginning each time; whether the new database was there."""
    found: set[bool] = set()
    for at in range(1, 10_000):
        shutil.rmtree(here.root / "var")
        shutil.copytree(tmp_path / "before", here.root / "var")
        more = interrupted(lambda: here.restore(good), at)
        assert here.database.exists(), at
        new = here.database.read_bytes()[:16] == b"SQLite format 3\0" and bool(pauses(here.database))
        found.add(new)
        spoil(here.database)
        if not more:
            assert new
            return found
    raise AssertionError("it never ends")


def test_a_restore_that_is_interrupted_leaves_the_old_or_the_new(here: Places, good: Path, tmp_path: Path) -> None:
    scar(here.database)
    store = open_store(URL, here.root)  # with a journal, as a kill leaves one
    with store.write() as db:
        db.exec_driver_sql("INSERT INTO mark VALUES ('journal', 'yes')")
    shutil.copytree(here.root / "var", tmp_path / "before")
    store.close()
    assert (tmp_path / "before" / "julki.db-wal").stat().st_size

    def whole(database: Path) -> None:
        store = open_store(URL, here.root)
        examine(store)
        store.close()
        old = scarred(database)
        assert bool(ask(database, "SELECT * FROM mark WHERE key = 'journal'")) == old
        assert bool(pauses(database)) != old
        for aside in database.parent.glob("julki.db.before-restore-*Z"):
            assert aside.samefile(database) or scarred(aside)
        here.restore(good, NOW + timedelta(hours=1))  # whatever the first one left is no obstacle
        assert not [name for name in here.names if name.startswith(".")]

    assert _interrupt_everywhere(here, good, tmp_path, whole) == {True, False}


def test_a_restore_over_a_damaged_one_that_is_interrupted_can_be_made_again(
    here: Places, good: Path, tmp_path: Path
) -> None:
    here.database.write_bytes(b"nonsense" * 4000)
    here.database.with_name("julki.db-wal").write_bytes(b"nonsense")
    shutil.copytree(here.root / "var", tmp_path / "before")

    def mended(database: Path) -> None:
        aside = here.restore(good, NOW + timedelta(hours=1))
        assert aside
        assert content.look(database).rows["delivery"] == 4

    assert _interrupt_everywhere(here, good, tmp_path, mended) == {True, False}


def test_a_backup_that_is_interrupted_has_no_name(here: Places, tmp_path: Path) -> None:
    for at in range(1, 10_000):
        place = tmp_path / str(at)
        place.mkdir()
        more = interrupted(lambda place=place: here.make(place / NAME), at)  # type: ignore[misc]  # bound at once
        if (place / NAME).exists():
            (place / "work").mkdir()
            proof.read(place / NAME, place / "work", keep=False)
        if not more:
            assert (place / NAME).exists()
            return
        shutil.rmtree(place)


# what is told of a database that can't be used


def header(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.write(b"this is a letter, no database.")


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2 + 100)


def page(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(4096 * 2)
        opened.write(b"\xaa" * 4096 * 4)


def complaint(root: Path) -> str:
    """What a start says."""

    def start() -> None:
        store = open_store(URL, root)
        try:
            examine(store)
        finally:
            store.close()

    with pytest.raises(BadDatabase) as caught:
        start()
    return str(caught.value)


@pytest.mark.parametrize("harm", [header, cut, page])
def test_a_damaged_database_is_told_with_the_way_back(desk: Typist, here: Places, harm: Callable[[Path], None]) -> None:
    desk.types("backup")
    (file,) = (here.root / "var" / "backups").iterdir()
    harm(here.database)
    told = complaint(here.root)
    assert str(here.database) in told
    assert "is damaged" in told
    assert told.endswith(f"julki restore {file}")
    assert told in desk.types("doctor", code=1).stdout
    result = desk.types("backup", here.root / "second.tar", code=1)
    assert f"julki restore {file}" in result.stderr
    assert "Traceback" not in result.output
    desk.types("restore", file, "--yes")
    assert set(desk.states().values()) == {"published"}


def test_damage_that_only_shows_later_is_told_in_the_same_words(desk: Typist, here: Places) -> None:
    roots = {row[0] for row in ask(here.database, "SELECT rootpage FROM sqlite_master WHERE tbl_name = 'delivery'")}
    with here.database.open("r+b") as opened:
        for root in roots:
            opened.seek(4096 * (root - 1))
            opened.write(b"\xaa" * 4096)
    result = desk.types("queue", code=1)
    assert "is damaged" in result.stderr
    assert "julki restore FILE" in result.stderr
    assert not (here.root / "var" / "errors.log").exists()


def test_the_newest_backup_is_named(here: Places, desk: Typist) -> None:
    place = here.root / "var" / "backups"
    place.mkdir()
    for name in ("julki-2026-11-24T081200Z.tar", "julki-2026-11-23T081200Z.tar", "notes.txt", "julki-x.tar"):
        (place / name).write_text("")
    assert "julki restore" not in desk.types("doctor").stdout
    header(here.database)
    with pytest.raises(BadDatabase, match=r"julki restore \S*julki-2026-11-24T081200Z\.tar$"):
        open_store(URL, here.root)


def test_doctor_tells_how_old_the_newest_backup_is(desk: Typist) -> None:
    assert "There is none" in desk.types("doctor").stdout
    desk.types("backup")
    assert "0 days ago" in desk.types("doctor").stdout


def sqlite_error(code: int, words: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(words)
    error.sqlite_errorcode = code
    return error


def test_a_full_disk_is_no_reason_to_restore(tmp_path: Path) -> None:
    error = sqlite_error(sqlite3.SQLITE_FULL, "database or disk is full")
    told = fault.told(tmp_path / "julki.db", error)
    assert "is full" in told
    assert "restore" not in told
    assert fault.of_storage(error)
    assert not fault.damaged(error)


def test_what_somebody_else_holds_is_told(tmp_path: Path) -> None:
    store = open_store("sqlite:///julki.db", tmp_path)
    with store.write():
        other = sqlite3.connect(tmp_path / "julki.db", timeout=0)
        with pytest.raises(sqlite3.OperationalError) as caught:
            other.execute("BEGIN IMMEDIATE")
        other.close()
    store.close()
    told = fault.told(tmp_path / "julki.db", caught.value)
    assert "another program" in told
    assert "restore" not in told


def test_a_disk_that_can_only_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY))
    told = fault.told(tmp_path / "julki.db", sqlite_error(sqlite3.SQLITE_READONLY, "readonly"))
    assert "can only be read" in told
    assert "restore" not in told


NOBODY = 65534


def as_nobody(work: Callable[[], object]) -> str:
    """What `work` raises where somebody without rights does it; "" where it succeeds."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            work()
        except BaseException as error:  # noqa: BLE001  told to the other process
            os.write(writing, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading, encoding="utf-8") as told:
        return told.read()


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that everybody can reach."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        yield Path(place)


def test_rights_that_are_missing_are_told(open_place: Path) -> None:
    (open_place / "var").mkdir()
    open_store(URL, open_place).close()
    (open_place / "var" / "julki.db").chmod(0o600 if os.geteuid() == 0 else 0o400)
    (open_place / "var").chmod(0o777)
    file = as_nobody(lambda: open_store(URL, open_place))
    (open_place / "var").chmod(0o555)
    folder = as_nobody(lambda: open_store(URL, open_place))
    (open_place / "var").chmod(0o755)
    assert "may not read and write it" in file
    assert f"may not write into {open_place / 'var'}" in folder
    for told in (file, folder):
        assert told.startswith("BadDatabase: ")
        assert "run Julki as the user" in told
        assert "restore" not in told


def test_a_place_that_cannot_hold_a_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    with pytest.raises(BadDatabase, match="where a folder should be"):
        open_store(URL, tmp_path)
    (tmp_path / "other" / "var" / "julki.db").mkdir(parents=True)
    with pytest.raises(BadDatabase, match="where a file should be"):
        open_store(URL, tmp_path / "other")
