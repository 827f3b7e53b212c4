"""What a backup says of itself, and how its file is laid out.

A tar, not compressed: `manifest.json` first, then `julki.db`, then `media/…` in the manifest's order.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

MANIFEST, DATABASE, MEDIA = "manifest.json", "julki.db", "media/"
_PICTURE = re.compile(r"media/([0-9a-f]{64})(\.[^/\x00-\x1f\x7f]{1,40})?")

Short = Annotated[str, Field(max_length=500)]
Count = Annotated[int, Field(ge=0)]


class BadBackup(Exception):
    """A backup can't be made, or can't be used; the message says why and what to do."""


class Member(BaseModel):
    """One file inside. `size` is in bytes, `sha256` in hex."""

    model_config = ConfigDict(frozen=True)

    name: Short
    size: Count
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

    @property
    def is_media(self) -> bool:
        """Whether it is a captured file, under the name that its content gives it."""
        found = _PICTURE.fullmatch(self.name)
        return found is not None and found[1] == self.sha256


class Manifest(BaseModel):
    """`database` is where the original lay, `missing` are media that were not there. For the rest see `Content`."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    version: Short
    revision: Short
    made_at: AwareDatetime
    host: Short
    site: Short
    database: Short
    rows: dict[Short, Count]
    attempt: Count
    audit: Count
    members: Annotated[tuple[Member, ...], Field(min_length=1, max_length=1_000_000)]
    missing: tuple[Short, ...] = ()

    @property
    def media(self) -> int:
        return len(self.members) - 1

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(member.size for member in self.members)

    @property
    def proper(self) -> bool:
        """Whether it lists one database, then media, each once, and nothing else."""
        first, *rest = self.members
        known = first.name == DATABASE and all(member.is_media for member in rest)
        return known and len({member.name for member in rest}) == len(rest)
