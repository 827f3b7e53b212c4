"""The desk's own pages: the board, health, figures."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from scheduler.console.server import host_of, serve
from scheduler.delivery import acts
from scheduler.delivery.acts import Person
from scheduler.desk import once
from scheduler.desk.assemble import Desk, assemble
from scheduler.store import breakers, deliveries, pauses
from scheduler.web import Server
from scheduler.workspace import load

NOW = datetime(2026, 11, 24, 7, 0, 30, tzinfo=UTC)
SETTINGS = """
[site]
title = "Kaiku & <b>co</b>"
timezone = "Europe/Helsinki"
[desk]
since = 2026-01-01
[kinds.news]
channels = ["website", "x"]
late = "2h"
[channels.website]
adapter = "website"
[channels.x]
adapter = "x"
sandbox = true
[console]
port = 0
"""


@dataclass
class Beating:
    """A daemon that is well, or not."""

    stuck: list[str] = field(default_factory=list)
    troubles: Mapping[str, str] = field(default_factory=dict)
    idle: Mapping[str, float] = field(default_factory=lambda: {"files": 1.5, "x": 0.25})


def write(root: Path, name: str, title: str, at: str, more: str = "") -> None:
    path = root / "content" / "news" / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\ntitle: '{title}'\npublish_at: {at}\n{more}---\n\nText.\n", "utf-8")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """One piece out, one ahead, one too late, one far ahead."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "julki.toml").write_text(SETTINGS, "utf-8")
    write(tmp_path, "now", "Out & about", "2026-11-24 09:00")
    write(tmp_path, "soon", "Tomorrow", "2026-11-25 10:15")
    write(tmp_path, "late", "<script>alert(1)</script>", "2026-11-23 09:00")
    write(tmp_path, "far", "Next year", "2027-02-01 09:00")
    desk = assemble(load(tmp_path, {}), lambda: NOW)
    once.refresh(desk)
    once.publish(desk)
    yield desk
    desk.close()


@pytest.fixture
def server(desk: Desk) -> Iterator[Server]:
    server = serve(desk, Beating())
    server.start()
    yield server
    server.stop()


def ask(server: Server, path: str, method: str = "GET", host: str | None = None) -> tuple[int, str, Mapping[str, str]]:
    assert server.address
    link = http.client.HTTPConnection(server.address.removeprefix("http://"), timeout=20)
    try:
        link.request(method, path, headers={"Host": host} if host else {})
        answer = link.getresponse()
        return answer.status, answer.read().decode(), {k.lower(): v for k, v in answer.getheaders()}
    finally:
        link.close()


