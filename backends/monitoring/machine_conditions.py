"""What is wrong with the machine: its GPUs and their memory, models that spill out of it, its disk, its clock.

Pure functions of the sampler's readings. `MachineWatch` asks them, and remembers what a reading alone cannot tell: how
much of a model has been on the GPU, and what the clock said before.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from backends.clock import Clock
from backends.monitoring.alerts import (
    CLOCK_JUMPED,
    CORE_STOOD_STILL,
    DISK_FULL,
    GPU_HOT,
    GPU_LOST,
    MODEL_SPILLED,
    VRAM_FULL,
)
from backends.monitoring.touched import Touches
from backends.monitoring.watch import Holding, Watch, beyond
from backends.settings.alert_limits import AlertLimits
from backends.telemetry.sampler import Sampler
from backends.text.measures import gigabytes, share
from backends.text.times import seconds
from backends.types import Action, Choice, EngineName, Gpu, GpuReading, HostReading, LoadedModel, RuntimeReading

MODELS = 64
"""Models of which it is remembered how much of them has been on the GPU."""

JUMP_STANDS_S = 600.0
"""How long the alert of a clock that jumped stands, and that of a core that stood still."""

STOOD_STILL_S = 5.0
"""From so long a time between two looks on, the core stood still. There are several in a second."""

GB = 1e9
COOLED = 0.94
"""A GPU counts as cool again below this share of its limit: 5 °C of 85."""


def gpu_conditions(
    reading: GpuReading | None, engines: Collection[EngineName], limits: AlertLimits, standing: Collection[str]
) -> Iterator[Holding]:
    """What holds of the GPUs, whose work `engines` could leave to others."""
    if reading is None:
        return
    if reading.state == "lost":
        yield Holding(
            condition=GPU_LOST,
            since=reading.at,
            detail=reading.detail,
            choices=_drain(engines),
            touches=_served_by(engines),
        )
    if reading.state != "ok":
        return
    for gpu in reading.gpus:
        for found in (*_hot(gpu, engines, limits, standing), *_full(gpu, limits, standing)):
            yield replace(found, since=reading.at)


def _hot(
    gpu: Gpu, engines: Collection[EngineName], limits: AlertLimits, standing: Collection[str]
) -> Iterator[Holding]:
    celsius = gpu.temperature_c
    slowed = f", slowed down by {gpu.throttled}" if gpu.throttled else ""
    shown = "temperature –" if celsius is None else f"{celsius:.0f} °C"
    hot = Holding(
        condition=GPU_HOT,
        fields={"index": gpu.index, "celsius": shown, "slowed": slowed},
        choices=_drain(engines),
        touches=_served_by(engines),
    )
    too_hot = celsius is not None and beyond(celsius, limits.gpu_c, standing=hot.key in standing, margin=COOLED)
    if gpu.throttled or too_hot:
        yield hot


def _full(gpu: Gpu, limits: AlertLimits, standing: Collection[str]) -> Iterator[Holding]:
    used, total = gpu.memory_used_b, gpu.memory_total_b
    if used is None or not total:
        return
    full = Holding(
        condition=VRAM_FULL,
        fields={"index": gpu.index, "used": gigabytes(used, total)},
    )
    if beyond(used / total, limits.vram_share, standing=full.key in standing, margin=0.97):
        yield full


def spilled_models(
    runtimes: Mapping[EngineName, RuntimeReading], fullest: Mapping[tuple[EngineName, str], float]
) -> Iterator[Holding]:
    """Models of which a part lies in main memory. One that lies there whole has spilled only where it was on a GPU
    before, or another model is: `fullest` is the largest share of each that has been there.
    """
    for engine, reading in runtimes.items():
        has_gpu = any(share for (name, _), share in fullest.items() if name == engine)
        for model in reading.models:
            on_gpu = gpu_share(model)
            if on_gpu is None or on_gpu >= 1 or not (on_gpu or has_gpu):
                continue
            yield Holding(
                condition=MODEL_SPILLED,
                since=reading.at,
                fields={"engine": engine, "model": model.name, "share": share(on_gpu, 1)},
                choices=(
                    *_drain((engine,)),
                    Choice(
                        label=f"unload {model.name}",
                        action=Action(verb="unload", actor="console", engine=engine, model=model.name),
                    ),
                ),
                touches=_served_by((engine,)),
            )


def gpu_share(model: LoadedModel) -> float | None:
    """How much of a model lies on the GPU, 0 to 1; None where its server does not say."""
    return None if model.vram_b is None or not model.size_b else min(1.0, model.vram_b / model.size_b)


def disk_nearly_full(host: HostReading | None, limits: AlertLimits, standing: Collection[str]) -> Iterator[Holding]:
    if host is None or host.disk_used_b is None or not host.disk_total_b:
        return
    free_gb = (host.disk_total_b - host.disk_used_b) / GB
    if free_gb < limits.disk_free_gb * (1.1 if DISK_FULL.key in standing else 1.0):
        critical = free_gb < limits.disk_free_gb / 4
        yield Holding(
            condition=DISK_FULL,
            since=host.at,
            fields={"free": f"{free_gb:.1f} GB"},
            severity="critical" if critical else None,
        )


def _drain(engines: Iterable[EngineName]) -> tuple[Choice, ...]:
    return tuple(
        Choice(label=f"drain {name}", action=Action(verb="drain", actor="console", engine=name)) for name in engines
    )[:2]


def _served_by(engines: Collection[EngineName]) -> Touches | None:
    """Requests that an engine answered while its machine was unwell."""
    return Touches(served_by=next(iter(engines))) if len(engines) == 1 else None


class ClockJump(Struct, frozen=True):
    """The wall clock moved by `by_s` seconds more than time has passed, at `at` of clock.monotonic."""

    by_s: float
    at: float
    since: datetime


class Pause(Struct, frozen=True):
    """The core stood still for `span_s` seconds until `until`, which was `at` of its process's clock."""

    span_s: float
    at: float
    until: datetime


