"""`julki reach`: what was measured, by piece or in sum, and never a 0 for what was not."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from channels.x.reach import METRICS
from scheduler.store import measurements
from scheduler.store.core import DELIVERY, PIECE
from scheduler.store.engine import Store, open_store
from tests.mocks.typist import Typist, typist, wall
from tests.mocks.x.server import MockX

NOW = datetime.now(UTC).replace(microsecond=0)
EARLIER = NOW - timedelta(hours=3)
KEYS = {
    f"JULKI_X_{name}": f"a-{name.lower()}" for name in ("API_KEY", "API_SECRET", "ACCESS_TOKEN", "ACCESS_TOKEN_SECRET")
}
_PROJECTS = """[clients.kela]
name = "Kela"
[projects.permits]
name = "Permits"
client = "kela"
[projects.grants]
name = "Grants"
"""
_AUDIENCES = '[audiences.media]\nname = "Media"\n[audiences.citizens]\nname = "Citizens"\n'


class Desk:
    """Three pieces that are out on the sandbox's X, the third of them in three posts; figures are put into the rows."""

    def __init__(self, here: Typist) -> None:
        self.here = here
        self.store: Store = open_store("sqlite:///var/julki.db", here.root)

    def measured(self, piece: str, value: int | None, metric: str = "likes", part: str = "main", **told: Any) -> None:
        same = (PIECE.c.name == piece, DELIVERY.c.channel == "x", DELIVERY.c.part == part)
        with self.store.write() as db:
            number = db.execute(select(DELIVERY.c.id).join(PIECE).where(*same)).scalar_one()
            row = {
                "delivery_id": number,
                "metric": metric,
                "value": value,
                "measured_at": NOW,
                "source": "x",
                "why": "",
            }
            measurements.add(db, [row | told])

    def parts(self, piece: str) -> list[str]:
        rows = self.here.reads("queue", "--json")
        return sorted(row["part"] for row in rows if (row["piece"], row["channel"]) == (piece, "x"))

    def reads(self, *words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.here.reads("reach", *words, "--json")
        return found

    def likes(self, *words: str) -> list[dict[str, Any]]:
        return [row for row in self.reads(*words) if row["metric"] == "likes"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    here = typist(tmp_path / "desk")
    config = here.root / "config" / "julki.toml"
    config.write_text(config.read_text("utf-8").replace('adapter = "x"\n', 'adapter = "x"\nthreads = true\n'), "utf-8")
    (here.root / "config" / "projects.toml").write_text(_PROJECTS, "utf-8")
    (here.root / "config" / "audiences.toml").write_text(_AUDIENCES, "utf-8")
    here.writes("news/one.md", publish_at=wall(minutes=-3), project="permits", audiences="[media, citizens]")
    here.writes("news/two.md", publish_at=wall(minutes=-2), project="permits", audiences="[media]")
    long = " ".join(f"Sentence number {n} of a long text that takes more than a single post." for n in range(10))
    here.writes("news/long.md", publish_at=wall(minutes=-1), project="grants", channels="{x: {text: " + long + "}}")
    here.types("run", "--once")
    one = Desk(here)
    yield one
    one.store.close()


def test_what_was_never_measured_is_null_and_not_nought(desk: Desk) -> None:
    rows = desk.reads()
    assert {tuple(row) for row in rows} == {("piece", "channel", "metric", "value", "measured_at")}
    assert {(row["piece"], row["channel"]) for row in rows} == {(f"fi/{name}", "x") for name in ("one", "two", "long")}
    assert [row["metric"] for row in rows if row["piece"] == "fi/one"] == list(METRICS)
    assert {(row["value"], row["measured_at"]) for row in rows} == {(None, None)}


def test_a_measured_nought_is_nought_and_the_newest_figure_counts(desk: Desk) -> None:
    desk.measured("fi/one", 7, measured_at=EARLIER)
    desk.measured("fi/one", 0)
    desk.measured("fi/two", 5, measured_at=EARLIER)
    desk.measured("fi/two", None, why="The post is no longer there.")
    told = {row["piece"]: (row["value"], row["measured_at"]) for row in desk.likes()}
    assert told["fi/one"] == (0, f"{NOW:%Y-%m-%dT%H:%M:%S}.000Z")
    assert told["fi/two"] == (5, f"{EARLIER:%Y-%m-%dT%H:%M:%S}.000Z")


def test_the_posts_of_a_piece_are_summed_where_all_were_measured(desk: Desk) -> None:
    parts = desk.parts("fi/long")
    assert len(parts) >= 3
    for part in parts[1:]:
        desk.measured("fi/long", 10, part=part)
    assert [row["value"] for row in desk.likes("fi/long")] == [None]
    desk.measured("fi/long", 1, part=parts[0], measured_at=EARLIER)
    (row,) = desk.likes("fi/long")
    assert row["value"] == 10 * (len(parts) - 1) + 1
    assert row["measured_at"] == f"{EARLIER:%Y-%m-%dT%H:%M:%S}.000Z"


def test_a_group_is_one_row_a_metric_and_says_how_much_of_it_was_measured(desk: Desk) -> None:
    desk.measured("fi/one", 3)
    shared = {"channel": "x", "metric": "likes", "measured_at": f"{NOW:%Y-%m-%dT%H:%M:%S}.000Z"}
    posts = len(desk.parts("fi/long"))
    nothing = {**shared, "value": None, "measured_at": None}
    assert desk.likes("--project") == [
        {"project": "grants", **nothing, "posts": posts, "measured": 0},
        {"project": "permits", **shared, "value": 3, "posts": 2, "measured": 1},
    ]
    assert desk.likes("--client", "kela") == [{"client": "kela", **shared, "value": 3, "posts": 2, "measured": 1}]
    assert desk.likes("--channel") == [{**shared, "value": 3, "posts": 2 + posts, "measured": 1}]
    desk.measured("fi/two", 4)
    audiences = {row["audience"]: (row["value"], row["posts"]) for row in desk.likes("--audience")}
    assert list(audiences) == ["citizens", "media", ""]
    assert audiences == {"media": (7, 2), "citizens": (3, 1), "": (None, posts)}


def test_likes_are_not_added_to_impressions(desk: Desk) -> None:
    desk.measured("fi/one", 3)
    desk.measured("fi/one", 1204, metric="impressions")
    told = {row["metric"]: row["value"] for row in desk.reads("--channel")}
    assert (told["likes"], told["impressions"]) == (3, 1204)
    assert set(told) == set(METRICS)


def test_since_a_day_or_for_a_while(desk: Desk) -> None:
    with desk.store.write() as db:
        old = select(PIECE.c.id).where(PIECE.c.name == "fi/one").scalar_subquery()
        db.execute(update(DELIVERY).where(DELIVERY.c.piece_id == old).values(published_at=NOW - timedelta(days=40)))
    day = f"{NOW - timedelta(days=35):%Y-%m-%d}"
    for since in ("30d", day):
        assert {row["piece"] for row in desk.reads("--since", since)} == {"fi/two", "fi/long"}
    assert "fi/one" in {row["piece"] for row in desk.reads("--since", "41d")}
    assert desk.reads("fi/one", "--since", "30d") == []


def test_csv_has_the_same_rows_with_nothing_where_nothing_is_known(desk: Desk) -> None:
    desk.measured("fi/one", 0)
    for words in ([], ["--project"]):
        sheet = list(csv.DictReader(io.StringIO(desk.here.types("reach", *words, "--csv").stdout)))
        plain = [{key: "" if value is None else str(value) for key, value in row.items()} for row in desk.reads(*words)]
        assert sheet == plain


def test_on_the_screen_nothing_looks_measured_that_was_not(desk: Desk) -> None:
    assert "x is a sandbox: what goes there reaches nobody." in desk.here.types("reach").stdout
    desk.measured("fi/one", 1204)
    desk.measured("fi/two", None, why="The post is no longer there.")
    desk.measured("fi/long", 10, part="1")
    result = desk.here.types("reach")
    lines = {line.split()[0]: line.split() for line in result.stdout.splitlines() if line.startswith("fi/")}
    at = 2 + 1 + METRICS.index("likes")  # a piece, a day, a time
    assert (lines["fi/one"][at], lines["fi/long"][at]) == ("1,204", "10+")
    assert set(lines["fi/one"][3 : 3 + len(METRICS)]) == {"–", "1,204"}
    assert "no longer there" in next(line for line in result.stdout.splitlines() if line.startswith("fi/two"))
    assert "website, rss, newsletter" in result.stderr
    assert "0" not in lines["fi/two"][1 : 1 + len(METRICS)]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--project", "--client"], "--project and --client"),
        (["--json", "--csv"], "--json and --csv"),
        (["--since", "lately"], "30d"),
        (["--since", "2026-13-01"], "2026-11-01"),
        (["fi/onne"], "fi/one"),
        (["--project", "permit"], "permits"),
        (["--channel", "facebook"], "website"),
    ],
)
def test_wrong_usage_is_told_with_the_remedy(desk: Desk, words: list[str], told: str) -> None:
    result = desk.here.types("reach", *words, code=2)
    assert told in " ".join(result.stderr.replace("│", " ").split())
    assert result.stdout == ""