class Reading(HTMLParser):
    """The page as somebody hears it: its words, and which elements there are."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def section(self, start: str, end: str) -> str:
        return self.text.partition(start)[2].partition(end)[0]


def board(server: Server) -> Reading:
    status, page, _ = ask(server, "/")
    assert status == 200
    return Reading(page)


def test_the_board_shows_the_week_ahead_in_the_sites_zone(server: Server) -> None:
    read = board(server)
    assert "All times are those of Europe/Helsinki." in read.text
    ahead = read.section("Goes out in the next seven days", "Went out lately")
    assert "Wednesday 25 November" in ahead
    assert "10:15 Tomorrow fi/soon website x sandbox" in ahead
    assert "planned" in ahead
    assert "Next year" not in read.text


def test_what_waits_for_a_person_says_why_and_what_settles_it(server: Server, desk: Desk) -> None:
    with desk.store.read() as db:
        held = [row.id for row in deliveries.queue(db, "held")]
    section = board(server).section("Waits for a person", "Goes out in")
    assert len(held) == 2
    assert all(f"julki retry {number}" in section for number in held)
    assert "may be 2h late at most" in section
    assert "held" in section


def test_what_went_out_is_there(server: Server) -> None:
    section = board(server).section("Went out lately", "Channel Waiting")
    assert "Out & about" in section
    assert "24 Nov 09:00" in section


def test_a_sandbox_is_called_one(server: Server) -> None:
    section = board(server).text.rpartition("Channels")[2]
    assert "website 2 1 1 live" in section
    assert "x 2 1 1 sandbox nothing leaves this machine" in section


def test_a_pause_stands_there_with_its_reason_and_its_end(server: Server, desk: Desk) -> None:
    acts.pause(desk.store, "channel", "x", "a crisis <now>", Person("Maija", NOW))
    read = board(server)
    assert "The channel x was paused by Maija on 2026-11-24 09:00: a crisis <now>." in read.text
    assert "julki resume --channel x" in read.text


def test_titles_are_text_and_nothing_runs(server: Server) -> None:
    read = board(server)
    assert "<script>alert(1)</script>" in read.text
    assert "Kaiku & <b>co</b>" in read.text
    names = {tag for tag, _ in read.elements}
    assert names.isdisjoint({"script", "b", "iframe", "form"})
    assert not any(name.startswith("on") or name == "style" for _, attrs in read.elements for name in attrs)


def test_the_page_can_be_read_without_seeing_it(server: Server) -> None:
    read = board(server)
    by_name: dict[str, list[dict[str, str | None]]] = {}
    for tag, attrs in read.elements:
        by_name.setdefault(tag, []).append(attrs)
    assert by_name["html"][0]["lang"] == "en"
    assert len(by_name["h1"]) == len(by_name["main"]) == 1
    assert all("scope" in attrs for attrs in by_name["th"])
    assert by_name["a"][0]["href"] == "#main"
    ids = [attrs["id"] for _, attrs in read.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {attrs["aria-labelledby"] for attrs in by_name["section"]} <= set(ids)
    assert {attrs.get("lang") for attrs in by_name["span"] if attrs.get("class") == "title"} == {"fi"}


def test_the_style_knows_light_and_dark(server: Server) -> None:
    status, text, headers = ask(server, "/board.css")
    assert (status, headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "prefers-color-scheme: dark" in text


def test_an_empty_desk_has_a_board_too(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "julki.toml").write_text('[channels.x]\nadapter = "x"\n[console]\nport = 0\n', "utf-8")
    desk = assemble(load(tmp_path, {}), lambda: NOW)
    server = serve(desk)
    server.start()
    try:
        assert "Nothing. All is well." in board(server).text
        assert json.loads(ask(server, "/healthz")[1])["last_scan"] is None
        assert "julki_worker_idle_seconds{" not in ask(server, "/metrics")[1]
    finally:
        server.stop()
        desk.close()


def test_health_is_ok_when_all_is_well(server: Server) -> None:
    status, text, headers = ask(server, "/healthz")
    assert (status, headers["content-type"]) == (200, "application/json")
    assert json.loads(text) == {
        "status": "ok",
        "database": "ok",
        "stuck": [],
        "last_scan": 1.5,
        "open_attempts": 0,
        "oldest_overdue": None,
        "troubles": [],
        "resting": [],
        "paused": [],
    }


def test_a_stuck_worker_is_trouble(desk: Desk) -> None:
    server = serve(desk, Beating(stuck=["x"]))
    server.start()
    try:
        status, text, _ = ask(server, "/healthz")
    finally:
        server.stop()
    assert (status, json.loads(text)["status"], json.loads(text)["stuck"]) == (503, "trouble", ["x"])


def test_what_keeps_the_desk_from_its_work_is_said_in_words(desk: Desk) -> None:
    server = serve(desk, Beating(troubles={"content": "The folder content/ is missing."}))
    server.start()
    try:
        status, text, _ = ask(server, "/healthz")
    finally:
        server.stop()
    assert (status, json.loads(text)["troubles"]) == (503, ["The folder content/ is missing."])


def test_a_channel_that_is_left_alone_and_a_pause_are_shown_everywhere(server: Server, desk: Desk) -> None:
    now = desk.clock()
    with desk.store.write() as db:
        until = now + timedelta(minutes=9)
        down = {
            "failures": 7,
            "opened_at": now,
            "until": until,
            "error": "Connection refused.",
            "culprit": 0,
            "refusals": 0,
        }
        down |= {"since": now}
        breakers.put(db, "x", down)
        pauses.begin(db, "project", "kanta", "vaalit", "Maija", now)
    status, text, _ = ask(server, "/healthz")
    told = json.loads(text)
    assert (status, told["resting"], told["paused"]) == (200, ["x"], ["project kanta"])
    figures = ask(server, "/metrics")[1]
    assert 'julki_channel_resting{channel="x"} 1.0' in figures
    assert 'julki_channel_resting{channel="website"} 0.0' in figures
    assert "julki_pauses 1.0" in figures
    assert "Connection refused." in board(server).text
    assert "The project kanta was paused by Maija" in board(server).text


def test_a_lost_database_is_trouble(server: Server, desk: Desk) -> None:
    desk.store.close()
    for path in desk.store.path.parent.glob("julki.db*"):
        path.unlink()
    desk.store.path.mkdir()
    status, text, _ = ask(server, "/healthz")
    assert (status, json.loads(text)["database"]) == (503, "trouble")


def test_figures_are_those_of_the_rows(server: Server) -> None:
    status, text, headers = ask(server, "/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = {
        (one.name, *sorted(one.labels.items())): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }
    assert samples["julki_deliveries", ("channel", "x"), ("state", "published")] == 1
    assert samples["julki_deliveries", ("channel", "x"), ("state", "planned")] == 2
    assert samples["julki_deliveries", ("channel", "x"), ("state", "held")] == 1
    assert samples["julki_deliveries", ("channel", "x"), ("state", "failed")] == 0
    assert samples["julki_open_attempts",] == 0
    assert samples["julki_oldest_overdue_seconds",] == 0
    assert samples["julki_worker_idle_seconds", ("worker", "x")] == 0.25


def test_what_is_overdue_shows_its_age(desk: Desk) -> None:
    acts.pause(desk.store, "all", "", "", Person("Maija", NOW))
    write(desk.workspace.root, "fresh", "Fresh", "2026-11-24 08:58")
    once.refresh(desk)
    server = serve(desk)
    server.start()
    try:
        seconds = json.loads(ask(server, "/healthz")[1])["oldest_overdue"]
    finally:
        server.stop()
    assert seconds == timedelta(minutes=2, seconds=30).total_seconds()


def test_only_the_machines_own_names_are_answered(server: Server) -> None:
    for host in ("evil.example", "evil.example:8020", "127.0.0.1.evil.example", "10.0.0.1", "["):
        for path in ("/", "/healthz", "/metrics", "/board.css", "/nothing"):
            status, text, headers = ask(server, path, host=host)
            assert (status, "only for the machine" in text) == (421, True)
            assert "default-src 'none'" in headers["content-security-policy"]
    for host in ("localhost", "localhost:9", "127.0.0.1:1", "[::1]:8020", "LOCALHOST"):
        assert ask(server, "/healthz", host=host)[0] == 200


def test_the_host_is_read_without_its_port() -> None:
    assert [host_of(name) for name in ("[::1]:80", "A.b:1", "", "[")] == ["::1", "a.b", "", ""]


def test_reading_is_all_there_is(server: Server) -> None:
    for path in ("/", "/healthz", "/metrics"):
        assert ask(server, path, "POST")[0] == 405
        assert ask(server, path, "HEAD")[:2] == (200, "")


def test_every_answer_is_guarded(server: Server) -> None:
    for path in ("/", "/nothing", "/healthz"):
        headers = ask(server, path)[2]
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
