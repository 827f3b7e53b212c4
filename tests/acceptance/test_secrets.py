"""No secret in any log at any level, in any exception, on any screen, in any file: not in clear, not encoded."""

from __future__ import annotations

import base64
import http.client
import io
import json
import logging
import shutil
import sqlite3
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import structlog

from channels.contract import Channel
from channels.errors import CannotTell, ChannelError
from channels.message import Message
from channels.samples import CANARY, capture, context, sample_piece, sample_view
from channels.x import ADAPTER
from channels.x.oauth2 import Client
from channels.x.renewal import Counter
from channels.x.tokens import Pending
from scheduler import workspace
from scheduler.cli import logs
from scheduler.desk import accounts
from scheduler.store.engine import open_store
from tests.mocks.signing import MemoryVault, age, held, opened, sign_in
from tests.mocks.typist import Typist, typist, wall
from tests.mocks.x.server import MockX

CLIENT = {"client_id": f"{CANARY}-client_id", "client_secret": f"{CANARY}-client_secret"}
KEYS = {name: f"{CANARY}-{name}" for name in ("api_key", "api_secret", "access_token", "access_token_secret")}
TALKERS = ("urllib3", "urllib3.connectionpool", "requests", "requests_oauthlib", "oauthlib", "tweepy", "sqlalchemy")


def forms(secret: str) -> set[str]:
    """How a secret may look where it has leaked."""
    found = {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], secret.encode().hex()}
    for ahead in range(3):
        code = base64.b64encode(b"\0" * ahead + secret.encode()).decode().rstrip("=")
        inner = code[(0, 2, 3)[ahead] : -1]
        found |= {inner, inner.translate(str.maketrans("+/", "-_"))}
    return found


def leaks(content: bytes, secrets: Sequence[str]) -> list[str]:
    """The beginnings of those secrets that are in it."""
    return [secret[:6] for secret in secrets if any(form.encode() in content for form in forms(secret))]


@pytest.mark.parametrize("ahead", [b"", b"a", b"ab", b"abc", b"Basic "])
def test_a_leak_would_be_found(ahead: bytes) -> None:
    secret = "s3cret-/+ä-of-some-length"
    for content in (ahead + secret.encode(), quote(secret, safe="").encode()):
        assert leaks(b"..." + content + b"...", [secret]) == ["s3cret"]
        assert leaks(base64.b64encode(ahead + secret.encode() + b":tail"), [secret])
        assert leaks(base64.urlsafe_b64encode(ahead + secret.encode()), [secret])
    assert leaks(b"nothing of it, only s3cret-/+", [secret]) == []


@dataclass
class Witness:
    """All that anybody may get to see."""

    log: io.StringIO = field(default_factory=io.StringIO)
    told: list[str] = field(default_factory=list)

    def failure(self, channel: Channel, message: Message) -> None:
        """Publish; the exception, with every local variable of every frame it came through."""
        try:
            channel.publish(message, "key", None)
        except ChannelError as error:
            self._note(error)
        else:
            raise AssertionError("it was to fail")

    def search(self, channel: Channel, message: Message) -> None:
        with suppress(CannotTell):
            try:
                channel.find(message, "key", datetime.now(UTC) - timedelta(hours=1))
            except ChannelError as error:
                self._note(error)

    def _note(self, error: Exception) -> None:
        whole = traceback.TracebackException.from_exception(error, capture_locals=True)
        self.told += ["".join(whole.format()), repr(error), str(error), getattr(error, "hint", ""), repr(vars(error))]
        logging.getLogger("witness").error("it failed", exc_info=error)

    def seen(self, *more: str) -> bytes:
        return "\n".join([self.log.getvalue(), *self.told, *more]).encode("utf-8", "replace")


@pytest.fixture
def witness(monkeypatch: pytest.MonkeyPatch) -> Iterator[Witness]:
    """Everything that logs does so, as loudly as it can."""
    one = Witness()
    handler = logging.StreamHandler(one.log)
    root = logging.getLogger()
    before = {name: logging.getLogger(name).level for name in ("", *TALKERS)}
    for name in before:
        logging.getLogger(name).setLevel(logging.DEBUG)
    root.addHandler(handler)
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    yield one
    root.removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def mock() -> Iterator[MockX]:
    with MockX() as found:
        yield found


def message(channel: Channel, root: Path, title: str) -> Message:
    made = channel.render(sample_piece(title=title), sample_view(root))[0]
    capture([made], root)
    return made


def files(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "julki.key")


def echo(secrets: Sequence[str]) -> dict[str, Any]:
    """X repeats what it was sent, in every field that somebody might show."""
    said = " ".join(secrets)
    return {"title": said, "detail": said, "error_description": said, "errors": [{"message": said}]}


