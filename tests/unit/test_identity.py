"""Renamed, perhaps renamed, or new: nothing announces twice, and nothing is swallowed in silence."""

from __future__ import annotations

import random
import time
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from scheduler.calendar.identity import Matches, Trace, match

OLD = Trace("fi/lupa", "content/news/lupa.md", 7, 100, "body-1", "Lupapalvelu uudistui")
NOTHING = Matches({}, {})


def renamed(new: Trace, old: Trace = OLD) -> bool:
    return match([old], [new]) == Matches({new.id: old.id}, {})


def doubtful(new: Trace, old: Trace = OLD) -> bool:
    return match([old], [new]) == Matches({}, {new.id: old.id})


def other(**changes: object) -> Trace:
    """A piece that has nothing in common with `OLD` but what is given."""
    stranger = Trace("en/verkko", "content/blog/verkko.md", 99, 999, "body-9", "A quite different matter")
    return replace(stranger, **changes)  # type: ignore[arg-type]  # the test names real fields


def test_the_slug_was_edited_in_place() -> None:
    assert renamed(replace(OLD, id="fi/uusi", inode=8, mtime_ns=200))
    assert renamed(replace(OLD, id="sv/lupa", inode=8, mtime_ns=200, body="body-2"))
    assert renamed(replace(OLD, id="sv/lupa", mtime_ns=200, title="Tillstånd"))


def test_a_file_that_was_overwritten_with_something_else_is_doubtful() -> None:
    assert doubtful(other(path=OLD.path))
    assert doubtful(other(path=OLD.path, inode=OLD.inode))


def test_a_moved_file_is_the_same_piece() -> None:
    assert renamed(other(inode=7, mtime_ns=100))
    assert renamed(other(inode=7, body="body-1"))
    assert renamed(other(inode=7, title="Lupapalvelu  uudistui"))


def test_the_same_body_elsewhere_is_the_same_piece() -> None:
    assert renamed(other(body="body-1", title=OLD.title))
    assert renamed(other(body="body-1"))


def test_a_reused_inode_says_nothing() -> None:
    assert match([OLD], [other(inode=7)]) == NOTHING


def test_a_reused_inode_with_a_title_much_alike_is_doubtful() -> None:
    assert doubtful(other(inode=7, title="Lupapalvelut uudistuivat"))
    assert doubtful(other(inode=7, id="en/lupa"))


def test_the_same_title_alone_is_doubtful() -> None:
    assert doubtful(other(title=OLD.title))


def test_strangers_are_new() -> None:
    assert match([OLD], [other()]) == NOTHING
    assert match([OLD], [other(mtime_ns=OLD.mtime_ns)]) == NOTHING


def test_what_file_systems_do_not_tell_is_no_agreement() -> None:
    bare = replace(OLD, inode=0, body="")
    assert match([bare], [other(inode=0, mtime_ns=bare.mtime_ns, body="")]) == NOTHING


def test_a_title_tells_several_of_one_body_apart() -> None:
    gone = [replace(OLD, id=f"fi/{n}", path=f"a/{n}", inode=n, title=f"Osa {n}") for n in range(1, 4)]
    come = [replace(t, id=t.id + "x", path=t.path + "x", inode=50 + t.inode) for t in gone]
    assert match(gone, come) == Matches({"fi/1x": "fi/1", "fi/2x": "fi/2", "fi/3x": "fi/3"}, {})


def test_the_language_tells_translations_apart() -> None:
    gone = [replace(OLD, id=f"{lang}/a", path=f"{lang}/a", inode=n) for n, lang in enumerate(("fi", "sv"), 1)]
    come = [replace(t, id=t.id[:3] + "b", path=t.path + "b", inode=50 + t.inode) for t in gone]
    assert match(gone, come).renamed == {"fi/b": "fi/a", "sv/b": "sv/a"}


def test_two_that_cannot_be_told_apart_are_both_doubtful() -> None:
    come = [other(id=f"fi/{n}", path=f"b/{n}", inode=80 + n, body=OLD.body, title=OLD.title) for n in range(2)]
    assert match([OLD], come) == Matches({}, {"fi/0": OLD.id, "fi/1": OLD.id})


