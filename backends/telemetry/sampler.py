"""One task that samples GPU, host and engines, and publishes only what changed enough to be seen."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from backends.bus import Bus
from backends.clock import Clock
from backends.events import GpuSampled, HistoryAdvanced, HostSampled, RuntimeSampled
from backends.settings.model import Telemetry
from backends.telemetry.change import gpu_changed, host_changed, runtime_changed
from backends.telemetry.gpu import GpuSampler
from backends.telemetry.history import History
from backends.telemetry.host import HostSampler
from backends.types import EngineName, GpuReading, HostReading, RuntimeReading, combined

REPEAT_S = 5.0
"""An unchanged reading is published again after this time, so that a watcher knows that it still holds."""

Status = Callable[[datetime], Awaitable[RuntimeReading]]
"""Asks one server how it is; the reading is stamped with the given time. Never raises."""


class Sampler:
    """`run` until cancelled. `gpu`, `host` and `runtimes` are the last readings.

    `statuses` has, for each engine to sample, one `Status` for each of its servers. `on_sample` is called after each
    sample with their readings; what it adds to the history belongs to the same step. `sample_host` runs in a thread.
    """

    def __init__(
        self,
        settings: Telemetry,
        bus: Bus,
        history: History,
        clock: Clock,
        *,
        statuses: Mapping[EngineName, Sequence[Status]],
        on_sample: Callable[[Mapping[EngineName, tuple[RuntimeReading, ...]]], None] = lambda _: None,
        sample_host: Callable[[], HostReading] | None = None,
    ) -> None:
        self._bus = bus
        self._history = history
        self._clock = clock
        self._statuses = statuses
        self._on_sample = on_sample
        self._sample_host = sample_host or HostSampler(clock).sample
        self._interval_s = settings.interval_s
        self._gpu = GpuSampler(clock, interval_s=self._interval_s) if settings.gpu else None
        self._published_gpu: GpuReading | None = None
        self._published_host: HostReading | None = None
        self._published_runtimes: dict[EngineName, RuntimeReading] = {}
        self.gpu: GpuReading | None = None
        self.host: HostReading | None = None
        self.runtimes: dict[EngineName, RuntimeReading] = {}

    def gpu_now(self) -> GpuReading | None:
        """The newest reading of the GPUs, which is on screen with the next sample."""
        return self.gpu if self._gpu is None else self._gpu.reading()

    async def run(self) -> None:
        """Sample every `telemetry.interval_s`, from now on."""
        try:
            if self._gpu is not None:
                await self._gpu.start()
            while True:
                await self.sample()
                await asyncio.sleep(self._interval_s)
        finally:
            if self._gpu is not None:
                await self._gpu.close()

    async def sample(self) -> None:
        """Take one sample of everything, publish what changed, and advance the history where a step ended."""
        engines = asyncio.gather(*map(self._ask, self._statuses.values()))
        host, samples = await asyncio.gather(asyncio.to_thread(self._sample_host), engines)
        readings = dict(zip(self._statuses, samples, strict=True))
        gpu = self._gpu.reading() if self._gpu else GpuReading(at=self._clock.now(), state="off")
        self.gpu, self.host = gpu, host
        self.runtimes = {name: combined(each) for name, each in readings.items()}
        self._on_sample(readings)
        if gpu is not None and (_is_due(self._published_gpu, gpu) or gpu_changed(self._published_gpu, gpu)):
            self._published_gpu = gpu
            self._bus.publish(GpuSampled(reading=gpu))
        if _is_due(self._published_host, host) or host_changed(self._published_host, host):
            self._published_host = host
            self._bus.publish(HostSampled(reading=host))
        for name, reading in self.runtimes.items():
            before = self._published_runtimes.get(name)
            if _is_due(before, reading) or runtime_changed(before, reading):
                self._published_runtimes[name] = reading
                self._bus.publish(RuntimeSampled(engine=name, reading=reading))
        self._extend_history()

    async def _ask(self, statuses: Sequence[Status]) -> tuple[RuntimeReading, ...]:
        at = self._clock.now()
        return tuple(await asyncio.gather(*(status(at) for status in statuses)))

    def _extend_history(self) -> None:
        host = self.host
        if host is not None:
            self._history.add("host.cpu", host.cpu_pct)
            if host.memory_used_b is not None and host.memory_total_b:
                self._history.add("host.memory_share", host.memory_used_b / host.memory_total_b)
        for gpu in self.gpu.gpus if self.gpu is not None and self.gpu.state == "ok" else ():
            self._history.add(f"gpu.{gpu.index}.utilisation", gpu.utilisation_pct)
            if gpu.memory_used_b is not None and gpu.memory_total_b:
                self._history.add(f"gpu.{gpu.index}.memory_share", gpu.memory_used_b / gpu.memory_total_b)
        while (points := self._history.advance(self._clock.monotonic())) is not None:
            self._bus.publish(HistoryAdvanced(points=points))


Reading = GpuReading | HostReading | RuntimeReading


def _is_due(published: Reading | None, now: Reading) -> bool:
    """True also where the wall clock jumped back, which would otherwise silence a quiet machine for as long."""
    return published is None or not 0 <= (now.at - published.at).total_seconds() < REPEAT_S
