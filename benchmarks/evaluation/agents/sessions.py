"""What do whole sessions cost, are their answers kept, and are runs that get nowhere stopped?

Recorded sessions are replayed through a real core against both twins, once routed and once on the cloud alone; the cost
is the cloud twin's own bill, with the caching that it grants by itself. A labelled ask counts as answered as well as
the weak model answered it where local answered, and the strong one where the cloud did.
"""

import asyncio
import itertools
import random
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from backends.bootstrap.build import build
from backends.core.local import LocalCore
from backends.envelope.loop_detector import find_loop
from backends.envelope.reader import EnvelopeReader
from backends.errors import ClawError
from backends.paths import Paths
from backends.rehearsal.process import Twins, twins
from backends.settings.agents import Agent
from backends.settings.loading import load
from backends.settings.model import Settings
from backends.settings.money import Budget
from backends.types import CLOUD, Done, Message, Outcome, Policy, Request, ToolCall
from benchmarks.evaluation.agents.figure import Figure, at_least, at_most
from benchmarks.evaluation.agents.session_material import Label, Recorded, Turn, labelled, recorded, turns

SEED = 20_261_130
SESSIONS = 36
"""Of the recorded ones that are replayed twice; a turn takes about 40 ms."""

RUNAWAYS, LOOPS = 100, 200
RUNAWAY_LIMIT = Decimal("0.02")

LEAST_USD = Decimal("0.0001")
"""Below this a session's two bills differ by rounding."""


class Replayed(NamedTuple):
    """A session's bill at the cloud twin in US dollars, and for each labelled ask how well it was answered."""

    usd: Decimal
    answered: list[float]


def measure(data: Path) -> Iterator[Figure]:
    yield from asyncio.run(bills(data))
    yield from loops(data)
    yield asyncio.run(runaways())


# ---- what sessions cost -------------------------------------------------------------------------------------------


