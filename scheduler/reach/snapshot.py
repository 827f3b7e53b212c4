"""From what a channel told to the rows that are kept: every metric of every post, a figure or the reason for none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from channels.contract import Measurement

_UNTOLD = "The channel did not say."
_ODD = "The channel told a figure that can't be right."
_LONGEST = 300
_HIGHEST = 2**63 - 1


def rows(
    posts: Mapping[int, str], metrics: Sequence[str], told: Sequence[Measurement], source: str, now: datetime
) -> list[dict[str, Any]]:
    """One row a delivery and metric. `posts`: delivery → the id that the remote knows it by.

    All of one snapshot bear the time at which it was asked for, so that what a remote says of the time can't make the
    desk ask for ever.
    """
    known = {(one.remote_id, one.metric): one for one in told}
    shared = {"measured_at": now, "source": source}
    return [
        {"delivery_id": delivery, "metric": metric, **_figure(known.get((remote_id, metric))), **shared}
        for delivery, remote_id in posts.items()
        for metric in dict.fromkeys(metrics)
    ]


def _figure(one: Measurement | None) -> dict[str, Any]:
    if one is None:
        return {"value": None, "why": _UNTOLD}
    if one.value is None:
        return {"value": None, "why": " ".join(one.why.split())[:_LONGEST] or _UNTOLD}
    if isinstance(one.value, bool) or not isinstance(one.value, int) or not 0 <= one.value <= _HIGHEST:
        return {"value": None, "why": _ODD}
    return {"value": one.value, "why": ""}
