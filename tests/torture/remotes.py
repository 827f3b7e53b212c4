"""What the remotes hold, counted by the marks in it: X's ledger, the outbox, the mail folders, the site, the feeds."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.torture.manuscript import MARK, Unit, part_of

_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_ATOM = "{http://www.w3.org/2005/Atom}"


@dataclass(frozen=True, slots=True)
class Post:
    """One post, on X or in the outbox: `unit` is what its mark says; `parent` the number of the post that it answers."""

    unit: Unit
    id: str
    parent: str | None


@dataclass
class Holdings:
    """How often each unit is out; `posts` in the order in which they came; `oddities`: what is no unit at all."""

    units: Counter[Unit] = field(default_factory=Counter)
    posts: list[Post] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)

    def add_posts(self, channel: str, posts: Iterable[tuple[str, str, str | None]]) -> None:
        """`posts`: text, number, number of the post answered."""
        for text, number, parent in posts:
            units = _units(channel, text)
            if len(units) != 1:
                self.oddities.append(f"{channel}: a post with {len(units)} marks: {text!r}")
            for unit in units:
                self.units[unit] += 1
                self.posts.append(Post(unit, number, parent))

    def add(self, channel: str, text: str) -> None:
        self.units.update(_units(channel, text))


def _units(channel: str, text: str) -> set[Unit]:
    return {Unit(channel, int(number), part_of(kind, which)) for number, kind, which in MARK.findall(text)}


def outbox(path: Path) -> list[tuple[str, str, str | None]]:
    lines = path.read_text().splitlines() if path.exists() else []
    return [(line["text"], line["id"], line["reply_to"]) for line in map(json.loads, lines)]


def outbox_keys(path: Path) -> list[str]:
    return [json.loads(line)["key"] for line in path.read_text().splitlines()] if path.exists() else []


def mails(folder: Path) -> list[str]:
    """Subject and text of each mail that was delivered."""
    found = []
    for path in sorted([*folder.glob("new/*"), *folder.glob("cur/*")]):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        body = mail.get_body(("plain",))
        found.append(f"{mail['Subject']}\n{body.get_content() if body else ''}")
    return found


def pages(site: Path) -> list[str]:
    """The titles of the pieces' pages; a page that only leads on to another has no piece's title."""
    found = []
    for path in [*site.glob("fi/news/*/index.html"), *site.glob("fi/event/*/index.html")]:
        match = _TITLE.search(path.read_text())
        found.append(match[1] if match else "")
    return found


def feeds(site: Path) -> dict[str, list[str]]:
    """Form → the titles of the entries in the language's feed."""
    forms: dict[str, Callable[[Path], list[str]]] = {"rss.xml": _rss, "atom.xml": _atom, "feed.json": _json}
    return {form: read(site / "fi" / form) if (site / "fi" / form).exists() else [] for form, read in forms.items()}


def _rss(path: Path) -> list[str]:
    return [item.findtext("title") or "" for item in ET.parse(path).iter("item")]  # noqa: S314  our own file


def _atom(path: Path) -> list[str]:
    return [entry.findtext(f"{_ATOM}title") or "" for entry in ET.parse(path).iter(f"{_ATOM}entry")]  # noqa: S314  our own file


def _json(path: Path) -> list[str]:
    return [item["title"] for item in json.loads(path.read_text())["items"]]


def chain_faults(posts: Sequence[Post]) -> list[str]:
    """Posts that do not answer what they should: of a thread the post before; of an event one of its earlier posts, or
    none, as long as none was known to be out."""
    seen: dict[tuple[str, int], dict[str, str]] = {}
    faults = []
    for post in posts:
        earlier = seen.setdefault((post.unit.channel, post.unit.number), {})
        if not _hangs(post, earlier):
            faults.append(f"{post.unit} answers {post.parent}, before it there were {earlier}")
        earlier[post.id] = post.unit.part
    return faults


def _hangs(post: Post, earlier: dict[str, str]) -> bool:
    part = post.unit.part
    if part in ("main", "1"):
        return post.parent is None
    if part.isdigit():
        return post.parent is not None and earlier.get(post.parent) == str(int(part) - 1)
    return post.parent is None or post.parent in earlier
