"""Posts that are being written, kept in `var/drafts/` so that a lost connection loses no word."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from slugify import slugify

from channels.files import write_atomic

_LARGEST = 256 * 1024
Photo = tuple[str, str]
"""A path as it was typed, and what is to be seen."""


@dataclass(frozen=True, slots=True)
class Draft:
    """`tap` is the name that the post will have: sent twice, from wherever, it goes out once."""

    event: str
    by: str
    tap: str
    text: str = ""
    photos: tuple[Photo, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.text.strip() and not any(path.strip() or alt.strip() for path, alt in self.photos)


def fresh(event: str, by: str) -> Draft:
    return Draft(event, by, uuid4().hex)


@dataclass(frozen=True, slots=True)
class Drafts:
    """The drafts that lie in `folder`, a file each."""

    folder: Path

    def keep(self, draft: Draft) -> str:
        """Write it down; the empty one is dropped. Why it can't be kept, or ""."""
        try:
            if draft.empty:
                self._path(draft).unlink(missing_ok=True)
            else:
                write_atomic(
                    self._path(draft), json.dumps(asdict(draft), ensure_ascii=False).encode("utf-8", "replace")
                )
        except OSError as error:
            return f"This text can't be kept on the disk ({error.strerror or error}). Copy it before you leave."
        return ""

    def drop(self, draft: Draft) -> None:
        """It was sent, or thrown away."""
        try:
            self._path(draft).unlink(missing_ok=True)
        except OSError:
            return  # it is offered again, and sent again it counts once

    def of(self, event: str, by: str) -> list[Draft]:
        """That person's for that event, the newest first."""
        found: list[tuple[float, Draft]] = []
        for path in sorted(self.folder.glob("*.json")):
            draft = _read(path)
            if draft is not None and (draft.event, draft.by) == (event, by) and path == self._path(draft):
                found.append((_age(path), draft))
        return [draft for _, draft in sorted(found, key=lambda one: one[0], reverse=True)]

    def _path(self, draft: Draft) -> Path:
        return self.folder / f"{slugify(draft.event, max_length=80)}-{slugify(draft.tap, max_length=80)}.json"


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _read(path: Path) -> Draft | None:
    """None where the file is not one of ours."""
    try:
        if path.stat().st_size > _LARGEST:
            return None
        told = json.loads(path.read_text("utf-8"))
        texts = {name: _text(told[name]) for name in ("event", "by", "tap", "text")}
        return Draft(**texts, photos=_photos(told["photos"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _photos(told: Sequence[Any]) -> tuple[Photo, ...]:
    return tuple((_text(path), _text(alt)) for path, alt in told)


def _text(told: Any) -> str:
    if not isinstance(told, str):
        raise TypeError(told)
    return told
