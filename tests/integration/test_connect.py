"""`julki connect`: a person, a browser, a terminal, and the mock X."""

from __future__ import annotations

import http.client
import os
import socket
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from typer.testing import CliRunner

from channels.samples import CANARY
from scheduler import workspace
from scheduler.cli import connecting
from scheduler.cli.main import app
from scheduler.desk import accounts
from scheduler.desk.callback import Callback, Outcome, fields
from scheduler.store import pauses
from scheduler.store.engine import open_store
from scheduler.store.vault import StoredVault
from tests.mocks.signing import age, held, visit
from tests.mocks.typist import Typist, typist
from tests.mocks.x.server import MockX

CLIENT = {"JULKI_X_CLIENT_ID": f"{CANARY}-client_id", "JULKI_X_CLIENT_SECRET": f"{CANARY}-client_secret"}
KEYS = {f"JULKI_X_{name}": f"{CANARY}-{name.lower()}" for name in ("API_KEY", "API_SECRET", "ACCESS_TOKEN")}
KEYS["JULKI_X_ACCESS_TOKEN_SECRET"] = f"{CANARY}-access_token_secret"


@pytest.fixture
def mock() -> Iterator[MockX]:
    with MockX() as found:
        yield found


@pytest.fixture
def desk(tmp_path: Path, mock: MockX) -> Typist:
    one = typist(tmp_path / "desk")
    told = f'sandbox = false\nauth = "oauth2"\napi_url = "{mock.url}"\nauthorize_url = "{mock.url}/i/oauth2/authorize"'
    one.settles(r"^sandbox = true +# posts.*$", told)
    return one


@pytest.fixture
def port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Future[str]]]:
    """A browser that goes where it is sent; what it is shown there."""
    shown: list[Future[str]] = []
    with ThreadPoolExecutor(1) as pool:

        def browse(address: str) -> bool:
            shown.append(pool.submit(_page, address))
            return True

        monkeypatch.setattr("webbrowser.open", browse)
        yield shown


def _page(address: str) -> str:
    try:
        with urllib.request.urlopen(visit(address), timeout=10) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()


def vault(desk: Typist) -> StoredVault:
    found = workspace.load(desk.root, {})
    return accounts.vault(found, open_store(found.settings.database.url, desk.root), lambda: datetime.now(UTC))


def test_by_a_browser(desk: Typist, mock: MockX, port: int, pages: list[Future[str]]) -> None:
    result = desk.types("connect", "x", "--port", str(port), **CLIENT)
    assert "Julki is signed in as @desk." in result.stdout
    page = pages[0].result(10)
    assert "<h1>Signed in</h1>" in page
    assert "@desk" in page
    assert held(vault(desk)).username == "desk"
    told = desk.types("doctor", code=None, **CLIENT).stdout
    assert "fine   x" in told
    assert "Signed in as @desk, since" in told
    for secret in (*mock.oauth2.issued, CLIENT["JULKI_X_CLIENT_SECRET"]):
        assert secret not in result.output + page + told


def test_by_hand(desk: Typist) -> None:
    with Terminal(desk) as terminal:
        terminal.paste(visit(terminal.address()))
        assert "Julki is signed in as @desk." in terminal.ends(0)
    assert held(vault(desk)).username == "desk"


def test_the_command_itself_opens_the_browser_that_the_machine_has(desk: Typist, port: int, tmp_path: Path) -> None:
    browser = tmp_path / "browser.py"
    browser.write_text("import sys, urllib.request\nurllib.request.urlopen(sys.argv[1], timeout=20).read()\n")
    command = [Path(sys.executable).with_name("julki"), "connect", "x", "--port", str(port), "--workspace", desk.root]
    environ = {**os.environ, **CLIENT, "BROWSER": f"{sys.executable} {browser} %s"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Julki is signed in as @desk." in done.stdout


class Terminal:
    """`julki connect x --no-browser` in a process of its own, at a terminal that can be typed at."""

    def __init__(self, desk: Typist) -> None:
        command = [Path(sys.executable).with_name("julki"), "connect", "x", "--no-browser", "--workspace", desk.root]
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **CLIENT},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._process.kill()

    def address(self) -> str:
        assert self._process.stdout
        for line in self._process.stdout:
            if "/i/oauth2/authorize?" in line:
                return line.strip()
        raise AssertionError("no address was shown")

    def paste(self, text: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def ends(self, code: int) -> str:
        told, _ = self._process.communicate(timeout=60)
        assert self._process.returncode == code, told
        return told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda address: address.replace("state=", "state=x"), "not the answer to the question"),
        (lambda address: address.replace("code=", "code=x"), "did not take the code"),
        (lambda _: "http://127.0.0.1:8022/callback?error=access_denied", "not the answer to the question"),
        (lambda _: "I don't know what you mean", "not the answer to the question"),
        (lambda _: "http://[", "not the answer to the question"),
        (lambda _: "", "not the answer to the question"),
    ],
)
def test_what_is_pasted_wrongly_is_told_plainly(desk: Typist, change: Callable[[str], str], told: str) -> None:
    with Terminal(desk) as terminal:
        terminal.paste(change(visit(terminal.address())))
        assert told in terminal.ends(1)
    assert vault(desk).read("x") is None


