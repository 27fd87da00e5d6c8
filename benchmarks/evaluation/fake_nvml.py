"""A module that stands in for `pynvml` in the sampler's own process. FAKE_NVML says what goes wrong."""

from pathlib import Path

MODULE = """
import os, sys, time
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).parent
NVML_TEMPERATURE_GPU = 0
NVML_ERROR_NO_PERMISSION = 4
NVML_ERROR_NOT_SUPPORTED = 3
NVML_ERROR_NOT_FOUND = 6
NVML_ERROR_DRIVER_NOT_LOADED = 9
NVML_ERROR_LIBRARY_NOT_FOUND = 12
NVML_ERROR_GPU_IS_LOST = 15
NVML_ERROR_LIB_RM_VERSION_MISMATCH = 18
NVML_ERROR_UNKNOWN = 999

class NVMLError(Exception):
    def __init__(self, value):
        super().__init__(f"error {value}")
        self.value = value

def fault():
    return (HERE / "fault").read_text()

def nvmlInit():
    with open(HERE / "starts", "a") as file:
        file.write(f"{os.getpid()} {sorted(os.environ)}\\n")
    codes = {"no-driver": 12, "not-loaded": 9, "no-permission": 4, "version": 18, "odd": 999}
    if fault() in codes:
        raise NVMLError(codes[fault()])
    if fault() == "chatty":
        print("NVML: a word of my own", flush=True)
    if fault() == "mute":
        sys.exit(0)
    if fault() == "exit":
        sys.exit(3)

def nvmlDeviceGetCount():
    if fault() == "hang":
        time.sleep(3600)
    if fault() == "segfault":
        os.abort()
    if fault() == "flood":
        print("x" * 400_000, flush=True)
    return 0 if fault() == "no-gpu" else 2

def nvmlDeviceGetHandleByIndex(index):
    return index

def nvmlDeviceGetName(handle):
    return b"Fake \\x1b[31mGPU"

def _unless(*faults):
    if fault() in faults:
        raise NVMLError(NVML_ERROR_NOT_SUPPORTED)

def nvmlDeviceGetMemoryInfo(handle):
    if fault() == "lost" and handle == 1:
        raise NVMLError(NVML_ERROR_GPU_IS_LOST)
    _unless("bare")
    return SimpleNamespace(used=(24 if fault() == "full" else 4) << 30, total=24 << 30)

def nvmlDeviceGetUtilizationRates(handle):
    _unless("bare")
    return SimpleNamespace(gpu=37)

def nvmlDeviceGetPowerUsage(handle):
    _unless("bare")
    return 120_500

def nvmlDeviceGetEnforcedPowerLimit(handle):
    _unless("bare")
    return 350_000

def nvmlDeviceGetTemperature(handle, sensor):
    _unless("bare")
    return 91 if fault() == "hot" else 61

def nvmlDeviceGetCurrentClocksThrottleReasons(handle):
    _unless("bare")
    return 0x44 if fault() == "hot" else 0x4

def nvmlDeviceGetComputeRunningProcesses(handle):
    _unless("bare")
    return [SimpleNamespace(pid=10, usedGpuMemory=3 << 30), SimpleNamespace(pid=11, usedGpuMemory=None)]

def nvmlDeviceGetGraphicsRunningProcesses(handle):
    _unless("bare")
    return []

def nvmlSystemGetProcessName(pid):
    if pid == 11:
        raise NVMLError(NVML_ERROR_NOT_FOUND)
    return "/usr/bin/ollama runner --model x"
"""


class FakeNvml:
    """The module in `folder`, which belongs on PYTHONPATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "pynvml.py").write_text(MODULE)
        self.fail("")

    def fail(self, fault: str) -> None:
        (self.folder / "fault.new").write_text(fault)
        (self.folder / "fault.new").replace(self.folder / "fault")

    @property
    def starts(self) -> list[str]:
        """A line for each process that started: its pid, and the names in its environment."""
        file = self.folder / "starts"
        return file.read_text().splitlines() if file.exists() else []
