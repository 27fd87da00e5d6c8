"""Conditions of the machine, from readings as the sampler takes them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.bus import Bus
from backends.clock import ManualClock
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.machine_conditions import (
    MachineWatch,
    disk_nearly_full,
    gpu_conditions,
    spilled_models,
)
from backends.monitoring.watch import Holding, Watch
from backends.settings.alert_limits import AlertLimits
from backends.settings.model import Telemetry
from backends.telemetry.history import History
from backends.telemetry.sampler import Sampler
from backends.types import Gpu, GpuReading, HostReading, LoadedModel, RuntimeReading

AT = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
LIMITS = AlertLimits(gpu_c=85, vram_share=0.95, disk_free_gb=2.0, clock_jump_s=5.0)
GB = 10**9


def texts(found: Iterable[Holding]) -> list[str]:
    return [each.condition.text.format(**each.fields) for each in found]


def gpu(**figures: float | str | None) -> GpuReading:
    return GpuReading(at=AT, state="ok", gpus=(Gpu(index=0, name="RTX", **figures),))  # type: ignore[arg-type]


def host(free_gb: float) -> HostReading:
    used = int(100 * GB - free_gb * GB)
    return HostReading(
        at=AT,
        cpu_pct=None,
        load_1m=None,
        memory_used_b=None,
        memory_total_b=None,
        disk_used_b=used,
        disk_total_b=100 * GB,
        net_received_bps=None,
        net_sent_bps=None,
    )


def model(vram_b: int | None) -> dict[str, RuntimeReading]:
    loaded = LoadedModel(name="qwen2.5:14b", size_b=10 * GB, vram_b=vram_b, context=None, expires_at=None)
    return {"local": RuntimeReading(at=AT, reachable=True, models=(loaded,))}


@pytest.mark.parametrize(
    ("reading", "says"),
    [
        (gpu(temperature_c=84.9, memory_used_b=94, memory_total_b=100), []),
        (gpu(), []),
        (gpu(temperature_c=85.0), ["GPU 0: 85 °C"]),
        (gpu(temperature_c=61.0, throttled="heat"), ["GPU 0: 61 °C, slowed down by heat"]),
        (gpu(throttled="heat"), ["GPU 0: temperature –, slowed down by heat"]),
        (gpu(memory_used_b=95 << 30, memory_total_b=100 << 30), ["GPU 0: memory nearly full, 95.0/100.0 GB"]),
        (GpuReading(at=AT, state="lost"), ["a GPU is lost: models run on the CPU or not at all"]),
        (GpuReading(at=AT, state="no-gpu"), []),
        (None, []),
    ],
)
def test_what_a_gpu_reading_says(reading: GpuReading | None, says: list[str]) -> None:
    found = list(gpu_conditions(reading, ["local"], LIMITS, ()))
    assert texts(found) == says
    assert [each.since for each in found] == [AT] * len(says), "it began with the reading"


def test_a_hot_gpu_offers_to_drain_its_engine_and_is_hot_until_it_is_clearly_cooler() -> None:
    (hot,) = gpu_conditions(gpu(temperature_c=90.0), ["local"], LIMITS, ())
    assert [choice.label for choice in hot.choices] == ["drain local"]
    assert list(gpu_conditions(gpu(temperature_c=81.0), ["local"], LIMITS, [hot.key]))
    assert not list(gpu_conditions(gpu(temperature_c=79.0), ["local"], LIMITS, [hot.key]))


def test_a_model_spilled_where_a_part_left_the_gpu_and_not_where_there_never_was_one() -> None:
    known = {("local", "qwen2.5:14b"): 1.0}
    assert texts(spilled_models(model(6 * GB), {})) == [
        "local: qwen2.5:14b has spilled to the CPU, 60 % of it is on the GPU"
    ]
    assert texts(spilled_models(model(0), known)) == [
        "local: qwen2.5:14b has spilled to the CPU, 0 % of it is on the GPU"
    ]
    assert texts(spilled_models(model(0), {("local", "qwen2.5:14b"): 0.0})) == []
    assert texts(spilled_models(model(10 * GB), known)) == []
    assert texts(spilled_models(model(None), known)) == []


@given(st.floats(0, 99), st.booleans())
def test_a_disk_is_nearly_full_below_its_limit_and_critical_below_a_quarter(free: float, standing: bool) -> None:
    found = list(disk_nearly_full(host(free), LIMITS, ["disk"] if standing else ()))
    assert bool(found) == (100 * GB - int(100 * GB - free * GB) < (2.2 if standing else 2.0) * GB)
    if found:
        assert (found[0].severity == "critical") == (free < 0.5)


def watched(clock: ManualClock) -> tuple[Watch, Alerts]:
    """A watch over a machine of which nothing but its clock is known."""
    alerts = Alerts(Bus(), clock)
    watch = Watch(alerts, clock, LIMITS)
    off = Telemetry(gpu=False)
    sampler = Sampler(off, Bus(), History(10, 10), clock, statuses={}, sample_host=lambda: host(50))
    watch.add(MachineWatch(sampler, ["local"], watch, clock, clock.monotonic))
    watch.check()
    return watch, alerts


def pass_by(watch: Watch, clock: ManualClock, span_s: float) -> None:
    """Time in which the core works."""
    for _ in range(round(span_s)):
        clock.advance(1)
        watch.check()


async def test_a_clock_that_is_set_is_an_alert_for_ten_minutes() -> None:
    clock = ManualClock()
    watch, alerts = watched(clock)
    pass_by(watch, clock, 1)
    assert alerts.current() == ()
    clock.jump(-3600)
    watch.check()
    (alert,) = alerts.current()
    assert alert.text.startswith("the clock jumped back by 60 min")
    pass_by(watch, clock, 599)
    assert alerts.current()
    pass_by(watch, clock, 2)
    assert alerts.current() == ()


async def test_w3_a_core_that_stood_still_says_for_how_long_for_ten_minutes() -> None:
    clock = ManualClock()
    watch, alerts = watched(clock)
    clock.advance(600)
    watch.check()
    (alert,) = alerts.current()
    assert (alert.key, alert.since) == ("paused", clock.now() - timedelta(seconds=600))
    assert alert.text == f"the core stood still for 10 min until {clock.now():%H:%M:%S} UTC"
    pass_by(watch, clock, 599)
    assert alerts.current()
    pass_by(watch, clock, 2)
    assert alerts.current() == ()
