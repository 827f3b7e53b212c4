"""An account a language: each piece goes out on the one of its own."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from scheduler.desk import once
from scheduler.desk.assemble import assemble
from scheduler.store import deliveries
from scheduler.workspace import load
from tests.mocks.x.server import MockX

CONFIG = """\
[site]
url = "https://example.org"
timezone = "UTC"
languages = ["fi", "sv"]
[desk]
since = 2026-01-01
[kinds.news]
channels = ["x-fi", "x-sv"]
late = "3000d"
[channels.x-fi]
adapter = "x"
sandbox = false
api_url = "{url}"
languages = ["fi"]
[channels.x-sv]
adapter = "x"
sandbox = false
api_url = "{url}"
languages = ["sv"]
"""


def test_each_language_has_its_own_account(tmp_path: Path) -> None:
    with MockX() as x:
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "julki.toml").write_text(CONFIG.format(url=x.url))
        for lang in ("fi", "sv"):
            path = tmp_path / "content" / "news" / f"{lang}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"---\ntitle: Nyhet {lang}\npublish_at: 2026-11-01 09:00\nlang: {lang}\n---\nText.\n")
        keys = {
            f"JULKI_X_{lang}_{name}": f"{lang}-{name.lower()}"
            for lang in ("FI", "SV")
            for name in ("API_KEY", "API_SECRET", "ACCESS_TOKEN", "ACCESS_TOKEN_SECRET")
        }
        desk = assemble(load(tmp_path, keys), lambda: datetime.now(UTC))
        try:
            once.refresh(desk)
            once.publish(desk)
            with desk.store.read() as db:
                rows = deliveries.queue(db)
        finally:
            desk.close()
    assert sorted((row.name, row.channel, row.state) for row in rows) == [
        ("fi/fi", "x-fi", "published"),
        ("sv/sv", "x-sv", "published"),
    ]
    authors = {post.text.split("\n")[0]: post.author for post in x.ledger.live()}
    assert len(set(authors.values())) == 2, json.dumps(authors)


def test_a_piece_that_has_no_page_is_posted_without_a_link(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    text = CONFIG.format(url="http://127.0.0.1:9").replace("sandbox = false\n", "")
    text = text.replace('channels = ["x-fi", "x-sv"]', 'channels = ["website", "x-fi"]')
    (tmp_path / "config" / "julki.toml").write_text(text + '[channels.website]\nadapter = "website"\n')
    (tmp_path / "content" / "news").mkdir(parents=True)
    for name, more in (("a", ""), ("b", "channels: [x-fi]\n"), ("c", "channels: {website: {skip: true}}\n")):
        head = f"title: {name}\npublish_at: 2026-11-01 09:00\n{more}"
        (tmp_path / "content" / "news" / f"{name}.md").write_text(f"---\n{head}---\nText.\n")
    desk = assemble(load(tmp_path, {}), lambda: datetime.now(UTC))
    try:
        once.refresh(desk)
        once.publish(desk)
    finally:
        desk.close()
    lines = [json.loads(line) for line in (tmp_path / "var" / "outbox" / "x-fi.jsonl").read_text().splitlines()]
    assert {line["piece"]: "https://" in line["text"] for line in lines} == {"fi/a": True, "fi/b": False, "fi/c": False}
