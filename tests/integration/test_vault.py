"""The vault: encrypted, bound to its channel, under a key that lies outside the database and its backups."""

from __future__ import annotations

import base64
import os
import secrets
import sqlite3
import tarfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.contract import Locked
from channels.errors import Unavailable
from scheduler.store import backup, keyfile
from scheduler.store.engine import Store, open_store
from scheduler.store.vault import StoredVault

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
TOKEN = {"access": "a-very-secret-token", "refresh": "Ä–🔑", "ends": None, "more": [1, {"two": True}]}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = open_store("sqlite:///var/julki.db", tmp_path)
    yield found
    found.close()


def vault(store: Store, given: str = "") -> StoredVault:
    return StoredVault(store, store.path.with_name("julki.key"), lambda: NOW, given)


def key(store: Store) -> Path:
    return store.path.with_name("julki.key")


def made() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def test_what_was_kept_comes_back(store: Store) -> None:
    assert vault(store).read("x") is None
    vault(store).write("x", TOKEN)
    assert vault(store).read("x") == TOKEN
    vault(store).write("x", {"access": "another"})
    assert vault(store).read("x") == {"access": "another"}
    assert vault(store).read("x-en") is None


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists), max_size=5
    ).filter(lambda one: not any("\ud800" <= char <= "\udfff" for char in repr(one)))
)
def test_whatever_json_it_is(store: Store, token: dict[str, object]) -> None:
    vault(store).write("x", token)
    assert vault(store).read("x") == token


def test_only_looking_makes_no_key(store: Store) -> None:
    vault(store).read("x")
    assert not key(store).exists()


def test_the_key_is_for_its_owner_alone_and_stays(store: Store) -> None:
    vault(store).write("x", TOKEN)
    before = key(store).read_bytes()
    assert key(store).stat().st_mode & 0o777 == 0o600
    vault(store).write("x-en", TOKEN)
    assert key(store).read_bytes() == before
    assert sorted(path.name for path in key(store).parent.glob(".*")) == []


def test_neither_token_nor_key_stands_in_the_database_or_in_a_backup(store: Store, tmp_path: Path) -> None:
    vault(store).write("x", TOKEN)
    target = tmp_path / "backup.tar"
    backup.make(store.path, tmp_path / "var" / "media", target, "D9", NOW)
    with tarfile.open(target) as tar:
        assert "julki.key" not in " ".join(tar.getnames())
    raw = base64.b64decode(key(store).read_bytes())
    for file in [target, *(path for path in (tmp_path / "var").iterdir() if path != key(store) and path.is_file())]:
        content = file.read_bytes()
        assert b"a-very-secret-token" not in content
        assert key(store).read_bytes().strip() not in content
        assert raw not in content


def test_two_writings_of_the_same_look_different(store: Store) -> None:
    seen = set()
    for _ in range(5):
        vault(store).write("x", TOKEN)
        seen.add(sealed(store, "x"))
    assert len(seen) == 5


def sealed(store: Store, channel: str) -> str:
    link = sqlite3.connect(store.path)
    try:
        return str(link.execute("SELECT sealed FROM token WHERE channel = ?", (channel,)).fetchone()[0])
    finally:
        link.close()


def put(store: Store, channel: str, text: str) -> None:
    link = sqlite3.connect(store.path)
    with link:
        link.execute("UPDATE token SET sealed = ? WHERE channel = ?", (text, channel))
    link.close()


def test_a_row_moved_to_another_channel_does_not_open(store: Store) -> None:
    vault(store).write("x", TOKEN)
    vault(store).write("x-en", {"access": "its own"})
    put(store, "x-en", sealed(store, "x"))
    with pytest.raises(Locked, match="x-en"):
        vault(store).read("x-en")


@pytest.mark.parametrize("broken", ["", "1:", "1:AAAA", "nonsense", "ä", "1:" + "A" * 64])
def test_a_broken_row_says_the_remedy(store: Store, broken: str) -> None:
    vault(store).write("x", TOKEN)
    put(store, "x", broken)
    with pytest.raises(Locked, match="julki connect x"):
        vault(store).read("x")


def test_any_changed_letter_is_noticed(store: Store) -> None:
    vault(store).write("x", TOKEN)
    before = sealed(store, "x")
    for at in range(2, len(before.rstrip("=")) - 1, 7):  # of the last one some bits mean nothing (RFC 4648, 3.5)
        put(store, "x", before[:at] + ("B" if before[at] != "B" else "C") + before[at + 1 :])
        with pytest.raises(Locked):
            vault(store).read("x")


def test_without_its_key_it_is_locked_and_says_the_remedy(store: Store) -> None:
    vault(store).write("x", TOKEN)
    key(store).rename(key(store).with_name("away"))
    with pytest.raises(Locked, match=r"gone.*julki connect"):
        vault(store).read("x")
    vault(store).write("x", {"access": "signed in again"})
    assert vault(store).read("x") == {"access": "signed in again"}


def test_under_another_key_it_is_locked(store: Store) -> None:
    vault(store).write("x", TOKEN)
    key(store).unlink()
    keyfile.make(key(store))
    with pytest.raises(Locked, match="julki connect x"):
        vault(store).read("x")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_refused(store: Store, mode: int) -> None:
    vault(store).write("x", TOKEN)
    key(store).chmod(mode)
    with pytest.raises(Locked, match="chmod 600"):
        vault(store).read("x")
    with pytest.raises(Locked, match="chmod 600"):
        vault(store).write("x", TOKEN)


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff" * 44, b"!" * 44, base64.b64encode(bytes(31))])
def test_a_file_that_holds_no_key_is_refused_and_never_overwritten(store: Store, content: bytes) -> None:
    handle = os.open(key(store), os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(handle, content)
    os.close(handle)
    with pytest.raises(Locked, match="holds no key"):
        vault(store).write("x", TOKEN)
    assert key(store).read_bytes() == content


def test_a_key_that_is_given_leaves_no_file(store: Store) -> None:
    given_key = made()
    vault(store, given_key).write("x", TOKEN)
    assert not key(store).exists()
    assert vault(store, given_key).read("x") == TOKEN
    assert vault(store, given_key.translate(str.maketrans("+/", "-_"))).read("x") == TOKEN
    with pytest.raises(Locked, match="JULKI_DESK_KEY"):
        vault(store, made()).read("x")


@pytest.mark.parametrize("bad", ["password", "=" * 44, base64.b64encode(bytes(30)).decode(), "ä" * 44])
def test_a_bad_given_key_is_refused_without_being_shown(store: Store, bad: str) -> None:
    with pytest.raises(Locked, match="JULKI_DESK_KEY") as caught:
        vault(store, bad).write("x", TOKEN)
    assert bad not in str(caught.value)


def test_many_that_begin_at_once_end_with_one_key(store: Store) -> None:
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait(10)
        vault(store).write(f"x-{number}", TOKEN)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert all(vault(store).read(f"x-{number}") == TOKEN for number in range(8))


def test_a_database_that_can_not_be_used_is_no_lost_token(store: Store, tmp_path: Path) -> None:
    vault(store).write("x", TOKEN)
    store.engine.dispose()
    store.path.rename(tmp_path / "away.db")
    with pytest.raises(Unavailable):
        vault(store).write("x", {"access": "new"})
    with pytest.raises(Unavailable):
        vault(store).read("x")
