"""The text of a new piece, with every useful field shown, and its file.

A draft never goes out; what a writer does not need stays as a comment, which the reader of front matter passes over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml
from slugify import slugify

from channels.piece import KINDS
from scheduler.calendar.naming import slug as slug_of

FOLDERS: Mapping[str, str] = {"news": "news", "blog": "blog", "video": "video", "event": "events"}
"""Kind → its folder below `content/`."""

LONGEST_TITLE = 300
_LONGEST_NAME = 80
_NEVER_PLAIN = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x85\u2028\u2029\ufeff]"
)
_PLAIN = re.compile(r"[^\W_](?:[\w .;!?()/+&%–—’-]|,(?= )|:(?=\d))*(?<! )")
_PLAIN_ITEM = re.compile(r"[^\W_][\w ./+-]*(?<! )")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")

Value = str | Sequence[str]


class DraftError(ValueError):
    """No piece can be made of this; the message says the remedy."""


class AlreadyThere(DraftError):
    """There is a file of that name; it was not touched."""


@dataclass(frozen=True, slots=True)
class _Field:
    """One key: how it may look, and what it is for. With `group`, it stands below that key."""

    key: str
    example: str
    remark: str = ""
    group: str = ""

    @property
    def name(self) -> str:
        return f"{self.group}_{self.key}" if self.group else self.key


_TIME = _Field("publish_at", "2026-11-30 09:00", "when it goes out, by the site's clock; without it: an idea")
_OF_KIND: Mapping[str, tuple[_Field, ...]] = {
    "event": (
        _Field("starts_at", "2026-12-01 09:00", "when the event begins; without it: publish_at"),
        _Field("ends_at", "2026-12-01 16:00"),
        _Field("place", "Säätytalo, Helsinki"),
        _Field("hashtags", "[digi, avoindata]", "added to every post where missing"),
        _Field("live", "true", "then each section below whose heading is a time is one post:"),
        _Field("", "  ## 09:05 The doors open       (by the clock, on the event's day)"),
        _Field("", "  ## +1h30m First results       (counted from starts_at)"),
        _Field("", "  ## live Coffee                (prepared, sent by hand)"),
        _Field("thread", "true", "each live post answers the one before"),
    ),
    "video": (
        _Field("url", "https://video.example.org/watch/1", "where it is watched", "video"),
        _Field("duration", "3m20s", "", "video"),
        _Field("captions", "captions.fi.vtt", "the law asks for them", "video"),
        _Field("transcript", "What is said, for those who do not hear it", "", "video"),
    ),
}
_COMMON = (
    _Field("summary", "One or two sentences for lists, feeds and posts"),
    _Field("authors", "[maija]", "as in config/team.toml"),
    _Field("tags", "[digi, lupa]"),
    _Field("src", "photo.jpg", "beside this file, or /news/photo.jpg from content/", "image"),
    _Field("alt", "What the picture shows, for those who do not see it", "", "image"),
    _Field("client", "ministry", "as in config/projects.toml"),
    _Field("project", "permits", "as in config/projects.toml"),
    _Field("phase", "start", "start, middle or end of the project"),
    _Field("audiences", "[citizens]", "as in config/audiences.toml"),
    _Field("channels", "[website, rss]", "without it: what the kind has in config/julki.toml"),
    _Field("translation_of", "fi/slug-of-the-other", "the piece that this one translates"),
    _Field("after", "slug-of-another", "a piece that must be out first"),
    _Field("late", "2h", "how late it may still go out; past that it is held"),
    _Field("expires_at", "2027-01-31 00:00", "when it is taken off again"),
)


def draft(
    kind: str,
    title: str,
    *,
    lang: str,
    slug: str | None = None,
    author: str | None = None,
    publish_at: str | None = None,
    fields: Mapping[str, Value] | None = None,
    body: str = "",
    default_lang: str = "",
    note: str = "",
) -> tuple[str, str]:
    """(path relative to the workspace, text) of a new piece with `status: draft`.

    `publish_at` is the site's wall time as a writer writes it. `fields` are further keys of the front matter (a text,
    or texts for a list; `video_url`, `image_src` for what lies in a group). A language other than `default_lang` gets
    a folder of its own, so that translations may share a slug. `note` becomes a comment. Raises `DraftError`.
    """
    given: dict[str, Value] = {**(fields or {}), **({"publish_at": publish_at} if publish_at else {})}
    if author:
        given.setdefault("authors", [author])
    title = line(title)[:LONGEST_TITLE].strip()
    path, name = _path(kind, title, slug, lang, default_lang)
    shown = (_TIME, *_OF_KIND.get(kind, ()), *_COMMON)
    if strange := given.keys() - {field.name for field in shown}:
        raise DraftError(f"A {kind} has no field '{sorted(strange)[0]}'. Leave it out.")
    head = ["---", *([f"# {line(note)}"] if note else []), f"title: {_scalar(title)}"]
    head += ["status: draft        # ready: it goes out at its time", f"lang: {lang}"]
    head += [f"slug: {name}"] if slug_of("", path) != name else []
    text = "\n".join([*head, *_lines(shown, given), "---", "", _body(body)])
    return path, text.rstrip() + "\n"


def write_new(root: Path, path: str, text: str) -> Path:
    """Write a new file below `root/content`; never over one that is there. Raises `AlreadyThere` or `DraftError`."""
    parts = PurePosixPath(path).parts
    if len(parts) < 2 or parts[0] != "content" or ".." in parts:
        raise DraftError(f"{path} does not lie in content/. Pieces are written there only.")
    place = root.joinpath(*parts)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.parent.resolve().is_relative_to((root / "content").resolve()):
            raise DraftError(f"{path} leads out of content/ through a link. Remove the link.")
        with place.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise AlreadyThere(f"{path} is already there. Open that one, or choose another slug.") from None
    except OSError as error:
        raise DraftError(f"{path} can't be written ({error.strerror}). Look at the folder's rights.") from None
    return place


def line(text: str) -> str:
    """`text` on one line, without what no YAML file may hold."""
    return " ".join(_NEVER_PLAIN.sub(" ", text).split())


def _path(kind: str, title: str, slug: str | None, lang: str, default_lang: str) -> tuple[str, str]:
    if kind not in FOLDERS:
        raise DraftError(f"'{line(kind)}' is not a kind of piece. There are {', '.join(KINDS)}.")
    if not title:
        raise DraftError("A piece needs a title. Write one in quotation marks after the kind.")
    if not _LANGUAGE.fullmatch(lang):
        raise DraftError(f"'{line(lang)}' is not a language. Write it like fi, sv or en.")
    name = slug_of(slug, "") if slug else str(slugify(title, max_length=_LONGEST_NAME, word_boundary=True))
    if not name:
        raise DraftError("The title has no letter or figure to make an address of. Give a slug, like spring-news.")
    folder = FOLDERS[kind] + (f"/{lang}" if default_lang and lang != default_lang else "")
    return f"content/{folder}/{name}.md", name


def _lines(fields: Sequence[_Field], given: Mapping[str, Value]) -> Iterator[str]:
    """The front matter's lines: what is given, and the rest as comments. A group is open if any of it is given."""
    group = ""
    for field in fields:
        value = given.get(field.name)
        if field.group and field.group != group:
            begun = any(key.startswith(field.group + "_") for key in given)
            yield f"{field.group}:" if begun else f"# {field.group}:"
        group = field.group
        indent = "  " if group else ""
        if value:
            yield f"{indent}{field.key}: {_scalar(value) if isinstance(value, str) else _items(value)}"
        elif not field.key:
            yield f"# {field.example}"
        else:
            remark = f"   # {field.remark}" if field.remark else ""
            yield f"# {indent}{field.key}: {field.example}{remark}"


def _items(values: Sequence[str]) -> str:
    return "[" + ", ".join(_scalar(value, _PLAIN_ITEM) for value in values) + "]"


def _scalar(text: str, plain: re.Pattern[str] = _PLAIN) -> str:
    """Plain where any YAML reader takes it for the same text (or for the time that it is), else in quotation marks."""
    text = line(text)
    if plain.fullmatch(text) and (re.match(r"\d{4}-\d\d-\d\d", text) or yaml.safe_load(text) == text):
        return text
    return json.dumps(text, ensure_ascii=False)


def _body(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _NEVER_PLAIN.sub("", text).strip("\n")
