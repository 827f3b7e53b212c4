"""The long run: one thread a lane, one for the files, and APScheduler to wake them at the next due time.

The rows are the queue. APScheduler holds a handful of in-memory jobs, however large the calendar is, and a job does
nothing but set an event: what is due is asked of the database, so a wake-up too many or too few loses nothing.
"""

from __future__ import annotations

import ctypes
import gc
import threading
from collections.abc import Callable
from datetime import UTC, timedelta

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from channels.contract import Batching
from scheduler.calendar.watch import Watch
from scheduler.crew import Crew
from scheduler.delivery.lane import Lane
from scheduler.desk import guard, money, once, upkeep
from scheduler.desk.assemble import Desk
from scheduler.desk.measure import Measures, apart
from scheduler.mails import Mails
from scheduler.notify import Supervisor
from scheduler.reload import Reload
from scheduler.signals import Signals
from scheduler.store import attempts, dues, fault
from scheduler.store.engine import BadDatabase
from scheduler.store.lock import Lock
from scheduler.worker import Pace, Worker
from scheduler.workspace import Workspace

log = structlog.get_logger("julki.daemon")

_ARENA_MAX = -8
"""M_ARENA_MAX of mallopt(3)."""
_TICK = 1.0
"""Seconds between two looks at the rows where nothing wakes a lane: commands write into the same database."""
_TICK_LIVE = 0.25
"""In a hall a person has pressed a button, and looks at the screen."""
_GRACE = 4.0
"""Seconds that a stop waits for what is under way; the rest of the ten is for the web servers and for closing."""
_MAILS = 5.0
"""Seconds between two looks at what is to be told by mail."""
_SET_BACK = timedelta(minutes=2)
_GATHERING = 0.5
"""Seconds that a build waits for more edits."""
_LIVE = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}


def _share_memory() -> None:
    """One arena for all threads. With glibc's default, one a thread, each keeps what its largest pass ever took: at ten
    thousand pieces a sixth of the whole."""
    allocator = ctypes.CDLL(None)
    if hasattr(allocator, "mallopt"):
        allocator.mallopt(_ARENA_MAX, 1)


def _tick(lane: Lane) -> float:
    return _TICK_LIVE if lane.live else _TICK


