"""Publishing and deciding: run --once, queue, the acts, pause and resume."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.mocks.typist import Typist, typist, wall


@pytest.fixture
def desk(tmp_path: Path) -> Typist:
    return typist(tmp_path / "desk")


def outbox(desk: Typist) -> list[dict[str, str]]:
    path = desk.root / "var" / "outbox" / "x.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def test_one_round_publishes_what_is_due_once_and_says_so(desk: Typist) -> None:
    desk.writes("news/now.md", title="Nyt se on auki", publish_at=wall(seconds=-5))
    desk.writes("news/later.md", publish_at=wall(days=1))
    first = desk.types("run", "--once")
    assert first.stdout == "2 files read, 4 deliveries went out, 4 still to come.\n"
    assert first.stderr == ""
    assert desk.types("run", "--once").stdout == "0 files read, nothing was due, 4 still to come.\n"
    assert len(outbox(desk)) == 1
    assert (desk.root / "var/site/fi/news/now/index.html").is_file()
    assert len(list((desk.root / "var/outbox/newsletter/new").iterdir())) == 1
    rows = [row for row in desk.reads("queue", "--json") if row["piece"] == "fi/now"]
    keys = ["id", "piece", "channel", "part", "state", "due_at", "published_at"]
    assert list(rows[0]) == [*keys, "remote_id", "permalink", "attempts", "error"]
    assert all(row["state"] == "published" and row["published_at"] > row["due_at"] for row in rows)
    assert all(row["published_at"].endswith("Z") and row["attempts"] == 1 for row in rows)


def test_a_round_with_a_broken_file_publishes_the_others_and_ends_with_one(desk: Typist) -> None:
    desk.writes("news/now.md", publish_at=wall(seconds=-5))
    desk.writes("news/gap.md", publish_at="2027-03-28 03:30")
    result = desk.types("run", "--once", code=1)
    assert "content/news/gap.md:2:13: error publish-at-gap" in result.stderr
    assert set(desk.states().values()) == {"published"}


def test_what_is_too_late_is_held_until_somebody_asks_for_it(desk: Typist) -> None:
    desk.writes("news/late.md", publish_at=wall(hours=-5))
    result = desk.types("run", "--once", code=1)
    assert "4 held" in result.stdout
    assert "See why with: julki queue --state held\n" in result.stderr
    assert desk.types("plan").stdout.count("▲ held") == 4
    held = desk.types("queue", "--state", "held")
    assert "▲ held" in held.stdout
    assert "julki retry" in held.stderr
    website = desk.number("fi/late", "website")
    told = desk.types("retry", website, "--by", "Maija").stdout
    assert told == "fi/late on website goes out now. Nothing is running now: it happens at the next julki run.\n"
    assert "is out of" not in desk.types("skip", desk.number("fi/late", "rss")).stdout
    desk.types("confirm", desk.number("fi/late", "x"), "https://x.com/d9/status/12")
    desk.types("run", "--once", code=1)
    states = desk.states()
    assert states == {
        ("fi/late", "website"): "published",
        ("fi/late", "rss"): "skipped",
        ("fi/late", "x"): "published",
        ("fi/late", "newsletter"): "held",
    }
    desk.types("skip", desk.number("fi/late", "newsletter"))
    desk.types("run", "--once")
    with sqlite3.connect(desk.root / "var" / "julki.db") as db:
        acts = db.execute("select act, \"by\" from audit where act in ('retry', 'confirm') order by id").fetchall()
    db.close()
    assert acts[0] == ("retry", "Maija")
    assert acts[1][0] == "confirm"
    assert acts[1][1]


def test_an_act_that_makes_no_sense_is_refused_in_words(desk: Typist) -> None:
    assert "There is no delivery 99" in desk.types("retry", "99", code=1).stderr
    desk.writes("news/now.md", publish_at=wall(seconds=-5))
    desk.types("run", "--once")
    number = desk.number("fi/now", "website")
    assert "published" in desk.types("skip", number, code=1).stderr
    assert "not an address" in desk.types("confirm", number, "here", code=1).stderr


def test_hold_keeps_back_and_withdraw_takes_back(desk: Typist) -> None:
    desk.writes("news/now.md", publish_at=wall(seconds=-5))
    desk.types("plan")
    desk.types("hold", desk.number("fi/now", "x"), "--reason", "wait for the minister")
    desk.types("run", "--once", code=1)
    assert outbox(desk) == []
    told = {row["channel"]: row["error"] for row in desk.reads("queue", "--json")}
    assert "wait for the minister" in told["x"]
    page = desk.root / "var/site/fi/news/now/index.html"
    assert "A few words." in page.read_text("utf-8")
    assert "taken back" in desk.types("withdraw", desk.number("fi/now", "website")).stdout
    assert "can't be taken back" in desk.types("withdraw", desk.number("fi/now", "newsletter"), code=1).stderr
    desk.types("run", "--once", code=1)
    assert desk.states()[("fi/now", "website")] == "withdrawn"
    assert "A few words." not in page.read_text("utf-8")


def test_a_pause_holds_what_falls_due_and_resume_lists_it(desk: Typist) -> None:
    assert "not paused" in desk.types("resume", code=1).stderr
    assert "resume --channel x" in desk.types("pause", "--channel", "x", "--reason", "a storm").stdout
    assert "already" in desk.types("pause", "--channel", "x", code=1).stderr
    assert "a storm" in desk.types("doctor").stdout
    desk.writes("news/now.md", publish_at=wall(seconds=-5))
    desk.types("run", "--once", code=1)
    states = desk.states()
    assert states.pop(("fi/now", "x")) == "held"
    assert set(states.values()) == {"published"}
    told = desk.types("resume", "--channel", "x").stdout
    number = desk.number("fi/now", "x")
    assert f"julki retry {number}" in told
    assert "fi/now" in told
    desk.types("retry", number)
    desk.types("run", "--once")
    assert len(outbox(desk)) == 1


def test_pausing_everything_stops_everything(desk: Typist) -> None:
    desk.types("pause")
    desk.writes("news/now.md", publish_at=wall(seconds=-5))
    desk.types("run", "--once", code=1)
    assert set(desk.states().values()) == {"held"}
    assert "4 deliveries were held" in desk.types("resume").stdout
    assert "not paused" in desk.types("resume", code=1).stderr


def test_what_a_vanished_file_leaves_live_is_told_until_it_is_withdrawn(desk: Typist) -> None:
    file = desk.writes("news/gone.md", publish_at=wall(seconds=-5), body="A text of its own.")
    desk.types("run", "--once")
    assert desk.reads("check", "--format", "json") == []
    file.unlink()
    told = desk.reads("check", "--format", "json")
    assert {one["rule"] for one in told} == {"vanished-live"}
    assert len(told) == 1
    desk.types("run", "--once")
    told = desk.reads("check", "--format", "json")
    assert {(one["file"], one["severity"]) for one in told} == {("content/news/gone.md", "warning")}
    number = desk.number("fi/gone", "website")
    others = [desk.number("fi/gone", name) for name in ("rss", "x")]
    numbers = " ".join(map(str, sorted(map(int, [number, *others]))))
    assert told[0]["message"].endswith(f"still live on website, rss, x. Take it off with: julki withdraw {numbers}")
    assert "its file is gone" in desk.types("queue").stdout
    desk.types("withdraw", number)
    desk.types("run", "--once")
    assert "still live on rss, x." in desk.reads("check", "--format", "json")[0]["message"]
    desk.types("withdraw", *others)
    desk.types("run", "--once")
    assert desk.reads("check", "--format", "json") == []


def test_a_renamed_file_has_not_vanished(desk: Typist) -> None:
    file = desk.writes("news/old.md", title="A title", publish_at=wall(seconds=-5), body="A text of its own.")
    desk.types("run", "--once")
    file.rename(file.with_name("new.md"))
    assert desk.reads("check", "--format", "json") == []
    file.with_name("new.md").rename(file.with_name("2026-01-01-old.md"))
    assert desk.reads("check", "--format", "json") == []


def test_an_archive_goes_on_the_website_and_is_counted_in_the_plan(desk: Typist) -> None:
    desk.settles(r"^since = .*$", "since = 2026-01-01")
    desk.writes("news/old.md", publish_at="2019-05-06 09:00")
    assert "2 older deliveries from before 2026-01-01" in desk.types("plan").stdout
    assert {row["channel"] for row in desk.reads("plan", "--json")} == {"website", "rss"}
    desk.types("run", "--once")
    assert set(desk.states().values()) == {"published"}


def test_the_queue_is_plain_where_nobody_watches(desk: Typist) -> None:
    assert "nothing" in desk.types("queue").stdout.lower()
    desk.writes("news/now.md", publish_at=wall(seconds=-5))
    desk.types("run", "--once")
    told = desk.types("queue").stdout
    assert "\x1b" not in told
    assert told.count("● published") == 4
    assert "Times are those of Europe/Helsinki." in told
    assert desk.types("queue", "--state", "failed").stdout.startswith("There is nothing here.")
    assert desk.reads("queue", "--state", "held", "--json") == []
