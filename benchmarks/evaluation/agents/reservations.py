"""How much is reserved for a turn of an agent, against what it costs, and does the budget of each session hold?

Recorded bodies are sent to a core between its twins: a question, then a second one after the answer. A hundred loops of
one session run at once against a limit for each session. Dollars are at the twin, which bills as Gemini does.
"""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import NamedTuple

from msgspec.structs import replace

from backends.bootstrap.build import build
from backends.core.local import LocalCore
from backends.errors import ClawError
from backends.identity import new_id
from backends.paths import Paths
from backends.rehearsal.process import Twins, twins
from backends.settings.agents import Agent
from backends.settings.model import Settings
from backends.settings.money import Budget
from backends.types import ZERO, Delta, Done, Message, Outcome, Request, Sampling
from benchmarks.evaluation.agents.asks import envelopes
from benchmarks.evaluation.agents.figure import Figure, at_most

LOOPS = 100
LIMIT_USD = Decimal("0.03")
SHORT = Sampling(max_tokens=16, effort="none")
"""The least of an answer, so that what is reserved is for the prompt."""


class Turn(NamedTuple):
    held_usd: Decimal
    outcome: Outcome
    text: str

    @property
    def times(self) -> float:
        """Reserved, times what the same tokens cost with nothing cached."""
        return float(self.held_usd / self.outcome.baseline_usd)


def measure(data: Path) -> Iterator[Figure]:
    asked = [replace(wrap("List what is in the folder, please."), agent="ada") for _, wrap in envelopes(data)]
    first, later = asyncio.run(both_turns(asked))
    yield at_most("first turn: reserved for the prompt, times its price uncached", median(first), 2.5)
    yield at_most("second turn: the same, with the storage of a cache where one is made", median(later), 1.5)
    spent, billed, refused = asyncio.run(loops(asked[0]))
    over = max(ZERO, billed - LIMIT_USD)
    met = over == ZERO and spent == billed and refused > 0
    yield Figure(f"{LOOPS} loops of one session at once: billed over its limit of ${LIMIT_USD}", f"${over}", "$0", met)


async def both_turns(asked: list[Request]) -> tuple[list[float], list[float]]:
    first, later = [], []
    async with core(Budget(limit_usd=Decimal(1000), window="total")) as (it, _):
        for request in asked:
            short = replace(request, id=new_id(), cache=False, sampling=SHORT)
            one = await turn(it, short)
            then = (Message(role="assistant", text=one.text), Message(role="user", text="And what is the largest?"))
            other = await turn(it, replace(short, id=new_id(), messages=(*short.messages, *then)))
            first.append(one.times)
            later.append(other.times)
    return first, later


async def loops(request: Request) -> tuple[Decimal, Decimal, int]:
    """What the ledger says was spent, what the twin billed, and how many calls were refused."""
    budget = Budget(scope="session", limit_usd=LIMIT_USD, window="total", on_exceeded="refuse")
    async with core(budget) as (it, pair):
        again = (replace(request, id=new_id(), session="loop", cache=False, deadline_s=5.0) for _ in range(LOOPS))
        heard = await asyncio.gather(*(turn(it, each) for each in again), return_exceptions=True)
        for each in heard:
            if isinstance(each, BaseException) and not isinstance(each, ClawError):
                raise each
        spend = (await it.snapshot()).spend
    assert spend is not None
    billed = Decimal(pair.gemini.usage.counts(calls=0)["usd"])
    return spend.budgets[0].spent_usd, billed, sum(isinstance(each, ClawError) for each in heard)


async def turn(it: LocalCore, request: Request) -> Turn:
    text = ""
    async with aclosing(it.ask(request)) as chunks:
        await anext(chunks)
        spend = (await it.snapshot()).spend
        async for chunk in chunks:
            if isinstance(chunk, Delta):
                text += chunk.text
            elif isinstance(chunk, Done):
                outcome = chunk.outcome
    return Turn(spend.budgets[0].reserved_usd if spend else ZERO, outcome, text)


@asynccontextmanager
async def core(budget: Budget) -> AsyncGenerator[tuple[LocalCore, Twins]]:
    async with twins() as pair:
        with tempfile.TemporaryDirectory() as home:
            plain = Settings()
            local = replace(plain.engines["local"], base_url=pair.ollama.url)
            cloud = replace(plain.engines["cloud"], base_url=pair.gemini.url)
            settings = replace(
                plain,
                engines=plain.engines | {"local": local, "cloud": cloud},
                agents={"ada": Agent(policy="cloud")},
                budgets=(budget,),
                cache=replace(plain.cache, semantic=False),
                telemetry=replace(plain.telemetry, gpu=False),
            )
            paths = Paths(config=Path(home) / "claw.toml", state=Path(home) / "state", run=Path(home) / "run")
            async with build(settings, paths, keys={"cloud": "twin"}) as built:
                yield built.core, pair
