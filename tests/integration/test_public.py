"""The built site, served to the world."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from scheduler.public.server import application, serve
from scheduler.settings import Settings
from scheduler.web import Server
from scheduler.workspace import Workspace


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> Answer:
    assert server.address
    link = http.client.HTTPConnection(server.address.removeprefix("http://"), timeout=10)
    try:
        link.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            link.putheader(name.replace("_", "-"), value)
        link.endheaders()
        answer = link.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        link.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    pages = {
        "index.html": "<h1>Koti</h1>",
        "404.html": "<h1>Ei ole</h1>",
        "fi/news/lupa/index.html": "<h1>Lupa</h1>",
        "fi/rss.xml": "<rss/>",
        "fi/atom.xml": "<feed/>",
        "fi/feed.json": "{}",
        "sitemap.xml": "<urlset/>",
        "theme.css": "body{}",
        "film.vtt": "WEBVTT",
        ".half-written": "secret",
    }
    for name, text in pages.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (tmp_path / "outside.txt").write_text("secret", "utf-8")
    (site / "leak.txt").symlink_to(tmp_path / "outside.txt")
    return site


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    server = Server("public", application(folder), "127.0.0.1", 0)
    server.start()
    yield server
    server.stop()


def test_folders_show_their_page(server: Server) -> None:
    assert ask(server, "/").body == b"<h1>Koti</h1>"
    page = ask(server, "/fi/news/lupa/")
    assert (page.status, page.body) == (200, b"<h1>Lupa</h1>")
    assert page.headers["content-type"] == "text/html; charset=utf-8"


def test_a_folder_without_its_slash_is_sent_on_within_the_site(server: Server) -> None:
    answer = ask(server, "/fi/news/lupa", Host="evil.example")
    assert (answer.status, answer.headers["location"]) == (307, "/fi/news/lupa/")
    assert ask(server, "//fi/news/lupa").headers["location"] == "/fi/news/lupa/"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/fi/rss.xml", "application/rss+xml"),
        ("/fi/atom.xml", "application/atom+xml"),
        ("/fi/feed.json", "application/feed+json"),
        ("/sitemap.xml", "application/xml"),
        ("/theme.css", "text/css"),
        ("/film.vtt", "text/vtt"),
    ],
)
def test_types_are_what_readers_expect(server: Server, path: str, kind: str) -> None:
    assert ask(server, path).headers["content-type"].partition(";")[0] == kind


def test_what_has_not_changed_is_not_sent_again(server: Server, folder: Path) -> None:
    first = ask(server, "/fi/rss.xml")
    tag, date = first.headers["etag"], first.headers["last-modified"]
    for condition in ({"If_None_Match": tag}, {"If_Modified_Since": date}):
        again = ask(server, "/fi/rss.xml", **condition)
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    (folder / "fi/rss.xml").write_text("<rss>new</rss>", "utf-8")
    assert ask(server, "/fi/rss.xml", If_None_Match=tag).body == b"<rss>new</rss>"


def test_what_is_not_there_shows_the_sites_own_page(server: Server) -> None:
    answer = ask(server, "/fi/news/nowhere/")
    assert (answer.status, answer.body) == (404, b"<h1>Ei ole</h1>")
    assert "default-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/../outside.txt",
        "/fi/../../outside.txt",
        "/%2e%2e/outside.txt",
        "/..%2foutside.txt",
        "/%2e%2e%2foutside.txt",
        "//outside.txt",
        "/fi/..%5c..%5coutside.txt",
        "/leak.txt",
        "/.half-written",
        "/fi/%00",
        "/" + "a" * 5000,
    ],
)
def test_nothing_leads_out_of_the_folder(server: Server, path: str) -> None:
    answer = ask(server, path)
    assert answer.status == 404
    assert b"secret" not in answer.body


def test_reading_is_all_there_is(server: Server) -> None:
    answer = ask(server, "/", "POST", Content_Length="0")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    head = ask(server, "/", "HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "13")


def test_every_answer_is_guarded(server: Server) -> None:
    for path in ("/", "/nowhere", "/fi/news/lupa"):
        headers = ask(server, path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"]
        assert "server" not in headers


def test_a_site_that_is_not_built_yet_is_not_found_and_then_there(tmp_path: Path) -> None:
    server = Server("public", application(tmp_path / "site"), "127.0.0.1", 0)
    server.start()
    try:
        assert ask(server, "/").status == 404
        (tmp_path / "site").mkdir()
        (tmp_path / "site" / "index.html").write_text("there", "utf-8")
        assert ask(server, "/").body == b"there"
    finally:
        server.stop()


@dataclass
class Pretend:
    """As much of a desk as the server asks for."""

    workspace: Workspace

    @property
    def settings(self) -> Settings:
        return self.workspace.settings


def a_desk(root: Path, port: int, url: str = "https://example.org") -> Pretend:
    channels = {"pages": {"adapter": "website", "path": "var/pages"}}
    settings = Settings(site={"url": url}, channels=channels, public={"port": port})
    return Pretend(Workspace(root, settings))


def test_the_website_channel_says_where_the_site_is(tmp_path: Path) -> None:
    (tmp_path / "var" / "pages").mkdir(parents=True)
    (tmp_path / "var" / "pages" / "index.html").write_text("home", "utf-8")
    server = serve(a_desk(tmp_path, 0, "https://example.org/uutiset"))
    server.start()
    try:
        assert ask(server, "/uutiset/").body == b"home"
        assert ask(server, "/uutiset").headers["location"] == "/uutiset/"
        assert ask(server, "/").status == 404
    finally:
        server.stop()


def test_a_busy_port_is_told_and_nothing_else_happens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, capture_logs() as logs:
        port = taken.getsockname()[1]
        server = serve(a_desk(tmp_path, port))
        server.start()
        assert server.address is None
        server.stop()
    assert [entry["log_level"] for entry in logs] == ["error"]
    assert f"port {port} is in use" in logs[0]["event"]
    assert "Publishing goes on" in logs[0]["event"]


def test_a_stopped_server_lets_go_of_its_port(folder: Path) -> None:
    server = Server("public", application(folder), "127.0.0.1", 0)
    server.start()
    assert server.address
    port = int(server.address.rpartition(":")[2])
    server.stop()
    server.stop()
    assert server.address is None
    with socket.create_server(("127.0.0.1", port)):
        pass
