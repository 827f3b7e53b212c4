"""Adding figures up: only those of one metric on one channel, and never without saying what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Figure:
    """The newest known figure of one metric of one delivery. `value` None: never measured. `why`: what kept the last
    measurement from telling it, "" where it did. `post` names what was published: deliveries that share one are one."""

    post: str
    metric: str
    value: int | None = None
    measured_at: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Sum:
    """`known` is what the `measured` of all `posts` reached, None where none was; at `measured_at` at the earliest."""

    known: int | None
    measured_at: datetime | None
    posts: int
    measured: int
    why: str = ""

    @property
    def whole(self) -> int | None:
        """The sum where nothing is missing."""
        return self.known if self.measured == self.posts else None


@dataclass(frozen=True, slots=True)
class Out:
    """One delivery that is or was out. `groups`: what it counts for (a piece, a project, audiences); `post`: see
    `Figure`."""

    delivery: int
    channel: str
    groups: tuple[str, ...]
    post: str


@dataclass(frozen=True, slots=True)
class Line:
    """One metric of one group on one channel."""

    group: str
    channel: str
    metric: str
    sum: Sum


Row = tuple[int, str, int | None, datetime, str]
"""Delivery, metric, value, measured_at, why."""


def grouped(out: Sequence[Out], rows: Iterable[Row], metrics: Mapping[str, Sequence[str]]) -> list[Line]:
    """A line for each group, channel and metric, in the order of `out` and `metrics`. `rows`: the older first; of each
    delivery and metric the newest figure counts. `metrics`: channel → what can be told there; a post without a figure
    is missing in the sum."""
    told = _newest(rows)
    found: dict[tuple[str, str, str], list[Figure]] = {}
    for one in out:
        for metric in metrics.get(one.channel, ()):
            value, measured_at, why = told.get((one.delivery, metric), (None, None, ""))
            for group in one.groups:
                figure = Figure(one.post, metric, value, measured_at, why)
                found.setdefault((group, one.channel, metric), []).append(figure)
    return [Line(*place, total(figures)) for place, figures in found.items()]


def _newest(rows: Iterable[Row]) -> dict[tuple[int, str], tuple[int | None, datetime | None, str]]:
    """A figure once known stands until a newer one comes; why that one did not is kept beside it."""
    found: dict[tuple[int, str], tuple[int | None, datetime | None, str]] = {}
    for delivery, metric, value, measured_at, why in rows:
        place = delivery, metric
        if value is not None:
            found[place] = value, measured_at, ""
        else:
            known = found.get(place, (None, None, ""))
            found[place] = known[0], known[1], why
    return found


def total(figures: Iterable[Figure]) -> Sum:
    """The sum of figures of one metric on one channel."""
    posts = {figure.post: figure for figure in figures}
    told = [figure for figure in posts.values() if figure.value is not None]
    times = [figure.measured_at for figure in told if figure.measured_at is not None]
    known = sum(figure.value or 0 for figure in told) if told else None
    why = next((figure.why for figure in posts.values() if figure.why), "")
    return Sum(known, min(times, default=None), len(posts), len(told), why)
