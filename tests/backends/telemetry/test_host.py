from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from backends.clock import ManualClock
from backends.telemetry.host import HostSampler


def _counters(monkeypatch: pytest.MonkeyPatch, received: int, sent: int) -> None:
    counter = SimpleNamespace(bytes_recv=received, bytes_sent=sent)
    loopback = SimpleNamespace(bytes_recv=10**9, bytes_sent=10**9)
    monkeypatch.setattr(psutil, "net_io_counters", lambda pernic: {"eth0": counter, "lo": loopback})


def test_figures_of_this_machine() -> None:
    clock = ManualClock()
    sampler = HostSampler(clock)
    first = sampler.sample()
    assert first.at == clock.now()
    assert (first.cpu_pct, first.net_received_bps) == (None, None)
    assert first.memory_used_b is not None
    assert first.memory_total_b is not None
    assert 0 < first.memory_used_b < first.memory_total_b
    assert first.disk_total_b
    clock.advance(2)
    second = sampler.sample()
    assert second.cpu_pct is not None
    assert second.net_sent_bps is not None


def test_rates_are_bytes_a_second_without_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    sampler = HostSampler(clock)
    _counters(monkeypatch, 1000, 500)
    sampler.sample()
    clock.advance(4)
    _counters(monkeypatch, 9000, 2500)
    reading = sampler.sample()
    assert (reading.net_received_bps, reading.net_sent_bps) == (2000, 500)


def test_a_count_that_went_back_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    sampler = HostSampler(clock)
    _counters(monkeypatch, 1000, 500)
    sampler.sample()
    clock.advance(1)
    _counters(monkeypatch, 10, 500)
    assert sampler.sample().net_received_bps is None


def test_what_a_container_hides_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(*args: object, **words: object) -> None:
        raise PermissionError

    for name in ("cpu_percent", "virtual_memory", "disk_usage", "net_io_counters"):
        monkeypatch.setattr(psutil, name, hidden)
    reading = HostSampler(ManualClock(), disk=Path("/nowhere")).sample()
    assert (reading.memory_used_b, reading.memory_total_b, reading.disk_used_b, reading.cpu_pct) == (None,) * 4
