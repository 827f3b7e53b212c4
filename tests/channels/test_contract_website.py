"""The contract, for the website."""

from pathlib import Path

from channels.contract import Channel
from channels.registry import adapter
from channels.testing import SITE, ChannelContract, context, open_channel
from channels.view import Site


class TestWebsite(ChannelContract):
    def make(self, tmp_path: Path) -> Channel:
        return open_channel("website", tmp_path)

    def effects(self, tmp_path: Path) -> int:
        pages = (tmp_path / "var/site").glob("*/*/*/index.html")
        return sum("tags" not in page.parts for page in pages)

    def faulty(self, tmp_path: Path, kind: str) -> Channel | None:
        found = adapter("website")
        if kind == "unavailable":
            tmp_path.mkdir(exist_ok=True)
            (tmp_path / "blocked").write_text("a file where a folder should be")
            return found.open("website", found.options(path="blocked/site"), context(tmp_path))
        if kind == "rejected":
            english = Site(SITE.title, SITE.url, SITE.timezone, ("en",))
            return found.open("website", found.options(), context(tmp_path, site=english))
        return None
