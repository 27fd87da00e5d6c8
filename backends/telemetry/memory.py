"""How much memory this machine has for models: that of its GPUs, by NVML, and its main memory."""

import asyncio
from contextlib import suppress

from backends.clock import SystemClock
from backends.telemetry.gpu import GpuSampler
from backends.telemetry.host import HostSampler
from backends.types import MachineMemory

NVML_S = 3.0
"""How long the driver may take; the first sample takes 0.1 s."""


async def machine_memory(*, gpu: bool, nvml_s: float = NVML_S) -> MachineMemory:
    """Asked anew each time, in a thread and a process; `gpu` False leaves the GPUs alone."""
    host = await asyncio.to_thread(HostSampler(SystemClock()).sample)
    return MachineMemory(gpu_b=await _gpu_memory(nvml_s) if gpu else None, ram_b=host.memory_total_b)


async def _gpu_memory(nvml_s: float) -> int | None:
    sampler = GpuSampler(SystemClock())
    await sampler.start()
    with suppress(TimeoutError):
        async with asyncio.timeout(nvml_s):
            await sampler.sampled.wait()
    await sampler.close()
    reading = sampler.reading()
    known = [each.memory_total_b for each in (reading.gpus if reading is not None else ()) if each.memory_total_b]
    return sum(known) or None
