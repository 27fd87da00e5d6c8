"""The self-test as a whole: traffic of eleven agents, everything that fails meanwhile, and what has to hold afterwards.

It takes place in a home of its own, between simulated engines: nothing of the user's is read, asked or written.
"""

import asyncio
import secrets
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from itertools import takewhile
from pathlib import Path
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from backends.background import background
from backends.rehearsal.incidents import INCIDENTS
from backends.self_test.callers import Heard, Posted, ask_all
from backends.self_test.invariants import Compared, Limit, compare, files_with
from backends.self_test.observer import Observer
from backends.self_test.posted_traffic import CANARY, posted_traffic
from backends.self_test.stand import CLOUD_ENGINES, Stand, stand

PARALLEL = 12
TOKENS_PER_S = 3_000.0
FIRST_BYTE_S, IDLE_S = 8.0, 8.0
DEADLINE_S, SLACK_S = 3.0, 2.0
SCENE_S = 1.5
KILLS = 3
SPILL_B = 65_536
LIMITS = (Limit("", Decimal(1_000)), Limit("coding", Decimal("0.02")))
EITHER = {
    "auto": ("claw", "classifier", "agent"),
    "prefer-cloud": ("writer", "intel"),
    "prefer-local": ("script",),
}
"""By policy, the agents whom either engine may answer, as long as nothing is sensitive; what ada audits is."""

RECORDED = (
    "C4",
    "C1",
    "C2",
    "C2b",
    "C3",
    "C3b",
    "C10",
    "C5a",
    "C5b",
    "C5c",
    "C5d",
    "C6",
    "C7",
    "C7b",
    "C8",
    "C8c",
    "C9b",
)
RECORDED_LOCAL = ("L1", "L3a", "L3b", "L3c", "L4", "L5b", "L8", "L9")
"""Incidents, as providers worded them; silence first, so that its callers' deadlines end before a core is killed."""

SETTINGS = (
    "".join(f'[agents.{agent}]\npolicy = "{policy}"\n' for policy, agents in EITHER.items() for agent in agents)
    + f"""
[ledger]
on_unwritable = "serve"
spill_bytes = {SPILL_B}
"""
    + "".join(
        f"""
[[budgets]]
scope = "{f"agent:{limit.agent}" if limit.agent else "all"}"
window = "total"
limit_usd = "{limit.usd:f}"
on_exceeded = "refuse"
"""
        for limit in LIMITS
    )
)


class ProofLine(Struct, frozen=True):
    """One promise: how often it was put to the test, and how often, or by how many USD, it did not hold.

    `checked` is None where that cannot be counted.
    """

    promise: str
    checked: int | None
    broken: Decimal | int


