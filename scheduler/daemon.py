"""The long run: one thread a lane, one for the files, and APScheduler to wake them at the next due time.

The rows are the queue. APScheduler holds a handful of in-memory jobs, however large the calendar is, and a job does
nothing but set an event: what is due is asked of the database, so a wake-up too many or too few loses nothing.
"""

from __future__ import annotations

import ctypes
import gc
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, timedelta

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from scheduler.calendar.watch import Watch
from scheduler.delivery.lane import Lane
from scheduler.desk import once, upkeep
from scheduler.desk.assemble import Desk
from scheduler.notify import Supervisor
from scheduler.store import attempts, dues
from scheduler.store.lock import Lock
from scheduler.workspace import BadSettings, load, settings_stamp

log = structlog.get_logger("julki.daemon")

_ARENA_MAX = -8
"""M_ARENA_MAX of mallopt(3)."""
_TICK = 1.0
"""Seconds between two looks at the rows where nothing wakes a lane: commands write into the same database."""
_GRACE = 4.0
"""Seconds that a stop waits for what is under way; the rest of the ten is for the web servers and for closing."""
_STUCK = 300.0
"""Seconds without a pass after which a thread counts as stuck and systemd is no longer told that all is well."""
_LIVE = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}


def _share_memory() -> None:
    """One arena for all threads. With glibc's default, one a thread, each keeps what its largest pass ever took: at ten
    thousand pieces a sixth of the whole."""
    allocator = ctypes.CDLL(None)
    if hasattr(allocator, "mallopt"):
        allocator.mallopt(_ARENA_MAX, 1)