class MachineWatch:
    """A watcher of the machine. `engines` are those that run on it; `process_s` is a clock that nobody sets, by which
    it is seen that the process stood still.
    """

    def __init__(
        self,
        sampler: Sampler,
        engines: Collection[EngineName],
        watch: Watch,
        clock: Clock,
        process_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sampler = sampler
        self._engines = engines
        self._watch = watch
        self._clock = clock
        self._process_s = process_s
        self._looked_at: float | None = None
        self._fullest: dict[tuple[EngineName, str], float] = {}
        self._before: tuple[float, datetime] | None = None
        self._jump: ClockJump | None = None
        self._pause: Pause | None = None

    def __call__(self) -> list[Holding]:
        limits, standing, sampler = self._watch.limits, self._watch.standing, self._sampler
        self._remember(sampler.runtimes)
        return [
            *gpu_conditions(sampler.gpu_now(), self._engines, limits, standing),
            *spilled_models(sampler.runtimes, self._fullest),
            *disk_nearly_full(sampler.host, limits, standing),
            *self._stood_still(),
            *self._clock_jumped(limits.clock_jump_s),
        ]

    def _remember(self, runtimes: Mapping[EngineName, RuntimeReading]) -> None:
        for engine, reading in runtimes.items():
            for model in reading.models:
                key, on_gpu = (engine, model.name), gpu_share(model)
                if on_gpu is not None and (key in self._fullest or len(self._fullest) < MODELS):
                    self._fullest[key] = max(on_gpu, self._fullest.get(key, 0.0))

    def _stood_still(self) -> Iterator[Holding]:
        now = self._process_s()
        if self._looked_at is not None and now - self._looked_at >= STOOD_STILL_S:
            self._pause = Pause(now - self._looked_at, now, self._clock.now())
        self._looked_at = now
        pause = self._pause
        if pause is not None and now - pause.at < JUMP_STANDS_S:
            yield Holding(
                condition=CORE_STOOD_STILL,
                fields={"span": seconds(pause.span_s), "until": pause.until.strftime("%H:%M:%S UTC")},
                since=pause.until - timedelta(seconds=pause.span_s),
            )

    def _clock_jumped(self, most_s: float) -> Iterator[Holding]:
        now, wall = self._clock.monotonic(), self._clock.now()
        if self._before is not None:
            passed, moved = now - self._before[0], (wall - self._before[1]).total_seconds()
            if abs(moved - passed) >= most_s:
                self._jump = ClockJump(moved - passed, now, wall)
        self._before = now, wall
        jump = self._jump
        if jump is not None and now - jump.at < JUMP_STANDS_S:
            yield Holding(
                condition=CLOCK_JUMPED,
                fields={
                    "by": seconds(abs(jump.by_s)),
                    "way": "forward" if jump.by_s > 0 else "back",
                    "was": (jump.since - timedelta(seconds=jump.by_s)).strftime("%H:%M:%S UTC"),
                },
                since=jump.since,
            )
