"""Every error body that was gathered of the real X: what the adapter makes of it, and in what state a desk leaves the piece.

The bodies stand in a file beside this checkout; without it these tests are skipped, and say so.
"""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from channels.contract import Channel
from channels.errors import ChannelError, RateLimited, Rejected, Unauthorized, Unavailable, Uncertain
from channels.message import Message
from channels.testing import capture, open_channel, sample_piece, sample_view
from tests.mocks.stand import Hands, Stand
from tests.mocks.x.bodies import BODIES, CREDITS, DUPLICATE, LIMITED, REPLY, TOKEN
from tests.mocks.x.faults import FAULTS, MORE
from tests.mocks.x.server import MockX

ROWS: dict[str, dict[str, Any]] = (
    {row["case"]: row for row in json.loads(BODIES.read_text("utf-8"))} if BODIES.exists() else {}
)
MEDIA = "media processing failed"
WAIT = timedelta(hours=2)
OUTCOMES: dict[str, tuple[type[ChannelError], str, str]] = {
    DUPLICATE: (Uncertain, "publishing", ""),
    "duplicate content (v1.1 / web shape)": (Uncertain, "publishing", ""),
    LIMITED: (RateLimited, "retrying", "limited"),
    "rate limit (documented legacy body)": (RateLimited, "retrying", "limited"),
    "24h user/app post cap": (RateLimited, "retrying", "limited"),
    "monthly cap": (RateLimited, "retrying", "limited"),
    CREDITS: (Unauthorized, "held", "unauthorized"),
    "credits depleted (older form)": (Unauthorized, "held", "unauthorized"),
    REPLY: (Rejected, "failed", "rejected"),
    TOKEN: (Unauthorized, "held", "unauthorized"),
    "app-only token on a user endpoint": (Unauthorized, "held", "unauthorized"),
    "bad media ids": (Unavailable, "retrying", "unavailable"),
    "overload": (Uncertain, "publishing", ""),
    MEDIA: (Rejected, "failed", "rejected"),
}
"""Case → the error, and of a desk's delivery the state and the reason."""

needs_bodies = pytest.mark.skipif(not ROWS, reason="the gathered error bodies are not beside this checkout")
each_case = pytest.mark.parametrize("case", OUTCOMES)


@pytest.fixture
def x(clock: Hands) -> Iterator[MockX]:
    with MockX(now=clock) as mock:
        yield mock


def feed(x: MockX, case: str) -> None:
    """The next post, or the upload for it, is answered with that body."""
    row = ROWS[case]
    reset = str(int(time.time() + WAIT.total_seconds()))
    headers = {name: value.replace("<unix>", reset) for name, value in row.get("headers", {}).items()}
    x.fail("finalize" if case == MEDIA else "post", (row["status"], headers, row["body"]))


def opened(x: MockX, root: Path, **options: Any) -> Channel:
    return open_channel("x", root, sandbox=False, api_url=x.url, **options)


def rendered(channel: Channel, root: Path) -> Message:
    message = channel.render(sample_piece(), sample_view(root))[0]
    capture([message], root)
    return message


@needs_bodies
def test_no_gathered_case_is_forgotten() -> None:
    assert set(ROWS) == set(OUTCOMES)


@needs_bodies
@each_case
def test_the_adapter_names_the_error(x: MockX, tmp_path: Path, case: str) -> None:
    channel = opened(x, tmp_path)
    message = rendered(channel, tmp_path)
    feed(x, case)
    with pytest.raises(ChannelError) as caught:
        channel.publish(message, "key-1", None)
    assert type(caught.value) is OUTCOMES[case][0]
    assert caught.value.hint or isinstance(caught.value, RateLimited), "a person is told what to do"
    assert x.ledger.posts == []
    assert x.violations == []


@needs_bodies
@pytest.mark.parametrize("case", [case for case, row in ROWS.items() if row.get("headers")] or ["none"])
def test_the_wait_is_as_long_as_the_headers_say(x: MockX, tmp_path: Path, case: str) -> None:
    channel = opened(x, tmp_path)
    message = rendered(channel, tmp_path)
    feed(x, case)
    with pytest.raises(RateLimited) as caught:
        channel.publish(message, "key-1", None)
    assert caught.value.retry_after is not None
    assert abs(caught.value.retry_after - WAIT) < timedelta(minutes=2)


class Desk:
    """A desk with one X channel."""

    def __init__(self, x: MockX, root: Path, clock: Hands, **options: Any) -> None:
        self.channel = opened(x, root, **options)
        self.stand = Stand(root, clock, self.channel)

    def put(self, name: str) -> None:
        """A piece that is due now, with a picture."""
        picture = self.stand.path("news/kuva.png")
        if not picture.exists():
            Image.new("RGB", (60, 40), (0, 60, 110)).save(picture)
        own = f"channels:\n  x:\n    text: {name} tiedottaa\n"
        self.stand.put(name, body="Teksti.", more=own + "image:\n  src: kuva.png\n  alt: Kaavio")

    def state(self, name: str) -> tuple[str, str]:
        row = self.stand.row(name, "x")
        return row.state, row.reason

    def open_attempts(self, name: str) -> int:
        return sum(one.outcome is None for one in self.stand.attempts(self.stand.row(name, "x").id))


