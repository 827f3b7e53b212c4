"""The website as a channel: a folder of pages that any web server can serve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from channels import markdown
from channels.article import DOCUMENTS, address, article
from channels.card import card, moment
from channels.contract import Context, Item, Receipt
from channels.errors import ChannelError
from channels.files import building, unwritable
from channels.message import Json, Media, Message, Problem
from channels.piece import Piece, Video
from channels.registry import Options
from channels.view import View
from channels.website.build import Build
from channels.website.pages import mark
from channels.website.theme import Theme
from channels.website.words import length


class WebsiteOptions(Options):
    """`path`: the site's folder, from the workspace."""

    path: str = "var/site"


class Website:
    """Pages, lists, sitemap: a function of what is live and of the theme. Publishing twice has one effect."""

    idempotent = True
    settle = timedelta(0)

    def __init__(self, name: str, options: WebsiteOptions, context: Context) -> None:
        self.name = name
        self.folder = context.root / options.path
        self._context = context
        self._theme: Theme | None = None

    def check(self, piece: Piece, view: View) -> list[Problem]:
        return check(piece, view)

    def render(self, piece: Piece, view: View) -> list[Message]:
        root = urlsplit(view.site.url).path.rstrip("/")
        page = article(piece, view, root)
        captions = _captions(piece, view)
        about = card(piece, view, page.summary, page.lead)
        return [
            Message(
                channel=self.name,
                piece=piece.id,
                title=about["title"],
                text=page.summary,
                html=page.html,
                media=(*page.media, *captions),
                card=about,
                data={
                    "standfirst": page.summary if piece.summary.strip() else "",
                    "video": _video(piece.video, piece.lang, captions, root) if piece.video else None,
                },
                problems=tuple(check(piece, view)),
            )
        ]

    def publish(self, message: Message, key: str, parent: Receipt | None) -> Receipt:  # noqa: ARG002 - the contract's
        date = message.card["date"]
        outcome = self.publish_all([Item(key, message, moment(date) if date else _UNDATED)])[key]
        if isinstance(outcome, ChannelError):
            raise outcome
        return outcome

    def publish_all(self, items: Sequence[Item]) -> Mapping[str, Receipt | ChannelError]:
        """Without items: bring a changed theme to every page, or do nothing."""
        self._theme = self._theme or Theme(self._context.site)
        build = Build(self.folder, self._theme, self._context.media, self._context.archive)
        try:
            with building(self.folder, "website"):
                rejected = build.run(self.name, items)
        except OSError as error:
            return dict.fromkeys((item.key for item in items), unwritable("The website's folder", error))
        return {item.key: rejected.get(item.key) or self._receipt(item.message) for item in items}

    def find(self, message: Message, key: str, since: datetime) -> Receipt | None:  # noqa: ARG002 - the contract's
        """Every page says which message it shows."""
        page = self.folder / message.card["url"].strip("/") / "index.html"
        shown = page.is_file() and f'content="{mark(message)}"' in page.read_text()
        return self._receipt(message) if shown else None

    def close(self) -> None:
        self._theme = None

    def _receipt(self, message: Message) -> Receipt:
        return Receipt(message.card["id"], self._context.site.url + message.card["url"])


_UNDATED = moment("1970-01-01T00:00:00Z")


def check(piece: Piece, view: View) -> list[Problem]:
    """What keeps a piece off the website, or makes its page poor."""
    problems = []
    if piece.lang not in view.site.languages:
        known = ", ".join(view.site.languages)
        problems.append(
            Problem("site-language", f"The website has no language '{piece.lang}'. Write one of {known}.", field="lang")
        )
    if len(piece.body) > markdown.MAX:
        problems.append(Problem("body-too-long", f"The text is longer than {markdown.MAX:,} characters. Split it."))
    if piece.image and piece.image.src.lower().endswith(".svg"):
        problems.append(Problem("image-kind", "SVG images are not shown. Save it as PNG.", "warning", "image"))
    if piece.video and not _is_web(piece.video.url):
        problems.append(Problem("video-address", "The video's address must begin with https://.", field="video"))
    return problems


def _captions(piece: Piece, view: View) -> tuple[Media, ...]:
    src = piece.video.captions if piece.video else ""
    media = view.file(piece, src) if markdown.is_local(src) else None
    return (media,) if media and media.suffix.lower() in DOCUMENTS else ()


def _video(video: Video, lang: str, captions: tuple[Media, ...], root: str) -> dict[str, Json] | None:
    if not _is_web(video.url):
        return None
    elsewhere = video.captions if _is_web(video.captions) else ""
    return {
        "url": video.url,
        "host": urlsplit(video.url).hostname or "",
        "duration": length(video.duration) if video.duration else "",
        "captions": address(captions[0], root) if captions else elsewhere,
        "transcript": markdown.to_html(video.transcript, lang) if video.transcript else "",
    }


def _is_web(url: str) -> bool:
    return url.lower().startswith(("https://", "http://"))
