"""The bridge between core and screen: the only subscriber to the core's events, and the only caller of its verbs.

It opens the core after the first frame and reduces events to the state. It posts the state at most four times a
second, for samples alone a little more than once, and only while the terminal keeps up; without events each second or
minute, so that ages and the clock go on. When a running core goes away, it reconnects as soon as it is back.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from datetime import UTC, datetime
from typing import Literal, Protocol

from msgspec import Struct
from msgspec.structs import replace

from backends.core.api import Core
from backends.errors import ClawError, Unreachable
from backends.events import (
    CacheSampled,
    EngineSampled,
    Event,
    ForecastSampled,
    GpuSampled,
    HistoryAdvanced,
    HostSampled,
    Resync,
    RuntimeSampled,
    SessionSampled,
    SpendSampled,
    TrafficSampled,
)
from backends.types import Action, Request, Snapshot
from console.core_calls import CoreCalls, Post
from console.core_clock import CoreClock
from console.messages import ActionFailed, AnswerFailed, OpenFailed, ReviewLoaded, RoutePreviewed, StateChanged
from console.state import CoreConnection, ViewState, adopt, connect, look_back, mark_stale, reduce

PERIOD_S = 0.25
"""Between two frames. Half of it costs half as much again."""

SAMPLES_S = 0.9
"""The same where only samples have come: those of one second come at several moments, and are one frame."""

SAMPLES = (
    EngineSampled,
    GpuSampled,
    HostSampled,
    RuntimeSampled,
    SpendSampled,
    SessionSampled,
    TrafficSampled,
    ForecastSampled,
    CacheSampled,
    HistoryAdvanced,
)

BURST = 64
"""Events reduced before other tasks of the loop run."""
NOT_OPEN = "The core is not open yet. Try again in a moment."
GONE = "The core is gone. The console reconnects as soon as it is back."


class BridgeTimes(Struct, frozen=True):
    """Seconds between attempts to reconnect, until a sample counts as stale, and between checks for stale samples."""

    retry_s: Sequence[float] = (0.25, 0.5, 1.0, 2.0, 4.0)
    stale_after_s: float = 15.0
    stale_check_s: float = 5.0


USUAL_TIMES = BridgeTimes()


class CoreHandle(Protocol):
    """An open core; `where` is a socket, an address, or "this process"."""

    @property
    def core(self) -> Core: ...
    @property
    def mode(self) -> Literal["attached", "embedded"]: ...
    @property
    def where(self) -> str: ...


Open = Callable[[], AbstractAsyncContextManager[CoreHandle]]


def _now() -> datetime:
    return datetime.now(UTC)


def _always() -> bool:
    return True


class Bridge:
    """`reopen` opens a core that went away. It must never embed one, which would lock the ledger against its return.

    `drained` tells whether the terminal has accepted all output. `state` is the live one, also while the screen shows
    a past `moment`.
    """

    def __init__(
        self,
        open_core: Open,
        *,
        post: Post,
        reopen: Open | None = None,
        drained: Callable[[], bool] = _always,
        now: Callable[[], datetime] = _now,
        times: BridgeTimes = USUAL_TIMES,
    ) -> None:
        self._open = open_core
        self._reopen = reopen or open_core
        self._post = post
        self._drained = drained
        self._now = now
        self._clock = CoreClock(now)
        self._times = times
        self._calls: CoreCalls | None = None
        self._due: asyncio.TimerHandle | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._tried_at = float("-inf")
        self._running: asyncio.Task[None] | None = None
        self._past: ViewState | None = None
        self.moment: datetime | None = None
        self.state = ViewState()

    def start(self) -> None:
        """Open the core in a task; `close` ends and awaits it."""
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self.run(), name="bridge")

    async def close(self) -> None:
        """Leave the core; an embedded one first finishes its calls in flight."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        for timer in (self._due, self._tick):
            if timer is not None:
                timer.cancel()
        self._due = self._tick = None

    def ask(self, turn: str, request: Request) -> None:
        if self._calls is None:
            self._post(AnswerFailed(turn, self._unavailable))
        else:
            self._calls.ask(turn, request)

    def cancel(self, turn: str) -> None:
        if self._calls is not None:
            self._calls.cancel(turn)

    def preview(self, turn: str, request: Request) -> None:
        if self._calls is None:
            self._post(RoutePreviewed(turn, line=self._unavailable))
        else:
            self._calls.preview(turn, request)

    def review(self) -> None:
        if self._calls is None:
            self._post(ReviewLoaded(line=self._unavailable))
        else:
            self._calls.review()

    def timeline(self, since: datetime, until: datetime) -> None:
        if self._calls is not None:
            self._calls.timeline(since, until)

    @property
    def core_now(self) -> datetime | None:
        """The core's time; None before any core."""
        return self._clock.core_now(self.state)

    def travel(self, moment: datetime | None) -> None:
        """Show a moment of the past as soon as the core has told of it, or with None the present, at once."""
        self.moment = moment if self._calls is not None else None
        if self.moment is None:
            self._past = None
            self._show_now()
        elif self._calls is not None:
            self._calls.look_back(self.moment)

    def _moment_found(self, snapshot: Snapshot) -> None:
        if self.moment is not None:
            self._past = look_back(self.state, snapshot)
            self._show_now()

    def act(self, action: Action) -> None:
        if self._calls is None:
            self._post(ActionFailed(self._unavailable))
        else:
            self._calls.act(action)

    @property
    def _unavailable(self) -> str:
        return NOT_OPEN if self.state.connection.phase == "loading" else GONE

    async def run(self) -> None:
        """Serve until cancelled, or until the first attempt to open fails."""
        opener, tries, opened_once = self._open, 0, False
        while True:
            try:
                async with opener() as opened:
                    opener, tries, opened_once = self._reopen, 0, True
                    await self._serve(opened)
                self._set_lost("")
            except (ClawError, OSError) as error:
                if not opened_once:
                    self._post(OpenFailed(str(error), getattr(error, "exit_code", 1)))
                    return
                self._set_lost("" if isinstance(error, Unreachable | OSError) else str(error))
            await asyncio.sleep(self._times.retry_s[min(tries, len(self._times.retry_s) - 1)])
            tries += 1

    async def _serve(self, opened: CoreHandle) -> None:
        """Follow one core until it goes."""
        async with asyncio.TaskGroup() as group:
            stale_marker = group.create_task(self._mark_stale(), name="stale")
            self._calls = CoreCalls(opened.core, group, self._post, self._drained, self._moment_found)
            try:
                await self._follow(opened)
            except (ClawError, OSError):
                pass  # shown as lost once the group is empty
            finally:
                self._calls.close()
                self._calls = None
                stale_marker.cancel()

    async def _follow(self, opened: CoreHandle) -> None:
        core = opened.core
        async with aclosing(core.events()) as events:
            # Subscribe before the snapshot is taken, so that no event is lost between the two.
            first = asyncio.ensure_future(anext(events, None))
            try:
                await asyncio.sleep(0)
                await self._resync(core)
                self._set(connect(self.state, CoreConnection(phase="live", mode=opened.mode, label=opened.where)))
                event = await first
            finally:
                first.cancel()
                await asyncio.wait([first])
            burst = 0
            while event is not None:
                await self._apply(core, event)
                burst = (burst + 1) % BURST
                if burst == 0:
                    await asyncio.sleep(0)
                event = await anext(events, None)

    async def _apply(self, core: Core, event: Event) -> None:
        if isinstance(event, Resync):
            await self._resync(core)
        else:
            self._clock.heard_of(event)
            self._set(reduce(self.state, event), SAMPLES_S if isinstance(event, SAMPLES) else PERIOD_S)

    async def _resync(self, core: Core) -> None:
        snapshot = await core.snapshot()
        self._clock.heard(snapshot.at)
        self._set(adopt(self.state, snapshot))

    def _set_lost(self, line: str) -> None:
        was = self.state.connection
        since = was.since if was.phase in ("lost", "failed") else self._now()
        phase: Literal["lost", "failed"] = "failed" if line else "lost"
        self.moment = self._past = None
        connection = CoreConnection(phase=phase, mode=was.mode, label=was.label, since=since, line=line)
        self._set(connect(self.state, connection))

    async def _mark_stale(self) -> None:
        while True:
            await asyncio.sleep(self._times.stale_check_s)
            self._set(mark_stale(self.state, self._now(), self._times.stale_after_s))

    def _set(self, state: ViewState, period_s: float = PERIOD_S) -> None:
        if state is self.state:
            return
        self.state = state
        if self._past is None:
            self._show_soon(period_s)

    def _show_soon(self, period_s: float = PERIOD_S) -> None:
        """Show the state no sooner than `period_s` after the last frame, or with a frame that is due before that."""
        loop = asyncio.get_running_loop()
        at = max(loop.time(), self._tried_at + period_s)
        if self._due is not None and at < self._due.when():
            self._due.cancel()
            self._due = None
        if self._due is None:
            self._due = loop.call_at(at, self._show)

    def _show_now(self) -> None:
        """A key waits for it."""
        if self._due is not None:
            self._due.cancel()
        self._show()

    def _show(self) -> None:
        loop = asyncio.get_running_loop()
        self._tried_at = loop.time()
        if not self._drained():
            # A slow terminal still writes the last frame: wait, then show only the newest state.
            self._due = loop.call_at(self._tried_at + PERIOD_S, self._show)
            return
        self._due = None
        now = self._clock.core_now(self.state)
        self.state = replace(self.state, now=now)
        if self._past is not None:
            self._past = replace(self._past, live_at=now)
        shown = self._past or self.state
        self._post(StateChanged(shown))
        if self._tick is not None:
            self._tick.cancel()
        after_s = self._clock.next_s(shown)
        self._tick = None if after_s is None else loop.call_later(after_s, self._show_soon)
