"""What do whole sessions cost, are their answers kept, and are runs that get nowhere stopped?

Recorded sessions are replayed through a real core against both twins, once routed and once on the cloud alone; the cost
is the cloud twin's own bill, with the caching that it grants by itself. A labelled ask counts as answered as well as
the weak model answered it where local answered, and the strong one where the cloud did.
"""

import asyncio
import itertools
import json
import random
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from backends.bootstrap.build import build
from backends.core.local import LocalCore
from backends.envelope.loop_detector import find_loop
from backends.envelope.reader import EnvelopeReader
from backends.errors import ClawError, Refused
from backends.paths import Paths
from backends.rehearsal.process import Twins, twins
from backends.settings.agents import Agent
from backends.settings.engines import GeminiSettings
from backends.settings.loading import load
from backends.settings.model import Settings
from backends.settings.money import Budget
from backends.types import CLOUD, Done, Message, Outcome, Policy, Request, ToolCall
from benchmarks.evaluation.agents.figure import Figure, at_least, at_most
from benchmarks.evaluation.agents.session_material import Label, Recorded, labelled, recorded, turns

SEED = 20_261_130
SESSIONS, LABELS = 36, 40
"""Recorded sessions that are replayed twice, and the labelled asks that each may have. A turn takes about 25 ms."""

RUNAWAYS, LOOPS = 100, 200
RUNAWAY_LIMIT = Decimal("0.005")


class Replayed(NamedTuple):
    """A session's bill at the cloud twin in US dollars, for each labelled ask how well it was answered, and for each
    turn behind another one at the same twin whether its body began with all of that one's.
    """

    usd: Decimal
    answered: list[float]
    kept: list[bool]


def measure(data: Path) -> Iterator[Figure]:
    yield from asyncio.run(bills(data))
    yield from loops(data)
    yield asyncio.run(runaways())


# ---- what sessions cost -------------------------------------------------------------------------------------------


async def bills(data: Path) -> list[Figure]:
    every = recorded(data)
    picked = every[:: max(1, len(every) // SESSIONS)][:SESSIONS]
    asks = labelled(data, SEED)
    made = [(session, [next(asks) for _ in range(LABELS)]) for session in picked]
    alone = await replayed(made, CLOUD)
    routed = await replayed([each for each in made if each[0].id in alone], "auto")
    pairs = [(mine, alone[id]) for id, mine in routed.items()]
    cost, whole = (sum((each.usd for each in side), Decimal(0)) for side in zip(*pairs, strict=True))
    mine, theirs = (sum(sum(each.answered) for each in side) for side in zip(*pairs, strict=True))
    worst = max(float(one.usd / other.usd) for one, other in pairs)
    asked_count, kept = sum(len(each.answered) for each, _ in pairs), [turn for each, _ in pairs for turn in each.kept]
    return [
        at_most(f"cost of {len(pairs)} sessions against the cloud alone", float(cost / whole), 0.50),
        at_least(f"{asked_count} labelled asks answered well, against the cloud alone", mine / theirs, 0.95),
        at_most("the most expensive session against the cloud alone", worst, 1.03),
        at_least("turns that keep the prefix of the one before, at the twins", sum(kept) / len(kept), 0.99),
    ]


async def replayed(sessions: Sequence[tuple[Recorded, list[tuple[str, Label]]]], policy: Policy) -> dict[str, Replayed]:
    """By the sessions' ids. One that must stay home, since not all that is private in it is redacted, is left out."""
    found = {}
    async with standing(lambda settings: coding(settings, policy)) as (core, pair):
        for session, asks in sessions:
            before, seen = pair.gemini.usage.usd, Prefixes(pair)
            answered, kept = list[float](), list[bool]()
            try:
                for turn in turns(session, iter(asks), agent="coding"):
                    outcome = await asked(core, turn.request)
                    kept += seen.kept()
                    if turn.label is not None:
                        answered.append(turn.label.strong if outcome.zone == CLOUD else turn.label.weak)
            except Refused:
                continue
            found[session.id] = Replayed(pair.gemini.usage.usd - before, answered, kept)
    return found


class Prefixes:
    """What the twins were sent in one session."""

    def __init__(self, pair: Twins) -> None:
        self._pair = pair
        self._before: dict[str, list[str]] = {}
        self._clear()

    def kept(self) -> list[bool]:
        """For each new call whether it begins with all of the one before at its twin. The first one counts not."""
        found = []
        for twin, name in ((self._pair.gemini, "contents"), (self._pair.ollama, "messages")):
            for seen in twin.seen:
                body: dict[str, Any] = json.loads(seen.body or b"{}")
                if name not in body or "cachedContent" in body or seen.path.endswith("cachedContents"):
                    continue  # no call for an answer, or the beginning stands in a cache under a name
                sent = [json.dumps([body.get("systemInstruction"), body.get("tools")])]
                sent += [json.dumps(each) for each in body[name]]
                if (before := self._before.get(name)) is not None:
                    found.append(sent[: len(before)] == before)
                self._before[name] = sent
        self._clear()
        return found

    def _clear(self) -> None:
        self._pair.gemini.seen.clear()
        self._pair.ollama.seen.clear()


def coding(settings: Settings, policy: Policy) -> Settings:
    """What is private is redacted, so that the cloud alone may answer everything, too. It has its own caching only."""
    agents = settings.agents | {"coding": Agent(policy=policy)}
    cloud = settings.engines["cloud"]
    if policy == CLOUD and isinstance(cloud, GeminiSettings):
        settings = replace(settings, engines=settings.engines | {"cloud": replace(cloud, explicit_cache="off")})
    return replace(settings, agents=agents, budgets=(), privacy=replace(settings.privacy, action="redact"))


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
    sessions = [[turn.request for turn in turns(each, labelled(data, SEED), agent="coding")] for each in recorded(data)]
    paused = [first_loop(session) for session in sessions]
    false = sum(request is not None and not repeats(request) for request in paused)
    name = f"recorded sessions paused, of {len(sessions)}, in which no call came back the same three times"
    yield at_most(name, false / len(sessions), 0.01)
    dice = random.Random(SEED)
    working = [session[-1] for session in sessions if any(message.tool_calls for message in session[-1].messages)]
    found = [first_loop([looping(dice.choice(working), dice)]) for _ in range(LOOPS)]
    yield at_least(f"{LOOPS} loops paused by the third repeat", sum(map(bool, found)) / LOOPS, 0.95)


def first_loop(session: Sequence[Request]) -> Request | None:
    """The first request of a session that would be refused."""
    reader = EnvelopeReader()
    read = (replace(request, envelope=reader.read(request)) for request in session)
    return next((request for request in read if find_loop(request, 3)), None)


def repeats(request: Request) -> bool:
    """Are its last three calls with their results the same to the letter?"""
    last = [(message.tool_calls[:1], result.text) for message, result in itertools.pairwise(request.messages[-6:])][::2]
    return len({(calls[0].arguments, text) for calls, text in last if calls}) == 1


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
        return replace(coding(settings, CLOUD), budgets=(budget,))

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