def test_with_nothing_out_there_is_nothing_to_tell(tmp_path: Path) -> None:
    here = typist(tmp_path / "desk")
    assert here.reads("reach", "--json") == []
    assert here.types("reach", "--csv").stdout.splitlines() == ["piece,channel,metric,value,measured_at"]
    assert "Nothing has gone out that can be measured." in here.types("reach").stdout


def test_a_round_measures_and_a_failure_of_it_changes_nothing(tmp_path: Path) -> None:
    here = typist(tmp_path / "desk")
    with MockX() as mock:
        live = f'adapter = "x"\nsandbox = false\napi_url = "{mock.url}"\ntimeout = "1s"\n'
        config = here.root / "config" / "julki.toml"
        text = config.read_text("utf-8").replace('adapter = "x"\nsandbox = true', live.rstrip())
        config.write_text(text, "utf-8")
        here.writes("news/one.md", publish_at=wall(seconds=-5))
        here.types("run", "--once", code=0, **KEYS)
        (post,) = mock.ledger.posts
        assert [row["value"] for row in here.reads("reach", "--json") if row["metric"] == "likes"] == [None]
        store = open_store("sqlite:///var/julki.db", here.root)
        with store.write() as db:
            db.execute(update(DELIVERY).values(published_at=NOW - timedelta(hours=2)))
        mock.ledger.metrics[post.id] = {"like_count": 12}
        mock.fail("lookup", "cut")
        here.types("run", "--once", code=0, **KEYS)
        assert json.loads(here.types("reach", "--json").stdout)[0]["value"] is None
        with store.write() as db:
            db.exec_driver_sql("DELETE FROM mark WHERE key = 'reach/x'")  # an hour later
        here.types("run", "--once", code=0, **KEYS)
        store.close()
    assert [row["value"] for row in here.reads("reach", "--json") if row["metric"] == "likes"] == [12]