class Proof(Struct, frozen=True):
    """What was done to the core how often, what had to hold, and the first things that did not."""

    seed: int
    seconds: float
    requests: int
    done: dict[str, int]
    not_done: tuple[str, ...]
    lines: tuple[ProofLine, ...]
    details: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Does every line hold, and was there anything to hold it against?"""
        return self.requests > 0 and not any(line.broken for line in self.lines)


async def prove(
    home: Path, *, seed: int, tell: Callable[[str], None] = lambda _: None, scene_s: float = SCENE_S
) -> Proof:
    """Play everything once on a core whose files are in `home`, an empty folder. Raises CoreEnded where none starts.

    `tell` hears what is being done; `scene_s` is half of what most scenes last. Scenes and prompts follow from the
    seed; what meets what does not.
    """
    began = time.monotonic()
    key = secrets.token_hex(16)
    async with stand(
        home, SETTINGS, key=key, tokens_per_s=TOKENS_PER_S, first_byte_s=FIRST_BYTE_S, idle_s=IDLE_S
    ) as it:
        dice = Random(seed)  # noqa: S311 — scenes, not secrets
        scenes, observer = Scenes(it, dice, tell, scene_s), Observer(it, LIMITS, (CANARY, key))
        tell("a core starts, and eleven agents ask")
        await it.start()
        callers = await _under_traffic(it, scenes, observer, seed)
        tell("the core ends, and what is left is counted")
        codes = await _calm_end(it)
        observer.look()
        compared = await asyncio.to_thread(compare, it.ledger, it.twins, heard=callers.heard, limits=LIMITS)
        kept = await asyncio.to_thread(lambda: [*files_with(CANARY, home), *files_with(key, home)])
    lines = (
        *caller_lines(callers, scenes.gone),
        *ledger_lines(compared, looks=observer.looks, overrun=observer.over),
        *_of_secrets(callers, observer, kept),
        ProofLine("the core ends in good order, without a traceback", 2, codes + _tracebacks(it)),
    )
    return Proof(
        seed=seed,
        seconds=round(time.monotonic() - began, 1),
        requests=len(callers.heard),
        done=dict(scenes.done),
        not_done=tuple(scenes.not_done),
        lines=lines,
        details=(*compared.details, *(f"in a file: {name}" for name in kept)),
    )


async def _under_traffic(it: Stand, scenes: "Scenes", observer: Observer, seed: int) -> "Callers":
    """Play every scene while callers ask; they end with the last one."""
    over = asyncio.Event()
    traffic = await asyncio.to_thread(posted_traffic, seed, deadline_s=DEADLINE_S)
    callers = Callers(takewhile(lambda _: not over.is_set(), traffic))
    async with background(observer.run()), asyncio.TaskGroup() as group:
        group.create_task(ask_all(it, callers.plans(), parallel=PARALLEL, tell=callers.heard.append))
        try:
            await scenes.play()
        finally:
            it.up.set()  # callers who wait for a core that did not come back end, too
            over.set()
    return callers


class Callers:
    """What was asked, and what was heard."""

    def __init__(self, plans: Iterator[Posted]) -> None:
        self._plans = plans
        self.posted: dict[int, Posted] = {}
        self.heard: list[Heard] = []

    def plans(self) -> Iterator[Posted]:
        for plan in self._plans:
            self.posted[plan.number] = plan
            yield plan


class Scenes:
    """What goes wrong, one thing after the other; `done` counts it, `gone` are the spans without one zone's network."""

    def __init__(self, it: Stand, dice: Random, tell: Callable[[str], None], scene_s: float) -> None:
        self._stand = it
        self._dice = dice
        self._tell = tell
        self._scene_s = scene_s
        self.done: Counter[str] = Counter()
        self.not_done: list[str] = []
        self.gone: list[tuple[float, float]] = []

    async def play(self) -> None:
        """Every scene, with the core killed in between."""
        cloud, local = self._zones()
        await asyncio.sleep(self._scene_s)
        scenes: Sequence[tuple[str, Callable[[], Awaitable[None]]]] = (
            ("what cloud engines answered on bad days", lambda: self._incidents(cloud, RECORDED)),
            ("what local engines answered on bad days", lambda: self._incidents(local, RECORDED_LOCAL)),
            ("the network to the cloud is gone", lambda: self._network(cloud)),
            ("local engines are gone", lambda: self._network(local)),
            ("the disk is full", self._disk),
        )
        for number, (says, scene) in enumerate(scenes):
            self._tell(says)
            await scene()
            if number < KILLS:
                self._tell("the core is killed with SIGKILL, and starts again")
                await self._kill()
        self._tell("the core is told to end, and starts again")
        await self._stand.end()
        await self._stand.start()
        self.done["ended and started again"] += 1
        await asyncio.sleep(self._scene_s)

    def _zones(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return CLOUD_ENGINES, tuple(name for name in self._stand.twins if name not in CLOUD_ENGINES)

    async def _incidents(self, engines: Sequence[str], names: Sequence[str]) -> None:
        """Each incident strikes two calls of one of the engines."""
        for name in names:
            twin = self._stand.twins[self._dice.choice(engines)]
            twin.inject(*(replace(fault, times=2) for fault in INCIDENTS[name].faults))
            self.done["answers as providers gave them on bad days"] += 1
            await asyncio.sleep(self._scene_s / 6)
        await asyncio.sleep(self._scene_s)
        self._stand.mend()

    async def _network(self, engines: Sequence[str]) -> None:
        """Nobody listens where these engines were, and their connections are gone."""
        twins = [self._stand.twins[name] for name in engines]
        try:
            for twin in twins:
                await twin.close()
            began = time.monotonic()
            await asyncio.sleep(2 * self._scene_s)
            self.gone.append((began, time.monotonic()))
        finally:
            for twin in twins:
                await twin.restart()
        self.done["network gone"] += 1

    async def _disk(self) -> None:
        """No file of the core can grow beyond the spill's size."""
        if not sys.platform.startswith("linux"):
            self.not_done.append("the disk was not filled: this needs Linux")
            return
        async with _no_room(self._stand.pid):
            await asyncio.sleep(2 * self._scene_s)
        self.done["disk full"] += 1

    async def _kill(self) -> None:
        await self._stand.kill()
        self.done["kill -9"] += 1
        while not self._stand.up.is_set():
            await self._stand.start()


@asynccontextmanager
async def _no_room(pid: int) -> AsyncGenerator[None]:
    """As on a full disk, this process's files take no byte beyond the spill's size. It may end meanwhile."""
    import resource

    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (SPILL_B, before[1]))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


