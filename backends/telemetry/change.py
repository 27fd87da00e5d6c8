"""Changes that are worth publishing: those that a person would see on screen.

An idle machine then publishes nothing, and its console draws nothing.
"""

from backends.types import Gpu, GpuReading, HostReading, LoadedModel, RuntimeReading

CPU_PCT = 2.0
MEMORY_B = 100_000_000
DISK_B = 1_000_000_000
LOAD = 0.25
GPU_PCT = 2.0
GPU_MEMORY_B = 64 * 1024 * 1024
TEMPERATURE_C = 2.0
POWER_W = 5.0
EXPIRY_S = 30.0
QUIET_BPS = 4_096.0  # below it the network is idle but for a clock's or a session's own packets


def host_changed(before: HostReading | None, now: HostReading) -> bool:
    return before is None or (
        _differs(before.cpu_pct, now.cpu_pct, CPU_PCT)
        or _differs(before.load_1m, now.load_1m, LOAD)
        or _differs(before.memory_used_b, now.memory_used_b, MEMORY_B)
        or _differs(before.disk_used_b, now.disk_used_b, DISK_B)
        or _traffic_differs(before.net_received_bps, now.net_received_bps)
        or _traffic_differs(before.net_sent_bps, now.net_sent_bps)
        or (before.memory_total_b, before.disk_total_b) != (now.memory_total_b, now.disk_total_b)
    )


def gpu_changed(before: GpuReading | None, now: GpuReading) -> bool:
    if before is None or (before.state, _without_figures(before.detail)) != (now.state, _without_figures(now.detail)):
        return True
    if len(before.gpus) != len(now.gpus):
        return True
    return any(_one_gpu_changed(before, after) for before, after in zip(before.gpus, now.gpus, strict=True))


def runtime_changed(before: RuntimeReading | None, now: RuntimeReading) -> bool:
    if before is None or (before.reachable, before.detail, before.version, before.waiting) != (
        now.reachable,
        now.detail,
        now.version,
        now.waiting,
    ):
        return True
    return len(before.models) != len(now.models) or any(
        _one_model_changed(old, new) for old, new in zip(before.models, now.models, strict=True)
    )


def _one_model_changed(before: LoadedModel, now: LoadedModel) -> bool:
    """A model's expiry moves with every call, so it counts only from half a minute on."""
    if (before.name, before.size_b, before.vram_b, before.context) != (now.name, now.size_b, now.vram_b, now.context):
        return True
    if before.expires_at is None or now.expires_at is None:
        return before.expires_at is not now.expires_at
    return abs((now.expires_at - before.expires_at).total_seconds()) >= EXPIRY_S


def _one_gpu_changed(before: Gpu, now: Gpu) -> bool:
    return (
        (before.index, before.name, before.memory_total_b, before.throttled)
        != (now.index, now.name, now.memory_total_b, now.throttled)
        or _differs(before.utilisation_pct, now.utilisation_pct, GPU_PCT)
        or _differs(before.memory_used_b, now.memory_used_b, GPU_MEMORY_B)
        or _differs(before.temperature_c, now.temperature_c, TEMPERATURE_C)
        or _differs(before.power_w, now.power_w, POWER_W)
        or _differs(before.power_limit_w, now.power_limit_w, POWER_W)
        or [process.pid for process in before.processes or ()] != [process.pid for process in now.processes or ()]
        or (before.processes is None) != (now.processes is None)
    )


def _differs(before: float | None, now: float | None, step: float) -> bool:
    if before is None or now is None:
        return before is not now
    return abs(now - before) >= step


def _traffic_differs(before: float | None, now: float | None) -> bool:
    if before is None or now is None:
        return before is not now
    return abs(now - before) >= max(QUIET_BPS, before / 2)


def _without_figures(detail: str) -> str:
    """So that an age in it is not a change every second."""
    return "".join(letter for letter in detail if not letter.isdigit())
