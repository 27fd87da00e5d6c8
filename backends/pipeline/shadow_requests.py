"""A share of semantic hits asked anew in the background, to measure how many were wrong and to teach their entries.

The second asking is a request of its own: decided, reserved and settled like any other, with a row whose source is
"shadow" and whose cost is real. It is left out where the budget is short, where the agent has a rate limit, and for
what is sensitive, which no cache sees anyway. Nobody waits for it.
"""

import asyncio
import random
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from msgspec.structs import replace

from backends.cache.response_cache import ResponseCache
from backends.cache.stored_answer import CacheHit
from backends.errors import ClawError
from backends.identity import new_id
from backends.ledger.store import Ledger
from backends.settings.model import Settings
from backends.types import Chunk, Delta, Done, Outcome, Request

AT_ONCE = 2
ROOM = 10  # times what the answer may cost must be left in the tightest budget
ALIKE = 0.80  # cosine of two answers from which they are held to say the same
SHORT = 300  # characters of an answer of which every figure counts


class Rechecks:
    def __init__(
        self,
        settings: Settings,
        *,
        cache: ResponseCache,
        ledger: Ledger,
        ask: Callable[[Request], AsyncGenerator[Chunk]],
    ) -> None:
        self._settings = settings
        self._cache = cache
        self._ledger = ledger
        self._ask = ask
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def consider(self, request: Request, hit: CacheHit) -> None:
        """Ask anew what `hit` answered, if its turn has come."""
        wanted = hit.tier == "semantic" and not request.sensitive and not self._closed
        if not wanted or len(self._tasks) >= AT_ONCE or random.random() >= self._settings.cache.recheck:  # noqa: S311 — a sample, not a secret
            return
        if self._affordable(request, hit):
            task = asyncio.create_task(self._recheck(request, hit), name=f"recheck {request.id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End those that run; their rows are written as cancelled."""
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _affordable(self, request: Request, hit: CacheHit) -> bool:
        agent = self._settings.rules(request.agent, request.rules)
        if agent.requests_per_minute is not None or agent.tokens_per_minute is not None:
            return False
        room = self._ledger.headroom(agent=request.agent, engine=hit.stored.engine, model=hit.stored.model)
        return room.left_usd is None or room.left_usd > ROOM * hit.stored.baseline_usd

    async def _recheck(self, request: Request, hit: CacheHit) -> None:
        # Whoever answered then is asked again: another engine's words would be measured, not the cache's.
        shadow = replace(request, id=new_id(), engine=hit.stored.engine, cache=False, source="shadow")
        text, outcome = "", None
        try:
            async with aclosing(self._ask(shadow)) as chunks:
                async for chunk in chunks:
                    if isinstance(chunk, Delta):
                        text += chunk.text
                    elif isinstance(chunk, Done):
                        outcome = chunk.outcome
        except ClawError:
            return
        if outcome is not None:
            await self._judge(request, hit, text, outcome)

    async def _judge(self, request: Request, hit: CacheHit, text: str, outcome: Outcome) -> None:
        self._cache.counts.rechecked_usd += outcome.cost_usd
        if outcome.finish != "stop":
            return
        alike = 1.0 if _plain(text) == _plain(hit.stored.text) else await self._cache.similarity(text, hit.stored.text)
        if alike is not None:
            right = alike >= ALIKE and not _figures_differ(text, hit.stored.text)
            await self._cache.record_recheck(request.id, right=right)


def _plain(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _figures_differ(one: str, other: str) -> bool:
    """Two short answers of the same meaning have the same numbers in them."""
    if len(one) > SHORT or len(other) > SHORT:
        return False
    return set(re.findall(r"\d+", one)) != set(re.findall(r"\d+", other))