async def bills(data: Path) -> list[Figure]:
    every = recorded(data)
    picked = every[:: max(1, len(every) // SESSIONS)][:SESSIONS]
    asks = labelled(data, SEED)
    made = [(session, [next(asks) for _ in range(40)]) for session in picked]
    routed = await replayed(made, "auto")
    alone = await replayed(made, CLOUD)
    cost, whole = (sum((each.usd for each in side), Decimal(0)) for side in (routed, alone))
    kept, best = (sum(sum(each.answered) for each in side) for side in (routed, alone))
    worst = max((over(mine, theirs) for mine, theirs in zip(routed, alone, strict=True)), default=0.0)
    count = sum(len(each.answered) for each in alone)
    return [
        at_most(f"cost of {len(picked)} sessions against the cloud alone", float(cost / whole), 0.50),
        at_least(f"labelled asks answered well, of those that the cloud answers ({count} asked)", kept / best, 0.95),
        at_most("the worst session against the cloud alone", worst, 1.03),
    ]


def over(routed: Replayed, alone: Replayed) -> float:
    """A session's cost against that of the best fixed engine: the local one is free, and the best where it answered all
    that was answered.
    """
    return float(routed.usd / max(alone.usd, LEAST_USD))


async def replayed(sessions: Sequence[tuple[Recorded, list[tuple[str, Label]]]], policy: Policy) -> list[Replayed]:
    found = []
    async with standing(lambda settings: _with(settings, policy)) as (core, pair):
        for session, asks in sessions:
            before = pair.gemini.usage.usd
            answered = [await answer(core, turn) for turn in turns(session, iter(asks), agent="coding")]
            found.append(Replayed(pair.gemini.usage.usd - before, [each for each in answered if each is not None]))
    return found


def _with(settings: Settings, policy: Policy) -> Settings:
    return replace(settings, agents=settings.agents | {"coding": Agent(policy=policy)}, budgets=())


async def answer(core: LocalCore, turn: Turn) -> float | None:
    """How well a labelled ask was answered, None for others."""
    outcome = await asked(core, turn.request)
    if turn.label is None:
        return None
    return turn.label.strong if outcome.zone == CLOUD else turn.label.weak


async def asked(core: LocalCore, request: Request) -> Outcome:
    async with aclosing(core.ask(request)) as chunks:
        async for chunk in chunks:
            if isinstance(chunk, Done):
                return chunk.outcome
    raise AssertionError("an answer ended without its outcome")


@asynccontextmanager
async def standing(change: Callable[[Settings], Settings]) -> AsyncGenerator[tuple[LocalCore, Twins]]:
    """A core between twins of its own."""
    with tempfile.TemporaryDirectory() as home:
        paths = Paths.find(environ={"CLAW_HOME": home})
        settings = (await asyncio.to_thread(load, paths.config, {})).settings
        async with twins() as pair:
            local = replace(settings.engines["local"], base_url=pair.ollama.url)
            cloud = replace(settings.engines["cloud"], base_url=pair.gemini.url)
            settings = replace(
                settings,
                engines=settings.engines | {"local": local, "cloud": cloud},
                telemetry=replace(settings.telemetry, gpu=False),
                cache=replace(settings.cache, semantic=False),
            )
            async with build(change(settings), paths, keys={"cloud": "twin"}, drain_s=2.0) as built:
                yield built.core, pair


# ---- runs that get nowhere ----------------------------------------------------------------------------------------


def loops(data: Path) -> Iterator[Figure]:
    """Loops of recorded calls, and the recorded sessions themselves."""
    sessions = [list(turns(each, labelled(data, SEED), agent="coding")) for each in recorded(data)]
    stopped = [any(find_loop(turn.request, 3) for turn in map(read, session)) for session in sessions]
    yield at_most(f"recorded sessions that are paused ({len(sessions)})", sum(stopped) / len(stopped), 0.01)
    dice = random.Random(SEED)
    working = [session[-1].request for session in sessions if calls(session[-1].request)]
    found = [find_loop(read(Turn(looping(dice.choice(working), dice))).request, 3) for _ in range(LOOPS)]
    yield at_least(f"loops paused by the third repeat ({LOOPS})", sum(map(bool, found)) / LOOPS, 0.95)


def read(turn: Turn) -> Turn:
    return turn._replace(request=replace(turn.request, envelope=EnvelopeReader().read(turn.request)))


def calls(request: Request) -> int:
    return sum(bool(message.tool_calls) for message in request.messages)


def looping(request: Request, dice: random.Random) -> Request:
    """A session that goes round its last one to three steps for the third time; each result has a new time."""
    steps = [
        (message, result)
        for message, result in itertools.pairwise(request.messages)
        if message.tool_calls and result.role == "tool"
    ]
    cycle = steps[-dice.randint(1, 3) :]
    rounds = [
        message
        for at in range(3)
        for call, result in cycle
        for message in (call, replace(result, text=f"2026-11-30T12:0{at}:07Z {result.text}"))
    ]
    return replace(request, messages=(*request.messages, Message(role="user", text="Go on"), *rounds))


async def runaways() -> Figure:
    """Parallel runs in one session, each with other calls than before, so that only the budget stops them."""

    def limited(settings: Settings) -> Settings:
        budget = Budget(scope="session", window="total", limit_usd=RUNAWAY_LIMIT, on_exceeded="refuse")
        return replace(_with(settings, CLOUD), budgets=(budget,))

    async with standing(limited) as (core, pair):
        await asyncio.gather(*(run_away(core, number) for number in range(RUNAWAYS)))
        spent = pair.gemini.usage.usd
    over_usd = max(Decimal(0), spent - RUNAWAY_LIMIT)
    name = (
        f"{RUNAWAYS} runaway loops under a session budget of ${RUNAWAY_LIMIT}, of which ${spent:.4f} was spent: over by"
    )
    return Figure(name=name, value=f"${over_usd:f}", goal="$0", met=not over_usd and spent > 0)


async def run_away(core: LocalCore, number: int) -> None:
    history = [Message(role="system", text="You are careful."), Message(role="user", text=f"Count to {number}")]
    for step in itertools.count():
        request = Request(id=f"run{number}-{step}", agent="coding", messages=tuple(history), session="runaway")
        try:
            await asked(core, request)
        except ClawError:
            return
        call = ToolCall(id=f"call{step}", name="count", arguments=f'{{"to": {step}, "of": {number}}}')
        history += [
            Message(role="assistant", tool_calls=(call,)),
            Message(role="tool", text=f"counted {step} of {number}", tool_call_id=call.id),
        ]
