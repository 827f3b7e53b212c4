"""Names: what the keys in a front matter are really called, and a piece's slug."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from pydantic import BaseModel
from slugify import slugify

from scheduler.calendar.fields import ALIASES, FIELDS, GROUPS, KEYS, ChannelFields
from scheduler.calendar.finding import START, Notes, Place, shortened, suggestion
from scheduler.calendar.frontmatter import Block

_PLAIN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_DATED = re.compile(r"\d{4}-\d\d-\d\d[-_ ]")
LONGEST_SLUG = 150
"""Characters; a slug becomes the name of a folder."""


@dataclass(frozen=True, slots=True)
class Named:
    """The values by field, empty ones left out, and the key by which each was written."""

    values: dict[str, Any]
    written: dict[str, str]
    block: Block

    def place(self, path: str, otherwise: Place = START) -> Place:
        """Where a field (`tags`, `image.alt`) stands, or would if it were not empty."""
        field, dot, rest = path.partition(".")
        return self.block.place(self.written.get(field, field) + dot + rest) or otherwise


def named(block: Block, notes: Notes) -> Named:
    """Fields by their own names. Notes unknown keys, fields written twice under two names, and hashtags that YAML does not
    read."""
    values, written = {}, {}
    for key, value in block.values.items():
        if key not in KEYS:
            notes.warn("unknown-key", block.keys[key], _unknown(key, KEYS))
        elif key in FIELDS and not _empty(key, value):
            values[key], written[key] = value, key
    for field, aliases in ALIASES.items():
        for alias in aliases:
            value = block.values.get(alias)
            if _empty(alias, value):
                continue
            if field not in values:
                values[field], written[field] = value, alias
            elif values[field] != value:
                message = f"'{written[field]}' counts; '{alias}' means the same and differs. Delete one of them."
                notes.warn("two-names", block.keys[alias], message)
    for place, lost in block.cuts:
        message = f"'{shortened(lost)}' is not read: # after a space begins a comment. Put the whole value in quotes."
        notes.warn("comment", place, message)
    _nested(block, notes)
    return Named(values, written, block)


def _nested(block: Block, notes: Notes) -> None:
    groups: list[tuple[str, Any, type[BaseModel]]] = []
    groups += [(name, block.values.get(name), model) for name, model in GROUPS.items()]
    channels = block.values.get("channels")
    if isinstance(channels, dict):
        groups += [(f"channels.{name}", value, ChannelFields) for name, value in channels.items()]
    for path, value, model in groups:
        known = frozenset(model.model_fields)
        for key in value if isinstance(value, dict) else ():
            if key not in known:
                notes.warn("unknown-key", block.keys[f"{path}.{key}"], _unknown(key, known, f" in {shortened(path)}"))


def _unknown(key: str, known: frozenset[str], where: str = "") -> str:
    hint = suggestion(key, known, listing=False)
    return f"'{shortened(key)}'{where} is not a key that Julki knows, and is left alone.{hint}"


def _empty(key: str, value: Any) -> bool:
    """Nothing is said. An empty list of channels does say something: nowhere."""
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, list):
        return key != "channels" and all(_empty("", one) for one in value)
    if isinstance(value, dict):
        return key != "channels" and all(_empty("", one) for one in value.values())
    return value is None


def slug(written: str, path: str) -> str:
    """The slug of a piece: as written, else from its file's name without a leading date. Empty where nothing is left."""
    text = written or _DATED.sub("", PurePosixPath(path).stem, count=1)
    if len(text) <= LONGEST_SLUG and _PLAIN.fullmatch(text):
        return text
    return str(slugify(unquote(text), max_length=LONGEST_SLUG))


def is_piece(path: str) -> bool:
    """Whether a path relative to the workspace, with `/`, is a piece's by its name."""
    parts = path.split("/")
    if len(parts) < 2 or parts[0] != "content" or not path.endswith(".md"):
        return False
    return parts[1] != "newsletter" and not any(part.startswith(("_", ".")) or not part for part in parts)