class Worker:
    """A thread that does `work` whenever it is woken, and every `tick` seconds. What `work` raises is logged; it goes on.

    `first` comes before all that, once, and minds its own errors.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], object],
        tick: float,
        stop: threading.Event,
        first: Callable[[], object] = lambda: None,
    ) -> None:
        self.name = name
        self.wake = threading.Event()
        self.beat = time.monotonic()
        self._work, self._tick, self._stop, self._first = work, tick, stop, first
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        self._first()
        while not self._stop.is_set():
            self.wake.clear()
            self._once()
            self.beat = time.monotonic()
            self.wake.wait(self._tick)

    def _once(self) -> None:
        try:
            self._work()
        except Exception:
            log.exception("a pass failed; it is tried again", worker=self.name)
            self._stop.wait(_TICK)
            self.wake.set()


class Daemon:
    """Runs a desk until it is told to stop. `run` returns the exit code."""

    def __init__(self, desk: Desk, supervisor: Supervisor | None = None) -> None:
        self.desk = desk
        self.stop = desk.stop
        self._supervisor = supervisor or Supervisor()
        self._lock = Lock(desk.store.path)
        self._settings = settings_stamp(desk.workspace.root)
        self._failure: BaseException | None = None
        self._started: Callable[[], None] = lambda: None
        self._files = Worker("files", self._refresh, 30.0, self.stop, self._begin)
        self._lanes = [Worker(lane.name, self._passes(lane), _TICK, self.stop) for lane in desk.lanes]
        self._watch = Watch(desk.workspace.root, self._files.wake.set)
        # its clock is UTC: due times are UTC already, and no zone's summer time can move or double a wake-up
        self._scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(2)})

    def run(self, started: Callable[[], None] = lambda: None) -> int:
        """Take the lock, look at all files, then publish until the stop. Raises `AlreadyRunning`."""
        self._lock.take(self.desk.clock(), "julki run")
        _share_memory()
        gc.freeze()  # modules and settings stay for good: a pass over ten thousand rows need not search them for waste
        self._started = started
        self._files.thread.start()
        try:
            self._wait()
        finally:
            self._end()
        if self._failure is not None:
            raise self._failure
        return 0

    def _begin(self) -> None:
        """The first look at all files can take a while; the main thread meanwhile hears a stop."""
        try:
            once.refresh(self.desk)
            once.start(self.desk)
            if not self.stop.is_set():
                self._start()
                self._supervisor.ready()
                self._started()
        except BaseException as error:  # noqa: BLE001  it is raised again where `run` was called
            self._failure = error
            self.stop.set()

    def listen(self) -> None:
        """SIGTERM and SIGINT end the run in good order."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self.stop.set())

    def jobs(self) -> list[str]:
        """The names of APScheduler's jobs: a handful, whatever the calendar's size."""
        return sorted(job.id for job in self._scheduler.get_jobs())

    @property
    def stuck(self) -> list[str]:
        """The threads that have not finished a pass for too long."""
        return [name for name, seconds in self.idle.items() if seconds > _STUCK]

    @property
    def idle(self) -> dict[str, float]:
        """Worker → seconds since it finished its last pass."""
        now = time.monotonic()
        return {worker.name: now - worker.beat for worker in (self._files, *self._lanes)}

    def _start(self) -> None:
        every: dict[str, tuple[timedelta, Callable[[], None]]] = {
            "rescan": (timedelta(seconds=30), self._files.wake.set),
            "reconcile": (timedelta(seconds=10), self._wake_lanes),
            "housekeeping": (timedelta(hours=6), self._keep_house),
        }
        for name, (interval, job) in every.items():
            self._scheduler.add_job(job, IntervalTrigger(seconds=int(interval.total_seconds())), id=name, **_LIVE)
        self._scheduler.start()
        for worker in self._lanes:
            worker.thread.start()
        self._watch.start()
        self._arm()

    def _wait(self) -> None:
        """The main thread minds the clock: APScheduler itself notices no clock step and no suspend."""
        while not self.stop.wait(2.0):
            if self._scheduler.running:
                self._scheduler.wakeup()
            if not self.stuck:
                self._supervisor.alive()

    def _end(self) -> None:
        self._supervisor.stopping()
        self.stop.set()
        self._watch.stop(1.0)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        deadline = time.monotonic() + _GRACE
        for worker in (self._files, *self._lanes):
            worker.wake.set()
        threads = [worker.thread for worker in (self._files, *self._lanes)]
        for thread in threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))
        left = [thread.name for thread in threads if thread.is_alive()]
        if left:
            # the lock stays with the process, and so goes with it: nobody else begins while these are at work
            log.warning("still under way at the stop; it is reconciled at the next start", threads=left)
        else:
            self._lock.release()

    def _refresh(self) -> None:
        self._heed_settings()
        outcome = once.look(self.desk)
        if outcome.again:
            threading.Timer(0.2, self._files.wake.set).start()
        if outcome.changes or outcome.read or outcome.vanished:
            self._wake_lanes()
            self._arm()

    def _heed_settings(self) -> None:
        """A running desk keeps the settings that it began with; whoever changes them should not have to guess that."""
        now = settings_stamp(self.desk.workspace.root)
        if now == self._settings:
            return
        self._settings = now
        try:
            load(self.desk.workspace.root)
        except BadSettings as error:
            log.warning("config/ has changed and can't be used as it is", faults=[str(fault) for fault in error.faults])
        else:
            log.warning(
                "config/ has changed; it counts from the next start on", remedy="Stop julki run and start it again."
            )

    def _passes(self, lane: Lane) -> Callable[[], None]:
        """Until nothing moves. What one lane publishes another may wait for."""

        def work() -> None:
            while lane.work() and not self.stop.is_set():
                self._wake_lanes(lane.name)
                self._arm()

        return work

    def _wake_lanes(self, but: str = "") -> None:
        for worker in self._lanes:
            if worker.name != but:
                worker.wake.set()

    def _arm(self) -> None:
        """Wake at the next due time. The job only sets events: re-arming from inside a job is lost to APScheduler."""
        now = self.desk.clock()
        with self.desk.store.read() as db:
            at = dues.next_after(db, now)
            look = attempts.next_look(db)
        soonest = min((time for time in (at, look) if time is not None and time > now), default=None)
        if soonest is not None and self._scheduler.running:
            self._scheduler.add_job(self._due, DateTrigger(soonest), id="wake", replace_existing=True, **_LIVE)

    def _due(self) -> None:
        self._wake_lanes()
        threading.Timer(0.05, self._arm_quietly).start()

    def _arm_quietly(self) -> None:
        try:
            self._arm()
        except Exception:
            log.exception("the next wake-up was not set; the lanes look every second all the same")

    def _keep_house(self) -> None:
        try:
            upkeep.run(self.desk)
        except Exception:
            log.exception("housekeeping failed; it is tried again in six hours")
