import asyncio
from contextlib import aclosing
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from backends.bus import BACKLOG, Bus
from backends.events import AlertCleared, EngineSampled, Event, HistoryAdvanced, HostSampled, Resync, RuntimeSampled
from backends.types import EngineState, HostReading, RuntimeReading
from tests.waiting import until


def engine(name: str, waiting: int) -> EngineSampled:
    state = EngineState(name=name, zone="local", kind="ollama", model="m", label="m", waiting=waiting)
    return EngineSampled(engine=state)


def host(cpu: float) -> HostSampled:
    return HostSampled(
        reading=HostReading(
            at=datetime(2026, 1, 1, tzinfo=UTC),
            cpu_pct=cpu,
            load_1m=None,
            memory_used_b=None,
            memory_total_b=None,
            disk_used_b=None,
            disk_total_b=None,
            net_received_bps=None,
            net_sent_bps=None,
        )
    )


async def heard(bus: Bus, events: list[Event], count: int) -> list[Event]:
    """What one watcher hears that had fallen behind by all of `events`."""
    async with aclosing(bus.events()) as stream:
        first = asyncio.ensure_future(anext(stream))
        await until(lambda: bus.watchers)
        bus.publish(AlertCleared(key="first"))
        assert await first == AlertCleared(key="first")
        for event in events:
            bus.publish(event)
        return [await anext(stream) for _ in range(count)]


@given(st.lists(st.integers(0, 99), max_size=50))
async def test_lifecycle_events_come_all_and_in_order(keys: list[int]) -> None:
    events: list[Event] = [AlertCleared(key=str(key)) for key in keys]
    assert await heard(Bus(), events, len(events)) == events


async def test_of_samples_only_the_newest_of_each_kind_is_kept() -> None:
    events: list[Event] = [host(1), engine("local", 1), engine("cloud", 7), host(2), engine("local", 2)]
    assert await heard(Bus(), events, 3) == [engine("cloud", 7), host(2), engine("local", 2)]


async def test_of_each_engines_runtime_the_newest_is_kept() -> None:
    def sampled(engine: str, waiting: int) -> RuntimeSampled:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        return RuntimeSampled(engine=engine, reading=RuntimeReading(at=at, reachable=True, waiting=waiting))

    events: list[Event] = [sampled("local", 1), sampled("gpu", 7), sampled("local", 2)]
    assert await heard(Bus(), events, 2) == [sampled("gpu", 7), sampled("local", 2)]


async def test_lifecycle_goes_before_samples() -> None:
    assert await heard(Bus(), [host(1), AlertCleared(key="a")], 2) == [AlertCleared(key="a"), host(1)]


async def test_every_step_of_the_history_comes() -> None:
    steps: list[Event] = [HistoryAdvanced(points={"queue": float(step)}) for step in range(3)]
    assert await heard(Bus(), steps, 3) == steps


async def test_one_that_fell_too_far_behind_is_told_to_resync_and_goes_on_from_there() -> None:
    events: list[Event] = [AlertCleared(key=str(number)) for number in range(BACKLOG + 2)]
    first, second = await heard(Bus(), events, 2)
    assert first == Resync()
    assert second == AlertCleared(key=str(BACKLOG + 1))


async def test_a_watcher_that_left_is_forgotten() -> None:
    bus = Bus()
    await heard(bus, [], 0)
    assert not bus.watchers
