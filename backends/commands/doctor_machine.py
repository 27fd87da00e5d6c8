"""What `claw doctor` checks on this machine: GPU, disk, SQLite, clock, terminal, optional parts."""

import asyncio
import locale
import os
import shutil
import sqlite3
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime

from backends.cache.semantic import embedders
from backends.clock import SystemClock
from backends.paths import Paths
from backends.rehearsal.small_model import NoSmallModel, find_weights
from backends.settings.model import Settings
from backends.telemetry.gpu import GpuSampler
from backends.types import Check

NVML_S = 5.0
LOW_DISK_B = 1_000_000_000
SQLITE_WAL_RESET_FIXED = (3, 51, 3)
"""Before it, two connections that checkpoint at once can lose a commit; here only the writer's own ever does."""

BUILT = datetime(2026, 1, 1, tzinfo=UTC)


async def check_machine(settings: Settings, paths: Paths) -> tuple[Check, ...]:
    """All of them, in the order in which a person would go through them. Never raises for what it finds."""
    return await _gpu(settings), *await asyncio.to_thread(_checks, paths, settings)


async def _gpu(settings: Settings) -> Check:
    if not settings.telemetry.gpu:
        return Check(name="gpu", ok=None, detail="not checked: telemetry.gpu is false")
    sampler = GpuSampler(SystemClock())
    await sampler.start()
    with suppress(TimeoutError):
        async with asyncio.timeout(NVML_S):
            await sampler.sampled.wait()
    await sampler.close()
    reading = sampler.reading()
    if reading is None:
        return Check(
            name="gpu",
            ok=None,
            detail="NVML did not answer",
            remedy="try `nvidia-smi`; a hung driver needs a restart",
        )
    if reading.state == "ok":
        return Check(name="gpu", ok=True, detail=", ".join(gpu.name for gpu in reading.gpus))
    return Check(name="gpu", ok=None, detail=reading.state.replace("-", " "), remedy=reading.detail)


def _checks(paths: Paths, settings: Settings) -> list[Check]:
    return [_disk(paths), _sqlite(), _clock(), _terminal(), _semantic(settings), _small_model()]


def _disk(paths: Paths) -> Check:
    folder = paths.state
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    remedy = f"free some space: the ledger and the cache live in {paths.state}"
    return Check(name="disk", ok=free >= LOW_DISK_B, detail=f"{free / 1e9:.1f} GB free", remedy=remedy)


def _sqlite() -> Check:
    fixed = sqlite3.sqlite_version_info >= SQLITE_WAL_RESET_FIXED
    detail = f"{sqlite3.sqlite_version}" + ("" if fixed else ", in the range of the WAL-reset bug")
    remedy = "claw is safe, because only its writer checkpoints; open the ledger read-only elsewhere"
    return Check(name="sqlite", ok=True if fixed else None, detail=detail, remedy=remedy)


def _clock() -> Check:
    now = datetime.now(UTC)
    return Check(
        name="clock",
        ok=now > BUILT,
        detail=f"{now:%Y-%m-%d %H:%M:%S} UTC, zone {time.tzname[0]}",
        remedy="set the clock: budgets and prices depend on it (`timedatectl set-ntp true`)",
    )


def _terminal() -> Check:
    if not sys.stdout.isatty():
        return Check(
            name="terminal",
            ok=None,
            detail="stdout is not a terminal",
            remedy="run `claw doctor` in your terminal",
        )
    size = shutil.get_terminal_size()
    encoding = locale.getpreferredencoding(False)
    term = os.environ.get("TERM", "")
    well = encoding.lower().replace("-", "") == "utf8" and term not in ("", "dumb")
    remedy = "use a UTF-8 locale (LANG=C.UTF-8) and a TERM with colours (xterm-256color)"
    return Check(
        name="terminal",
        ok=well,
        detail=f"{term or 'TERM unset'}, {size.columns}×{size.lines}, {encoding}",
        remedy=remedy,
    )


def _semantic(settings: Settings) -> Check:
    kind = settings.cache.embedder
    if kind.startswith("ollama:"):
        return Check(name="semantic cache", ok=None, detail=f"{kind}: checked when a core loads it")
    if lacking := embedders.missing(kind):
        detail, _, remedy = lacking.partition(": ")
        return Check(name="semantic cache", ok=None, detail=f"{detail}; the exact cache works", remedy=remedy)
    return Check(name="semantic cache", ok=True, detail="the embedding model is installed")


def _small_model() -> Check:
    try:
        weights = find_weights()
    except NoSmallModel as lacking:
        detail, _, remedy = str(lacking).partition(": ")
        return Check(name="rehearsal", ok=None, detail=f"{detail}; its answers are scripted text", remedy=remedy)
    return Check(name="rehearsal", ok=True, detail=f"answers come from {weights.name} on llama.cpp")
