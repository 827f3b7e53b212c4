"""The name of one act: the same act tried again has the same key, and so has it after the database was lost."""

from __future__ import annotations

import hashlib


def of_delivery(uid: str, channel: str, part: str, generation: int) -> str:
    """The key of publishing. `generation` counts a person's fresh starts."""
    return _key("publish", uid, channel, part, str(generation))


def of_revision(uid: str, channel: str, part: str, digest: str) -> str:
    return _key("revise", uid, channel, part, digest)


def of_withdrawal(uid: str, channel: str, part: str, digest: str) -> str:
    return _key("withdraw", uid, channel, part, digest)


def of_edition(site: str, channel: str, period: str, language: str, segment: str) -> str:
    return _key("edition", site, channel, period, language, segment)


def _key(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:40]
