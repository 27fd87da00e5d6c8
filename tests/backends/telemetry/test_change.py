from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from backends.clock import ManualClock
from backends.telemetry.change import gpu_changed, host_changed, runtime_changed
from backends.types import Gpu, GpuProcess, GpuReading, HostReading, LoadedModel, RuntimeReading

NOW = ManualClock().now()
GB = 10**9
HOST = HostReading(
    at=NOW,
    cpu_pct=10.0,
    load_1m=0.5,
    memory_used_b=4 * GB,
    memory_total_b=8 * GB,
    disk_used_b=40 * GB,
    disk_total_b=80 * GB,
    net_received_bps=1000.0,
    net_sent_bps=1000.0,
)
CARD = Gpu(
    index=0,
    name="Card",
    utilisation_pct=50,
    memory_used_b=4 * GB,
    memory_total_b=8 * GB,
    temperature_c=60,
    power_w=100,
    power_limit_w=300,
    processes=(GpuProcess(pid=1, name="ollama", memory_b=3 * GB),),
)
GPU = GpuReading(at=NOW, state="ok", gpus=(CARD,))
MODEL = LoadedModel(name="qwen", size_b=9 * GB, vram_b=9 * GB, context=16384, expires_at=NOW)
RUNTIME = RuntimeReading(at=NOW, reachable=True, version="1", models=(MODEL,), waiting=0)


def test_a_first_reading_is_news() -> None:
    assert host_changed(None, HOST)
    assert gpu_changed(None, GPU)
    assert runtime_changed(None, RUNTIME)


@pytest.mark.parametrize(
    "quiet",
    [
        {"at": NOW + timedelta(seconds=9)},
        {"cpu_pct": 11.5},
        {"memory_used_b": 4 * GB + 50_000_000},
        {"disk_used_b": 40 * GB + 1},
        {"net_sent_bps": 3000.0},
        {"load_1m": 0.6},
    ],
)
def test_an_idle_host_says_nothing(quiet: dict[str, Any]) -> None:
    assert not host_changed(HOST, replace(HOST, **quiet))


@pytest.mark.parametrize(
    "news",
    [
        {"cpu_pct": 12.0},
        {"cpu_pct": None},
        {"memory_used_b": 4 * GB + 100_000_000},
        {"net_received_bps": 60_000.0},
        {"net_received_bps": None},
        {"disk_total_b": None},
        {"load_1m": 1.0},
    ],
)
def test_a_host_that_moved_speaks(news: dict[str, Any]) -> None:
    assert host_changed(HOST, replace(HOST, **news))


def test_busy_lines_speak_of_half_their_rate() -> None:
    busy = replace(HOST, net_received_bps=1_000_000.0)
    assert not host_changed(busy, replace(busy, net_received_bps=1_400_000.0))
    assert host_changed(busy, replace(busy, net_received_bps=400_000.0))


def test_an_age_in_a_detail_is_no_news() -> None:
    stalled = replace(GPU, state="stalled", detail="no word for 8 s")
    assert gpu_changed(GPU, stalled)
    assert not gpu_changed(stalled, replace(stalled, detail="no word for 10 s"))


@pytest.mark.parametrize(
    ("card", "changed"),
    [
        ({"utilisation_pct": 51}, False),
        ({"utilisation_pct": 53}, True),
        ({"memory_used_b": 5 * GB}, True),
        ({"temperature_c": 61}, False),
        ({"power_w": 110}, True),
        ({"processes": None}, True),
        ({"processes": ()}, True),
        ({"name": "Other"}, True),
    ],
)
def test_a_card_speaks_beyond_its_noise(card: dict[str, Any], changed: bool) -> None:
    assert gpu_changed(GPU, replace(GPU, gpus=(replace(CARD, **card),))) is changed


def test_a_card_more_is_news() -> None:
    assert gpu_changed(GPU, replace(GPU, gpus=(CARD, CARD)))


@pytest.mark.parametrize(
    ("model", "changed"),
    [
        ({"expires_at": NOW + timedelta(seconds=20)}, False),
        ({"expires_at": NOW + timedelta(seconds=40)}, True),
        ({"expires_at": None}, True),
        ({"vram_b": 0}, True),
    ],
)
def test_a_loaded_model_speaks_of_what_counts(model: dict[str, Any], changed: bool) -> None:
    assert runtime_changed(RUNTIME, replace(RUNTIME, models=(replace(MODEL, **model),))) is changed


def test_a_model_more_and_a_longer_queue_are_news() -> None:
    assert runtime_changed(RUNTIME, replace(RUNTIME, models=(MODEL, MODEL)))
    assert runtime_changed(RUNTIME, replace(RUNTIME, waiting=1))
    assert not runtime_changed(RUNTIME, replace(RUNTIME, at=NOW + timedelta(hours=1)))