async def _calm_end(it: Stand) -> int:
    """End the core, and another one, which settles what is left: how many of the two did not end with 0."""
    it.mend()
    first = await it.end()
    await it.start()
    return sum(code != 0 for code in (first, await it.end()))


def _tracebacks(it: Stand) -> int:
    return sum("Traceback" in line for line in it.lines)


def caller_lines(callers: Callers, gone: Sequence[tuple[float, float]]) -> Iterator[ProofLine]:
    """What callers heard. `gone` are the spans without one zone's engines, in time.monotonic()."""
    heard = [each for each in callers.heard if each.end not in ("gone", "left")]
    yield ProofLine(
        "a caller hears a whole answer or an error, never both and never neither",
        len(heard),
        sum(each.end == "unclear" for each in heard),
    )
    whole = (each for each in heard if each.end == "refused" or not callers.posted[each.number].body["stream"])
    timed = [*whole, *(each for each in callers.heard if each.end == "gone")]  # a core may be killed on a late caller
    yield ProofLine(
        "a caller hears by its deadline", len(timed), sum(each.seconds > DEADLINE_S + SLACK_S for each in timed)
    )
    others = [each for each in heard if _other_may_answer(callers.posted[each.number], each, gone)]
    yield ProofLine(
        "where one zone's engines are gone, the other's answer whom they may",
        len(others),
        sum(each.end == "refused" for each in others),
    )


def _other_may_answer(posted: Posted, heard: Heard, gone: Sequence[tuple[float, float]]) -> bool:
    """Was it asked and answered while one zone was gone, by an agent whom either may answer?"""
    agents = {agent for names in EITHER.values() for agent in names}
    inside = any(began <= heard.at and heard.at + heard.seconds <= ended for began, ended in gone)
    return inside and not posted.sensitive and posted.headers["X-Claw-Agent"] in agents


LEDGER = {
    "an answer that was heard has its row, and the row says the same": (
        "acknowledged requests without a row",
        "acknowledged requests whose row says otherwise",
        "errors told in a stream, without a row",
    ),
    "a request has one row": ("requests with two rows", "rows of no request"),
    "the ledger's own check finds nothing": ("faults that the ledger's own check finds",),
}
BOOKED = {
    "each call that an engine counted is in one row, and the reverse": (
        "calls of the twin in no row",
        "attempts that were answered and no twin counted",
    ),
    "what is booked as reported is what the engine counted, to the last digit": (
        "calls reported otherwise than the twin counted",
    ),
    "what is estimated is marked, and charged with no less than was billed": (
        "calls neither reported nor marked as estimated",
        "USD billed for estimated calls, beyond what was charged",
    ),
    "no call stays open at an engine": ("calls still open at the twin",),
}


def ledger_lines(compared: Compared, *, looks: int, overrun: Decimal) -> Iterator[ProofLine]:
    """What the ledger holds against callers, engines and budgets: each line of `compared` is part of a promise.

    Budgets were looked at `looks` times, and at worst found `overrun` USD over.
    """
    must, figures = compared.must_be_zero, compared.figures
    for promise, names in LEDGER.items():
        yield ProofLine(promise, figures["rows"], sum((must[name] for name in names), Decimal(0)))
    engines = [
        name.removesuffix(": calls still open at the twin") for name in must if name.endswith("open at the twin")
    ]
    for promise, names in BOOKED.items():
        broken = sum((must[f"{engine}: {name}"] for engine in engines for name in names), Decimal(0))
        yield ProofLine(promise, sum(figures[engine]["calls at the twin"] for engine in engines), broken)
    over = max(overrun, *(value for name, value in must.items() if name.startswith("USD over the budget")))
    yield ProofLine("no budget is overrun at any moment, in USD", looks, Decimal(over))


def _of_secrets(callers: Callers, observer: Observer, kept: Sequence[str]) -> Iterator[ProofLine]:
    sensitive = sum(callers.posted[each.number].sensitive for each in callers.heard)
    yield ProofLine(
        "nothing of a sensitive prompt, and no key in a body, reaches the cloud", sensitive, observer.leaked
    )
    yield ProofLine("no file holds a sensitive prompt or a key", None, len(kept))
