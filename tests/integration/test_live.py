"""Live events: each section is a delivery of its own, at its own time, and the hall never waits for a doubt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from channels.errors import Uncertain
from tests.mocks.stage import Board, Stage
from tests.mocks.stand import START, Hands, Stand

Make = Callable[..., Stand]
SECTIONS = """Tervetuloa.

## +0m Avaus

Ovet ovat auki.

## +1h Puhe

Puhe alkaa.

## live Kysymys

Yleisö kysyy.

## +2h Loppu

Kiitos!
"""


def event(stand: Stand, starts: timedelta = timedelta(hours=1), body: str = SECTIONS, thread: bool = True) -> None:
    at = (START + starts).strftime("%Y-%m-%dT%H:%M:%SZ")
    more = f"live: true\nthread: {str(thread).lower()}\nstarts_at: {at}"
    stand.put("events/paiva.md", "Päivä", body, at=START, more=more)


@pytest.fixture
def stand(make: Make, stage: Stage) -> Stand:
    stand = make(stage)
    event(stand)
    stand.run()
    return stand


def later(stand: Stand, **delta: float) -> None:
    stand.clock.go(**delta)
    stand.run()


def posts(stage: Stage) -> list[tuple[str, str]]:
    return [(entry.text.partition(": ")[2], entry.parent) for entry in stage.ledger.entries]


def test_each_section_goes_out_at_its_time_in_one_thread(stand: Stand, stage: Stage) -> None:
    assert posts(stage) == [("Tervetuloa.", "")]
    for _ in range(3):
        later(stand, hours=1)
    assert posts(stage) == [
        ("Tervetuloa.", ""),
        ("Ovet ovat auki.", "post-1"),
        ("Puhe alkaa.", "post-2"),
        ("Kiitos!", "post-3"),
    ]
    assert stand.state("paiva", "post", "kysymys") == "planned"


def test_a_prepared_post_is_fired_by_hand(stand: Stand, stage: Stage) -> None:
    later(stand, hours=1)
    stand.retry("paiva", "post", "kysymys")
    stand.work()
    assert posts(stage)[-1] == ("Yleisö kysyy.", "post-2")


def test_one_in_doubt_never_blocks_the_hall(stand: Stand, stage: Stage, clock: Hands) -> None:
    """What follows replies to the last one that is known to be out."""
    stage.lag = timedelta(hours=9)
    stage.settle = timedelta(hours=9)
    stage.next(Uncertain("The network is gone."))
    later(stand, hours=1)
    assert stand.state("paiva", "post", "avaus") == "publishing"
    later(stand, hours=1)
    assert posts(stage) == [("Tervetuloa.", ""), ("Puhe alkaa.", "post-1")]


def test_moving_the_start_moves_what_has_not_gone_out(stand: Stand, stage: Stage) -> None:
    later(stand, hours=1)
    event(stand, timedelta(hours=1, minutes=20))
    later(stand, hours=1)
    assert len(posts(stage)) == 2
    assert stand.row("paiva", "post", "puhe").due_at == START + timedelta(hours=2, minutes=20)
    later(stand, minutes=20)
    assert posts(stage)[-1][0] == "Puhe alkaa."


def test_a_section_put_in_between_renumbers_nothing(stand: Stand, stage: Stage) -> None:
    later(stand, hours=1)
    event(stand, body=SECTIONS.replace("## +1h Puhe", "## +30m Kahvi\n\nKahvia.\n\n## +1h Puhe"))
    for _ in range(4):
        later(stand, minutes=30)
    assert [text for text, _ in posts(stage)] == [
        "Tervetuloa.",
        "Ovet ovat auki.",
        "Kahvia.",
        "Puhe alkaa.",
        "Kiitos!",
    ]


def test_a_section_taken_out_does_not_go_out(stand: Stand, stage: Stage) -> None:
    event(stand, body=SECTIONS.replace("## +1h Puhe\n\nPuhe alkaa.\n\n", ""))
    for _ in range(3):
        later(stand, hours=1)
    assert [text for text, _ in posts(stage)] == ["Tervetuloa.", "Ovet ovat auki.", "Kiitos!"]
    assert stand.state("paiva", "post", "puhe") == "cancelled"


def test_without_a_thread_nothing_is_a_reply(make: Make, stage: Stage) -> None:
    stand = make(stage)
    event(stand, thread=False)
    stand.run()
    later(stand, hours=1)
    assert posts(stage) == [("Tervetuloa.", ""), ("Ovet ovat auki.", "")]


def test_the_page_has_the_announcement_only_and_posts_wait_for_no_page(make: Make, stage: Stage, board: Board) -> None:
    stand = make(stage, board, pages=["web"])
    event(stand)
    stand.run()
    later(stand, hours=1)
    assert board.ledger.texts == ["Päivä: Tervetuloa."]
    assert len(posts(stage)) == 2