@pytest.fixture
def desk(x: MockX, tmp_path: Path, clock: Hands) -> Iterator[Desk]:
    desk = Desk(x, tmp_path / "ws", clock)
    yield desk
    desk.channel.close()
    desk.stand.close()


@needs_bodies
@each_case
def test_a_desk_leaves_the_piece_as_the_design_says(x: MockX, desk: Desk, case: str) -> None:
    desk.put("eka")
    feed(x, case)
    desk.stand.run()
    error, state, reason = OUTCOMES[case]
    assert desk.state("eka") == (state, reason)
    row = desk.stand.row("eka", "x")
    assert desk.open_attempts("eka") == (error is Uncertain)
    assert row.attempts == (0 if error is RateLimited else 1)
    assert "Traceback" not in row.error
    desk.put("toka")
    desk.stand.run()
    behind = {Unauthorized: ("held", "paused"), Rejected: ("published", "")}
    if error in behind:
        assert desk.state("toka") == behind[error], "only a matter of the account stops those behind"
    assert len(x.ledger.live()) == (desk.state("toka")[0] == "published")


@needs_bodies
@pytest.mark.parametrize("case", [case for case, one in OUTCOMES.items() if one[0] is Uncertain])
def test_what_is_uncertain_is_looked_up_and_sent_again_only_when_it_is_not_there(
    x: MockX, desk: Desk, clock: Hands, case: str
) -> None:
    desk.put("eka")
    feed(x, case)
    desk.stand.run()
    assert desk.state("eka")[0] == "publishing"
    for _ in range(10):
        clock.go(minutes=1)
        desk.stand.work()
    # A copy is refused however often it is asked for; that nothing like it is to be seen is for a person.
    expected = (("held", "uncertain"), 0) if "duplicate" in case else (("published", ""), 1)
    assert (desk.state("eka"), len(x.ledger.live())) == expected


@needs_bodies
def test_a_duplicate_that_is_our_own_lost_post_is_found(x: MockX, desk: Desk, clock: Hands) -> None:
    """Its first answer was lost and reading back failed; the second try is called a duplicate, and the post is looked up."""
    desk.put("eka")
    x.lag = timedelta(minutes=3)
    x.fail_next("accepted-then-cut")
    desk.stand.run()
    for _ in range(10):
        clock.go(minutes=1)
        desk.stand.work()
    (post,) = x.ledger.live()
    assert (desk.state("eka"), desk.stand.row("eka", "x").remote_id) == (("published", ""), post.id)


@pytest.mark.parametrize("fault", [one for one in (*FAULTS, *MORE) if not one.endswith(("hang", "drip"))])
def test_a_post_whose_answer_is_lost_is_out_once(x: MockX, desk: Desk, clock: Hands, fault: str) -> None:
    desk.put("eka")
    x.fail_next(fault)
    desk.stand.run()
    assert desk.open_attempts("eka") == 1 or desk.state("eka")[0] == "published"
    for _ in range(10):
        clock.go(minutes=1)
        desk.stand.work()
    assert (desk.state("eka"), len(x.ledger.posts)) == (("published", ""), 1)


@pytest.mark.parametrize("place", ["initialize", "append", "finalize", "metadata"])
@pytest.mark.parametrize("fault", ["503", "cut", "html", "errors", "accepted-then-503"])
def test_an_upload_that_fails_is_never_in_doubt(x: MockX, desk: Desk, clock: Hands, place: str, fault: str) -> None:
    """Nothing was posted: it is simply tried again."""
    desk.put("eka")
    x.fail(place, fault)
    desk.stand.run()
    assert sum(x.served.values()) == 1
    assert (desk.open_attempts("eka"), x.ledger.posts) == (0, [])
    if (place, fault) == ("append", "errors"):
        # An answer to a segment holds nothing in any case; X finds out at the end that one is missing, and says 400.
        assert desk.state("eka")[0] in ("failed", "retrying")
        desk.stand.retry("eka", "x")
    else:
        assert desk.state("eka") == ("retrying", "unavailable")
    clock.go(minutes=2)
    desk.stand.work()
    assert (desk.state("eka"), len(x.ledger.posts)) == (("published", ""), 1)


@needs_bodies
def test_a_reply_that_is_not_allowed_leaves_the_root_alone(x: MockX, tmp_path: Path, clock: Hands) -> None:
    x.replies = "summoned"
    desk = Desk(x, tmp_path / "ws", clock, threads=True)
    body = " ".join(f"Tämä on lause numero {number}, ja siinä on sanoja." for number in range(14))
    desk.stand.put("pitka", body="Teksti.", more=f"channels:\n  x:\n    text: {body}")
    desk.stand.run()
    states = {row.part: row.state for row in desk.stand.deliveries()}
    assert list(states.items())[:2] == [("1", "published"), ("2", "failed")]
    assert len(x.ledger.live()) == 1
    desk.channel.close()
    desk.stand.close()
