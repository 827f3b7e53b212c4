"""The desk is killed at every step of renewing its tokens; the next one posts, once, and nobody has to sign in again."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from channels.contract import Vault
from channels.samples import CANARY
from scheduler import workspace
from scheduler.desk import accounts
from scheduler.store.engine import Store, open_store
from tests.mocks.desk_process import Fork
from tests.mocks.signing import age, held, sign_in
from tests.mocks.x.server import MockX

ENVIRON = {"JULKI_X_CLIENT_ID": f"{CANARY}-client_id", "JULKI_X_CLIENT_SECRET": f"{CANARY}-client_secret"}
CONFIG = """\
[site]
title = "D9"
url = "https://example.org"
timezone = "UTC"
languages = ["fi"]

[desk]
since = 2026-01-01

[kinds.news]
channels = ["x"]
late = "2h"

[channels.x]
adapter = "x"
sandbox = false
auth = "oauth2"
api_url = "{url}"
authorize_url = "{url}/i/oauth2/authorize"
timeout = "5s"
settle = "1s"
"""
PATIENCE = 60.0
ROUNDS = 6


class Scene:
    """A workspace with one piece that is due, an account that was signed in to, and an access token that has ended."""

    def __init__(self, root: Path, mock: MockX) -> None:
        self.root, self.mock = root, mock
        (root / "config").mkdir(parents=True)
        (root / "config" / "julki.toml").write_text(CONFIG.format(url=mock.url))
        (root / "content" / "news").mkdir(parents=True)
        self._desk: Fork | None = None
        self._sign_in()

    def _sign_in(self) -> None:
        with closing(self.store()) as store:
            account = accounts.account(workspace.load(self.root, ENVIRON), "x", self.vault(store))
            assert account
            assert sign_in(account) == "@desk"

    def store(self) -> Store:
        return open_store("sqlite:///var/julki.db", self.root)

    def vault(self, store: Store) -> Vault:
        return accounts.vault(workspace.load(self.root, {}), store, lambda: datetime.now(UTC))

    def expires(self) -> None:
        with closing(self.store()) as store:
            age(self.vault(store), timedelta(seconds=-1))

    def writes(self, name: str) -> None:
        at = datetime.now(UTC) - timedelta(seconds=1)
        text = f"---\ntitle: Piece {name}\npublish_at: {at:%Y-%m-%d %H:%M:%S}\n---\nWords.\n"
        (self.root / "content" / "news" / f"{name}.md").write_text(text)

    def starts(self) -> None:
        self._desk = Fork(self.root, ENVIRON)

    def kill(self) -> None:
        """SIGKILL to the desk, not to what it has sent off."""
        assert self._desk
        self._desk.kill()

    def kill_renewal(self) -> None:
        """SIGKILL to the process that asks X: it is the one that was told of this workspace's lock."""
        lock = (self.root / "var" / "sign-in" / "x.lock").stat()
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                renews = b"channels.x.renewal" in (process / "cmdline").read_bytes()
                files = [one.stat() for one in (process / "fd").iterdir() if renews]
                if any((one.st_dev, one.st_ino) == (lock.st_dev, lock.st_ino) for one in files):
                    os.kill(int(process.name), signal.SIGKILL)

    def landed(self) -> list[str]:
        """What a renewal has left for the vault."""
        names = [path.name for path in (self.root / "var" / "sign-in").glob("x.*")]
        return [name for name in names if not name.endswith((".lock", ".new"))]

    def unlocked(self) -> bool:
        """Whether no renewal is at work any more."""
        with (self.root / "var" / "sign-in" / "x.lock").open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    def alive(self) -> bool:
        return self._desk is not None and self._desk.alive

    def ends(self) -> None:
        if self._desk is not None:
            self._desk.kill()

    def posted(self, pieces: int = 1) -> None:
        """Everything is on the ledger once, published, and the channel not paused."""
        done = wait(lambda: self._hurried() == ["published"] * pieces, every=0.3)
        log = (self.root / "var" / "log").read_text(errors="replace")[-3000:]
        assert done, (self.states(), self.pauses(), log)
        assert not self.pauses()
        texts = [post.text.splitlines()[0] for post in self.mock.ledger.live()]
        assert len(set(texts)) == len(texts) == pieces
        with closing(self.store()) as store:
            kept = held(self.vault(store))
        assert (kept.spent, kept.pending) == (False, None)
        assert kept.refresh == self.mock.oauth2.issued[-1]

    def _hurried(self) -> list[str]:
        """How they stand; what waits for another try waits no longer: how long is not what is looked at here."""
        states = self.states()
        if "retrying" in states:
            with closing(sqlite3.connect(self.root / "var" / "julki.db", timeout=10)) as link, link:
                link.execute("UPDATE delivery SET ready_at = due_at WHERE state = 'retrying'")
        return states

    def states(self) -> list[str]:
        return [row[0] for row in self._rows("SELECT state FROM delivery")]

    def pauses(self) -> list[str]:
        return [row[0] for row in self._rows("SELECT reason FROM pause WHERE ended_at IS NULL")]

    def _rows(self, query: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(f"file:{self.root}/var/julki.db?mode=ro", uri=True, timeout=10)) as link:
            return link.execute(query).fetchall()


def wait(condition: Callable[[], bool], seconds: float = PATIENCE, every: float = 0.05) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(every)
    return condition()


@pytest.fixture
def mock() -> Iterator[MockX]:
    with MockX() as found:
        yield found


@pytest.fixture
def scene(tmp_path: Path, mock: MockX) -> Iterator[Scene]:
    one = Scene(tmp_path / "desk", mock)
    one.writes("yksi")
    one.expires()
    yield one
    one.ends()


