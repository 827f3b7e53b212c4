"""A live event as it happens: see tests/mocks/hall.py for the play."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.mocks.hall import BY_HAND, TIMED, Play
from tests.mocks.x.server import MockX


def test_forty_posts_are_out_once_and_in_order(tmp_path: Path) -> None:
    with MockX() as x:
        played = Play(tmp_path / "desk", x).run()
    texts = [post.text for post in played.posts]
    assert Counter(texts).most_common(1)[0][1] == 1
    assert len(texts) == TIMED + len(BY_HAND)
    timed = [text for text in texts if text.startswith("Posti")]
    assert timed == [f"Posti numero {n}." for n in range(TIMED)]
    by_hand = [text for text in texts if not text.startswith("Posti")]
    assert by_hand == [f"Käsin: {part}." for part in played.fired]
    assert all(post.created_at >= played.due[post.text] for post in played.posts if post.text in timed)
    # One thread: each answers the one before it.
    out = [x.ledger.live()[0], *played.posts]
    assert [post.reply_to for post in played.posts] == [post.id for post in out[:-1]]
