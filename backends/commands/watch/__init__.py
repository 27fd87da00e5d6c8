"""`claw watch`: what happens in the running core, a line each, until it is interrupted."""

import argparse
import asyncio
import json
import os
import stat
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime

import msgspec

from backends.commands.watch.watch_lines import WatchLine, WatchLines, plain
from backends.core.api import Core
from backends.core.remote import RemoteCore
from backends.errors import ClawError
from backends.events import Event, Resync
from backends.paths import Paths
from backends.text.terminal_safe import safe
from backends.types import Snapshot

RETRY_S = (0.25, 0.5, 1.0, 2.0)
Write = Callable[[WatchLine], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--requests", action="store_true", help="also print each decision and each answer")
    parser.add_argument("--rehearse", action="store_true", help="watch the core in rehearsal")


def run(args: argparse.Namespace) -> int:
    core = RemoteCore(Paths.find(rehearsal=args.rehearse).socket)
    write = write_json if args.json else PlainWriter()
    asyncio.run(_run(core, write, requests=args.requests))
    return 0


async def _run(core: Core, write: Write, *, requests: bool) -> None:
    """Until nobody reads what is written, which a pipe tells also while there is nothing to write."""
    work = asyncio.create_task(watch(core, write, requests=requests))
    if stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode):
        asyncio.get_running_loop().add_reader(sys.stdout.fileno(), work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        this = asyncio.current_task()
        if this is None or this.cancelling():  # interrupted from outside
            raise


async def watch(core: Core, write: Write, *, requests: bool = False, retry_s: Sequence[float] = RETRY_S) -> None:
    """Write a line for all that happens, over restarts of the core, until cancelled."""
    lines, pid, problem = WatchLines(requests=requests), 0, ""
    pauses = list(retry_s)
    while True:
        try:
            async with aclosing(_followed(core)) as found:
                async for each in found:
                    if isinstance(each, Snapshot):
                        if problem or each.pid != pid:
                            write(_core_line(_attached(each)))
                        pid, problem, pauses = each.pid, "", list(retry_s)
                    for line in lines.seen(each) if isinstance(each, Snapshot) else lines.happened(each):
                        write(line)
        except ClawError as error:
            if str(error) != problem:
                problem = str(error)
                write(_core_line(f"{problem}; waiting for a core"))
        await asyncio.sleep(pauses.pop(0) if len(pauses) > 1 else pauses[0])


async def _followed(core: Core) -> AsyncGenerator[Snapshot | Event]:
    """A snapshot, then events; after events were lost, another snapshot."""
    async with aclosing(core.events()) as events:
        # Subscribe before the snapshot is taken, so that nothing is lost between the two.
        first = asyncio.ensure_future(anext(events))
        try:
            await asyncio.sleep(0)
            yield await core.snapshot()
            event = await first
        finally:
            first.cancel()
            await asyncio.wait([first])
        while True:
            yield await core.snapshot() if isinstance(event, Resync) else event
            event = await anext(events)


class PlainWriter:
    """Sentences on stdout; a line names the day before the first of each day."""

    def __init__(self) -> None:
        self._day = ""

    def __call__(self, line: WatchLine) -> None:
        day = f"{line.at.astimezone():%A, %d %B %Y, UTC%z}"
        if day != self._day:
            self._day = day
            print(day)
        print(safe(plain(line)), flush=True)


def write_json(line: WatchLine) -> None:
    """One object in ASCII, which holds nothing that could drive a terminal."""
    print(json.dumps(msgspec.to_builtins(line)), flush=True)


def _core_line(text: str) -> WatchLine:
    return WatchLine(at=datetime.now(UTC), event="core", text=text)


def _attached(snapshot: Snapshot) -> str:
    rehearsal = ", in rehearsal" if snapshot.rehearsal else ""
    return f"attached to claw {snapshot.version}, process {snapshot.pid}{rehearsal}"
