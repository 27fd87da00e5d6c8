"""What is worth telling: a reading that a person would see differ from the last one told.

An idle machine then says nothing at all, and its console draws nothing.
"""

from backends.types import Gpu, GpuReading, HostReading, RuntimeReading

CPU_PCT = 2.0
MEMORY_B = 100_000_000
DISK_B = 1_000_000_000
LOAD = 0.25
GPU_PCT = 2.0
GPU_MEMORY_B = 64 * 1024 * 1024
TEMPERATURE_C = 2.0
POWER_W = 5.0
QUIET_BPS = 4_096.0  # below it the line is idle: a clock's or a session's own packets


def host_changed(told: HostReading | None, now: HostReading) -> bool:
    return told is None or (
        _moved(told.cpu_pct, now.cpu_pct, CPU_PCT)
        or _moved(told.load_1m, now.load_1m, LOAD)
        or _moved(told.memory_used_b, now.memory_used_b, MEMORY_B)
        or _moved(told.disk_used_b, now.disk_used_b, DISK_B)
        or _flowed(told.net_received_bps, now.net_received_bps)
        or _flowed(told.net_sent_bps, now.net_sent_bps)
        or (told.memory_total_b, told.disk_total_b) != (now.memory_total_b, now.disk_total_b)
    )


def gpu_changed(told: GpuReading | None, now: GpuReading) -> bool:
    if told is None or (told.state, _words(told.detail)) != (now.state, _words(now.detail)):
        return True
    if len(told.gpus) != len(now.gpus):
        return True
    return any(_one_gpu_changed(before, after) for before, after in zip(told.gpus, now.gpus, strict=True))


def runtime_changed(told: RuntimeReading | None, now: RuntimeReading) -> bool:
    """Expiry moves with every call and is told by the half minute."""
    if told is None or (told.reachable, told.detail, told.version, told.waiting) != (
        now.reachable,
        now.detail,
        now.version,
        now.waiting,
    ):
        return True
    if len(told.models) != len(now.models):
        return True
    for before, after in zip(told.models, now.models, strict=True):
        if (before.name, before.size_b, before.vram_b, before.context) != (
            after.name,
            after.size_b,
            after.vram_b,
            after.context,
        ):
            return True
        if (before.expires_at is None) != (after.expires_at is None):
            return True
        if before.expires_at and after.expires_at and abs((after.expires_at - before.expires_at).total_seconds()) >= 30:
            return True
    return False


def _one_gpu_changed(told: Gpu, now: Gpu) -> bool:
    return (
        (told.index, told.name, told.memory_total_b) != (now.index, now.name, now.memory_total_b)
        or _moved(told.utilisation_pct, now.utilisation_pct, GPU_PCT)
        or _moved(told.memory_used_b, now.memory_used_b, GPU_MEMORY_B)
        or _moved(told.temperature_c, now.temperature_c, TEMPERATURE_C)
        or _moved(told.power_w, now.power_w, POWER_W)
        or _moved(told.power_limit_w, now.power_limit_w, POWER_W)
        or [process.pid for process in told.processes or ()] != [process.pid for process in now.processes or ()]
        or (told.processes is None) != (now.processes is None)
    )


def _moved(told: float | None, now: float | None, step: float) -> bool:
    if told is None or now is None:
        return told is not now
    return abs(now - told) >= step


def _flowed(told: float | None, now: float | None) -> bool:
    if told is None or now is None:
        return told is not now
    return abs(now - told) >= max(QUIET_BPS, told / 2)


def _words(detail: str) -> str:
    """Without figures, so that an age in it does not speak every second."""
    return "".join(letter for letter in detail if not letter.isdigit())
