"""What the torture has published: pieces whose every post, mail and page can be told apart, whatever becomes of them.

Each text carries a mark, `k017`; the posts of a thread carry `k017p1`, `k017p2` …, live posts `k017v1` …. The mark is in
no file's name and so in no address. Edits and new names leave the marks as they are, so a ledger can be counted by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

Form = Literal["plain", "own", "thread", "event"]
MARK = re.compile(r"\bk(\d{3,})(?:([pv])(\d+))?\b")
LIVE_LABEL = "kohta"
_FILLER = "ministeriö avaa palvelun kaikille ja kertoo samalla mitä seuraavaksi tehdään ja kenelle se on tarkoitettu"


@dataclass(frozen=True, slots=True, order=True)
class Unit:
    """One thing that a remote is to have once: a delivery, named as the harness names it."""

    channel: str
    number: int
    part: str = "main"

    def __str__(self) -> str:
        return f"k{self.number:03} {self.part} on {self.channel}"


def part_of(kind: str | None, which: str | None) -> str:
    """The part that a mark's tail stands for."""
    if kind == "p":
        return str(which)
    return f"{LIVE_LABEL}-{which}" if kind == "v" else "main"


@dataclass
class Manuscript:
    """One piece's file, as it stands now. `posts`: how many parts its thread, or how many live posts its event, has."""

    number: int
    form: Form
    at: datetime
    posts: int = 0
    version: int = 1
    name: int = 1
    deleted: bool = False

    @property
    def mark(self) -> str:
        return f"k{self.number:03}"

    @property
    def kind(self) -> str:
        return "event" if self.form == "event" else "news"

    @property
    def slug(self) -> str:
        return f"kirje-{self.number}-{'abcdefgh'[self.name - 1]}"

    @property
    def path(self) -> str:
        return f"content/{'events' if self.form == 'event' else 'news'}/{self.slug}.md"

    @property
    def page(self) -> str:
        return f"fi/{self.kind}/{self.slug}/index.html"

    def units(self, channels: tuple[str, ...]) -> Iterator[Unit]:
        """Everything of it that is to go out."""
        for channel in channels:
            posts = channel.startswith("x")
            if posts and self.form == "thread":
                yield from (Unit(channel, self.number, str(n)) for n in range(1, self.posts + 1))
                continue
            yield Unit(channel, self.number)
            if posts and self.form == "event":
                yield from (Unit(channel, self.number, part_of("v", str(n))) for n in range(1, self.posts + 1))

    @property
    def title(self) -> str:
        """Not like those of its neighbours: a file system gives the inode of a deleted file to the next new one, and
        with a like title that is rightly taken for a new name of the old piece."""
        return f"{self.mark} {chr(ord('a') + self.number % 26) * 40}"

    def text(self) -> str:
        """The whole file."""
        head = [
            f"title: {self.title}",
            f"publish_at: {self.at:%Y-%m-%d %H:%M:%S}",
            f"tags: [t{self.number % 3}]",
        ]
        body = f"Teksti {self.mark}, versio {self.version}.\n"
        if self.form == "event":
            head += ["live: true", "thread: true", f"starts_at: {self.at:%Y-%m-%d %H:%M:%S}", "hashtags: [talo]"]
            body += "".join(self._live(n) for n in range(1, self.posts + 1))
        elif self.form == "own":
            head += self._override(f"Oma teksti {self.mark}, versio {self.version}. https://vm.fi/{self.number}")
        elif self.form == "thread":
            head += self._override("\n\n".join(self._post(n) for n in range(1, self.posts + 1)))
        return "\n".join(["---", *head, "---", "", body])

    def _override(self, text: str) -> list[str]:
        lines = [f"      {line}".rstrip() for line in text.split("\n")]
        return ["channels:", *(row for name in ("x", "xbox") for row in (f"  {name}:", "    text: |", *lines))]

    def _post(self, n: int) -> str:
        """Two of these do not fit into one post."""
        return f"Osa {self.mark}p{n}, versio {self.version}: {_FILLER}. Osa on numero {n}, ja se seuraa edellistä."

    def _live(self, n: int) -> str:
        return f"\n## +{n * 2}s {LIVE_LABEL} {n}\n\nSalista {self.mark}v{n}, versio {self.version}.\n"

    def write(self, root: Path, *, in_place: bool) -> None:
        """Save it: in place, or as a new file moved over the old."""
        path = root / self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        target = path if in_place else path.with_name(f".{path.name}")
        target.write_text(self.text())
        target.replace(path)

    def rename(self, root: Path) -> None:
        before = root / self.path
        self.name += 1
        before.rename(root / self.path)

    def delete(self, root: Path) -> None:
        self.deleted = True
        (root / self.path).unlink()
