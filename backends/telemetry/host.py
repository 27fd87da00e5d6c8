"""The machine's processor, memory, disk and network, through psutil."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backends.clock import Clock
from backends.types import HostReading


class HostSampler:
    """`sample` reads five small kernel files, about 0.3 ms; call it in a thread.

    `disk` is a path on the file system to watch. A value that the platform does not report is None.
    """

    def __init__(self, clock: Clock, *, disk: Path | None = None) -> None:
        self._clock = clock
        self._disk = str(disk or Path("/"))
        self._before: tuple[float, int, int] | None = None
        self._first = True

    def sample(self) -> HostReading:
        import psutil

        cpu = _if_readable(psutil.cpu_percent)
        memory = _if_readable(psutil.virtual_memory)
        disk = _if_readable(lambda: psutil.disk_usage(self._disk))
        received, sent = self._rates()
        first, self._first = self._first, False
        return HostReading(
            at=self._clock.now(),
            cpu_pct=None if first else cpu,
            load_1m=_if_readable(lambda: os.getloadavg()[0]),
            memory_used_b=memory and memory.total - memory.available,
            memory_total_b=memory and memory.total,
            disk_used_b=disk and disk.used,
            disk_total_b=disk and disk.total,
            net_received_bps=received,
            net_sent_bps=sent,
        )

    def _rates(self) -> tuple[float | None, float | None]:
        """Bytes a second in and out since the last sample, loopback left out."""
        import psutil

        now = self._clock.monotonic()
        interfaces = _if_readable(lambda: psutil.net_io_counters(pernic=True)) or {}
        counters = [counter for name, counter in interfaces.items() if name != "lo"]
        received = sum(counter.bytes_recv for counter in counters)
        sent = sum(counter.bytes_sent for counter in counters)
        before, self._before = self._before, (now, received, sent)
        if before is None or now <= before[0] or received < before[1] or sent < before[2]:
            return None, None  # the first sample, or an interface with its counter is gone
        return (received - before[1]) / (now - before[0]), (sent - before[2]) / (now - before[0])


def _if_readable(ask: Callable[[], Any]) -> Any:
    """The kernel's answer; None where a container hides it."""
    try:
        return ask()
    except OSError:
        return None
