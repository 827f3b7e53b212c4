"""For authors of adapters: the contract as a test suite, and sample pieces to feed it with.

    from channels.testing import ChannelContract, context

    class TestMine(ChannelContract):
        def make(self, tmp_path):
            return ADAPTER.open("mine", ADAPTER.options(), context(tmp_path))

pytest finds the tests of `ChannelContract` in the subclass. What an adapter can't have (a remote, an effect that can be
counted) is skipped, saying so. Needs pytest.
"""

# ruff: noqa: S101, ARG002 - a suite asserts, and the defaults of its hooks need no arguments

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from channels.contract import Batching, Channel, Collecting, Item, Parting, Period, Receipt, Withdrawing
from channels.errors import CannotTell, ChannelError, RateLimited, Rejected, Unauthorized, Unavailable, Uncertain
from channels.message import Message
from channels.piece import KINDS, MAIN, Piece
from channels.samples import (
    CANARY,
    NOW,
    SITE,
    MemoryArchive,
    capture,
    context,
    hostile_pieces,
    long_piece,
    open_channel,
    sample_piece,
    sample_view,
    scripts_in,
)
from channels.view import View

__all__ = [
    "CANARY",
    "FAULTS",
    "NOW",
    "SITE",
    "ChannelContract",
    "MemoryArchive",
    "capture",
    "context",
    "hostile_pieces",
    "long_piece",
    "open_channel",
    "sample_piece",
    "sample_view",
    "scripts_in",
]

FAULTS: Mapping[str, type[ChannelError]] = {
    "rejected": Rejected,
    "unauthorized": Unauthorized,
    "rate-limited": RateLimited,
    "unavailable": Unavailable,
    "uncertain": Uncertain,
}
"""What `faulty` may be asked for, and what publishing must then raise."""


