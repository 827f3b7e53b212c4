"""The contract, for the feeds."""

import json
from pathlib import Path

from channels.contract import Channel
from channels.registry import adapter
from channels.testing import SITE, ChannelContract, context, open_channel
from channels.view import Site


class TestRss(ChannelContract):
    def make(self, tmp_path: Path) -> Channel:
        return open_channel("rss", tmp_path)

    def effects(self, tmp_path: Path) -> int:
        feed = json.loads((tmp_path / "var/site/fi/feed.json").read_text())
        return len(feed["items"])

    def faulty(self, tmp_path: Path, kind: str) -> Channel | None:
        found = adapter("rss")
        if kind == "unavailable":
            tmp_path.mkdir(exist_ok=True)
            (tmp_path / "blocked").write_text("a file where a folder should be")
            return found.open("rss", found.options(path="blocked/site"), context(tmp_path))
        if kind == "rejected":
            english = Site(SITE.title, SITE.url, SITE.timezone, ("en",))
            return found.open("rss", found.options(), context(tmp_path, site=english))
        return None
