import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backends.clock import ManualClock
from backends.telemetry.gpu import GpuSampler
from backends.types import GpuReading
from benchmarks.evaluation.fake_nvml import FakeNvml
from tests.waiting import until


@pytest.fixture
def nvml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
    folder = tmp_path / "nvml"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("GEMINI_API_KEY", "canary")
    return FakeNvml(folder)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def sampler(nvml: FakeNvml, clock: ManualClock) -> AsyncIterator[GpuSampler]:
    made = GpuSampler(clock, interval_s=0.02, killed_after_s=0.5, backoff_s=(0.0,))
    yield made
    await made.close()


async def _when(sampler: GpuSampler, *states: str) -> GpuReading:
    """The first reading in one of `states`."""
    async with asyncio.timeout(20):
        while True:
            reading = sampler.reading()
            if reading is not None and reading.state in states:
                return reading
            sampler.sampled.clear()
            await sampler.sampled.wait()


async def test_figures_of_every_gpu(sampler: GpuSampler) -> None:
    assert sampler.reading() is None
    await sampler.start()
    reading = await _when(sampler, "ok")
    assert [each.index for each in reading.gpus] == [0, 1]
    first = reading.gpus[0]
    assert (first.utilisation_pct, first.temperature_c, first.power_w, first.power_limit_w) == (37, 61, 120.5, 350)
    assert (first.memory_used_b, first.memory_total_b) == (4 << 30, 24 << 30)
    assert first.processes is not None
    assert [(each.pid, each.name, each.memory_b) for each in first.processes] == [
        (10, "ollama", 3 << 30),
        (11, "?", None),
    ]


@pytest.mark.proves("S27")
async def test_no_key_is_in_the_processs_environment(sampler: GpuSampler, nvml: FakeNvml) -> None:
    await sampler.start()
    await sampler.start()
    await _when(sampler, "ok")
    (line,) = nvml.starts
    assert "GEMINI_API_KEY" not in line
    assert "PYTHONPATH" in line


@pytest.mark.proves("P4", "I13")
async def test_what_a_card_does_not_tell_is_unknown(sampler: GpuSampler, nvml: FakeNvml) -> None:
    nvml.fail("bare")
    await sampler.start()
    bare = (await _when(sampler, "ok")).gpus[0]
    assert (bare.utilisation_pct, bare.memory_used_b, bare.power_w, bare.processes) == (None, None, None, None)


@pytest.mark.parametrize(
    ("fault", "state", "detail"),
    [
        ("no-driver", "no-driver", "install"),
        ("not-loaded", "no-driver", "modprobe"),
        ("no-gpu", "no-gpu", "no GPU"),
        ("no-permission", "no-permission", "/dev/nvidia"),
        ("version", "failed", "different versions"),
        ("odd", "failed", "error 999"),
        ("segfault", "failed", "SIGABRT"),
        ("exit", "failed", "ended with 3"),
        ("mute", "failed", "without a sample"),
        ("hang", "failed", "hung"),
        ("flood", "failed", "hung"),
    ],
)
@pytest.mark.proves("P4")
async def test_each_trouble_has_a_face_of_its_own(
    sampler: GpuSampler, nvml: FakeNvml, fault: str, state: str, detail: str
) -> None:
    nvml.fail(fault)
    await sampler.start()
    reading = await _when(sampler, state)
    assert detail in reading.detail
    assert reading.gpus == ()


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_without_a_driver_no_process_stays(sampler: GpuSampler, nvml: FakeNvml) -> None:
    nvml.fail("no-driver")
    await sampler.start()
    await _when(sampler, "no-driver")
    pid = int(nvml.starts[0].split()[0])
    await until(lambda: _is_gone(pid))
    assert len(nvml.starts) == 1


@pytest.mark.proves("P4")
async def test_a_lost_gpu_leaves_the_others_on_screen(sampler: GpuSampler, nvml: FakeNvml) -> None:
    await sampler.start()
    await _when(sampler, "ok")
    nvml.fail("lost")
    reading = await _when(sampler, "lost")
    assert "GPU 1" in reading.detail
    assert [each.index for each in reading.gpus] == [0]
    nvml.fail("")
    assert len((await _when(sampler, "ok")).gpus) == 2


@pytest.mark.proves("P4")
async def test_a_process_that_dies_is_started_again(sampler: GpuSampler, nvml: FakeNvml, clock: ManualClock) -> None:
    await sampler.start()
    await _when(sampler, "ok")
    nvml.fail("segfault")
    reading = await _when(sampler, "failed")
    assert "figures are 0 s old" in reading.detail
    assert len(reading.gpus) == 2
    nvml.fail("")
    await _when(sampler, "ok")
    assert len(nvml.starts) >= 2


@pytest.mark.proves("P4")
async def test_silence_shows_with_its_age(sampler: GpuSampler, clock: ManualClock) -> None:
    await sampler.start()
    await _when(sampler, "ok")
    clock.advance(60)
    stalled = sampler.reading()
    assert stalled is not None
    assert stalled.state == "stalled"
    assert "60 s" in stalled.detail
    await _when(sampler, "ok")


async def test_words_of_the_library_are_passed_over(sampler: GpuSampler, nvml: FakeNvml) -> None:
    nvml.fail("chatty")
    await sampler.start()
    assert len((await _when(sampler, "ok")).gpus) == 2


async def test_closing_ends_the_process(nvml: FakeNvml, clock: ManualClock) -> None:
    sampler = GpuSampler(clock, interval_s=0.02)
    await sampler.start()
    await _when(sampler, "ok")
    await sampler.close()
    assert _is_gone(int(nvml.starts[0].split()[0]))


async def test_one_that_never_started_closes(clock: ManualClock) -> None:
    await GpuSampler(clock).close()
