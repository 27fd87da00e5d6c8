"""How soon does an operator see each incident, how true is what is seen, and is it on record afterwards?

    python -m benchmarks.evaluation.incidents [--only NAME …] [--json]

Plays every scene of `incident_scenes` at a rehearsed core with the thresholds that are built in. The seconds are from
the end of the first request that failed, or from what went wrong where no request fails by it, to the first snapshot
of the core with the alert; the console draws one at most an eighth of a second later. The onset is compared with when
that request began. Green is what must not be: the engine in the header or in `claw status`, or the status itself. On
record is an incident with its end. Exit code 0 if each one is seen, nothing wrong is green, and all are on record.
"""

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from backends.core.remote import RemoteCore
from backends.paths import Paths
from backends.types import Alert, Snapshot, Status
from benchmarks.evaluation.incident_scenes import LONG, SCENES, SETTINGS, Scene
from benchmarks.evaluation.rehearsed_core import RehearsedCore, rehearsed_core
from console.present.engine_health import engine_health
from console.state import ViewState, adopt

LONGEST_S, EVERY_S = 30.0, 0.05
T = TypeVar("T")


class Seen(Struct, frozen=True, kw_only=True):
    """What was seen of one scene, in seconds; None where it never was. `failed` says whether a request failed by it,
    `green` what was green although it was wrong.
    """

    scene: str
    alert: str = ""
    failed: bool = False
    shown_s: float | None = None
    onset_s: float | None = None
    green: tuple[str, ...] = ()
    recorded: bool = False

    @property
    def well(self) -> bool:
        return self.shown_s is not None and not self.green and self.recorded


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", metavar="NAME", help="play these scenes alone")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    scenes = [scene for scene in (*LONG, *SCENES) if not args.only or scene.name in args.only]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CLAW_HOME"] = str(Path(folder) / "claw")
        with rehearsed_core(Path(folder) / "claw", SETTINGS) as core:
            found = []
            for seen in play(core, scenes):
                found.append(seen)
                if not args.json:
                    print(_row(seen), flush=True)
    if args.json:
        print(json.dumps(msgspec.to_builtins(found)))
    else:
        print(_summary(found))
    return 0 if all(seen.well for seen in found) else 1


def play(core: RehearsedCore, scenes: list[Scene]) -> Iterator[Seen]:
    remote = RemoteCore(str(Paths.find(rehearsal=True).socket))
    with asyncio.Runner() as runner:

        def snapshot() -> Snapshot:
            return runner.run(remote.snapshot())

        for scene in scenes:
            _until(partial(_calm, core, snapshot, scene))
            yield _played(core, scene, snapshot, lambda: runner.run(remote.status()))


def _calm(core: RehearsedCore, snapshot: Callable[[], Snapshot], scene: Scene) -> bool:
    """Do both engines answer, and does nothing stand of what the scene raises?"""
    now = snapshot()
    asked = [core.ask("are you well?", model=engine.name, agent="script") for engine in now.engines]
    return all(each.status == 200 for each in asked) and _alert(now, scene) is None


def _played(core: RehearsedCore, scene: Scene, snapshot: Callable[[], Snapshot], status: Callable[[], Status]) -> Seen:
    began = time.time()
    for step in scene.start:
        step(core)
    started = time.time()
    with core.asking(scene.prompt, model=scene.model, agent=scene.agent, callers=scene.callers) as asked:
        now = _until(lambda: snapshot(), lambda now: _alert(now, scene) is not None)
        shown_at, alert = time.time(), None if now is None else _alert(now, scene)
        green = _green(scene, now, status()) if now is not None else ()
        for step in scene.end:
            step(core)
    seen = Seen(scene=scene.name, green=green)
    if alert is None:
        return seen
    recorded = _until(partial(_recorded, core, scene, alert.key)) is not None
    onset = alert.since.timestamp() - core.machine.jumped_s
    failed = min((each for each in asked if each.status != 200 and each.began >= began), default=None)
    if failed is not None and failed.began > onset + LONGEST_S:
        failed = None
    wrong_from, wrong_at = (failed.began, failed.ended) if failed else (started, started)
    return msgspec.structs.replace(
        seen,
        alert=alert.key,
        failed=failed is not None,
        shown_s=max(0.0, shown_at - wrong_at),
        onset_s=_beyond(onset, began if failed is None else wrong_from, wrong_from),
        recorded=recorded,
    )


def _recorded(core: RehearsedCore, scene: Scene, key: str) -> bool:
    """Is it on record? A further request shows that what went wrong is over."""
    core.ask("are you well again?", model=scene.model, agent="script")
    return key in core.recorded(ended=not scene.stays)


def _beyond(value: float, low: float, high: float) -> float:
    """How far a moment lies outside of a span."""
    return max(0.0, low - value, value - high)


def _alert(now: Snapshot, scene: Scene) -> Alert | None:
    return next((alert for alert in now.alerts if re.fullmatch(scene.key, alert.key)), None)


def _green(scene: Scene, now: Snapshot, status: Status) -> tuple[str, ...]:
    state = adopt(ViewState(), now)
    green = ["status"] if status.severity == "ok" else []
    for engine in now.engines:
        if engine.name == scene.engine and engine_health(engine, state).health == "up":
            green.append("header")
    for each in status.engines:
        if each.name == scene.engine and each.health == "up" and not (each.stopped or each.draining):
            green.append("engine in status")
    return tuple(green)


def _until(ask: Callable[[], T], true: Callable[[T], bool] = bool) -> T | None:
    """The first answer for which `true` holds; None where that takes too long."""
    until = time.monotonic() + LONGEST_S
    while time.monotonic() < until:
        if true(found := ask()):
            return found
        time.sleep(EVERY_S)
    return None


def _row(seen: Seen) -> str:
    shown, onset = ("–" if value is None else f"{value:.2f}" for value in (seen.shown_s, seen.onset_s))
    record = "on record" if seen.recorded else "NOT ON RECORD"
    green = f"  GREEN: {', '.join(seen.green)}" if seen.green else ""
    return f"{seen.scene:<28}{seen.alert:<44}{shown:>7}{onset:>7}  {record}{green}"


def _summary(found: list[Seen]) -> str:
    well = sum(seen.well for seen in found)
    slowest = max((seen.shown_s for seen in found if seen.shown_s is not None), default=0.0)
    worst = max((seen.onset_s for seen in found if seen.onset_s is not None), default=0.0)
    told = f"{well} of {len(found)} seen, nothing wrong green, on record"
    return f"{told}; after {slowest:.2f} s at most, the onset off by {worst:.2f} s at most"


if __name__ == "__main__":
    sys.exit(main())