def test_a_copy_beside_a_move_is_doubtful() -> None:
    moved = replace(OLD, id="fi/moved", path="b/moved")
    copied = replace(OLD, id="fi/copied", path="b/copied", inode=80, mtime_ns=300)
    assert match([OLD], [copied, moved]) == Matches({"fi/moved": OLD.id}, {"fi/copied": OLD.id})


def test_a_body_that_others_have_too_proves_nothing() -> None:
    twin = other(id="fi/twin", body=OLD.body)
    new = other(id="fi/new", body=OLD.body, title="Jotain ihan muuta", inode=98, path="b/new")
    assert match([OLD], [new], past=[twin]) == Matches({}, {"fi/new": OLD.id})


def test_a_copy_of_what_has_gone_out_is_doubtful() -> None:
    new = other(body=OLD.body, title=OLD.title.upper())
    assert match([], [new], past=[OLD]) == Matches({}, {new.id: OLD.id})
    assert match([], [new], past=[OLD]) == Matches({}, {new.id: OLD.id})
    assert match([], [replace(new, title="Toinen")], past=[OLD, OLD]) == NOTHING
    assert match([], [replace(new, body="")], past=[replace(OLD, body="")]) == NOTHING


def test_files_shifted_by_one_name_are_doubtful() -> None:
    """`b` became `c` and `a` became `b`: the id `b` is still there, so only its earlier trace shows where it went."""
    a, b = OLD, replace(OLD, id="fi/b", path="b", inode=8, body="body-2", title="Toinen")
    c = replace(b, id="fi/c", path="c")
    assert match([a], [c], past=[b]) == Matches({}, {"fi/c": "fi/b"})


def test_sixty_new_files_with_one_short_body_are_new() -> None:
    come = [other(id=f"fi/{n}", path=f"b/{n}", inode=n, body="same", title=f"Uutinen {n}") for n in range(60)]
    assert match([], come) == NOTHING
    assert match([], come[30:], past=come[:30]) == NOTHING


def test_a_changed_branch_is_matched_in_reasonable_time() -> None:
    gone = [replace(OLD, id=f"fi/{n}", path=f"a/{n}", inode=n, body=f"b{n % 50}", title=f"T {n}") for n in range(3000)]
    come = [replace(t, id=t.id + "x", path=t.path + "x", inode=5000 + t.inode) for t in gone]
    began = time.process_time()
    assert len(match(gone, come).renamed) == 3000
    assert time.process_time() - began < 2


def _trace(prefix: str) -> st.SearchStrategy[Trace]:
    few = st.integers(0, 3)
    return st.builds(
        Trace,
        id=st.sampled_from(["fi", "sv"]).flatmap(lambda lang: few.map(lambda n: f"{lang}/{prefix}{n}")),
        path=few.map(lambda n: f"content/{n}.md"),
        inode=few,
        mtime_ns=few,
        body=st.sampled_from(["", "a", "b"]),
        title=st.sampled_from(["Yksi", "Kaksi", "Kolme"]),
    )


def _traces(prefix: str) -> st.SearchStrategy[list[Trace]]:
    return st.lists(_trace(prefix), max_size=6, unique_by=lambda t: t.id)


@given(_traces("g"), _traces("c"), _traces("p"), st.randoms(use_true_random=False))
def test_order_makes_no_difference_and_no_old_piece_is_given_twice(
    gone: list[Trace], come: list[Trace], past: list[Trace], chance: random.Random
) -> None:
    found = match(gone, come, past)
    assert len(set(found.renamed.values())) == len(found.renamed)
    assert set(found.renamed.values()) <= {t.id for t in gone}
    assert not found.renamed.keys() & found.doubtful.keys()
    assert found.renamed.keys() | found.doubtful.keys() <= {t.id for t in come}
    assert set(found.doubtful.values()) <= {t.id for t in (*gone, *past)}
    shuffled = [chance.sample(side, len(side)) for side in (gone, come, past)]
    assert match(*shuffled) == found
