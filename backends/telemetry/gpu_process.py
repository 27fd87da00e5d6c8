"""NVML sampling in a process of its own, which may hang or die: `python -m backends.telemetry.gpu_process SECONDS`.

Writes one JSON line a sample to stdout and ends when stdin does. Where there is nothing to sample, it writes one line
that says so and ends, to free its memory.
"""

import ctypes
import json
import select
import signal
import sys
from collections.abc import Callable
from typing import Any

PR_SET_PDEATHSIG = 1


def main(interval_s: float) -> None:
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        _emit(*_explain(pynvml, error))
        return
    while True:
        try:
            count = pynvml.nvmlDeviceGetCount()
            state, detail, gpus = sample(pynvml, count)
        except pynvml.NVMLError as error:
            _emit(*_explain(pynvml, error))
            return
        _emit(state, detail, gpus)
        if state != "ok" or _parent_ended(interval_s):
            return


def sample(nvml: Any, count: int) -> tuple[str, str, list[dict[str, Any]]]:
    if not count:
        return "no-gpu", "the driver is loaded but reports no GPU", []
    gpus, state, detail = [], "ok", ""
    for index in range(count):
        try:
            gpus.append(gpu_figures(nvml, index))
        except nvml.NVMLError as error:
            state, detail = _explain(nvml, error)
            detail = f"GPU {index}: {detail}"
    return state, detail, gpus


def gpu_figures(nvml: Any, index: int) -> dict[str, Any]:
    """One GPU's figures, in the field names of `types.Gpu`; None where this card or mode does not report one."""
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    memory = _if_supported(nvml, nvml.nvmlDeviceGetMemoryInfo, handle)
    rates = _if_supported(nvml, nvml.nvmlDeviceGetUtilizationRates, handle)
    power = _if_supported(nvml, nvml.nvmlDeviceGetPowerUsage, handle)
    limit = _if_supported(nvml, nvml.nvmlDeviceGetEnforcedPowerLimit, handle)
    return {
        "index": index,
        "name": _text(_if_supported(nvml, nvml.nvmlDeviceGetName, handle) or "GPU"),
        "utilisation_pct": rates and rates.gpu,
        "memory_used_b": memory and memory.used,
        "memory_total_b": memory and memory.total,
        "temperature_c": _if_supported(nvml, nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU),
        "power_w": None if power is None else power / 1000,
        "power_limit_w": None if limit is None else limit / 1000,
        "processes": _processes(nvml, handle),
        "throttled": _throttled(nvml, handle),
    }


THROTTLES = {0x40: "heat", 0x20: "heat", 0x80: "its power supply", 0x08: "its hardware"}
"""Bits of NVML's clocks event reasons; reaching the power limit that is set is none of them."""


def _throttled(nvml: Any, handle: Any) -> str:
    reasons = _if_supported(nvml, nvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle) or 0
    return next((words for bit, words in THROTTLES.items() if reasons & bit), "")


def _processes(nvml: Any, handle: Any) -> list[dict[str, Any]] | None:
    computing = _if_supported(nvml, nvml.nvmlDeviceGetComputeRunningProcesses, handle)
    drawing = _if_supported(nvml, nvml.nvmlDeviceGetGraphicsRunningProcesses, handle)
    if computing is None and drawing is None:
        return None
    held = {process.pid: process.usedGpuMemory for process in [*(computing or []), *(drawing or [])]}
    largest = sorted(held.items(), key=lambda item: -(item[1] or 0))[:16]
    return [{"pid": pid, "name": _name(nvml, pid), "memory_b": memory} for pid, memory in largest]


def _name(nvml: Any, pid: int) -> str:
    path = _if_supported(nvml, nvml.nvmlSystemGetProcessName, pid)
    return _text(path).rsplit("/", 1)[-1].split(" ")[0] if path else "?"


def _if_supported(nvml: Any, ask: Callable[..., Any], *arguments: Any) -> Any:
    """NVML's answer; None where this GPU does not support the query or this user may not make it."""
    try:
        return ask(*arguments)
    except nvml.NVMLError as error:
        if error.value in (nvml.NVML_ERROR_NOT_SUPPORTED, nvml.NVML_ERROR_NO_PERMISSION, nvml.NVML_ERROR_NOT_FOUND):
            return None
        raise


def _explain(nvml: Any, error: Any) -> tuple[str, str]:
    """The state and the remedy for an error."""
    known = {
        nvml.NVML_ERROR_LIBRARY_NOT_FOUND: ("no-driver", "install the NVIDIA driver if this machine has a GPU"),
        nvml.NVML_ERROR_DRIVER_NOT_LOADED: ("no-driver", "the NVIDIA driver is not loaded: `modprobe nvidia`"),
        nvml.NVML_ERROR_NO_PERMISSION: ("no-permission", "give this user access to /dev/nvidia*"),
        nvml.NVML_ERROR_GPU_IS_LOST: (
            "lost",
            "the GPU left the bus: see `dmesg | grep NVRM`, then reset or reboot",
        ),
        nvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: (
            "failed",
            "driver and library have different versions: reboot, or reload the driver",
        ),
    }
    return known.get(error.value, ("failed", f"NVML: {_text(str(error))}"))


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _emit(state: str, detail: str, gpus: list[dict[str, Any]] | None = None) -> None:
    sys.stdout.write(json.dumps({"state": state, "detail": detail, "gpus": gpus or []}) + "\n")
    sys.stdout.flush()


def _parent_ended(seconds: float) -> bool:
    """Wait `seconds`; True as soon as stdin ends."""
    readable, _, _ = select.select([sys.stdin], [], [], seconds)
    return bool(readable)


def _end_with_parent() -> None:
    """Also where a call into the driver hangs, so that stdin is never read again."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    _end_with_parent()
    main(float(sys.argv[1]))
