from pathlib import Path

import pytest

from backends.telemetry.memory import machine_memory
from benchmarks.evaluation.fake_nvml import FakeNvml


@pytest.mark.parametrize(("fault", "on_gpus"), [("", 48 << 30), ("bare", None), ("no-driver", None), ("hang", None)])
async def test_the_memory_of_all_gpus_counts_and_what_is_not_known_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, on_gpus: int | None
) -> None:
    FakeNvml(tmp_path).fail(fault)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = await machine_memory(gpu=True, nvml_s=0.3 if fault == "hang" else 20.0)
    assert found.gpu_b == on_gpus
    assert found.ram_b is not None
    assert found.ram_b > 1 << 28


async def test_gpus_that_telemetry_leaves_alone_are_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = FakeNvml(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert (await machine_memory(gpu=False)).gpu_b is None
    assert not nvml.starts
