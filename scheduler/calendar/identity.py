"""Which piece a file is, when one vanishes and another appears: renamed, perhaps renamed, or new.

A wrong "renamed" swallows an announcement in silence and a wrong "new" announces twice, so a pair is certain only
where two things agree that chance does not bring together; whatever is less is doubtful, and is held for a person.

Certain, in this order, each only where exactly one old and one new piece fit:

1. the same path, and the same title or body (the slug or the language was edited in place);
2. the same inode, and the same time of writing, body or title (moved, then perhaps edited);
3. the same body and title (and language, where that alone tells them apart);
4. the same body under another title, where no other piece has that body.

Doubtful, against a piece that vanished in this scan: the same body, path or title; the same inode with a title or slug
that is much alike. An inode alone says nothing: file systems give it to the next new file. Against anything that had
gone out before, whether it is there or not: the same body and title, that is a copy. An empty body agrees with nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_ALIKE = 0.6
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Trace:
    """What is remembered of a piece: `id` is `lang/slug`, `body` a hash of the body ("" for an empty one).

    `inode` 0: the file system tells none.
    """

    id: str
    path: str
    inode: int
    mtime_ns: int
    body: str
    title: str


@dataclass(frozen=True)
class Matches:
    """New id → old id. No two new ids have one old id in `renamed`; in `doubtful` they may (two copies of one piece)."""

    renamed: Mapping[str, str]
    doubtful: Mapping[str, str]


def match(gone: Sequence[Trace], come: Sequence[Trace], past: Sequence[Trace] = ()) -> Matches:
    """Pair the ids that vanished in this scan (`gone`) with those that appeared in it (`come`).

    `past`: pieces, there or gone in earlier scans, that have gone out somewhere, with what their files said before this
    scan (files may have been shifted by one name). The order of the arguments' elements makes no difference.
    """
    olds = {trace.id: trace for trace in sorted(gone, key=_by_id)}
    news = {trace.id: trace for trace in sorted(come, key=_by_id) if trace.id not in olds}
    before = sorted(past, key=_by_id)
    alone = _telling_bodies((*olds.values(), *before), news.values())
    renamed: dict[str, str] = {}
    for key in (*_CERTAIN, lambda trace: trace.body if trace.body in alone else None):
        for new, old in _pairs(olds, news, key):
            renamed[new] = old
            del news[new], olds[old]
    doubts = _Doubts(list(olds.values()), [*sorted(gone, key=_by_id), *before])
    doubtful = {new.id: old for new in news.values() if (old := doubts.about(new))}
    return Matches(renamed, doubtful)


Key = Callable[[Trace], Hashable | None]


def _by_id(trace: Trace) -> tuple[str, str]:
    return trace.id, trace.path


def _title(trace: Trace) -> str:
    return " ".join(trace.title.split()).casefold()


def _lang(trace: Trace) -> str:
    return trace.id.partition("/")[0]


_CERTAIN: tuple[Key, ...] = (
    lambda trace: (trace.path, trace.body) if trace.body else None,
    lambda trace: (trace.path, _title(trace)) if trace.title else None,
    lambda trace: (trace.inode, trace.mtime_ns) if trace.inode else None,
    lambda trace: (trace.inode, trace.body) if trace.inode and trace.body else None,
    lambda trace: (trace.inode, _title(trace)) if trace.inode and trace.title else None,
    lambda trace: (trace.body, _title(trace), _lang(trace)) if trace.body else None,
    lambda trace: (trace.body, _title(trace)) if trace.body else None,
)


def _pairs(olds: Mapping[str, Trace], news: Mapping[str, Trace], key: Key) -> list[tuple[str, str]]:
    """(new, old) wherever exactly one of each has a key."""
    left, right = _grouped(olds.values(), key), _grouped(news.values(), key)
    both = left.keys() & right.keys()
    return [(right[k][0].id, left[k][0].id) for k in both if len(left[k]) == len(right[k]) == 1]


def _grouped(traces: Iterable[Trace], key: Key) -> dict[Hashable, list[Trace]]:
    groups: dict[Hashable, list[Trace]] = {}
    for trace in traces:
        value = key(trace)
        if value is not None:
            groups.setdefault(value, []).append(trace)
    return groups


def _telling_bodies(olds: Iterable[Trace], news: Iterable[Trace]) -> set[str]:
    """The bodies that one old and one new piece have, and nobody else: no phrase that everything ends with."""
    left, right = _grouped(olds, _body), _grouped(news, _body)
    both = left.keys() & right.keys()
    return {str(body) for body in both if len({old.id for old in left[body]}) == len(right[body]) == 1}


def _body(trace: Trace) -> str | None:
    return trace.body or None


class _Doubts:
    """Which earlier piece a newcomer may be. Grouped beforehand: after a branch was changed there are thousands."""

    def __init__(self, unpaired: Sequence[Trace], earlier: Sequence[Trace]) -> None:
        sides: tuple[tuple[Sequence[Trace], Key], ...] = (
            (earlier, lambda trace: (trace.body, _title(trace)) if trace.body else None),
            (unpaired, _body),
            (unpaired, lambda trace: trace.path),
            (unpaired, lambda trace: _title(trace) or None),
        )
        self.tests = [(key, _grouped(traces, key)) for traces, key in sides]
        self.inodes = _grouped(unpaired, lambda trace: trace.inode or None)

    def about(self, new: Trace) -> str:
        """The id of the piece that `new` may be, "" if none."""
        same = (old for key, groups in self.tests for old in groups.get(key(new), ()))
        alike = (old for old in self.inodes.get(new.inode, ()) if _alike(old, new))
        return next((old.id for old in (*same, *alike) if old.id != new.id), "")


def _alike(old: Trace, new: Trace) -> bool:
    if old.id.partition("/")[2] == new.id.partition("/")[2]:
        return True
    return SequenceMatcher(None, _title(old)[:_LONGEST], _title(new)[:_LONGEST]).ratio() >= _ALIKE
