"""May this delivery go out now? Pure: go, wait, or hold with the reason in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from channels.duration import format_duration
from scheduler.delivery import pin
from scheduler.hours import Hours


class Due(Protocol):
    """The columns of a due delivery that the gate looks at."""

    id: int
    channel: str
    part: str
    due_at: datetime | None
    late: int | None
    archive: bool
    period: str
    waived: bool
    reason: str
    live: bool
    fixed: bool
    replies_to: int | None
    approved_by: str
    client: str
    project: str
    name: str
    path: str
    broken: bool | None
    findings: Any
    tangled: Any


class Pause(Protocol):
    scope: str
    name: str
    reason: str
    by: str


NOWHERE = "a draft, or without a date"
"""Instead of a state: of a piece that is planned nowhere."""
GONE = frozenset({"skipped", "failed", "withdrawn", "cancelled", NOWHERE})
"""What does not go out by itself any more."""


@dataclass(frozen=True, slots=True)
class Other:
    """Another delivery that this one waits for. `what` names it for people."""

    what: str
    state: str
    published_at: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """What a second person said of the piece: approved or refused, or nothing yet. `pins`: channel → part → its pin."""

    decision: str = ""
    by: str = ""
    why: str = ""
    pins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What else has to be known. `after`: None where the piece has no `after`; `before`: the previous post of a thread;
    `word`: None where nobody need approve; `hours`: those of the channel; `trouble`: what it says while it fails."""

    zone: ZoneInfo
    pauses: Sequence[Pause] = ()
    after: Other | None = None
    page: Other | None = None
    before: Other | None = None
    word: Word | None = None
    hours: Hours | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Go:
    pass


@dataclass(frozen=True, slots=True)
class Wait:
    """`message` says for what, where a person has to do something about it."""

    message: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    reason: str
    message: str


Verdict = Go | Wait | Hold


def decide(due: Due, facts: Facts, now: datetime) -> Verdict:
    """The first rule that objects decides."""
    for rule in (_paused, _broken, _approved, _after, _page, _before):
        verdict = rule(due, facts)
        if verdict is not None:
            return verdict
    return _late(due, facts, now) or Go()


def _paused(due: Due, facts: Facts) -> Verdict | None:
    for pause in facts.pauses:
        own = (("channel", due.channel), ("client", due.client), ("project", due.project))
        if pause.scope == "all" or (pause.scope, pause.name) in own:
            what = "Everything" if pause.scope == "all" else f"The {pause.scope} {pause.name}"
            why = f": {pause.reason.rstrip('.')}" if pause.reason else ""
            return Hold("paused", f"{what} was paused by {pause.by}{why}. Send it with: julki retry {due.id}")
    return None


def _broken(due: Due, _facts: Facts) -> Verdict | None:
    if due.fixed or not (due.broken or due.tangled):  # what was made at the desk stands in no file
        return None
    found = [*(due.findings or ()), *(due.tangled or ())]
    first = next((f for f in found if f[3] == "error"), None)
    what = f"{first[0]}:{first[1]}: {first[5]}" if first else "its file has errors"
    return Hold("broken", f"{what} It goes out when the file is mended in time; see: julki check")


def _approved(due: Due, facts: Facts) -> Verdict | None:
    word = facts.word
    if word is None or (due.approved_by if due.fixed else word.decision == "approved"):
        return None
    if due.fixed:
        return Hold("approval", f"Nobody has approved it yet. Approve it: julki approve {due.id} --by NAME")
    if word.decision == "refused":
        why = f": {word.why}" if word.why else ""
        return Hold(
            "refused", f"{word.by} refused it{why}. Change {due.path}, then: julki approve {due.name} --by NAME"
        )
    return Hold("approval", f"Nobody has approved it yet. {_how_to_approve(due)}")


def _how_to_approve(due: Due) -> str:
    return f"Look at it: julki preview {due.path}. Approve it: julki approve {due.name} --by NAME"


def pinned(due: Due, facts: Facts, digest: str, now: datetime) -> Hold | None:
    """What there is against the message of that hash, at the row's time: that it is not as it was approved."""
    word = facts.word
    if word is None or due.fixed:
        return None
    known = word.pins.get(due.channel, {}).get(due.part, "")
    if not pin.is_text(known, digest):
        return Hold("approval", f"It is not what {word.by} approved any more. {_how_to_approve(due)}")
    if not pin.is_time(known, due, now):
        return Hold("approval", f"It is due at another time than {word.by} approved. {_how_to_approve(due)}")
    return None


def _after(due: Due, facts: Facts) -> Verdict | None:
    other = facts.after
    if other is None or other.state == "published":
        return None
    if other.state in GONE and due.waived:
        return None
    if other.state in GONE:
        return Hold(
            "after",
            f"It was to follow {other.what}, which is {other.state}. Send it all the same: julki retry {due.id}",
        )
    return _behind(other)


def _behind(other: Other) -> Wait:
    return Wait(f"It waits for {other.what}, which is {other.state}." if other.state in ("held", "failed") else "")


def _page(due: Due, facts: Facts) -> Verdict | None:
    """A link that leads nowhere is worse than a late post."""
    page = facts.page
    if page is None or page.state == "published":
        return None
    if page.state in GONE or page.state == "held":
        return Hold(
            "page",
            f"It links to its page, which is {page.state} on {page.what}. Settle that first, then: julki retry {due.id}",
        )
    return Wait()


def _before(due: Due, facts: Facts) -> Verdict | None:
    before = facts.before
    if before is None or before.state == "published":
        return None
    if before.state == "failed" or before.state not in GONE:
        return _behind(before)
    if due.replies_to is not None:
        return Hold("before", f"The post that it corrects is {before.state}. Drop it: julki skip {due.id}")
    if due.waived:
        return None
    why = f"The post before it, {before.what}, is {before.state}."
    return Hold("before", f"{why} Send it all the same: julki retry {due.id}. Drop it: julki skip {due.id}")


def _late(due: Due, facts: Facts, now: datetime) -> Verdict | None:
    end = last_moment(due, facts)
    if due.due_at is None or due.late is None or end is None or now <= end:
        return None
    when = due.due_at.astimezone(facts.zone).strftime("%Y-%m-%d %H:%M")
    allowed = format_duration(timedelta(seconds=due.late))
    if due.reason == "uncertain":
        return Hold(
            "uncertain",
            f"It may be out or not: nobody knows how the last try ended. It was due on {when} ({facts.zone.key}), and that "
            f"time is over. Look first. If it is out: julki confirm {due.id} ADDRESS. If it is not: julki retry {due.id}, or "
            f"julki skip {due.id}",
        )
    trouble = f" {due.channel} did not work meanwhile: {facts.trouble.rstrip('.')}." if facts.trouble else ""
    return Hold(
        "late",
        f"It was due on {when} ({facts.zone.key}) and may be {allowed} late at most; that time is over.{trouble} "
        f"Send it now: julki retry {due.id}. Drop it: julki skip {due.id}",
    )


def last_moment(due: Due, facts: Facts) -> datetime | None:
    """Until when it may go out; None: however late. Lateness counts from its own time, or from when the channel's hours
    began, or from when what it had to wait for was out."""
    asked = due.waived and not due.live  # a hall's post is late by when somebody fired it
    if asked or due.archive or due.due_at is None or due.late is None:
        return None
    waited = [other.published_at for other in (facts.after, facts.page, facts.before) if other and other.published_at]
    own = facts.hours.next(due.due_at, facts.zone) if facts.hours else due.due_at
    return max([own, *waited]) + timedelta(seconds=due.late)
