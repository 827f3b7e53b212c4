"""What shows only when all pieces are known: who keeps a slug, what waits for what, what translates what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from channels.piece import Status
from scheduler.calendar.finding import START, Finding, Place, shortened

_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """What of a piece matters to others. `after` and `translation_of` as written; `lines` as in `Reading`. `status` is
    needed for `endless` alone."""

    id: str
    path: str
    publish_at: datetime | None
    after: str
    translation_of: str
    lines: Mapping[str, tuple[int, int]]
    status: Status = "ready"


@dataclass(slots=True)
class Relations:
    """`owners`: id → the path that keeps it. `after` and `translations`: id → the id it names."""

    owners: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    after: dict[str, str] = field(default_factory=dict)
    translations: dict[str, str] = field(default_factory=dict)

    def related(self) -> dict[str, dict[str, str]]:
        """Id → language → id of the pieces that translate one another."""
        groups: dict[str, set[str]] = {}
        for piece in self.translations:
            first = self._first(piece)
            groups.setdefault(first, {first}).add(piece)
        return {
            one: {other.partition("/")[0]: other for other in sorted(group) if other != one}
            for group in groups.values()
            for one in group
        }

    def _first(self, piece: str) -> str:
        """What it translates, and what that translates; of a circle the first by name."""
        seen = [piece]
        while (source := self.translations.get(seen[-1])) is not None:
            if source in seen:
                return min(seen[seen.index(source) :])
            seen.append(source)
        return seen[-1]


def relate(known: Iterable[Known], default_language: str) -> Relations:
    """Compares all pieces. What can't be resolved is a finding (an error) and in no mapping.

    Of two with one id the earlier `publish_at`, then the path, keeps it. A bare slug is looked for in the
    piece's own language, then in the default one.
    """
    relations = Relations()
    pieces = _owners(known, relations)
    for piece in pieces.values():
        if piece.after:
            _resolve(piece, "after", "after-nowhere", pieces, default_language, relations)
        if piece.translation_of:
            _resolve(piece, "translation_of", "translation-nowhere", pieces, default_language, relations)
    if relations.after:
        _note_circles(pieces, relations)
    relations.findings.sort(key=lambda one: (one.file, one.line, one.column, one.rule))
    return relations


def _owners(known: Iterable[Known], relations: Relations) -> dict[str, Known]:
    pieces: dict[str, Known] = {}
    losers: list[Known] = []
    for piece in known:
        other = pieces.setdefault(piece.id, piece)
        if other is not piece:
            first, second = (other, piece) if _rank(other) <= _rank(piece) else (piece, other)
            pieces[piece.id] = first
            losers.append(second)
    for loser in losers:
        owner = pieces[loser.id].path
        message = (
            f"'{loser.id}' is already {owner}; {loser.path} can't be published under the same name. "
            "Give it a slug of its own: slug: …"
        )
        relations.findings.append(_error(loser, "slug", "duplicate-slug", message))
    relations.owners = {name: piece.path for name, piece in pieces.items()}
    return pieces


def _rank(piece: Known) -> tuple[datetime, str]:
    return piece.publish_at or _LAST, piece.path


def _resolve(
    piece: Known, name: str, rule: str, pieces: Mapping[str, Known], default: str, relations: Relations
) -> None:
    written: str = getattr(piece, name)
    target = _target(piece, written, pieces, default)
    if target is None or (target == piece.id and name == "translation_of"):
        why = "names the piece itself" if target else "names no piece"
        message = f"{name}: '{shortened(written)}' {why}.{_elsewhere(written, pieces, piece.id)}"
        relations.findings.append(_error(piece, name, rule, message))
    else:
        (relations.after if name == "after" else relations.translations)[piece.id] = target


def _target(piece: Known, written: str, pieces: Mapping[str, Known], default: str) -> str | None:
    """A bare slug that the piece itself bears means its namesake in the default language, where there is one."""
    written = written.strip("/")
    if "/" in written:
        return written if written in pieces else None
    own = f"{piece.id.partition('/')[0]}/{written}"
    names = [own, f"{default}/{written}"]
    if own == piece.id:
        names.reverse()
    return next((name for name in names if name in pieces), None)


def _elsewhere(written: str, pieces: Mapping[str, Known], own: str) -> str:
    slug = written.strip("/").rpartition("/")[2]
    languages = sorted({name.partition("/")[0] for name in pieces})
    there = [name for lang in languages if (name := f"{lang}/{slug}") in pieces and name != own]
    if there:
        return f" Did you mean '{there[0]}'?"
    return " Write the slug of a piece, or language/slug, as `julki plan` shows it."


def _note_circles(pieces: Mapping[str, Known], relations: Relations) -> None:
    """Each piece waits for one other at most, so walking on from each finds every circle once."""
    settled: set[str] = set()
    for start in list(relations.after):
        walk: dict[str, int] = {}
        name: str | None = start
        while name is not None and name not in settled and name not in walk:
            walk[name] = len(walk)
            name = relations.after.get(name)
        settled.update(walk)
        if name is not None and name in walk:
            _note_circle(list(walk)[walk[name] :], pieces, relations)


def _note_circle(circle: list[str], pieces: Mapping[str, Known], relations: Relations) -> None:
    shown = circle if len(circle) <= 6 else [*circle[:5], "…"]
    chain = " → ".join([*shown, circle[0]])
    told = "This piece waits for itself" if len(circle) == 1 else f"These wait for each other for ever: {chain}"
    for name in circle:
        message = f"{told}. Take one 'after' out."
        relations.findings.append(_error(pieces[name], "after", "after-circle", message))
        del relations.after[name]


def endless(known: Iterable[Known], relations: Relations) -> Iterator[Finding]:
    """Warnings about what waits for a piece that itself waits for its writer."""
    pieces = {piece.id: piece for piece in known if relations.owners.get(piece.id) == piece.path}
    for name, target in relations.after.items():
        piece, other = pieces[name], pieces[target]
        why, remedy = ("is a draft", "Make it ready") if other.status == "draft" else ("has no publish_at", "Add one")
        stays = other.status == "draft" or other.publish_at is None
        if stays and piece.status == "ready" and piece.publish_at is not None:
            message = (
                f"after: '{target}' {why}, and this piece does not go out before it. {remedy}, or take 'after' out."
            )
            yield Finding(piece.path, *piece.lines.get("after", START), "warning", "after-not-ready", message)


def _error(piece: Known, name: str, rule: str, message: str) -> Finding:
    place: Place = piece.lines.get(name, START)
    return Finding(piece.path, *place, "error", rule, message)