class Daemon:
    """Runs a desk until it is told to stop. `run` returns the exit code."""

    def __init__(
        self,
        desk: Desk,
        supervisor: Supervisor | None = None,
        lock: Lock | None = None,
        signals: Signals | None = None,
    ) -> None:
        """`lock`: one that is held already, by a run whose settings were others; else `run` takes it."""
        self.desk = desk
        self.signals = signals or Signals()
        self._again = lock is not None
        self.stop = desk.stop
        self.lock = lock
        self.following: Workspace | None = None
        """After `run`: what to go on with, where the settings were read anew."""
        self._supervisor = supervisor or Supervisor()
        self._reload = Reload(desk.workspace)
        self._content_missing = False
        self._failure: BaseException | None = None
        self._started: Callable[[], None] = lambda: None
        self._files = Worker("files", self._refresh, 30.0, self.stop, self._begin)
        self._lanes = [Worker(lane.label, self._passes(lane), _tick(lane), self.stop) for lane in desk.lanes]
        for lane, worker in zip(desk.lanes, self._lanes, strict=True):
            lane.beat = worker.alive
        self._crew = Crew([self._files, *self._lanes], desk.store)
        self._mails = Worker("mails", Mails(desk, lambda: self.troubles).work, _MAILS, self.stop)
        self._measures = Measures(desk, apart(desk))
        self._reach = Worker("reach", self._measures.work, 300.0, self.stop)
        self._slow = (self._mails, self._reach)
        self._watch = Watch(desk.workspace.root, self._files.wake.set)
        # its clock is UTC: due times are UTC already, and no zone's summer time can move or double a wake-up
        self._scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(2)})

    def run(self, started: Callable[[], None] = lambda: None) -> int:
        """Take the lock, look at all files, then publish until the stop. Raises `AlreadyRunning`."""
        self.signals.attach(self.stop)
        if self.lock is None:
            self.lock = Lock(self.desk.store.path)
            self.lock.take(self.desk.clock(), "julki run")
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
            if guard.check(self.desk.store, self.desk.settings.zone, self.desk.clock()):
                once.rewind(self.desk, self.desk.channels)
            once.refresh(self.desk)
            once.start(self.desk, again=self._again)
            if not self.stop.is_set():
                self._start()
                self._supervisor.ready()
                self._started()
        except BaseException as error:  # noqa: BLE001  it is raised again where `run` was called
            self._failure = error
            self.stop.set()

    def jobs(self) -> list[str]:
        """The names of APScheduler's jobs: a handful, whatever the calendar's size."""
        return sorted(job.id for job in self._scheduler.get_jobs())

    @property
    def stuck(self) -> list[str]:
        """The threads that have not finished a pass for too long."""
        return self._crew.stuck

    @property
    def idle(self) -> dict[str, float]:
        """Worker → seconds since it finished its last pass."""
        return self._crew.idle

    @property
    def troubles(self) -> dict[str, str]:
        """What keeps the desk from its work now, by a key that names it: plain words, with the remedy."""
        found = self._crew.troubles()
        if self._content_missing:
            found["content"] = "The folder content/ is missing or empty. Is its drive mounted? Nothing is taken off."
        if self._reload.bad:
            found["settings"] = f"config/ can't be used as it is now; the desk goes on as before. {self._reload.bad}"
        return found | money.warnings(self.desk.channels, self.desk.settings.zone, self.desk.store, self.desk.clock())

    def _start(self) -> None:
        every: dict[str, tuple[timedelta, Callable[[], None]]] = {
            "rescan": (timedelta(seconds=30), self._files.wake.set),
            "reconcile": (timedelta(seconds=10), self._wake_lanes),
            "seal": (timedelta(seconds=10), self._keep_seal),
            "measure": (timedelta(minutes=5), self._reach.wake.set),
            "housekeeping": (timedelta(hours=6), self._keep_house),
        }
        for name, (interval, job) in every.items():
            self._scheduler.add_job(job, IntervalTrigger(seconds=int(interval.total_seconds())), id=name, **_LIVE)
        self._scheduler.start()
        for worker in (*self._lanes, *self._slow):
            worker.thread.start()
        self._watch.start()
        self._arm()

    def _wait(self) -> None:
        """The main thread minds the clock: APScheduler itself notices no clock step and no suspend."""
        while not self.stop.wait(2.0):
            if self._scheduler.running:
                self._scheduler.wakeup()
            self._tell_alive()
            self._heed_damage()
            self._heed_hang_up()

    def _end(self) -> None:
        self._supervisor.stopping()
        self.stop.set()
        self._watch.stop(1.0)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        left = self._crew.end(_GRACE, self._reach)
        while self.following and not self.signals.ended.is_set() and (left := self._crew.end(1.0, *self._slow)):
            self._tell_alive()  # nobody is in a hurry: what is under way ends before the new settings begin
        if not self._reach.thread.is_alive():
            self._measures.close()
        guard.keep(self.desk.store)
        if self.signals.ended.is_set():
            self.following = None
        if left:
            # the lock stays with the process, and so goes with it: nobody else begins while these are at work
            log.warning("still under way at the stop; it is reconciled at the next start", threads=left)
        elif self.lock is not None and self.following is None:
            self.lock.release()

    def _tell_alive(self) -> None:
        if not self.stuck:
            self._supervisor.alive()

    def _refresh(self) -> None:
        self._reload.heed()
        outcome = once.look(self.desk)
        self._content_missing = outcome.missing_root
        if outcome.again:
            self._files.nudge(0.2)
        if outcome.changes or outcome.read or outcome.vanished:
            self._wake_gently()
            self._arm()

    def _wake_gently(self) -> None:
        """Files have changed. A build costs the same for one edit as for many, so builders wait a moment for more."""
        for worker, lane in zip(self._lanes, self.desk.lanes, strict=True):
            if isinstance(lane.channel, Batching):
                worker.nudge(_GATHERING)
            else:
                worker.wake.set()

    def _heed_damage(self) -> None:
        """A database whose file is broken can only get worse: the run ends, and says what brings it back."""
        if (error := self._crew.damage) is not None:
            self._failure = BadDatabase(fault.told(self.desk.store.path, error))
            self.stop.set()

    def _heed_hang_up(self) -> None:
        """End in good order, and say with which settings to go on; with bad ones everything stays as it is."""
        if not self.signals.hang_up.is_set():
            return
        self.signals.hang_up.clear()
        self.following = self._reload.read()
        if self.following is not None:
            log.info("the settings are read anew")
            self._supervisor.reloading()
            self.stop.set()

    def _passes(self, lane: Lane) -> Callable[[], None]:
        """Until nothing moves. What one lane publishes another may wait for. After a machine's sleep, or a clock that
        jumped ahead, a backlog asks first, as after a start."""
        pace = Pace(self.desk.clock)

        def work() -> None:
            moved = 1
            while moved and not self.stop.is_set():
                now, jumped = pace.step()
                if jumped > once.OVERDUE:
                    once.brake(self.desk, [lane.name])
                elif jumped < -_SET_BACK:
                    once.rewind(self.desk, [lane.name])
                moved = lane.work(now)
                if moved:
                    self._wake_lanes(lane.label)
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
        timer = threading.Timer(0.05, self._arm_quietly)
        timer.daemon = True
        timer.start()

    def _arm_quietly(self) -> None:
        try:
            self._arm()
        except Exception:
            log.exception("the next wake-up was not set; the lanes look every second all the same")

    def _keep_seal(self) -> None:
        guard.keep(self.desk.store)

    def _keep_house(self) -> None:
        try:
            upkeep.run(self.desk)
        except Exception:
            log.exception("housekeeping failed; it is tried again in six hours")