def test_nothing_pasted_signs_nobody_in(desk: Typist) -> None:
    result = CliRunner().invoke(app, ["connect", "x", "--no-browser", "--workspace", str(desk.root)], env=CLIENT)
    assert result.exit_code == 1
    assert "Nothing was pasted" in result.stderr


def test_a_refusal_is_told_in_both_places(desk: Typist, mock: MockX, port: int, pages: list[Future[str]]) -> None:
    mock.consent = "deny"
    result = desk.types("connect", "x", "--port", str(port), code=1, **CLIENT)
    assert "X was told not to let Julki in." in result.stderr
    page = pages[0].result(10)
    assert "<h1>Not signed in</h1>" in page
    assert "X was told not to let Julki in." in page


def test_nobody_comes_back(desk: Typist, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webbrowser.open", lambda _: False)
    monkeypatch.setattr("scheduler.cli.connecting._PATIENCE", 0.1)
    result = desk.types("connect", "x", "--port", str(port), code=1, **CLIENT)
    assert "Nobody came back" in result.stderr


def test_a_port_that_is_taken_is_told_plainly(desk: Typist, port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        result = desk.types("connect", "x", "--port", str(port), code=1, **CLIENT)
    assert f"Port {port}" in result.stderr
    assert "--port" in result.stderr


@pytest.mark.parametrize("channel", ["website", "newsletter"])
def test_a_channel_without_accounts_says_so(desk: Typist, channel: str) -> None:
    assert "sign in" in desk.types("connect", channel, code=1).stderr


def test_a_sandbox_says_so(tmp_path: Path) -> None:
    assert "sandbox" in typist(tmp_path / "desk").types("connect", "x", code=1).stderr


def test_a_channel_that_is_not_there_is_wrong_usage(desk: Typist) -> None:
    assert "no channel 'xx'" in desk.types("connect", "xx", code=2).stderr


def test_without_the_apps_name_the_variable_is_named(desk: Typist) -> None:
    result = desk.types("connect", "x", code=1)
    assert "JULKI_X_CLIENT_ID" in result.stderr
    assert "JULKI_X_CLIENT_SECRET" not in result.stderr


def test_four_keys_are_verified(desk: Typist, mock: MockX) -> None:
    desk.settles(r'^auth = "oauth2"$', 'auth = "oauth1"')
    assert "posts as @desk" in desk.types("connect", "x", **KEYS).stdout
    missing = desk.types("connect", "x", code=1, JULKI_X_API_KEY="k").stderr
    assert "JULKI_X_API_SECRET" in missing
    assert "JULKI_X_API_KEY," not in missing
    mock.fail("me", (401, {}, {"title": "Unauthorized", "detail": f"Bad {KEYS['JULKI_X_API_SECRET']}"}))
    result = desk.types("connect", "x", code=1, **KEYS)
    assert "Check the four X keys" in result.stderr
    assert CANARY not in result.output


def test_a_paused_channel_is_named_and_the_act_recorded(desk: Typist, port: int, pages: list[Future[str]]) -> None:
    store = open_store("sqlite:///var/julki.db", desk.root)
    with store.write() as db:
        pauses.begin(db, "channel", "x", "X answered 401.", "desk", datetime.now(UTC))
    store.close()
    assert "julki resume --channel x" in desk.types("connect", "x", "--port", str(port), **CLIENT).stdout
    link = sqlite3.connect(desk.root / "var" / "julki.db")
    acts = link.execute("SELECT act, channel, detail FROM audit").fetchall()
    link.close()
    assert ("connect", "x", "@desk") in acts


def test_another_account_than_before_is_told(desk: Typist, mock: MockX, port: int, pages: list[Future[str]]) -> None:
    desk.types("connect", "x", "--port", str(port), **CLIENT)
    other = mock.accounts.named("somebody_else")
    mock.accounts._all.reverse()
    result = desk.types("connect", "x", "--port", str(port), **CLIENT)
    assert f"@{other.username}" in result.stdout
    assert "Until now the channel 'x' was @desk." in result.stderr


# What doctor foresees


def outlook(desk: Typist, **environ: str) -> str:
    told = desk.types("doctor", code=None, **environ).stdout
    return next(line for line in told.splitlines() if line.split()[2] == "x")


@pytest.mark.parametrize(
    ("left", "mark", "told"),
    [
        (timedelta(days=8), "fine", "lapses"),
        (timedelta(days=6, hours=23), "look", "It lapses on"),
        (timedelta(hours=1), "look", "julki connect x"),
        (timedelta(seconds=-1), "wrong", "julki connect x"),
    ],
)
def test_doctor_foresees_a_week_ahead(
    desk: Typist, port: int, pages: list[Future[str]], left: timedelta, mark: str, told: str
) -> None:
    desk.types("connect", "x", "--port", str(port), **CLIENT)
    age(vault(desk), timedelta(hours=1), lapses_at=datetime.now(UTC) + left)
    line = outlook(desk, **CLIENT)
    assert line.split()[1] == mark
    assert told in line
    troubles = accounts.troubles(workspace.load(desk.root, CLIENT), vault(desk), datetime.now(UTC))
    assert bool(troubles) == (mark != "fine")


def test_doctor_tells_what_is_wrong(desk: Typist, port: int, pages: list[Future[str]]) -> None:
    assert "JULKI_X_CLIENT_ID" in outlook(desk)
    assert "julki connect x" in outlook(desk, **CLIENT)
    desk.types("connect", "x", "--port", str(port), **CLIENT)
    age(vault(desk), timedelta(hours=1), spent=True)
    assert "Good until" in outlook(desk, **CLIENT)
    (desk.root / "var" / "julki.key").chmod(0o644)
    assert "chmod 600" in outlook(desk, **CLIENT)
    (desk.root / "var" / "julki.key").unlink()
    line = outlook(desk, **CLIENT)
    assert line.split()[1] == "wrong"
    assert "julki connect" in line


# The place that the browser comes back to


def asked(port: int, target: str, method: str = "GET", host: str = "") -> tuple[int, http.client.HTTPMessage, str]:
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    link.request(method, target, headers={"Host": host or f"127.0.0.1:{port}"})
    answer = link.getresponse()
    body = answer.read().decode()
    link.close()
    return answer.status, answer.headers, body


def test_it_answers_once_and_shows_nothing_that_it_was_sent(capsys: pytest.CaptureFixture[str]) -> None:
    calls = []

    def accept(answer: object) -> Outcome:
        calls.append(answer)
        return Outcome(True, "Julki is signed in as <b>@desk</b>.")

    with Callback(0, accept) as callback:
        port = urlsplit(callback.address).port or 0
        for target, host in (("/", ""), ("/favicon.ico", ""), ("/callback?code=c", "evil.example")):
            assert asked(port, target, host=host)[0] == 404
        assert asked(port, "/callback?code=c0de", method="POST")[0] == 501
        assert not calls
        answers = [asked(port, "/callback?code=c0de&state=st4te") for _ in range(3)]
        assert callback.wait(5) == Outcome(True, "Julki is signed in as <b>@desk</b>.")
    assert calls == [{"code": "c0de", "state": "st4te"}]
    for status, headers, body in answers:
        assert status == 200
        assert "&lt;b&gt;@desk&lt;/b&gt;" in body
        assert not any(sent in body for sent in ("c0de", "st4te"))
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert '<html lang="en">' in body
    assert capsys.readouterr() == ("", "")


def test_it_listens_on_this_machine_alone() -> None:
    with Callback(0, lambda _: Outcome(False, "")) as callback:
        assert urlsplit(callback.address).hostname == "127.0.0.1"


def test_a_connection_that_says_nothing_keeps_nobody_waiting() -> None:
    with Callback(0, lambda _: Outcome(True, "Fine.")) as callback:
        port = urlsplit(callback.address).port or 0
        with socket.create_connection(("127.0.0.1", port)):
            assert asked(port, "/callback?code=c")[0] == 200


@pytest.mark.parametrize("odd", ["", "?", "http://[", "x?" + "&".join(f"a{n}=1" for n in range(30)), "no question"])
def test_odd_addresses_say_nothing(odd: str) -> None:
    assert fields(odd) == {}


def test_a_stray_request_ends_nothing(tmp_path: Path) -> None:
    """An address that anything on the machine may ask for, a tab that was left open: the right answer may still come."""
    answers: list[dict[str, str]] = []

    def accept(answer: Mapping[str, str]) -> Outcome:
        answers.append(dict(answer))
        good = answer.get("state") == "right"
        return Outcome(good, "Signed in." if good else "No.", stray=not good)

    with Callback(0, accept) as callback:
        for query, status in (("", 400), ("?state=wrong", 400), ("?state=right", 200), ("?state=wrong", 200)):
            assert requests.get(callback.address + query, timeout=5).status_code == status
        assert callback.wait(1) == Outcome(True, "Signed in.")
    assert len(answers) == 3


def test_the_browser_gets_no_secret_of_the_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JULKI_X_CLIENT_SECRET", "hidden")
    with connecting._without_secrets():
        assert "JULKI_X_CLIENT_SECRET" not in os.environ
    assert os.environ["JULKI_X_CLIENT_SECRET"] == "hidden"
