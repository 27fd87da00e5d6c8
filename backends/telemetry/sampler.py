"""One task that looks at GPU, host and engine, and speaks only of what changed enough to be seen."""

import asyncio
from collections.abc import Callable

from backends.bus import Bus
from backends.clock import Clock
from backends.events import GpuSampled, HistoryAdvanced, HostSampled, RuntimeSampled
from backends.settings.model import Settings
from backends.telemetry.change import gpu_changed, host_changed, runtime_changed
from backends.telemetry.gpu import GpuSampler
from backends.telemetry.history import History
from backends.telemetry.host import HostSampler
from backends.telemetry.runtime import RuntimeSampler
from backends.types import GpuReading, HostReading, RuntimeReading

STILL_S = 5.0
"""A reading that does not change is told again after so long: a watcher then knows that it still holds."""


class Sampler:
    """`run` until cancelled. `gpu`, `host` and `runtime` are the last readings; `extra` gives the core's own series.

    `told` hears every reading of the local engine.
    """

    def __init__(
        self,
        settings: Settings,
        bus: Bus,
        history: History,
        clock: Clock,
        *,
        extra: Callable[[], dict[str, float | None]] = dict,
        told: Callable[[RuntimeReading], None] = lambda _: None,
    ) -> None:
        self._bus = bus
        self._history = history
        self._clock = clock
        self._extra = extra
        self._told = told
        self._interval_s = settings.telemetry.interval_s
        self._gpu = GpuSampler(clock, interval_s=self._interval_s) if settings.telemetry.gpu else None
        self._host = HostSampler(clock)
        self._runtime = RuntimeSampler(settings.engines.local, clock)
        self._told_gpu: GpuReading | None = None
        self._told_host: HostReading | None = None
        self._told_runtime: RuntimeReading | None = None
        self.gpu: GpuReading | None = None
        self.host: HostReading | None = None
        self.runtime: RuntimeReading | None = None

    async def run(self) -> None:
        """Sample every `telemetry.interval_s`, from now on."""
        try:
            if self._gpu is not None:
                await self._gpu.start()
            while True:
                await self.look()
                await asyncio.sleep(self._interval_s)
        finally:
            await self._close()

    async def look(self) -> None:
        """Take one sample of everything, publish what changed, and move the history on where a step ended."""
        host, runtime = await asyncio.gather(asyncio.to_thread(self._host.sample), self._runtime.sample())
        gpu = self._gpu.reading() if self._gpu else GpuReading(at=self._clock.now(), state="off")
        self.gpu, self.host, self.runtime = gpu, host, runtime
        self._told(runtime)
        if gpu is not None and (_due(self._told_gpu, gpu) or gpu_changed(self._told_gpu, gpu)):
            self._told_gpu = gpu
            self._bus.publish(GpuSampled(reading=gpu))
        if _due(self._told_host, host) or host_changed(self._told_host, host):
            self._told_host = host
            self._bus.publish(HostSampled(reading=host))
        if _due(self._told_runtime, runtime) or runtime_changed(self._told_runtime, runtime):
            self._told_runtime = runtime
            self._bus.publish(RuntimeSampled(reading=runtime))
        self._remember()

    def _remember(self) -> None:
        host = self.host
        if host is not None:
            self._history.add("host.cpu", host.cpu_pct)
            if host.memory_used_b is not None and host.memory_total_b:
                self._history.add("host.memory_share", host.memory_used_b / host.memory_total_b)
        for gpu in self.gpu.gpus if self.gpu is not None and self.gpu.state == "ok" else ():
            self._history.add(f"gpu.{gpu.index}.utilisation", gpu.utilisation_pct)
            if gpu.memory_used_b is not None and gpu.memory_total_b:
                self._history.add(f"gpu.{gpu.index}.memory_share", gpu.memory_used_b / gpu.memory_total_b)
        for name, value in self._extra().items():
            self._history.add(name, value)
        while (points := self._history.advance(self._clock.monotonic())) is not None:
            self._bus.publish(HistoryAdvanced(points=points))

    async def _close(self) -> None:
        if self._gpu is not None:
            await self._gpu.close()
        await self._runtime.close()


Reading = GpuReading | HostReading | RuntimeReading


def _due(told: Reading | None, now: Reading) -> bool:
    """Also where the wall clock jumped back, which would otherwise silence a quiet machine for as long."""
    return told is None or not 0 <= (now.at - told.at).total_seconds() < STILL_S
