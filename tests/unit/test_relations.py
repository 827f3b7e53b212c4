"""Slugs, `after` and `translation_of` among all pieces."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from channels.piece import Status
from scheduler.calendar.relations import Known, Relations, endless, relate


def known(
    name: str, after: str = "", translation_of: str = "", day: int | None = 1, path: str = "", status: Status = "ready"
) -> Known:
    at = datetime(2026, 11, day, tzinfo=UTC) if day else None
    lines = {"after": (3, 8), "slug": (2, 7), "translation_of": (4, 17)}
    return Known(name, path or f"content/news/{name.replace('/', '-')}.md", at, after, translation_of, lines, status)


def rules(relations: Relations) -> list[tuple[str, str]]:
    return [(one.file.rpartition("/")[2], one.rule) for one in relations.findings]


def test_the_earlier_then_the_path_keeps_a_slug_and_each_later_names_both() -> None:
    pieces = [known("fi/a", day=None, path="0.md"), known("fi/a", day=2, path="b.md"), known("fi/a", day=1, path="d.md"),
              known("fi/a", day=1, path="c.md")]  # fmt: skip
    for order in (pieces, pieces[::-1]):
        relations = relate(order, "fi")
        assert relations.owners == {"fi/a": "c.md"}
        assert rules(relations) == [("0.md", "duplicate-slug"), ("b.md", "duplicate-slug"), ("d.md", "duplicate-slug")]
        assert all("c.md" in one.message and one.file in one.message for one in relations.findings)
        assert (relations.findings[0].line, relations.findings[0].column) == (2, 7)


def test_a_bare_slug_is_of_the_own_language_then_of_the_default() -> None:
    relations = relate([known("fi/a"), known("sv/a"), known("fi/b"), known("sv/c", after="a"), known("sv/d", after="b"),
                        known("sv/e", after="fi/a")], "fi")  # fmt: skip
    assert relations.after == {"sv/c": "sv/a", "sv/d": "fi/b", "sv/e": "fi/a"}
    assert relations.findings == []


def test_a_translation_may_bear_the_same_slug() -> None:
    relations = relate([known("fi/a"), known("sv/a", translation_of="a"), known("en/x", translation_of="a")], "fi")
    assert relations.translations == {"sv/a": "fi/a", "en/x": "fi/a"}
    assert relations.findings == []


def test_what_names_nothing_is_an_error_with_the_namesake_elsewhere() -> None:
    relations = relate([known("sv/a"), known("fi/b", after="a"), known("fi/c", translation_of="zzz"),
                        known("fi/d", translation_of="d")], "fi")  # fmt: skip
    assert rules(relations) == [
        ("fi-b.md", "after-nowhere"),
        ("fi-c.md", "translation-nowhere"),
        ("fi-d.md", "translation-nowhere"),
    ]
    assert "'sv/a'" in relations.findings[0].message
    assert relations.after == relations.translations == {}


def test_every_piece_of_a_circle_is_told_and_no_other() -> None:
    relations = relate([known("fi/a", after="b"), known("fi/b", after="c"), known("fi/c", after="a"),
                        known("fi/d", after="a"), known("fi/e", after="e")], "fi")  # fmt: skip
    assert rules(relations) == [(f"fi-{name}.md", "after-circle") for name in "abce"]
    assert relations.after == {"fi/d": "fi/a"}
    assert "fi/a → fi/b → fi/c → fi/a" in relations.findings[0].message


def test_what_follows_a_draft_or_an_idea_is_warned_and_keeps_its_order() -> None:
    pieces = [known("fi/draft", status="draft"), known("fi/idea", day=None), known("fi/a", after="draft"),
              known("fi/b", after="idea"), known("fi/c", after="a"), known("fi/d", after="draft", status="draft"),
              known("fi/e", after="idea", day=None), known("fi/idea", path="later.md", day=None)]  # fmt: skip
    relations = relate(pieces[:-1], "fi")
    assert relations.findings == []
    assert len(relations.after) == 5
    told = {one.file.rpartition("/")[2]: one for one in endless(pieces, relations)}
    assert set(told) == {"fi-a.md", "fi-b.md"}
    assert all((one.severity, one.line, one.column) == ("warning", 3, 8) for one in told.values())
    assert "'fi/draft' is a draft" in told["fi-a.md"].message
    assert "'fi/idea' has no publish_at" in told["fi-b.md"].message


@settings(deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=12))
def test_what_is_left_of_after_always_ends(targets: list[int]) -> None:
    pieces = [known(f"fi/p{index}", after=f"p{target}") for index, target in enumerate(targets)]
    relations = relate(pieces, "fi")
    for name in relations.after:
        steps, at = 0, name
        while at in relations.after:
            at, steps = relations.after[at], steps + 1
            assert steps <= len(targets)
    resolved = sum(target < len(targets) for target in targets)
    assert len(relations.after) + sum(one.rule == "after-circle" for one in relations.findings) == resolved


def test_a_chain_of_ten_thousand_is_followed() -> None:
    pieces = [known(f"fi/p{index}", after=f"p{index - 1}" if index else "") for index in range(10_000)]
    relations = relate(pieces, "fi")
    assert relations.findings == []
    assert len(relations.after) == 9_999
