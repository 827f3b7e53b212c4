"""The feeds as a channel: `rss.xml`, `atom.xml` and `feed.json` in the site's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import Field

from channels import markdown
from channels.article import article
from channels.card import card, moment
from channels.contract import Context, Item, Receipt
from channels.errors import ChannelError
from channels.files import building, unwritable
from channels.message import Message, Problem
from channels.pictures import Pictures
from channels.piece import Piece
from channels.registry import Options
from channels.rss import feed
from channels.rss.build import Build, Entries
from channels.view import View


class RssOptions(Options):
    """`path`: the site's folder, from the workspace. `items`: how many of the newest pieces a feed holds."""

    path: str = "var/site"
    items: int = Field(default=50, ge=1, le=500)


class Rss:
    """Feeds: a function of what is live. Publishing twice has one effect; a feed never holds a piece twice."""

    idempotent = True
    settle = timedelta(0)

    def __init__(self, name: str, options: RssOptions, context: Context) -> None:
        self.name = name
        self.folder = context.root / options.path
        self.items = options.items
        self._context = context
        self._entries = Entries()

    def check(self, piece: Piece, view: View) -> list[Problem]:
        problems = []
        if piece.lang not in view.site.languages:
            known = ", ".join(view.site.languages)
            said = f"The site has no language '{piece.lang}', so no feed either. Write one of {known}."
            problems.append(Problem("site-language", said, field="lang"))
        if len(piece.body) > markdown.MAX:
            problems.append(Problem("body-too-long", f"The text is longer than {markdown.MAX:,} characters. Split it."))
        return problems

    def render(self, piece: Piece, view: View) -> list[Message]:
        page = article(piece, view, view.site.url)
        about = card(piece, view, page.summary, page.lead)
        return [
            Message(
                channel=self.name,
                piece=piece.id,
                title=about["title"],
                text=page.summary,
                html=page.html,
                media=page.media,
                card=about,
                links_page=True,
                problems=tuple(self.check(piece, view)),
            )
        ]

    def publish(self, message: Message, key: str, parent: Receipt | None) -> Receipt:  # noqa: ARG002 - the contract's
        date = message.card["date"]
        outcome = self.publish_all([Item(key, message, moment(date or "1970-01-01T00:00:00Z"))])[key]
        if isinstance(outcome, ChannelError):
            raise outcome
        return outcome

    def publish_all(self, items: Sequence[Item]) -> Mapping[str, Receipt | ChannelError]:
        """A piece older than the newest is out as soon as it is taken into account, though no feed shows it."""
        site = self._context.site
        pictures = Pictures(self._context.media, self.folder / "media", site.url)
        build = Build(self.folder, site, pictures, self._context.archive, self._entries, self.items)
        try:
            with building(self.folder, "feeds"):
                rejected = build.run(self.name, items)
        except OSError as error:
            return dict.fromkeys((item.key for item in items), unwritable("The folder of the feeds", error))
        return {item.key: rejected.get(item.key) or self._receipt(item.message) for item in items}

    def find(self, message: Message, key: str, since: datetime) -> Receipt | None:  # noqa: ARG002 - the contract's
        """Whether the language's feed holds the piece; an older one may be out without."""
        path = self.folder / message.card["lang"] / feed.JSON
        items = json.loads(path.read_text())["items"] if path.is_file() else []
        held = any(item["id"].endswith(f":{message.card['uid']}") for item in items)
        return self._receipt(message) if held else None

    def close(self) -> None:
        self._entries = Entries()

    def _receipt(self, message: Message) -> Receipt:
        return Receipt(f"urn:uuid:{message.card['uid']}", self._context.site.url + message.card["url"])
