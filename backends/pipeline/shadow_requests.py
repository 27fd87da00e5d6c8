"""Shadow requests: a share of semantic hits is asked again in the background, to measure how many were wrong.

A shadow request is planned, reserved and settled like any other, with a row whose source is "shadow" and whose cost is
real. None is made where the budget is short, where the agent has a rate limit, or for sensitive prompts. Nobody waits
for it. Its result also corrects the cache entry that was served.
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

ROOM = 10
"""Times the answer's expected cost that must be left in the tightest budget."""

ALIKE = 0.80
"""Cosine from which two answers are taken to say the same."""

SHORT = 300
"""Characters up to which two answers must have the same numbers in them."""

Ask = Callable[[Request], AsyncGenerator[Chunk]]


class ShadowRequests:
    def __init__(self, settings: Settings, *, cache: ResponseCache, ledger: Ledger) -> None:
        self._settings = settings
        self._cache = cache
        self._ledger = ledger
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def consider(self, request: Request, hit: CacheHit, ask: Ask) -> None:
        """Perhaps ask again, with `ask`, what `hit` answered."""
        wanted = hit.tier == "semantic" and not request.sensitive and not self._closed
        if not wanted or len(self._tasks) >= AT_ONCE or random.random() >= self._settings.cache.recheck:  # noqa: S311 — a sample, not a secret
            return
        if self._affordable(request, hit):
            task = asyncio.create_task(self._run(request, hit, ask), name=f"shadow {request.id}")
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

    async def _run(self, request: Request, hit: CacheHit, ask: Ask) -> None:
        # The same engine is asked again: else another engine would be measured, not the cache.
        shadow = replace(request, id=new_id(), engine=hit.stored.engine, cache=False, source="shadow")
        text, outcome = "", None
        try:
            async with aclosing(ask(shadow)) as chunks:
                async for chunk in chunks:
                    if isinstance(chunk, Delta):
                        text += chunk.text
                    elif isinstance(chunk, Done):
                        outcome = chunk.outcome
        except ClawError:
            return
        if outcome is not None:
            await self._compare(request, hit, text, outcome)

    async def _compare(self, request: Request, hit: CacheHit, text: str, outcome: Outcome) -> None:
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
