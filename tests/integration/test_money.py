"""What posts cost: told ahead, counted when they go out, and never beyond the month's budget."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from scheduler.delivery import acts, purse
from scheduler.desk import money
from scheduler.store import deliveries, expenses
from tests.mocks.newsroom import Newsroom
from tests.mocks.stand import START
from tests.mocks.x.server import MockX

Make = Callable[..., Newsroom]


@pytest.fixture
def make(newsroom: Make) -> Make:
    return newsroom


def spent(room: Newsroom) -> int:
    with room.desk.store.read() as db:
        return expenses.spent(db, "x", datetime(2026, 1, 1, tzinfo=UTC))


def warned(room: Newsroom) -> dict[str, str]:
    desk = room.desk
    return money.warnings(desk.channels, desk.settings.zone, desk.store, desk.clock())


def event(room: Newsroom, count: int) -> None:
    """An event whose posts, a minute apart, hold no link."""
    body = "Alku.\n\n" + "\n\n".join(f"## +{n}m Posti {n}\n\nPosti numero {n}." for n in range(1, count + 1))
    room.put("events/e", "", body, starts_at="2026-11-30T07:00:00Z", live="true")


def test_a_post_with_a_link_costs_more(make: Make) -> None:
    room = make()
    event(room, 1)
    room.run(minutes=2)
    assert spent(room) == 200_000 + 15_000


def test_what_a_channel_says_it_costs_is_what_counts(make: Make) -> None:
    room = make('post_usd = "0.02"\nlink_usd = 1')
    event(room, 1)
    room.run(minutes=2)
    assert spent(room) == 1_020_000


def test_nothing_goes_out_beyond_the_budget(make: Make) -> None:
    room = make("budget_usd = 0.245")
    event(room, 5)
    for _ in range(6):
        room.run(minutes=1)
    assert len(room.posts) == 4
    assert spent(room) == 245_000
    held = [row for row in room.rows().values() if row.state == "held"]
    assert {row.reason for row in held} == {"budget"}
    assert len(held) == 2
    assert f"julki retry {held[0].id}" in held[0].error
    assert "0.245 USD" in held[0].error
    acts.retry(room.desk.store, held[0].id, room.maija)
    room.run()
    assert len(room.posts) == 4


def test_a_raised_budget_lets_it_out(make: Make) -> None:
    room = make("budget_usd = 0.2")
    event(room, 1)
    room.run()
    room.run(minutes=2)
    room.configure("budget_usd = 10")
    room.restart()
    acts.retry(room.desk.store, room.rows()["posti-1"].id, room.maija)
    room.run()
    assert len(room.posts) == 2


def test_the_next_month_has_its_own_budget(make: Make) -> None:
    room = make("budget_usd = 0.2")
    room.put("news/a", "Yksi.")
    room.put("news/b", "Kaksi.", at=START + timedelta(hours=15))
    room.run()
    assert len(room.posts) == 1
    room.run(hours=15)  # midnight in Helsinki is 22:00 UTC
    assert len(room.posts) == 2


def test_what_was_refused_is_not_counted_and_what_is_in_doubt_is(make: Make, x: MockX) -> None:
    room = make()
    room.put("news/a", "Yksi.")
    x.fail_next((400, {}, {"title": "Invalid Request", "detail": "No.", "type": "about:blank"}))
    room.run()
    assert spent(room) == 0
    room.put("news/b", "Kaksi.")
    x.fail_next("accepted-then-cut")
    room.run()
    assert spent(room) == 200_000 + 1_000  # looking it up read one post
    room.run(minutes=2)
    assert spent(room) == 200_000 + 1_000


def test_a_budget_that_is_nearly_spent_is_told_once_a_month(make: Make) -> None:
    room = make("budget_usd = 0.5")
    room.put("news/a", "Yksi.")
    room.run()
    assert warned(room) == {}
    room.put("news/b", "Kaksi.")
    room.run()
    (key,), (text,) = zip(*warned(room).items(), strict=True)
    assert (key, "80 %" in text, "0.50 USD" in text) == ("budget x 2026-11", True, True)
    room.clock.go(hours=20)
    assert warned(room) == {}


def test_a_bill_says_what_is_missing(make: Make) -> None:
    room = make("budget_usd = 0.5")
    for number in range(4):
        room.put(f"news/p{number}", f"Posti {number}.", at=START + timedelta(hours=number))
    room.run()
    now = room.clock.now
    with room.desk.store.read() as db:
        rows = deliveries.planned(db, now + timedelta(days=14))
    bill = money.bills(room.desk, rows, money.prices(room.desk, rows), now)[0]
    assert (bill.spent, bill.planned, bill.budget, bill.short) == (200_000, 600_000, 500_000, 300_000)


def test_plan_and_preview_tell_the_cost(tmp_path: Path) -> None:
    root = tmp_path / "ws"
    julki = str(Path(sys.executable).with_name("julki"))
    run = [julki, "--workspace", str(root)]
    subprocess.run([julki, "init", str(root)], check=True, capture_output=True)
    ahead = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%d %H:%M")
    path = root / "content" / "news" / "a.md"
    path.write_text(
        f"---\ntitle: Uutinen\npublish_at: {ahead}\nlang: fi\nchannels: [website, x]\n---\n\nTeksti.\n", "utf-8"
    )

    def told(*arguments: str) -> str:
        return subprocess.run([*run, *arguments], check=True, capture_output=True, text=True).stdout

    assert "x (sandbox, 0.20 USD)" in told("plan")
    assert "would cost 0.20 USD" in told("plan")
    assert "0.20 USD" in told("preview", str(path), "--channel", "x")
    rows = {row["channel"]: row for row in json.loads(told("plan", "--json", "--costs"))}
    assert (rows["x"]["cost_usd"], rows["website"]["cost_usd"]) == (0.2, None)
    assert "cost_usd" not in json.loads(told("plan", "--json"))[0]
    assert json.loads(told("preview", str(path), "--channel", "x", "--format", "json", "--costs"))[0]["cost_usd"] == 0.2


@pytest.mark.parametrize(
    ("millionths", "told"),
    [(0, "0.00 USD"), (15_000, "0.015 USD"), (200_000, "0.20 USD"), (20_000_000, "20.00 USD"), (1, "0.000001 USD")],
)
def test_amounts_are_written_to_the_last_place_that_counts(millionths: int, told: str) -> None:
    assert purse.usd(millionths) == told
    assert Decimal(told.split()[0]) * 1_000_000 == millionths