def echoes_what_it_was_sent(mock: MockX, status: int) -> None:
    """The next post is answered so."""

    def on_ask(_text: str) -> bool:
        mock.on_ask = lambda _: True
        mock.fail_next((status, {}, echo(mock.oauth2.issued[-2:])))
        return True

    mock.on_ask = on_ask


def test_posting_with_four_keys(
    mock: MockX, tmp_path: Path, witness: Witness, capfd: pytest.CaptureFixture[str]
) -> None:
    options = ADAPTER.options(sandbox=False, api_url=mock.url)
    channel = ADAPTER.open("x", options, context(tmp_path, secrets=KEYS))
    secrets = list(KEYS.values())
    assert channel.publish(message(channel, tmp_path, "yksi"), "yksi", None)
    for fault in ((status, {}, echo(secrets)) for status in (400, 401, 402, 403, 429, 500, 503)):
        mock.fail_next(fault)
        witness.failure(channel, message(channel, tmp_path, "kaksi"))
    for name in ("cut", "html", "accepted-then-cut"):
        mock.fail_next(name)
        witness.failure(channel, message(channel, tmp_path, f"kolme {name}"))
    mock.fail_read((401, {}, echo(secrets)))
    witness.search(channel, message(channel, tmp_path, "neljä"))
    out = "".join(capfd.readouterr())
    assert "it failed" in witness.log.getvalue()
    assert leaks(witness.seen(out, repr(channel), repr(vars(channel))), secrets) == []


def test_signing_in_posting_and_renewing(
    mock: MockX, tmp_path: Path, witness: Witness, capfd: pytest.CaptureFixture[str]
) -> None:
    vault = MemoryVault()
    channel, account = opened(mock.url, tmp_path, vault)
    sign_in(account)
    assert channel.publish(message(channel, tmp_path, "yksi"), "yksi", None)
    age(vault, timedelta(seconds=-1))
    assert channel.publish(message(channel, tmp_path, "kaksi"), "kaksi", None)
    for status in (400, 402, 403, 429, 500, 503, 401, 401):
        echoes_what_it_was_sent(mock, status)
        witness.failure(channel, message(channel, tmp_path, "kolme"))
    sign_in(account)
    for fault in ("cut", "html", (503, {}, echo(mock.oauth2.issued)), (429, {}, echo(mock.oauth2.issued))):
        age(vault, timedelta(seconds=-1))
        mock.fail_token(fault)
        witness.failure(channel, message(channel, tmp_path, "neljä"))
    mock.fail_token((400, {}, {**echo([*mock.oauth2.issued, CLIENT["client_secret"]]), "error": "invalid_grant"}))
    witness.failure(channel, message(channel, tmp_path, "viisi"))
    mock.fail_token((401, {}, {**echo(mock.oauth2.issued), "error": "invalid_client"}))
    with pytest.raises(ChannelError) as caught:
        sign_in(account)
    witness.told.append(f"{caught.value} {caught.value.hint}")
    secrets = [*mock.oauth2.issued, CLIENT["client_secret"]]
    assert len(mock.oauth2.issued) >= 8
    out = "".join(capfd.readouterr())
    assert leaks(witness.seen(out, repr(channel), repr(vars(channel)), repr(vars(account))), secrets) == []
    assert leaks(files(tmp_path), secrets) == []


def test_the_process_that_renews_and_what_it_leaves(mock: MockX, tmp_path: Path) -> None:
    """Its arguments and its environment are every user's to read, and its file lies there until it is taken in."""
    vault = MemoryVault()
    _, account = opened(mock.url, tmp_path, vault)
    sign_in(account)
    shown: list[bytes] = []
    folder = tmp_path / "sign-in"

    def look() -> None:
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if b"channels.x.renewal" in (line := (process / "cmdline").read_bytes()):
                    shown.extend([line, (process / "environ").read_bytes()])

    mock.on_token = look
    counter, pending = Counter(folder, "x", 10.0), Pending()
    with pytest.MonkeyPatch.context() as patch, counter.held() as lock:
        patch.setenv("JULKI_X_CLIENT_SECRET", CLIENT["client_secret"])
        client = Client(CLIENT["client_id"], CLIENT["client_secret"])
        counter.run(client, mock.url, held(vault).refresh, pending, lock)
    assert counter.left(pending) is not None
    assert shown
    secrets = [*mock.oauth2.issued, CLIENT["client_secret"], pending.key]
    assert leaks(b"\n".join(shown), secrets) == []
    assert files(folder)
    assert leaks(files(folder), secrets) == []


@pytest.fixture
def desk(tmp_path: Path, mock: MockX) -> Typist:
    one = typist(tmp_path / "desk")
    told = f'sandbox = false\nauth = "oauth2"\napi_url = "{mock.url}"\nauthorize_url = "{mock.url}/i/oauth2/authorize"'
    one.settles(r"^sandbox = true +# posts.*$", told)
    return one


