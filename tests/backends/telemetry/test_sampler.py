import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.bus import Bus
from backends.clock import ManualClock
from backends.events import Event, GpuSampled, HistoryAdvanced, HostSampled, RuntimeSampled
from backends.settings.model import Engines, LocalEngine, Settings, Telemetry
from backends.telemetry.history import History
from backends.telemetry.sampler import STILL_S, Sampler
from backends.types import HostReading
from tests.backends.telemetry.fake_nvml import FakeNvml
from tests.waiting import until

NOBODY = Engines(local=LocalEngine(base_url="http://127.0.0.1:9"))
QUIET = Settings(engines=NOBODY, telemetry=Telemetry(gpu=False))


class Still:
    """A host on which nothing moves."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.reading = HostReading(
            at=clock.now(),
            cpu_pct=3.0,
            load_1m=0.1,
            memory_used_b=2,
            memory_total_b=4,
            disk_used_b=1,
            disk_total_b=2,
            net_received_bps=0.0,
            net_sent_bps=0.0,
        )

    def sample(self) -> HostReading:
        return replace(self.reading, at=self.clock.now())


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def heard() -> AsyncIterator[tuple[Bus, list[Event]]]:
    """A bus and what was published on it."""
    bus, events = Bus(), list[Event]()

    async def listen() -> None:
        async with aclosing(bus.events()) as stream:
            async for event in stream:
                events.append(event)

    task = asyncio.create_task(listen())
    await asyncio.sleep(0)
    yield bus, events
    task.cancel()
    await asyncio.wait({task})


async def test_an_idle_machine_is_told_of_again_only_now_and_then(
    clock: ManualClock, heard: tuple[Bus, list[Event]]
) -> None:
    bus, events = heard
    sampler = Sampler(QUIET, bus, History(), clock)
    sampler._host = Still(clock)  # type: ignore[assignment]
    await sampler.look()
    await until(lambda: len(events) == 3)
    assert {type(event) for event in events} == {GpuSampled, HostSampled, RuntimeSampled}
    for _ in range(2):
        clock.advance(STILL_S / 2 - 0.1)
        await sampler.look()
    await asyncio.sleep(0)
    assert len(events) == 3
    clock.advance(STILL_S)
    await sampler.look()
    await until(lambda: len(events) == 6)
    assert [type(event) for event in events[:3]] == [type(event) for event in events[3:]]
    clock.jump(-86_400)
    await sampler.look()
    await until(lambda: len(events) == 9)
    await sampler._close()


async def test_the_last_readings_stand_on_it(clock: ManualClock) -> None:
    sampler = Sampler(QUIET, Bus(), History(), clock)
    assert (sampler.gpu, sampler.host, sampler.runtime) == (None, None, None)
    await sampler.look()
    assert sampler.gpu is not None
    assert sampler.gpu.state == "off"
    assert sampler.host is not None
    assert sampler.runtime is not None
    assert not sampler.runtime.reachable
    await sampler._close()


async def test_history_moves_by_steps_with_the_cores_own_series(
    clock: ManualClock, heard: tuple[Bus, list[Event]]
) -> None:
    bus, events = heard
    history = History()
    sampler = Sampler(QUIET, bus, history, clock, extra=lambda: {"queue.local": 4.0, "spend.today": None})
    sampler._host = Still(clock)  # type: ignore[assignment]
    await sampler.look()
    clock.advance(10)
    await sampler.look()
    await until(lambda: any(isinstance(event, HistoryAdvanced) for event in events))
    (advanced,) = [event for event in events if isinstance(event, HistoryAdvanced)]
    assert advanced.points == {"host.cpu": 3.0, "host.memory_share": 0.5, "queue.local": 4.0, "spend.today": None}
    assert history.series()["queue.local"] == (4.0,)
    await sampler._close()


async def test_it_runs_until_cancelled_with_a_gpu(
    tmp_path: Path, clock: ManualClock, heard: tuple[Bus, list[Event]], monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeNvml(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    bus, events = heard
    settings = Settings(engines=NOBODY, telemetry=Telemetry(interval_s=0.02))
    history = History(step_s=0.1)
    sampler = Sampler(settings, bus, history, clock)
    task = asyncio.create_task(sampler.run())
    await until(lambda: any(isinstance(event, GpuSampled) and event.reading.state == "ok" for event in events))
    clock.advance(0.2)
    await until(lambda: history.series().get("gpu.0.utilisation"))
    assert history.series()["gpu.1.memory_share"][0] == pytest.approx(1 / 6)
    task.cancel()
    await asyncio.wait({task})
    assert sampler._gpu is not None
    assert sampler._gpu._task is not None
    assert sampler._gpu._task.done()
