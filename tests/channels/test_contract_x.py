"""The contract, for X: in the sandbox, and through tweepy against the mock."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.contract import Channel
from channels.errors import ChannelError
from channels.testing import CANARY, ChannelContract, open_channel
from tests.mocks.x.server import Fault, MockX


class TestSandbox(ChannelContract):
    def make(self, tmp_path: Path) -> Channel:
        return open_channel("x", tmp_path)

    def effects(self, tmp_path: Path) -> int:
        lines = map(json.loads, (tmp_path / "var/outbox/x.jsonl").read_text().splitlines())
        seen: dict[str, int] = {}
        for line in lines:
            if "withdrawn" in line:
                seen.pop(line["withdrawn"])
            else:
                seen[line["id"]] = seen.get(line["id"], 0) + 1
        return sum(seen.values())


class TestSandboxWithThreads(TestSandbox):
    def make(self, tmp_path: Path) -> Channel:
        return open_channel("x", tmp_path, threads=True)


_PROBLEM = {"title": "Problem", "type": "about:blank"}
_ANSWERS: dict[str, Fault] = {
    "rejected": (400, {}, _PROBLEM),
    "unauthorized": (401, {}, {**_PROBLEM, "detail": f"Bad key {CANARY}-api_key"}),
    "rate-limited": (429, {}, _PROBLEM),
    "uncertain": (503, {}, [_PROBLEM]),
    "lost-reply": "accepted-then-cut",
}


class TestLive(ChannelContract):
    @pytest.fixture(autouse=True)
    def _mock(self) -> Iterator[None]:
        with MockX() as self.mock:
            yield

    def make(self, tmp_path: Path) -> Channel:
        return open_channel("x", tmp_path, sandbox=False, api_url=self.mock.url)

    def faulty(self, tmp_path: Path, kind: str) -> Channel | None:
        if kind == "unavailable":
            return open_channel("x", tmp_path, sandbox=False, api_url="http://127.0.0.1:9")
        self.mock.fail_next(_ANSWERS[kind])
        return self.make(tmp_path)

    def effects(self, tmp_path: Path) -> int:
        return len(self.mock.ledger.live())

    def test_errors_never_hold_what_the_remote_repeats_of_a_key(self, tmp_path: Path) -> None:
        channel = self.faulty(tmp_path, "unauthorized")
        assert channel
        with pytest.raises(ChannelError, match="Bad key …"):
            channel.publish(self._message(channel, tmp_path), "key-1", None)
