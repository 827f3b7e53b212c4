"""The contract, for the newsletter: mail by mail, and in weekly editions."""

from pathlib import Path

from channels.contract import Channel
from channels.testing import ChannelContract, open_channel


class TestWeekly(ChannelContract):
    def make(self, tmp_path: Path) -> Channel:
        return open_channel("newsletter", tmp_path)

    def effects(self, tmp_path: Path) -> int:
        return len(list((tmp_path / "var/outbox/newsletter").glob("new/*")))


class TestEach(TestWeekly):
    def make(self, tmp_path: Path) -> Channel:
        return open_channel("newsletter", tmp_path, edition="each")
