"""What goes wrong in a chaos run: faults in the twins, network, disk, clock, consoles, and the death of the core."""

import asyncio
import os
import pty
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import get_args

import psutil
from msgspec.structs import replace

from backends.rehearsal.faults import Fault, FaultKind, UsageMode, WireMode
from backends.rehearsal.incidents import INCIDENTS, OVERLOADED, RUNNER_DEAD
from backends.self_test.stand import CoreEnded, Stand
from benchmarks.evaluation.rehearsed_core import Machine

CONSOLE = (sys.executable, "-m", "console.entry")
DISK_B = 256 * 1024 * 1024
DAY_S = 86_400.0
START_S, AGAIN_S = 60.0, 0.5

FAULTS: tuple[Fault, ...] = (
    *(Fault(kind="status", status=status) for status in (400, 401, 403, 408, 429, 500, 502, 503)),
    Fault(kind="redirect", location="http://127.0.0.1:9"),
    Fault(kind="silence", seconds=4),
    Fault(kind="silence", after=2, seconds=4),
    *(Fault(kind=kind, after=after) for kind in ("close", "drop", "reset") for after in (0, 2)),
    Fault(kind="reset"),
    Fault(kind="reset-reused", on="any"),
    Fault(kind="half", after=1),
    Fault(kind="error", after=1, body=OVERLOADED),
    Fault(kind="error", after=1, body=RUNNER_DEAD),
    *(Fault(kind="usage", mode=mode) for mode in get_args(UsageMode)),
    *(Fault(kind="finish", mode=mode, after=1) for mode in ("SAFETY", "RECITATION", "MAX_TOKENS")),
    Fault(kind="blocked", mode="PROHIBITED_CONTENT"),
    Fault(kind="thought-cap"),
    Fault(kind="runaway"),
    *(Fault(kind="wire", mode=mode) for mode in get_args(WireMode)),
    Fault(kind="status", status=503, on="list"),
)
assert {fault.kind for fault in FAULTS} == set(get_args(FaultKind))


class Disturbances:
    """`counts` says how often each kind was played. All moments and choices come from `dice`."""

    def __init__(self, stand: Stand, machine: Machine, dice: Random, *, disk: "SmallDisk | None") -> None:
        self._stand = stand
        self._machine = machine
        self._dice = dice
        self._disk = disk
        self.counts: Counter[str] = Counter()
        self.failed_starts: Counter[str] = Counter()

    async def strike(self) -> None:
        """A fault in one call of one engine."""
        fault = self._dice.choice(FAULTS)
        self._stand.twins[self._dice.choice([*self._stand.twins])].inject(fault)
        self.counts[f"fault: {fault.kind}"] += 1

    async def incident(self, seconds: float) -> None:
        """An engine behaves as a named incident says, for a while."""
        twin, name = self._stand.twins[self._dice.choice([*self._stand.twins])], self._dice.choice([*INCIDENTS])
        before = twin.behaviour
        twin.incident(name)
        self.counts["incident"] += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            twin.behaviour = replace(before, faults=())

    async def network(self, seconds: float) -> None:
        """An engine, or every one, cannot be reached, and calls in flight lose their connection."""
        every = [*self._stand.twins.values()]
        gone = every if self._dice.random() < 0.3 else [self._dice.choice(every)]
        self.counts["network gone"] += 1
        try:
            for twin in gone:
                await twin.close()
            await asyncio.sleep(seconds)
        finally:
            for twin in gone:
                await twin.restart()

    async def clock(self, seconds: float) -> None:
        """The wall clock jumps by up to a day and back."""
        self.counts["clock jump"] += 1
        self._machine.put(jumped_s=self._dice.uniform(-DAY_S, DAY_S))
        try:
            await asyncio.sleep(seconds)
        finally:
            self._machine.put(jumped_s=0.0)

    async def disk(self, seconds: float) -> None:
        """Not a byte is left on the disk of the ledger, or a little."""
        if self._disk is None:
            return
        self.counts["disk full"] += 1
        try:
            await self._disk.fill(self._dice.choice((0, 0, 65_536)))
            await asyncio.sleep(seconds)
        finally:
            await self._disk.release()

    async def console(self, seconds: float) -> None:
        """A console is attached in a terminal that is closed over it."""
        self.counts["console lost"] += 1
        near, far = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *CONSOLE, env=self._stand.env, stdin=far, stdout=far, stderr=far, start_new_session=True
        )
        os.close(far)
        reading = asyncio.create_task(asyncio.to_thread(_drain, near))
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), seconds)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await reading

    async def kill(self) -> None:
        """kill -9 of the core, and another start.

        It is tried again where the disk is full, or a console runs a core of its own as it found none.
        """
        self.counts["kill -9"] += 1
        await self._stand.kill()
        async with asyncio.timeout(START_S):
            while not self._stand.up.is_set():
                try:
                    await self._stand.start()
                except CoreEnded as error:
                    self.failed_starts[str(error).partition("(")[0]] += 1
                    await asyncio.sleep(AGAIN_S)

    def others(self) -> Sequence[Callable[[float], Awaitable[None]]]:
        """What lasts for a while."""
        return (self.incident, self.incident, self.network, self.clock, self.disk, self.console)


def _drain(terminal: int) -> None:
    """Read until the program at the other end is gone."""
    with suppress(OSError):
        while os.read(terminal, 65_536):
            pass
    os.close(terminal)


class SmallDisk:
    """A file system of its own at `folder`, that can be filled. Needs the right to mount one."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    async def fill(self, left_b: int) -> None:
        """Leave this many bytes."""
        await asyncio.to_thread(self._fill, left_b)

    async def release(self) -> None:
        await asyncio.to_thread(self._ballast.unlink, missing_ok=True)

    def _fill(self, left_b: int) -> None:
        free = psutil.disk_usage(str(self._ballast.parent)).free - left_b
        with self._ballast.open("wb") as file, suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, max(free, 1))


@asynccontextmanager
async def small_disk(folder: Path) -> AsyncGenerator[SmallDisk | None]:
    """None where the system does not allow it."""
    mounted = await asyncio.to_thread(
        subprocess.run,
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_B},mode=700", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    try:
        yield None if mounted.returncode else SmallDisk(folder)
    finally:
        if not mounted.returncode:
            await asyncio.to_thread(subprocess.run, ["umount", "--lazy", str(folder)], check=True)
