"""NVIDIA GPUs, sampled in a child process: the driver may hang or kill it without harm to the core."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from backends.child_environment import child_environment
from backends.clock import Clock
from backends.types import Gpu, GpuReading

STALLED_AFTER_S = 6.0  # silence beyond the interval after which a reading is shown as stalled
KILLED_AFTER_S = 15.0  # silence after which the process is killed
BACKOFF_S = (1.0, 5.0, 30.0, 120.0)
STEADY_S = 60.0  # a process that ran this long resets the backoff
NOTHING_HERE_S = 300.0  # between tries where there is no driver or no GPU: each costs 50 ms of processor time
LINE_LIMIT = 256 * 1024


class Sample(Struct, frozen=True):
    """One line of the process's output."""

    state: Literal["ok", "no-gpu", "no-driver", "no-permission", "lost", "failed"]
    detail: str
    gpus: tuple[Gpu, ...]


class GpuSampler:
    """Keeps the process running, from `start` to `close`."""

    def __init__(
        self,
        clock: Clock,
        *,
        interval_s: float = 2.0,
        killed_after_s: float = KILLED_AFTER_S,
        backoff_s: tuple[float, ...] = BACKOFF_S,
    ) -> None:
        self._backoff_s = backoff_s
        self._clock = clock
        self._interval_s = interval_s
        self._silence_s = interval_s + killed_after_s
        self._task: asyncio.Task[None] | None = None
        self._last: GpuReading | None = None
        self._sampled_at = clock.monotonic()
        self._seen = False
        self.sampled = asyncio.Event()
        """Set whenever the process sent a sample, or ended."""

    async def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._keep_going(), name="gpu sampler")

    def reading(self) -> GpuReading | None:
        """The last sample, "stalled" where it is old; None before the first."""
        last = self._last
        silence = self._clock.monotonic() - self._sampled_at
        if last is None or last.state not in ("ok", "stalled") or silence <= self._interval_s + STALLED_AFTER_S:
            return last
        return replace(last, state="stalled", detail=f"no sample from NVML for {silence:.0f} s; the figures are old")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _keep_going(self) -> None:
        failures = 0
        while True:
            last, began = self._last, self._clock.monotonic()
            code = await self._watch()
            fresh = self._last if self._last is not last else None
            if code != 0:
                self._failed(_ended(code))
            elif fresh is None:
                self._failed("the NVML process ended without a sample")
            self.sampled.set()
            state = self._last.state if self._last else "failed"
            if state in ("no-driver", "no-gpu"):
                failures = 0
                await asyncio.sleep(NOTHING_HERE_S)
            else:
                failures = 0 if self._clock.monotonic() - began >= STEADY_S else failures
                await asyncio.sleep(self._backoff_s[min(failures, len(self._backoff_s) - 1)])
                failures += 1

    async def _watch(self) -> int | None:
        """Run the process and take its samples until it ends; its exit code, None where it hung and was killed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "backends.telemetry.gpu_process",
            str(self._interval_s),
            stdin=PIPE,
            stdout=PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=child_environment(),
            limit=LINE_LIMIT,
        )
        try:
            return await self._listen(process)
        finally:
            await _end(process)

    async def _listen(self, process: Process) -> int | None:
        assert process.stdout is not None  # noqa: S101 — asked for above
        while True:
            try:
                async with asyncio.timeout(self._silence_s):
                    line = await process.stdout.readline()
                    if not line:
                        return await process.wait()
            except (TimeoutError, ValueError):  # silent, or a line beyond LINE_LIMIT
                return None
            try:
                self._sampled(msgspec.json.decode(line, type=Sample))
            except msgspec.DecodeError:
                continue  # NVML's library may print lines of its own

    def _sampled(self, sample: Sample) -> None:
        """Where GPUs were seen before, a driver that reports none has lost them."""
        self._sampled_at = self._clock.monotonic()
        self._seen |= bool(sample.gpus)
        state = "lost" if self._seen and sample.state in ("no-gpu", "no-driver") else sample.state
        self._last = GpuReading(at=self._clock.now(), state=state, detail=sample.detail, gpus=sample.gpus)
        self.sampled.set()

    def _failed(self, why: str) -> None:
        last = self._last
        if last is None or not last.gpus:
            self._last = GpuReading(at=self._clock.now(), state="failed", detail=f"{why}; restarting it")
            return
        age = self._clock.monotonic() - self._sampled_at
        self._last = replace(last, state="failed", detail=f"{why}; figures are {age:.0f} s old")


def _ended(code: int | None) -> str:
    if code is None:
        return "a call into the GPU driver hung"
    if code < 0:
        return f"the NVML process died of {signal.Signals(-code).name}"
    return f"the NVML process ended with {code}"


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()
    if process.stdin is not None:
        process.stdin.close()
