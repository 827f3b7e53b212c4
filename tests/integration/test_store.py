"""The database: opened, migrated, locked; its rules hold whoever writes."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, delete, func, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import SQLModel

from channels.message import Media, Message
from scheduler.desk import upkeep
from scheduler.store import approvals, attempts, breakers, deliveries, engine, fault, marks, messages, pauses, pieces
from scheduler.store.attempts import Claim
from scheduler.store.core import ATTEMPT, AUDIT, DELIVERY, MESSAGE
from scheduler.store.engine import BadDatabase, Store, open_store
from scheduler.store.lock import AlreadyRunning, Lock, holder
from tests.mocks.stage import Board, Stage
from tests.mocks.stand import START, Hands, Stand

Make = Callable[..., Stand]
NOW = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)
URL = "sqlite:///var/julki.db"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(URL, tmp_path)
    yield store
    store.close()


@pytest.fixture
def row(make: Make, stage: Stage) -> tuple[Stand, int]:
    """A delivery that is due."""
    stand = make(stage)
    stand.put("a")
    stand.look()
    return stand, int(stand.row("a", "post").id)


def claim(number: int, key: str = "k", **told: Any) -> Claim:
    return Claim(number, key, "d", 0, **told)


# opening


def test_the_migrations_make_exactly_the_tables_of_the_code(store: Store) -> None:
    with store.read() as db:
        context = MigrationContext.configure(db, opts={"compare_type": False})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    for expected in ("", "one"):
        store = open_store(URL, tmp_path)
        with store.read() as db:
            assert marks.get(db, "key") == expected
        with store.write() as db:
            marks.put(db, "key", "two")
            marks.put(db, "key", "one")
        store.close()


def test_it_is_safe_against_a_loss_of_power_and_readers_do_not_wait(store: Store) -> None:
    with store.read() as db:
        told = {name: db.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous", "foreign_keys")}  # fmt: skip
    assert told == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_newer_database_is_refused_with_the_remedy(tmp_path: Path) -> None:
    store = open_store(URL, tmp_path)
    with store.write() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999_from_the_future'"))
    store.close()
    with pytest.raises(BadDatabase, match=r"newer Julki.*9999_from_the_future.*restore"):
        open_store(URL, tmp_path)


@pytest.mark.parametrize(
    "content", [b"this is not a database at all, but a letter" * 50, b"SQLite format 3\x00" + b"\xff" * 4000]
)
def test_a_damaged_database_is_named_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "julki.db").write_bytes(content)
    with pytest.raises(BadDatabase, match=r"julki\.db.*restore"):
        open_store(URL, tmp_path)
    assert (tmp_path / "var" / "julki.db").read_bytes() == content


def test_a_place_where_nothing_can_be_kept_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where a folder should be")
    with pytest.raises(BadDatabase, match=r"julki\.db"):
        open_store(URL, tmp_path)


# taken away while it is open


def unlink(database: Path) -> None:
    for path in database.parent.iterdir():
        path.unlink()


def take_the_folder(database: Path) -> None:
    database.parent.rename(database.parent.with_name("away"))


def put_another(database: Path) -> None:
    """As `mv` of a copy does it."""
    copy = database.with_name("copy")
    with sqlite3.connect(database) as link:
        link.execute("VACUUM INTO ?", (str(copy),))
    link.close()
    copy.replace(database)


def put_an_empty_folder(database: Path) -> None:
    """As where a drive is no longer mounted."""
    take_the_folder(database)
    database.parent.mkdir()


@pytest.mark.parametrize("gone", [unlink, take_the_folder, put_another, put_an_empty_folder])
def test_a_file_that_was_taken_away_is_neither_read_nor_written_nor_made_anew(
    store: Store, gone: Callable[[Path], None]
) -> None:
    with store.write() as db:
        marks.put(db, "key", "known")
    gone(store.path)
    there = store.path.exists()
    for use in (store.read, store.write):
        for _ in range(3):
            with pytest.raises(OperationalError) as caught, use():
                pass
            told = fault.told(store.path, caught.value)
            assert "was taken away, or another file was put in its place" in told
            assert "julki restore FILE" in told
    store.engine.dispose()
    with pytest.raises(OperationalError):  # a connection that is new
        store.engine.connect()
    assert store.path.exists() == there


def test_a_file_that_comes_back_is_used_again(store: Store) -> None:
    with store.write() as db:
        marks.put(db, "key", "known")
    take_the_folder(store.path)
    with pytest.raises(OperationalError), store.read():
        pass
    store.path.parent.with_name("away").rename(store.path.parent)
    with store.write() as db:
        assert marks.get(db, "key") == "known"
        marks.put(db, "key", "more")
    with store.read() as db:
        assert marks.get(db, "key") == "more"


def test_what_was_begun_when_the_file_went_is_not_begun_elsewhere(store: Store) -> None:
    """Many threads at once: connections that are new are asked as well as those that are kept."""
    take_the_folder(store.path)
    failed: list[BaseException] = []

    def work() -> None:
        try:
            with store.read() as db:
                marks.get(db, "key")
        except OperationalError as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failed) == 12
    assert not store.path.parent.exists()


# writing


def test_what_fails_half_way_is_not_written(store: Store) -> None:
    def fail() -> None:
        with store.write() as db:
            marks.put(db, "key", "half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.read() as db:
        assert marks.get(db, "key") == ""


def test_a_reader_sees_one_state_throughout(store: Store) -> None:
    with store.read() as early:
        assert marks.get(early, "key") == ""
        with store.write() as db:
            marks.put(db, "key", "new")
        assert marks.get(early, "key") == ""
    with store.read() as late:
        assert marks.get(late, "key") == "new"


def _count_up(root: Path, times: int) -> None:
    store = open_store(URL, root)
    for _ in range(times):
        with store.write() as db:
            marks.put(db, "count", str(int(marks.get(db, "count") or 0) + 1))
    store.close()


def test_many_threads_and_desks_write_without_losing_anything(tmp_path: Path) -> None:
    _count_up(tmp_path, 1)
    faults: list[BaseException] = []

    def work() -> None:
        try:
            _count_up(tmp_path, 25)
        except BaseException as error:  # noqa: BLE001  shown below
            faults.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with sqlite3.connect(tmp_path / "var" / "julki.db") as raw:
        assert raw.execute("SELECT value FROM mark WHERE key = 'count'").fetchone() == ("151",)
    raw.close()


# the rules that indexes hold


def test_a_piece_has_one_delivery_a_channel_and_part(row: tuple[Stand, int]) -> None:
    stand, number = row
    values = {**dict(stand.row("a", "post")._mapping), "id": number + 1}
    values.pop("name")
    with pytest.raises(IntegrityError), stand.desk.store.write() as db:
        db.execute(DELIVERY.insert().values(values))


def test_a_delivery_has_one_open_attempt(row: tuple[Stand, int]) -> None:
    stand, number = row
    with stand.desk.store.write() as db:
        assert len(attempts.claim(db, "post", [claim(number)], "me", NOW)) == 1
    again = {"delivery_id": number, "channel": "post", "purpose": "publish", "key": "k", "digest": "d", "owner": "me"}
    again |= {"started_at": NOW, "lease_until": NOW, "checks": 0, "error": ""}
    with pytest.raises(IntegrityError), stand.desk.store.write() as db:
        db.execute(ATTEMPT.insert().values(again))


# the steps of an attempt


def test_a_claim_is_won_once(row: tuple[Stand, int]) -> None:
    stand, number = row
    with stand.desk.store.write() as db:
        first = attempts.claim(db, "post", [claim(number, "one")], "me", NOW)
    with stand.desk.store.write() as db:
        second = attempts.claim(db, "post", [claim(number, "two")], "you", NOW)
    assert ([one.key for one in first], second) == (["one"], [])
    found = stand.row("a", "post")
    assert (found.state, found.attempts, found.digest) == ("publishing", 1, "d")
    (attempt,) = stand.attempts(number)
    assert (attempt.key, attempt.owner, attempt.outcome) == ("one", "me", None)
    assert attempt.lease_until > attempt.started_at


@pytest.mark.parametrize("state", ["held", "published", "failed", "skipped", "cancelled", "withdrawn", "publishing"])
def test_what_is_not_waiting_is_not_claimed(row: tuple[Stand, int], state: str) -> None:
    stand, number = row
    with stand.desk.store.write() as db:
        db.execute(update(DELIVERY).where(DELIVERY.c.id == number).values(state=state))
        assert attempts.claim(db, "post", [claim(number)], "me", NOW) == []
    assert stand.attempts(number) == []


def test_what_is_not_ready_yet_is_not_claimed(row: tuple[Stand, int]) -> None:
    stand, number = row
    with stand.desk.store.write() as db:
        db.execute(update(DELIVERY).where(DELIVERY.c.id == number).values(ready_at=NOW + timedelta(seconds=1)))
        assert attempts.claim(db, "post", [claim(number)], "me", NOW) == []
        assert len(attempts.claim(db, "post", [claim(number)], "me", NOW + timedelta(seconds=1))) == 1


def test_an_outcome_is_written_once(row: tuple[Stand, int]) -> None:
    stand, number = row
    with stand.desk.store.write() as db:
        attempts.claim(db, "post", [claim(number)], "me", NOW)
        assert attempts.settle(db, number, "k", "published", NOW, {"state": "published"})
        assert not attempts.settle(db, number, "k", "failed", NOW, {"state": "failed"})
    assert stand.state("a", "post") == "published"
    assert [attempt.outcome for attempt in stand.attempts(number)] == ["published"]


def test_nobody_moves_what_has_an_attempt_under_way(row: tuple[Stand, int]) -> None:
    stand, number = row
    with stand.desk.store.write() as db:
        attempts.claim(db, "post", [claim(number)], "me", NOW)
        assert not deliveries.move(db, number, ("publishing",), state="held")
        attempts.settle(db, number, "k", "published", NOW, {"state": "published"})
        assert not deliveries.move(db, number, ("planned",), state="held")
        assert deliveries.move(db, number, ("published",), error="seen")


def test_many_threads_claim_each_delivery_once(make: Make, stage: Stage) -> None:
    stand = make(stage)
    for number in range(40):
        stand.put(f"p{number}")
    stand.look()
    numbers = [int(one.id) for one in stand.deliveries()]
    won: list[int] = []
    barrier = threading.Barrier(4)

    def work(me: str) -> None:
        barrier.wait()
        for number in numbers:
            with stand.desk.store.write() as db:
                won.extend(one.delivery for one in attempts.claim(db, "post", [claim(number)], me, NOW))

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == sorted(numbers)


# messages


def message(words: str, **told: Any) -> Message:
    return Message("web", "fi/a", text=words, card={"date": words, "uid": words}, **told)


def test_a_message_comes_back_as_it_was_and_is_kept_once(store: Store) -> None:
    media = (Media("ab" * 32, ".png", "Kuvan teksti", "kuva.png", "/somewhere"),)
    one = message(
        "Ääkköset 👩🏽‍💻 \x1f", html="<p>&amp;</p>", media=media, data={"n": [1, None, {"x": True}]}, links_page=True
    )
    with store.write() as db:
        messages.save(db, [one, one])
        messages.save(db, [one])
        back = messages.load(db, one.digest())
        assert db.execute(select(func.count()).select_from(MESSAGE)).scalar() == 1
    assert back.payload() == one.payload()
    assert back.digest() == one.digest()


def test_a_message_that_was_never_sent_is_told_apart(store: Store) -> None:
    with store.read() as db, pytest.raises(LookupError):
        messages.load(db, "nothing")


def test_the_archive_shows_what_is_live_newest_first(make: Make, board: Board, clock: Hands) -> None:
    stand = make(board)
    for name in "abc":
        stand.put(name)
        stand.run()
        clock.go(minutes=1)
    with stand.desk.store.write() as db:
        db.execute(update(DELIVERY).where(DELIVERY.c.id == stand.row("b", "web").id).values(state="withdrawn"))
    archive = messages.StoredArchive(stand.desk.store)
    live = archive.live("web")
    assert [one.piece for one in live] == ["fi/c", "fi/a"]
    assert archive.message(live[0].digest).text == "c: Teksti."
    assert live[0].card["id"] == "fi/c"
    assert archive.live("other") == []
    stand.path("news/c.md").rename(stand.path("news/z.md"))
    stand.look()
    assert archive.redirects() == {"fi/c": "fi/z"}


def test_housekeeping_drops_only_what_nobody_names(make: Make, board: Board, clock: Hands) -> None:
    stand = make(board)
    stand.put("a")
    stand.run()
    stand.desk.library.media_folder.mkdir(parents=True)
    used, unused, young = (stand.desk.library.media_folder / f"{mark * 64}.png" for mark in "abc")
    long_ago = (clock.now - timedelta(days=3)).timestamp()
    for path in (used, unused, young):
        path.write_bytes(b"x")
        os.utime(path, (long_ago, long_ago) if path != young else (clock.now.timestamp(),) * 2)
    kept = message("kept", media=(Media("a" * 64, ".png"),))
    with stand.desk.store.write() as db:
        messages.save(db, [kept, message("nobody names this")])
        db.execute(update(DELIVERY).values(digest=kept.digest()))
    upkeep.run(stand.desk)
    assert sorted(path.name[0] for path in stand.desk.library.media_folder.iterdir()) == ["a", "c"]
    with stand.desk.store.read() as db:
        texts = {messages.load(db, digest).text for digest in db.execute(select(MESSAGE.c.digest)).scalars()}
    assert texts == {"kept", "a: Teksti."}  # its attempt still names what was sent


# what is asked of deliveries


def test_the_queue_and_the_counts_agree(make: Make, stage: Stage, board: Board) -> None:
    stand = make(stage, board)
    for name in "abc":
        stand.put(name, at=START + timedelta(hours=1))
    stand.put("d")
    stand.run()
    with stand.desk.store.read() as db:
        everything = deliveries.queue(db)
        assert len(everything) == 8
        assert len(deliveries.queue(db, "planned")) == 6
        assert deliveries.counts(db) == {
            ("post", "planned"): 3,
            ("post", "published"): 1,
            ("web", "planned"): 3,
            ("web", "published"): 1,
        }
        soon = deliveries.planned(db, START + timedelta(hours=1))
        assert [(one.name, one.channel) for one in soon][:2] == [("fi/a", "post"), ("fi/a", "web")]
        assert deliveries.planned(db, START + timedelta(minutes=59)) == []


def test_every_pass_leaves_its_trace_in_the_audit(row: tuple[Stand, int]) -> None:
    stand, number = row
    stand.work()
    with stand.desk.store.write() as db:
        found = list(db.execute(select(AUDIT).where(AUDIT.c.delivery_id == number)))
        assert [(one.by, one.act, one.piece, one.channel) for one in found] == [("desk", "published", "fi/a", "post")]
        db.execute(delete(AUDIT))
    assert stand.audit() == []


# one at a time


def test_the_lock_is_held_by_one_and_says_by_whom(tmp_path: Path) -> None:
    database = tmp_path / "julki.db"
    assert holder(database) is None
    lock, other = Lock(database), Lock(database)
    lock.take(NOW, "julki run")
    told = holder(database)
    assert told is not None
    assert "julki run" in told
    assert str(os.getpid()) in told
    with pytest.raises(AlreadyRunning, match=rf"julki run.*{os.getpid()}.*2026-11-30T07:00"):
        other.take(NOW, "julki run --once")
    lock.release()
    lock.release()
    assert holder(database) is None
    other.take(NOW, "julki run --once")
    assert "julki run --once" in str(holder(database))
    other.release()


def test_a_lock_file_with_nonsense_in_it_is_no_obstacle(tmp_path: Path) -> None:
    database = tmp_path / "julki.db"
    lock = Lock(database)
    lock.path.write_text("{not json")
    lock.take(NOW, "julki run")
    assert "'julki run'" in str(holder(database))
    lock.release()
    assert holder(database) is None


def _take_and_die(database: Path) -> None:
    Lock(database).take(NOW, "julki run")
    os._exit(9)


def test_the_lock_goes_with_its_process(tmp_path: Path) -> None:
    database = tmp_path / "julki.db"
    process = multiprocessing.get_context("spawn").Process(target=_take_and_die, args=(database,))
    process.start()
    process.join(60)
    assert process.exitcode == 9
    assert holder(database) is None
    lock = Lock(database)
    lock.take(NOW, "julki run")
    lock.release()


def test_the_newest_migration_is_the_one_that_is_asked_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(engine.__file__).with_name("migrations")))
    assert ScriptDirectory.from_config(config).get_current_head() == engine.HEAD


def test_a_database_of_the_first_version_is_brought_up_with_all_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "julki.db"
    config = Config()
    config.set_main_option("script_location", str(Path(engine.__file__).with_name("migrations")))
    first = create_engine(f"sqlite:///{path}")
    with first.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO piece (name, uid, path, inode, mtime_ns, body, title, client, project)"
            " VALUES ('fi/a', 'u', 'content/news/a.md', 1, 1, '', 'A', '', '')"
        )
        connection.exec_driver_sql(
            "INSERT INTO pause (scope, name, reason, by, at, ended_by)"
            " VALUES ('all', '', 'vaalit', 'Maija', '2026-11-30 07:00:00.000000', '')"
        )
    first.dispose()
    store = engine.open_store("sqlite:///julki.db", tmp_path)
    with store.read() as db:
        assert [pause.reason for pause in pauses.current(db)] == ["vaalit"]
        assert pieces.by_name(db, "fi/a").title == "A"
        assert breakers.resting(db) == {}
        assert approvals.standing(db, [1]) == {}
        assert compare_metadata(MigrationContext.configure(db), SQLModel.metadata) == []
    store.close()
