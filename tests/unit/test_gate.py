"""May it go out now? Every rule, and that each says what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from scheduler.delivery.gate import Facts, Go, Hold, Other, Verdict, Wait, decide

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FACTS = Facts(ZoneInfo("Europe/Helsinki"))


@dataclass(frozen=True)
class Row:
    id: int = 17
    channel: str = "x"
    part: str = "main"
    due_at: datetime | None = NOW
    late: int | None = 7200
    archive: bool = False
    waived: bool = False
    reason: str = ""
    live: bool = False
    fixed: bool = False
    replies_to: int | None = None
    approved_by: str = ""
    client: str = "kela"
    project: str = "kanta"
    name: str = "fi/a"
    path: str = "content/news/a.md"
    broken: bool | None = False
    findings: Any = None
    tangled: Any = None


@dataclass(frozen=True)
class Stop:
    scope: str = "all"
    name: str = ""
    reason: str = "vaalit"
    by: str = "Maija"


@dataclass(frozen=True)
class Case:
    row: Row = field(default_factory=Row)
    facts: Facts = FACTS

    def verdict(self, now: datetime = NOW) -> Verdict:
        return decide(self.row, self.facts, now)


def held(row: Row = Row(), now: datetime = NOW, **facts: Any) -> Hold:
    verdict = decide(row, replace(FACTS, **facts), now)
    assert isinstance(verdict, Hold), verdict
    return verdict


def test_what_nothing_objects_to_goes() -> None:
    assert decide(Row(), FACTS, NOW) == Go()
    assert decide(Row(broken=None), FACTS, NOW) == Go()


@pytest.mark.parametrize(
    ("stop", "stops"),
    [
        (Stop("all"), True),
        (Stop("channel", "x"), True),
        (Stop("channel", "web"), False),
        (Stop("client", "kela"), True),
        (Stop("client", "verohallinto"), False),
        (Stop("client", "x"), False),
        (Stop("channel", "kela"), False),
    ],
)
def test_a_pause_holds_what_it_is_about(stop: Stop, stops: bool) -> None:
    verdict = decide(Row(), replace(FACTS, pauses=[stop]), NOW)
    assert isinstance(verdict, Hold) is stops
    if isinstance(verdict, Hold):
        assert verdict.reason == "paused"
        assert "Maija" in verdict.message
        assert "vaalit" in verdict.message
        assert "julki retry 17" in verdict.message


def test_a_piece_without_a_client_is_not_of_the_client_called_nothing() -> None:
    assert decide(Row(client=""), replace(FACTS, pauses=[Stop("client", "kela")]), NOW) == Go()


ERROR = ["content/news/a.md", 4, 1, "error", "missing-title", "There is no title."]
WARNING = ["content/news/a.md", 3, 1, "warning", "unknown-key", "Nobody knows this key."]


def test_a_broken_file_is_named_with_its_first_error() -> None:
    verdict = held(Row(broken=True, findings=[WARNING, ERROR]))
    assert verdict.reason == "broken"
    assert "content/news/a.md:4" in verdict.message
    assert "There is no title." in verdict.message
    assert "julki check" in verdict.message


def test_errors_beside_other_files_hold_as_well_and_warnings_do_not() -> None:
    assert held(Row(tangled=[ERROR])).reason == "broken"
    assert decide(Row(findings=[WARNING]), FACTS, NOW) == Go()


def test_it_waits_for_the_piece_it_follows() -> None:
    for state in ("planned", "publishing", "retrying", "held"):
        assert isinstance(decide(Row(), replace(FACTS, after=Other("fi/b", state)), NOW), Wait)
    assert decide(Row(), replace(FACTS, after=Other("fi/b", "published", NOW)), NOW) == Go()


@pytest.mark.parametrize("state", ["skipped", "failed", "withdrawn", "cancelled"])
def test_it_is_held_where_the_piece_it_follows_will_not_come(state: str) -> None:
    verdict = held(after=Other("fi/b", state))
    assert verdict.reason == "after"
    assert "fi/b" in verdict.message
    assert state in verdict.message
    assert "julki retry 17" in verdict.message


def test_a_person_may_send_it_all_the_same_as_the_message_says() -> None:
    facts = replace(FACTS, after=Other("fi/b", "skipped"))
    assert decide(Row(waived=True), facts, NOW) == Go()


def test_it_waits_for_its_page() -> None:
    for state in ("planned", "publishing", "retrying"):
        assert decide(Row(), replace(FACTS, page=Other("web", state)), NOW) == Wait()
    assert decide(Row(), replace(FACTS, page=Other("web", "published", NOW)), NOW) == Go()


@pytest.mark.parametrize("state", ["held", "failed", "skipped", "withdrawn", "cancelled"])
def test_it_is_held_where_its_page_is_not_coming(state: str) -> None:
    verdict = held(page=Other("web", state))
    assert verdict.reason == "page"
    assert state in verdict.message
    assert "web" in verdict.message
    assert "julki retry 17" in verdict.message


def test_a_post_waits_for_the_one_before() -> None:
    for state in ("planned", "publishing", "retrying", "held", "failed"):
        assert isinstance(decide(Row(part="2"), replace(FACTS, before=Other("part 1", state)), NOW), Wait)
    assert decide(Row(part="2"), replace(FACTS, before=Other("part 1", "published", NOW)), NOW) == Go()


def test_late_by_no_more_than_allowed_goes_and_by_more_is_held() -> None:
    assert decide(Row(), FACTS, NOW + 2 * HOUR) == Go()
    verdict = held(now=NOW + 2 * HOUR + timedelta(seconds=1))
    assert verdict.reason == "late"
    for told in ("2026-11-30 14:00", "Europe/Helsinki", "2h", "julki retry 17", "julki skip 17"):
        assert told in verdict.message


@pytest.mark.parametrize("changed", [{"archive": True}, {"waived": True}, {"late": None}, {"due_at": None}])
def test_archive_and_what_a_person_asked_for_are_never_late(changed: dict[str, Any]) -> None:
    assert decide(replace(Row(), **changed), FACTS, NOW + 1000 * HOUR) == Go()


@pytest.mark.parametrize("other", ["after", "page", "before"])
def test_lateness_counts_from_when_what_it_waited_for_was_out(other: str) -> None:
    facts = replace(FACTS, **{other: Other("b", "published", NOW + 5 * HOUR)})
    assert decide(Row(), facts, NOW + 7 * HOUR) == Go()
    assert isinstance(decide(Row(), facts, NOW + 7 * HOUR + timedelta(seconds=1)), Hold)


def test_what_was_out_long_before_does_not_make_it_late() -> None:
    facts = replace(FACTS, after=Other("b", "published", NOW - 50 * HOUR))
    assert decide(Row(), facts, NOW + HOUR) == Go()


def test_a_pause_comes_before_everything_else_in_what_is_told() -> None:
    assert held(Row(broken=True), pauses=[Stop()], after=Other("b", "failed")).reason == "paused"
