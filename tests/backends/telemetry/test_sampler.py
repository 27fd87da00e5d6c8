import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from datetime import datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.bus import Bus
from backends.clock import ManualClock
from backends.events import Event, GpuSampled, HistoryAdvanced, HostSampled, RuntimeSampled
from backends.settings.model import Telemetry
from backends.telemetry.history import History
from backends.telemetry.sampler import REPEAT_S, Sampler, Status
from backends.types import HostReading, LoadedModel, RuntimeReading, combined
from benchmarks.evaluation.fake_nvml import FakeNvml
from tests.waiting import until

QUIET = Telemetry(gpu=False)


async def nobody(at: datetime) -> RuntimeReading:
    return RuntimeReading(at=at, reachable=False, detail="Ollama cannot be reached")


STATUSES = {"local": (nobody,)}


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
    sampler = Sampler(QUIET, bus, History(), clock, statuses=STATUSES, sample_host=Still(clock).sample)
    await sampler.sample()
    await until(lambda: len(events) == 3)
    assert {type(event) for event in events} == {GpuSampled, HostSampled, RuntimeSampled}
    for _ in range(2):
        clock.advance(REPEAT_S / 2 - 0.1)
        await sampler.sample()
    await asyncio.sleep(0)
    assert len(events) == 3
    clock.advance(REPEAT_S)
    await sampler.sample()
    await until(lambda: len(events) == 6)
    assert [type(event) for event in events[:3]] == [type(event) for event in events[3:]]
    clock.jump(-86_400)
    await sampler.sample()
    await until(lambda: len(events) == 9)


async def test_the_last_readings_stand_on_it(clock: ManualClock) -> None:
    sampler = Sampler(QUIET, Bus(), History(), clock, statuses=STATUSES)
    assert (sampler.gpu, sampler.host, sampler.runtimes) == (None, None, {})
    await sampler.sample()
    assert sampler.gpu is not None
    assert sampler.gpu.state == "off"
    assert sampler.host is not None
    assert not sampler.runtimes["local"].reachable


async def test_history_moves_by_steps_with_the_cores_own_series(
    clock: ManualClock, heard: tuple[Bus, list[Event]]
) -> None:
    bus, events = heard
    history = History()

    def own_series(_: object) -> None:
        history.add("queue.local", 4.0)
        history.add("spend.today", None)

    sampler = Sampler(
        QUIET, bus, history, clock, statuses=STATUSES, on_sample=own_series, sample_host=Still(clock).sample
    )
    await sampler.sample()
    clock.advance(10)
    await sampler.sample()
    await until(lambda: any(isinstance(event, HistoryAdvanced) for event in events))
    (advanced,) = [event for event in events if isinstance(event, HistoryAdvanced)]
    assert advanced.points == {"host.cpu": 3.0, "host.memory_share": 0.5, "queue.local": 4.0, "spend.today": None}
    assert history.series()["queue.local"] == (4.0,)


async def test_it_runs_until_cancelled_with_a_gpu(
    tmp_path: Path, clock: ManualClock, heard: tuple[Bus, list[Event]], monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeNvml(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    bus, events = heard
    history = History(step_s=0.1)
    sampler = Sampler(Telemetry(interval_s=0.02), bus, history, clock, statuses=STATUSES)
    task = asyncio.create_task(sampler.run())
    await until(lambda: any(isinstance(event, GpuSampled) and event.reading.state == "ok" for event in events))
    clock.advance(0.2)
    await until(lambda: history.series().get("gpu.0.utilisation"))
    assert history.series()["gpu.1.memory_share"][0] == pytest.approx(1 / 6)
    task.cancel()
    await asyncio.wait({task})
    assert [each.get_name() for each in asyncio.all_tasks() if each.get_name() == "gpu sampler"] == []


async def test_every_engine_is_sampled_and_each_of_its_servers(clock: ManualClock) -> None:
    def server(waiting: int | None, *models: str, reachable: bool = True, detail: str = "") -> Status:
        async def status(at: datetime) -> RuntimeReading:
            loaded = tuple(LoadedModel(name=name, size_b=1, vram_b=1, context=None, expires_at=None) for name in models)
            return RuntimeReading(at=at, reachable=reachable, detail=detail, models=loaded, waiting=waiting)

        return status

    samples: list[Mapping[str, tuple[RuntimeReading, ...]]] = []
    sampler = Sampler(
        QUIET,
        Bus(),
        History(),
        clock,
        statuses={
            "local": (server(None, "qwen2.5:14b"),),
            "gpu": (server(2, "a"), server(None, reachable=False, detail="it is down"), server(1, "b")),
        },
        on_sample=samples.append,
    )
    await sampler.sample()
    assert [model.name for model in sampler.runtimes["local"].models] == ["qwen2.5:14b"]
    gpu = sampler.runtimes["gpu"]
    assert (gpu.reachable, gpu.detail, gpu.waiting) == (True, "it is down", 3)
    assert [model.name for model in gpu.models] == ["a", "b"]
    assert [[reading.reachable for reading in each] for each in samples[0].values()] == [[True], [True, False, True]]


def test_no_readings_are_no_reading() -> None:
    with pytest.raises(ValueError, match="no reading"):
        combined(())