class First:
    """Does it at the first call, and says whether that was it."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act, self._lock, self.done = act, threading.Lock(), threading.Event()

    def __call__(self, *_: object) -> bool:
        with self._lock:
            first = not self.done.is_set()
            if first:
                self._act()
                self.done.set()
            return first

    def quietly(self, *_: object) -> None:
        self()


def _at_the_request(scene: Scene, kill: First) -> None:
    scene.mock.on_token_ask = kill.quietly


def _at_the_rotation(scene: Scene, kill: First) -> None:
    scene.mock.on_token = kill.quietly


def _at_the_post(scene: Scene, kill: First) -> None:
    """The connection is cut as well: nothing is accepted of what came from the dead."""
    scene.mock.on_ask = lambda _text: not kill()


def _after_the_post(scene: Scene, kill: First) -> None:
    scene.mock.on_accept = kill.quietly


STEPS = {
    "X has the request": _at_the_request,
    "X has changed the tokens": _at_the_rotation,
    "X has the post": _at_the_post,
    "X has accepted the post": _after_the_post,
}


@pytest.mark.parametrize("step", STEPS)
def test_killed_when(scene: Scene, step: str) -> None:
    kill = First(scene.kill)
    STEPS[step](scene, kill)
    scene.starts()
    assert kill.done.wait(PATIENCE), (scene.root / "var" / "log").read_text()[-3000:]
    assert not scene.alive()
    scene.starts()
    scene.posted()
    assert len(scene.mock.oauth2.refreshes) == 2  # the first, and the one of the only renewal there was


def test_killed_when_the_answer_is_on_the_disk_and_not_in_the_vault(scene: Scene) -> None:
    """Somebody else writes into the database just then, so the desk can't."""
    changed, locked = threading.Event(), threading.Event()

    def hold_back() -> None:
        changed.set()
        locked.wait(PATIENCE)

    scene.mock.on_token = hold_back
    scene.starts()
    assert changed.wait(PATIENCE)
    with closing(sqlite3.connect(scene.root / "var" / "julki.db", isolation_level=None, timeout=20)) as other:
        other.execute("BEGIN IMMEDIATE")
        locked.set()
        landed = wait(lambda: bool(scene.landed()), every=0.002)
        scene.kill()
        other.execute("ROLLBACK")
    assert landed
    scene.starts()
    scene.posted()
    assert len(scene.mock.oauth2.refreshes) == 2
    assert not scene.landed()


def test_the_next_desk_waits_for_what_the_dead_one_began(scene: Scene) -> None:
    """X takes its time to answer; to ask with the same refresh token meanwhile would lose the account."""
    kill, answers = First(scene.kill), threading.Event()

    def hold_back() -> None:
        if kill():
            answers.wait(PATIENCE)

    scene.mock.on_token = hold_back
    scene.starts()
    assert kill.done.wait(PATIENCE)
    scene.starts()
    time.sleep(2.5)  # long enough for the desk to come to its first post, which has to wait
    assert len(scene.mock.oauth2.refreshes) == 2
    answers.set()
    scene.posted()
    assert len(scene.mock.oauth2.refreshes) == 2


def test_killed_as_soon_as_the_new_token_is_stored(scene: Scene) -> None:
    with closing(scene.store()) as store:
        vault = scene.vault(store)
        before = held(vault).refresh
        scene.starts()
        assert wait(lambda: held(vault).refresh != before, every=0.002)
        scene.kill()
    scene.starts()
    scene.posted()
    assert len(scene.mock.oauth2.refreshes) == 2


def test_killed_as_soon_as_the_renewal_is_begun(scene: Scene) -> None:
    with closing(scene.store()) as store:
        vault = scene.vault(store)
        scene.starts()
        assert wait(lambda: held(vault).pending is not None, every=0.002)
        scene.kill()
    scene.starts()
    scene.posted()


def test_the_renewal_itself_killed_before_x_has_changed_anything(scene: Scene) -> None:
    """The old refresh token is still good, and nobody has to know that."""
    scene.mock.fail_token("cut")
    kill = First(scene.kill_renewal)
    _at_the_request(scene, kill)
    scene.starts()
    scene.posted()
    assert kill.done.is_set()


def test_the_renewal_killed_in_the_worst_moment_leaves_what_is_left_of_the_old_token(scene: Scene) -> None:
    """X has changed the tokens, and whoever was to write them down is gone: nothing brings them back. The access token of
    before serves on, and what comes next is foreseen."""
    with closing(scene.store()) as store:
        age(scene.vault(store), timedelta(minutes=20))
    kill = First(scene.kill_renewal)
    _at_the_rotation(scene, kill)
    scene.starts()
    assert wait(lambda: scene.states() == ["published"])
    assert wait(kill.done.is_set)
    assert len(scene.mock.ledger.live()) == 1
    assert not scene.pauses()


def test_killed_again_and_again(scene: Scene) -> None:
    """At moments that nobody chose, while the token ends again and again."""
    chance = random.Random(seed := random.randrange(10**6))
    print(f"seed {seed}")
    for number in range(ROUNDS):
        if number:
            scene.writes(f"juttu-{number}")
            wait(scene.unlocked)
            scene.expires()
        asked = threading.Event()
        scene.mock.on_token_ask = asked.set
        scene.starts()
        asked.wait(PATIENCE if not number else 5)
        time.sleep(chance.random() * 0.08)
        scene.kill()
    scene.mock.on_token_ask = lambda: None
    scene.starts()
    scene.posted(ROUNDS)