def test_the_commands_and_all_that_they_write(
    desk: Typist, mock: MockX, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    environ = {f"JULKI_X_{name.upper()}": value for name, value in CLIENT.items()}
    environ |= {"JULKI_LOG": "debug", "JULKI_DEBUG": "1"}
    shown = [screen for code, words in _day(desk, mock) for screen in _screens(desk, code, words, environ)]
    assert any("went out" in screen for screen in shown)
    assert len(mock.ledger.live()) == 1
    desk.types("backup", tmp_path / "desk.tar", **environ)
    mock.oauth2.expire()
    states = desk.types("queue", "--json", **environ).stdout
    out = "".join(capfd.readouterr())
    key = (desk.root / "var" / "julki.key").read_text().strip()
    secrets = [*mock.oauth2.issued, CLIENT["client_secret"], key]
    assert leaks("\n".join([*shown, out, states]).encode(), secrets) == []
    assert leaks(files(desk.root), secrets) == []
    assert leaks((tmp_path / "desk.tar").read_bytes(), secrets) == []
    raw = base64.b64decode(key)
    assert raw not in files(desk.root) + (tmp_path / "desk.tar").read_bytes()


def _day(desk: Typist, mock: MockX) -> Iterator[tuple[int | None, Sequence[str]]]:
    """A sign-in, a post, a renewal, refusals that echo; each command as it is typed."""
    _signed_in(desk)
    desk.writes("news/2026-11-24-yksi.md", publish_at=wall(minutes=-1), channels="[x]")
    yield None, ("run", "--once")
    yield None, ("doctor",)
    desk.writes("news/2026-11-24-kaksi.md", publish_at=wall(minutes=-1), channels="[x]")
    _expired(desk)
    mock.fail_token((503, {}, echo(mock.oauth2.issued)))
    yield None, ("run", "--once")
    desk.writes("news/2026-11-24-kolme.md", publish_at=wall(minutes=-1), channels="[x]")
    echoes_what_it_was_sent(mock, 401)
    yield None, ("run", "--once")
    mock.fail_token((400, {}, {**echo(mock.oauth2.issued), "error": "invalid_grant"}))
    _expired(desk)
    desk.writes("news/2026-11-24-nelja.md", publish_at=wall(minutes=-1), channels="[x]")
    yield None, ("run", "--once")
    yield None, ("queue",)
    yield None, ("doctor",)


def _screens(desk: Typist, code: int | None, words: Sequence[str], environ: dict[str, str]) -> list[str]:
    result = desk.types(*words, code=code, **environ)
    return [result.output, result.stderr, "" if result.exception is None else repr(result.exception)]


def _signed_in(desk: Typist) -> None:
    environ = {f"JULKI_X_{name.upper()}": value for name, value in CLIENT.items()}
    found = workspace.load(desk.root, environ)
    store = open_store(found.settings.database.url, desk.root)
    account = accounts.account(found, "x", accounts.vault(found, store, lambda: datetime.now(UTC)))
    assert account
    sign_in(account)
    store.close()


def _expired(desk: Typist) -> None:
    found = workspace.load(desk.root, {})
    store = open_store(found.settings.database.url, desk.root)
    age(accounts.vault(found, store, lambda: datetime.now(UTC)), timedelta(seconds=-1))
    store.close()


def test_no_form_of_the_desks_own_log_shows_a_secret(tmp_path: Path) -> None:
    secret = CLIENT["client_secret"]
    stream = io.StringIO()
    try:
        logs.set_up("debug", [secret], stream)
        log = structlog.get_logger("julki.test")
        log.info(
            "told", text=f"it is {secret}", access_token="a-t0ken-that-nobody-knows", more={"refresh_token": "r-t0ken"}
        )
        log.error("it failed", exc_info=ValueError(f"with {secret}"))
    finally:
        logging.getLogger().handlers = []
        structlog.reset_defaults()
    assert "it failed" in stream.getvalue()
    assert leaks(stream.getvalue().encode(), [secret, "a-t0ken-that-nobody-knows"]) == []
    assert "r-t0ken" not in stream.getvalue()


def test_a_copied_database_alone_is_worth_nothing(desk: Typist, tmp_path: Path) -> None:
    _signed_in(desk)
    other = tmp_path / "elsewhere"
    shutil.copytree(desk.root, other, ignore=shutil.ignore_patterns("julki.key"))
    found = workspace.load(other, {})
    store = open_store(found.settings.database.url, other)
    link = sqlite3.connect(other / "var" / "julki.db")
    assert link.execute("SELECT count(*) FROM token").fetchone() == (1,)
    link.close()
    environ = {f"JULKI_X_{name.upper()}": value for name, value in CLIENT.items()}
    sealed = accounts.vault(found, store, lambda: datetime.now(UTC))
    (standing,) = accounts.outlooks(workspace.load(other, environ), sealed, datetime.now(UTC))
    store.close()
    assert standing.mark == "wrong"
    assert "key" in standing.told
