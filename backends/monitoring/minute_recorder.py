"""The recorder of minutes: once a minute it writes to the ledger what was sampled, and which requests have no row."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from backends.clock import Clock
from backends.errors import LedgerError
from backends.ledger.minutes import Minute
from backends.ledger.store import Ledger
from backends.monitoring.request_series import RequestSeries
from backends.monitoring.timeline import CACHE_COUNTS, HEALTH
from backends.telemetry.history import History
from backends.types import CacheStats, EngineName
from backends.upstream.engine_slot import EngineSlot

MINUTE = timedelta(minutes=1)
SERIES = ("queue.", "tokens_per_s.", "gpu.", "host.", "cache.")
"""How the names of the history's series begin that are kept."""

MOST_SERIES = 200
"""Numbers of one minute: those of some thirty engines."""

UNWRITTEN = 60
"""Minutes that wait while the ledger cannot be written, 10 kB each at most; older ones are lost."""
log = logging.getLogger(__name__)


class MinuteRecorder:
    """`run` is for a background task; `flush` writes the minute that has begun. `state` are numbers of this moment."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        history: History,
        requests: RequestSeries,
        state: Callable[[], Mapping[str, float | None]],
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._history = history
        self._requests = requests
        self._state = state
        self._clock = clock
        self._began = start_of_minute(clock.now())
        self._unwritten: deque[Minute] = deque(maxlen=UNWRITTEN)

    async def run(self) -> None:
        while True:
            now = self._clock.now()
            await asyncio.sleep((start_of_minute(now) + MINUTE - now).total_seconds())
            await self.record()

    async def record(self) -> None:
        """Write the minute that has ended, where one has. A clock that jumped back adds to the minute that it is in."""
        began = start_of_minute(self._clock.now())
        if began != self._began:
            await self.flush()
            self._began = began

    async def flush(self) -> None:
        """Write what is known of the running minute so far. Where the ledger takes nothing, it waits in memory."""
        self._unwritten.append(self.running())
        self._requests.rowless.clear()
        minutes = tuple(self._unwritten)
        try:
            await self._ledger.record_minutes(minutes)
        except LedgerError as error:
            log.info("minutes are recorded later: %s", error)
        else:
            for minute in minutes:  # another call may have written them meanwhile
                if self._unwritten and self._unwritten[0] is minute:
                    self._unwritten.popleft()

    def unwritten(self) -> tuple[Minute, ...]:
        """What is not in the ledger yet: minutes that wait, and the one that has begun."""
        return *self._unwritten, self.running()

    def running(self) -> Minute:
        """The minute that has begun, as far as it is known: what is sampled is the mean of its last points."""
        points = max(1, round(MINUTE.total_seconds() / self._history.step_s))
        sampled = {
            name: sum(known) / len(known)
            for name, series in self._history.series().items()
            if name.startswith(SERIES) and (known := [value for value in series[-points:] if value is not None])
        }
        sampled |= {name: value for name, value in self._state().items() if value is not None}
        rowless = self._requests.rowless
        return Minute(
            at=self._began,
            failed=rowless["failed"],
            refused=rowless["refused"],
            sampled={name: round(sampled[name], 4) for name in list(sampled)[:MOST_SERIES]},
        )


def state_of(slots: Mapping[EngineName, EngineSlot], cache: CacheStats) -> dict[str, float | None]:
    """What is recorded beside the history: each engine as it is at this moment, and the cache's counts."""
    numbers: dict[str, float | None] = {f"cache.{count}": float(getattr(cache, count)) for count in CACHE_COUNTS}
    for name, state in ((name, slot.state()) for name, slot in slots.items()):
        numbers |= {
            f"health.{name}": float(HEALTH.index(state.health)),
            f"in_flight.{name}": float(state.in_flight),
            f"waiting.{name}": float(state.waiting),
            f"will_miss.{name}": float(state.will_miss),
            f"predicted_wait_s.{name}": state.predicted_wait_s,
            f"oldest_wait_s.{name}": state.oldest_wait_s if state.waiting else 0.0,
        }
    return numbers


def start_of_minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
