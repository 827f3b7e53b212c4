"""The log: what it says, to whom, and what it never says."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
import typer

from scheduler.cli import logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    logging.getLogger().handlers = []
    structlog.reset_defaults()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_machine_reads_json_of_both_kinds_of_logging() -> None:
    out = io.StringIO()
    logs.set_up("info", stream=out)
    structlog.get_logger("julki.calendar").info("planned", new=4)
    logging.getLogger("somebody").warning("%s is %s", "ink", "dry")
    first, second = map(json.loads, out.getvalue().splitlines())
    assert (first["event"], first["new"], first["level"], first["logger"]) == ("planned", 4, "info", "julki.calendar")
    assert (second["event"], second["level"]) == ("ink is dry", "warning")
    assert first["timestamp"].endswith("Z")


def test_a_person_reads_lines() -> None:
    out = Terminal()
    logs.set_up("info", stream=out)
    structlog.get_logger("julki.calendar").info("planned", new=4)
    assert "planned" in out.getvalue()
    assert not out.getvalue().startswith("{")


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_no_secret_is_in_any_line(stream: type[io.StringIO]) -> None:
    out = stream()
    logs.set_up("debug", ["s3cret/value"], out)
    log = structlog.get_logger("julki.x")
    log.info("sent s3cret/value", url="https://x.example/?k=s3cret%2Fvalue", deep={"list": ["s3cret/value"]})
    log.info("headers", authorization="Bearer abcdef", headers={"X-Token": "ghijkl", "password": "mnopqr"})
    try:
        int("s3cret/value")
    except ValueError:
        log.exception("failed")
        logging.getLogger("other").exception("failed with %s", "s3cret/value")
    told = out.getvalue()
    for word in ("s3cret/value", "s3cret%2Fvalue", "abcdef", "ghijkl", "mnopqr"):
        assert word not in told
    assert told.count("ValueError: invalid literal") == 2


def test_libraries_that_print_headers_are_quiet_even_when_debugging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JULKI_LOG", "debug")
    out = io.StringIO()
    logs.set_up("info", stream=out)
    for name in ("tweepy.client", "requests_oauthlib.oauth1_session", "apscheduler.scheduler", "uvicorn.access"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).debug("chatter")
    structlog.get_logger("julki.x").debug("mine")
    assert "chatter" not in out.getvalue()
    assert "mine" in out.getvalue()


def test_an_unknown_level_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JULKI_LOG", "loud")
    with pytest.raises(typer.BadParameter, match="debug, info, warning, error"):
        logs.set_up("info", stream=io.StringIO())