class ChannelContract:
    """The contract, as tests. Override `make`; `effects` and `faulty` where they make sense."""

    def make(self, tmp_path: Path) -> Channel:
        """A channel that may be published to. Called more than once: with the same folder it is the same channel."""
        raise NotImplementedError("say in your subclass how the channel is opened")

    def faulty(self, tmp_path: Path, kind: str) -> Channel | None:
        """A channel whose remote will answer so that publishing fails as `FAULTS[kind]`; None: there is no such thing.

        `lost-reply`: the remote accepts, and the answer is lost.
        """
        return None

    def effects(self, tmp_path: Path) -> int | None:
        """How many messages can be seen out there (posts, mails, pages, entries); None: that can't be counted."""
        return None

    def pieces(self) -> list[Piece]:
        return [sample_piece(kind) for kind in KINDS]

    def view(self, tmp_path: Path) -> View:
        return sample_view(tmp_path)

    # Rendering

    def test_it_says_what_it_is(self, tmp_path: Path) -> None:
        channel = self.make(tmp_path)
        assert channel.name
        assert isinstance(channel.idempotent, bool)
        assert channel.settle >= timedelta(0)
        assert channel.idempotent or not isinstance(channel, Batching)
        channel.close()

    def test_rendering_is_deterministic(self, tmp_path: Path) -> None:
        view = self.view(tmp_path)
        first, second = self.make(tmp_path), self.make(tmp_path)
        for piece in self.pieces():
            messages = first.render(piece, view)
            assert messages
            assert [m.digest() for m in messages] == [m.digest() for m in second.render(piece, view)]
            assert all(m.channel == first.name and m.piece == piece.id for m in messages)

    def test_rendering_and_checking_stay_off_the_network(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        channel, view = self.make(tmp_path), self.view(tmp_path)
        monkeypatch.setattr(socket.socket, "connect", _refused)
        monkeypatch.setattr(socket, "getaddrinfo", _refused)
        for piece in self.pieces():
            channel.render(piece, view)
            channel.check(piece, view)

    def test_parts_are_those_that_are_rendered(self, tmp_path: Path) -> None:
        channel, view = self.make(tmp_path), self.view(tmp_path)
        for piece in [*self.pieces(), long_piece(channel.name)]:
            rendered = [message.part for message in channel.render(piece, view)]
            assert len(set(rendered)) == len(rendered)
            planned = [part.name for part in channel.parts(piece, view)] if isinstance(channel, Parting) else [MAIN]
            assert rendered == planned

    def test_what_is_over_a_limit_is_flagged(self, tmp_path: Path) -> None:
        channel, view = self.make(tmp_path), self.view(tmp_path)
        for piece in [*self.pieces(), long_piece(channel.name), *hostile_pieces(channel.name)]:
            flagged = any(problem.severity == "error" for problem in channel.check(piece, view))
            for message in channel.render(piece, view):
                over = message.limit is not None and (message.length is None or message.length > message.limit)
                assert not over or (flagged and any(p.severity == "error" for p in message.problems))

    def test_a_message_survives_being_stored(self, tmp_path: Path) -> None:
        channel, view = self.make(tmp_path), self.view(tmp_path)
        for piece in [*self.pieces(), *hostile_pieces(channel.name)]:
            for message in channel.render(piece, view):
                stored = Message.from_payload(json.loads(json.dumps(message.payload())))
                assert stored.digest() == message.digest()

    def test_hostile_text_breaks_nothing(self, tmp_path: Path) -> None:
        channel, view = self.make(tmp_path), self.view(tmp_path)
        for piece in hostile_pieces(channel.name):
            channel.check(piece, view)
            for message in channel.render(piece, view):
                assert not scripts_in(message.html)
                (message.title + message.text + message.html).encode()

    # Publishing

    def test_what_was_published_is_found(self, tmp_path: Path) -> None:
        channel, message = self._ready(tmp_path)
        since = datetime.now(UTC)
        receipt = channel.publish(message, "key-1", None)
        assert receipt.remote_id
        json.dumps(dict(receipt.data))
        try:
            found = channel.find(message, "key-1", since)
        except CannotTell:
            pytest.skip("this remote can't be read back")
        assert found is not None
        assert found.remote_id == receipt.remote_id
        channel.close()

    def test_what_was_not_published_is_not_found(self, tmp_path: Path) -> None:
        channel, message = self._ready(tmp_path)
        try:
            assert channel.find(message, "key-never", NOW) is None
        except CannotTell:
            pytest.skip("this remote can't be read back")

    def test_a_stored_message_is_published_as_it_was(self, tmp_path: Path) -> None:
        channel, message = self._ready(tmp_path)
        stored = Message.from_payload(json.loads(json.dumps(message.payload())))
        assert channel.publish(stored, "key-1", None).remote_id

    def test_a_repeat_has_one_effect(self, tmp_path: Path) -> None:
        channel, message = self._ready(tmp_path)
        if not channel.idempotent:
            pytest.skip("this channel does not promise it: the desk looks with find before it repeats")
        first = channel.publish(message, "key-1", None)
        once = self.effects(tmp_path)
        # A process that died starts anew, and knows nothing of the first time.
        channel.close()
        again = self.make(tmp_path)
        assert again.publish(message, "key-1", None).remote_id == first.remote_id
        if once is not None:
            assert (once, self.effects(tmp_path)) == (1, 1)

    def test_a_batch_tells_of_every_item(self, tmp_path: Path) -> None:
        channel, view = self.make(tmp_path), self.view(tmp_path)
        if not isinstance(channel, Batching):
            pytest.skip("this channel takes no batches")
        messages = [message for piece in self.pieces() for message in channel.render(piece, view)]
        capture(messages, tmp_path)
        items = [Item(f"key-{n}", message, NOW) for n, message in enumerate(messages)]
        first = channel.publish_all(items)
        assert {key for key, outcome in first.items() if isinstance(outcome, Receipt)} == {i.key for i in items}
        once = self.effects(tmp_path)
        assert channel.publish_all(items) == first
        assert self.effects(tmp_path) == once
        if once is not None:
            assert once == len(items)
        channel.close()

    def test_an_edition_is_collected_and_published(self, tmp_path: Path) -> None:
        channel, view = self.make(tmp_path), self.view(tmp_path)
        if not isinstance(channel, Collecting):
            pytest.skip("this channel collects nothing")
        period = channel.period(NOW) or Period("each", NOW)
        messages = channel.collect(period, self.pieces(), view)
        assert [m.digest() for m in messages] == [m.digest() for m in channel.collect(period, self.pieces(), view)]
        assert sorted(i for m in messages for i in m.data["pieces"]) == sorted(p.id for p in self.pieces())
        assert all(message.piece == "" for message in messages)
        capture(messages, tmp_path)
        assert all(channel.publish(m, f"edition-{n}", None).remote_id for n, m in enumerate(messages))

    def test_what_is_withdrawn_is_gone(self, tmp_path: Path) -> None:
        channel, message = self._ready(tmp_path)
        if not isinstance(channel, Withdrawing):
            pytest.skip("this channel can't take back")
        receipt = channel.publish(message, "key-1", None)
        channel.withdraw(receipt, "key-2")
        if (left := self.effects(tmp_path)) is not None:
            assert left == 0

    @pytest.mark.parametrize("kind", FAULTS)
    def test_a_remote_failure_becomes_the_right_error(self, tmp_path: Path, kind: str) -> None:
        channel = self._faulty(tmp_path, kind)
        with pytest.raises(FAULTS[kind]) as caught:
            channel.publish(self._message(channel, tmp_path), "key-1", None)
        assert str(caught.value)
        channel.close()

    def test_a_lost_reply_is_uncertain_and_then_found(self, tmp_path: Path) -> None:
        channel = self._faulty(tmp_path, "lost-reply")
        message = self._message(channel, tmp_path)
        since = datetime.now(UTC)
        with pytest.raises(Uncertain):
            channel.publish(message, "key-1", None)
        assert channel.find(message, "key-1", since) is not None
        assert self.effects(tmp_path) in (1, None)
        channel.close()

    def test_no_secret_shows(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        channel, message = self._ready(tmp_path)
        channel.publish(message, "key-1", None)
        for kind in FAULTS:
            if (faulty := self.faulty(tmp_path / kind, kind)) is None:
                continue
            with pytest.raises(ChannelError) as caught:
                faulty.publish(self._message(faulty, tmp_path / kind), "key-1", None)
            assert CANARY not in f"{caught.value!r} {caught.value} {caught.value.hint}"
            faulty.close()
        assert CANARY not in caplog.text
        assert CANARY not in repr(channel) + repr(vars(channel) if hasattr(channel, "__dict__") else "")

    def test_closing_twice_is_fine(self, tmp_path: Path) -> None:
        channel = self.make(tmp_path)
        channel.close()
        channel.close()

    def _message(self, channel: Channel, tmp_path: Path) -> Message:
        message = channel.render(self.pieces()[0], self.view(tmp_path))[0]
        capture([message], tmp_path)
        return message

    def _ready(self, tmp_path: Path) -> tuple[Channel, Message]:
        channel = self.make(tmp_path)
        return channel, self._message(channel, tmp_path)

    def _faulty(self, tmp_path: Path, kind: str) -> Channel:
        channel = self.faulty(tmp_path, kind)
        if channel is None:
            pytest.skip(f"this adapter has no remote that could be {kind}")
        return channel


def _refused(*_: object, **__: object) -> None:
    raise AssertionError("rendering went to the network")
