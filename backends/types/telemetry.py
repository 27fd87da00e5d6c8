"""Readings of the machine and of the local engines."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct


class GpuProcess(Struct, frozen=True, kw_only=True):
    pid: int
    name: str
    memory_b: int | None


class Gpu(Struct, frozen=True, kw_only=True):
    """One card. `throttled` says what slows it down beyond its usual power limit, "" where nothing does."""

    index: int
    name: str
    utilisation_pct: float | None = None
    memory_used_b: int | None = None
    memory_total_b: int | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    processes: tuple[GpuProcess, ...] | None = None
    throttled: str = ""


class GpuReading(Struct, frozen=True, kw_only=True):
    """`state` other than "ok" says why there are no figures; `detail` says in a line what to do."""

    at: datetime
    state: Literal["ok", "no-gpu", "no-driver", "no-permission", "lost", "stalled", "failed", "off"]
    detail: str = ""
    gpus: tuple[Gpu, ...] = ()


class HostReading(Struct, frozen=True, kw_only=True):
    """The machine. Rates are bytes a second over the last interval, None on the first reading."""

    at: datetime
    cpu_pct: float | None
    load_1m: float | None
    memory_used_b: int | None
    memory_total_b: int | None
    disk_used_b: int | None
    disk_total_b: int | None
    net_received_bps: float | None
    net_sent_bps: float | None


class MachineMemory(Struct, frozen=True, kw_only=True):
    """How much memory this machine has in all: that of its GPUs, and its main memory; None where not known."""

    gpu_b: int | None = None
    ram_b: int | None = None


class LoadedModel(Struct, frozen=True, kw_only=True):
    """A model resident in the local engine; `vram_b` of `size_b` lies on the GPU."""

    name: str
    size_b: int | None
    vram_b: int | None
    context: int | None
    expires_at: datetime | None


class RuntimeReading(Struct, frozen=True, kw_only=True):
    """What an engine's server says of itself. `waiting` is its own queue, where it reports one (llama.cpp, vLLM)."""

    at: datetime
    reachable: bool
    detail: str = ""
    version: str | None = None
    models: tuple[LoadedModel, ...] = ()
    waiting: int | None = None


def combined(readings: Sequence[RuntimeReading]) -> RuntimeReading:
    """One reading for several servers: reachable while any of them is, with the models and the queues of all.

    `detail` is that of the first server that has one, so an unreachable one shows. Raises ValueError for no reading.
    """
    if not readings:
        raise ValueError("there is no reading to combine")
    first, *others = readings
    if not others:
        return first
    waiting = [reading.waiting for reading in readings if reading.waiting is not None]
    return RuntimeReading(
        at=min(reading.at for reading in readings),
        reachable=any(reading.reachable for reading in readings),
        detail=next((reading.detail for reading in readings if reading.detail), ""),
        version=next((reading.version for reading in readings if reading.version), None),
        models=tuple(dict.fromkeys(model for reading in readings for model in reading.models)),
        waiting=sum(waiting) if waiting else None,
    )
