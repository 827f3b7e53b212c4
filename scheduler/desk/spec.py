"""A piece's wishes for its channels, as the JSON that `source.spec` keeps, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from channels.contract import Part
from channels.piece import MAIN, Override, Piece
from scheduler.plan import Intent
from scheduler.store.shifts import Shifts

_ONLY_MAIN = [Part(MAIN)]


def encode(piece: Piece, parts: Mapping[str, Sequence[Part]]) -> dict[str, Any] | None:
    """None where the kind's defaults say it all, as they do for nearly every piece."""
    spec: dict[str, Any] = {}
    if piece.channels is not None:
        spec["channels"] = list(piece.channels)
    if piece.overrides:
        spec["overrides"] = {name: _override(one) for name, one in piece.overrides.items()}
    several = {name: [_part(part) for part in found] for name, found in parts.items() if list(found) != _ONLY_MAIN}
    if several:
        spec["parts"] = several
    if piece.event and piece.event.live:
        spec["starts"] = piece.event.starts_at.isoformat()
    return spec or None


def _override(one: Override) -> dict[str, Any]:
    """What planning needs; texts stay in the file."""
    found: dict[str, Any] = {"segment": one.segment} if one.segment else {}
    if one.skip:
        found["skip"] = True
    if isinstance(one.at, datetime):
        found["at"] = one.at.isoformat()
    elif isinstance(one.at, timedelta):
        found["in"] = one.at.total_seconds()
    return found


def _part(part: Part) -> list[Any]:
    return [part.name, part.at.isoformat() if part.at else None, part.by_hand]


def intent(row: Any, piece: int, after: int | None, shifts: Shifts | None = None) -> Intent:
    """The intent of one row of `pieces.intents`. `shifts`: which live events run late, and by how much."""
    late = None if row.late is None else timedelta(seconds=row.late)
    plain = (piece, row.kind, row.lang, row.status, row.publish_at, row.expires_at, late, after)
    if not row.spec:
        return Intent(*plain)
    starts_at = datetime.fromisoformat(row.spec["starts"]) if "starts" in row.spec else None
    shift = (shifts or {}).get((piece, starts_at), timedelta(0)) if starts_at else timedelta(0)
    return replace(Intent(*plain, *_decoded_spec(row.spec)), shift=shift)


def _decoded_spec(spec: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        tuple(spec["channels"]) if "channels" in spec else None,
        {name: _decoded(one) for name, one in spec.get("overrides", {}).items()},
        {name: [_decoded_part(*part) for part in found] for name, found in spec.get("parts", {}).items()},
    )


def _decoded(one: Mapping[str, Any]) -> Override:
    at: datetime | timedelta | None = None
    if "at" in one:
        at = datetime.fromisoformat(one["at"])
    elif "in" in one:
        at = timedelta(seconds=one["in"])
    return Override(at=at, segment=one.get("segment", ""), skip=one.get("skip", False))


def _decoded_part(name: str, at: str | None, by_hand: bool) -> Part:
    return Part(name, datetime.fromisoformat(at) if at else None, by_hand)
