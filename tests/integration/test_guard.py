"""The guard: a database that may not know what is out starts paused and says why; an ordinary start never does."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from scheduler.delivery import acts
from scheduler.desk import guard
from scheduler.store import marks, pauses, seal
from scheduler.store.engine import BadDatabase, Store, open_store
from tests.mocks.stage import Stage
from tests.mocks.stand import Hands, Stand

Make = Callable[..., Stand]
HERE = {"JULKI_HOST": "here"}
ZONE = ZoneInfo("Europe/Helsinki")
URL = "sqlite:///var/julki.db"


@pytest.fixture
def stand(make: Make, stage: Stage) -> Stand:
    """Something went out, and the desk ended in good order."""
    stand = make(stage)
    stand.put("a")
    check(stand)
    stand.run()
    guard.keep(stand.desk.store, HERE)
    return stand


def check(stand: Stand, **environ: str) -> list[str]:
    return guard.check(stand.desk.store, ZONE, stand.clock(), HERE | environ)


def paused(store: Store) -> list[Any]:
    with store.read() as db:
        return list(pauses.current(db))


def guarded(stand: Stand) -> list[str]:
    return [row.detail for row in stand.audit() if row.act == "guard"]


def database(stand: Stand) -> Path:
    return stand.desk.store.path


@dataclass
class Elsewhere:
    """The guard's answer about a workspace that has no stand of its own."""

    reasons: list[str]
    paused: int


def look(root: Path, clock: Hands, **environ: str) -> Elsewhere:
    store = open_store(URL, root)
    try:
        reasons = guard.check(store, ZONE, clock(), HERE | environ)
        return Elsewhere(reasons, len(paused(store)))
    finally:
        store.close()


# what is ordinary


def test_the_first_start_seals_and_pauses_nothing(make: Make, stage: Stage) -> None:
    stand = make(stage)
    assert check(stand) == []
    assert seal.read(database(stand)) is not None
    assert check(stand.restart()) == []
    assert paused(stand.desk.store) == []


def test_a_database_of_a_version_without_seals_goes_on(stand: Stand) -> None:
    with stand.desk.store.write() as db:
        marks.put(db, seal.MARK, "")
    seal.beside(database(stand)).unlink()
    assert check(stand.restart()) == []
    assert check(stand.restart()) == []


def test_a_kill_leaves_the_seal_behind_and_that_is_fine(stand: Stand, clock: Hands) -> None:
    stand.put("b")
    stand.run()  # and no `keep`: the process ends here
    before = seal.read(database(stand))
    clock.go(days=3)
    assert check(stand.restart()) == []
    after = seal.read(database(stand))
    assert before
    assert after
    assert after.attempt > before.attempt
    assert after.audit > before.audit


def test_a_workspace_that_is_moved_goes_on(stand: Stand, clock: Hands, tmp_path: Path) -> None:
    stand.desk.store.close()
    stand.root.rename(tmp_path / "moved")
    assert look(tmp_path / "moved", clock) == Elsewhere([], 0)
    assert look(tmp_path / "moved", clock) == Elsewhere([], 0)


def test_a_database_written_anew_in_its_place_goes_on(stand: Stand) -> None:
    stand.desk.store.close()
    with sqlite3.connect(database(stand)) as link:
        link.execute("VACUUM INTO ?", (str(database(stand).with_name("fresh")),))
    link.close()
    database(stand).with_name("fresh").replace(database(stand))
    assert check(stand.restart()) == []


def test_a_clock_that_is_corrected_a_little_is_no_matter(stand: Stand, clock: Hands) -> None:
    clock.go(seconds=-100)
    assert check(stand.restart()) == []


# what is not


def copied(stand: Stand, clock: Hands) -> Stand:
    """`cp -r` of the workspace, which takes the place of the old one: other inodes. The path is another one, too."""
    copy = stand.root.with_name("copy")
    shutil.copytree(stand.root, copy)
    stand.desk.store.close()
    stand.root = copy
    return stand.restart()


def from_another_machine(stand: Stand, clock: Hands) -> Stand:
    with stand.desk.store.read() as db:
        seal.write(database(stand), seal.present(db, database(stand), {"JULKI_HOST": "there"}))
    return stand.restart()


def without_its_seal(stand: Stand, clock: Hands) -> Stand:
    seal.beside(database(stand)).unlink()
    return stand.restart()


def with_a_broken_seal(stand: Stand, clock: Hands) -> Stand:
    seal.beside(database(stand)).write_bytes(b'{"host": 1')
    return stand.restart()


def put_back(stand: Stand, clock: Hands) -> Stand:
    """An older copy, put in place by hand; what went out since is not in it."""
    older = database(stand).with_name("older")
    with sqlite3.connect(database(stand)) as link:
        link.execute("VACUUM INTO ?", (str(older),))
    link.close()
    stand.put("b")
    stand.run()
    guard.keep(stand.desk.store, HERE)
    stand.desk.store.close()
    shutil.copyfile(older, database(stand))
    return stand.restart()


def emptied(stand: Stand, clock: Hands) -> Stand:
    stand.desk.store.close()
    database(stand).write_bytes(b"")
    return stand.restart()


def set_back(stand: Stand, clock: Hands) -> Stand:
    clock.go(hours=-3)
    return stand.restart()


