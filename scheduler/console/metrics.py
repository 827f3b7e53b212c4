"""Figures for Prometheus, asked of the database when they are asked for: nothing is counted twice or forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from scheduler.console.pulse import Pulse
from scheduler.delivery.states import STATES
from scheduler.store import attempts, board, breakers, deliveries, pauses

if TYPE_CHECKING:
    from scheduler.desk.assemble import Desk

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Figures(Collector):
    """One look at the desk. Channels and states without a delivery are told as 0, so that an alarm can name them."""

    def __init__(self, desk: Desk, pulse: Pulse | None) -> None:
        self._desk, self._pulse = desk, pulse

    def collect(self) -> Iterator[Metric]:
        now = self._desk.clock()
        with self._desk.store.read() as db:
            counts = deliveries.counts(db)
            unsettled = attempts.open_count(db)
            oldest = board.oldest_overdue(db, now)
            resting = breakers.resting(db)
            paused = len(pauses.current(db))
        channels = dict.fromkeys([*self._desk.channels, *sorted({channel for channel, _ in counts})])
        rows = [((channel, state), counts.get((channel, state), 0)) for channel in channels for state in STATES]
        rest = [((name,), int(name in resting and resting[name].opened_at is not None)) for name in channels]
        yield _gauge("julki_deliveries", "Deliveries by channel and state.", ("channel", "state"), rows)
        yield _gauge("julki_open_attempts", "Attempts whose outcome is not known yet.", (), [((), unsettled)])
        overdue = (now - oldest).total_seconds() if oldest else 0
        text = "Seconds that the oldest delivery that could go out has been waiting; 0 where none is."
        yield _gauge("julki_oldest_overdue_seconds", text, (), [((), overdue)])
        yield _gauge("julki_channel_resting", "1 while a channel is left alone because it fails.", ("channel",), rest)
        yield _gauge("julki_pauses", "How many pauses hold now.", (), [((), paused)])
        idle = [((name,), seconds) for name, seconds in self._pulse.idle.items()] if self._pulse else []
        yield _gauge("julki_worker_idle_seconds", "Seconds since a worker finished its last pass.", ("worker",), idle)


def _gauge(
    name: str, text: str, labels: Sequence[str], rows: Sequence[tuple[tuple[str, ...], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, figure in rows:
        family.add_metric(values, figure)
    return family


def exposition(desk: Desk, pulse: Pulse | None) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(desk, pulse))
    return generate_latest(registry)