STRANGE = {
    copied: "is a copy of",
    from_another_machine: "another machine",
    without_its_seal: "brought here from elsewhere",
    with_a_broken_seal: r"julki\.db\.seal beside it can't be read, so nobody can tell",
    put_back: r"that had 1 attempt to publish and 1 act more",
    emptied: "new and empty",
    set_back: r"2026-11-30 09:00, but this machine's clock says 2026-11-30 06:00 \(Europe/Helsinki\)",
}


@pytest.mark.parametrize("done", STRANGE)
def test_what_may_not_know_what_is_out_starts_paused_once_and_says_why(
    stand: Stand, stage: Stage, clock: Hands, done: Callable[[Stand, Hands], Stand]
) -> None:
    stand = done(stand, clock)
    with capture_logs() as logs:
        (reason,) = check(stand)
    assert re.search(STRANGE[done], reason)
    (pause,) = paused(stand.desk.store)
    assert (pause.scope, pause.by) == ("all", "desk")
    assert reason in pause.reason
    assert "julki queue --state held" in pause.reason
    assert guarded(stand) == [pause.reason]
    assert [line["log_level"] for line in logs] == ["warning"]
    out = len(stage.ledger.entries)
    stand.put("c")
    stand.run()
    assert len(stage.ledger.entries) == out
    assert stand.state("c", "post") == "held"
    # it is told once
    assert check(stand.restart()) == []
    acts.resume(stand.desk.store, "all", "", stand.maija)
    assert check(stand.restart()) == []
    assert paused(stand.desk.store) == []
    assert len(guarded(stand)) == 1


def test_several_reasons_make_one_pause(stand: Stand, clock: Hands) -> None:
    clock.go(days=-1)
    assert len(check(put_back(from_another_machine(stand, clock), clock), JULKI_HOST="third")) == 3
    (pause,) = paused(stand.desk.store)
    assert all(told in pause.reason for told in ("another machine", "older than", "clock says"))


def test_the_other_copy_goes_on_undisturbed(stand: Stand, clock: Hands, tmp_path: Path) -> None:
    shutil.copytree(stand.root, tmp_path / "copy")
    assert look(tmp_path / "copy", clock).paused == 1
    assert check(stand.restart()) == []


def test_a_pause_of_a_person_does_not_hide_the_reasons(stand: Stand, clock: Hands) -> None:
    acts.pause(stand.desk.store, "all", "", "lunch", stand.maija)
    (reason,) = check(from_another_machine(stand, clock))
    assert [pause.by for pause in paused(stand.desk.store)] == ["Maija", "desk"]
    acts.resume(stand.desk.store, "all", "", stand.maija)
    assert paused(stand.desk.store) == []
    assert reason in guarded(stand)[0]


def test_a_clock_that_goes_back_again_is_told_again(stand: Stand, clock: Hands) -> None:
    clock.go(hours=-3)
    assert len(check(stand.restart())) == 1
    acts.resume(stand.desk.store, "all", "", stand.maija)
    clock.go(minutes=5)
    assert check(stand.restart()) == []
    clock.go(hours=-3)
    assert len(check(stand.restart())) == 1
    assert len(guarded(stand)) == 2


def test_a_seal_that_cannot_be_written_is_logged_and_stops_nothing(stand: Stand) -> None:
    stand.put("b")
    stand.run()
    seal.beside(database(stand)).unlink()
    seal.beside(database(stand)).mkdir()
    with capture_logs() as logs:
        assert not guard.keep(stand.desk.store, HERE)
        (reason,) = check(stand.restart())
    assert "can't be read" in reason
    assert {line["event"] for line in logs} >= {"the seal can't be written"}


def test_a_database_that_fails_meanwhile_is_no_matter_of_the_seals(stand: Stand) -> None:
    stand.desk.store.close()
    database(stand).write_bytes(b"nonsense" * 4000)
    with capture_logs() as logs:
        assert not guard.keep(stand.desk.store, HERE)
    assert [line["log_level"] for line in logs] == ["warning"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=300), st.text().map(str.encode), st.just(b'{"host":"' + b"x" * 20_000)))
def test_whatever_stands_in_the_seal_the_desk_starts(stand: Stand, nonsense: bytes) -> None:
    seal.beside(database(stand)).write_bytes(nonsense)
    assert len(check(stand)) == 1
    assert len(paused(stand.desk.store)) == 1
    assert check(stand) == []


def test_the_machine_is_told_by_what_the_administrator_says_first() -> None:
    assert seal.host({"JULKI_HOST": "a"}) == seal.host({"JULKI_HOST": " a "}) != seal.host({"JULKI_HOST": "b"})
    assert seal.host({}) == seal.host({"JULKI_HOST": ""})
    assert re.fullmatch("[0-9a-f]{16}", seal.host({}))


def test_a_damaged_database_does_not_get_as_far_as_publishing(stand: Stand) -> None:
    stand.desk.store.close()
    with database(stand).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xaa" * 4096 * 3)
    with pytest.raises(BadDatabase, match=r"damaged.*There is no backup in .*julki restore FILE"):
        look(stand.root, stand.clock)


def test_a_database_that_is_deleted_in_its_first_moments_is_missed(stand: Stand, clock: Hands) -> None:
    """The seal had no time to follow what went out."""
    path = database(stand)
    stand.desk.store.close()
    for file in path.parent.glob("julki.db*"):
        file.unlink()
    fresh = open_store(URL, stand.root)
    guard.check(fresh, ZONE, clock(), HERE)
    fresh.close()
    path.rename(path.with_name("old.db"))
    for file in path.parent.glob("julki.db-*"):
        file.unlink()
    (reason,) = look(stand.root, clock).reasons
    assert "there was one in its place" in reason
