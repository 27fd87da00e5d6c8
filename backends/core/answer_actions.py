"""Actions on requests and their answers: cancelled while they run, rated or taken out of the cache afterwards."""

from datetime import datetime

from backends.cache.response_cache import ResponseCache
from backends.errors import WrongUse
from backends.ledger.store import Ledger
from backends.pipeline.pipeline import Pipeline
from backends.types import INTENTS, Acted, Action


class AnswerActions:
    def __init__(self, *, pipeline: Pipeline, ledger: Ledger, cache: ResponseCache) -> None:
        self._pipeline = pipeline
        self._ledger = ledger
        self._cache = cache

    async def cancel(self, action: Action, at: datetime, id: str) -> Acted:
        if not self._pipeline.cancel(id):
            raise WrongUse(f"no call {id} is running: `claw` lists those that are")
        return await self._audited(action, at, f"call {id} cancelled")

    async def cancel_agent(self, action: Action, at: datetime, agent: str) -> Acted:
        """End all calls of an agent, those that wait included. Raises WrongUse where it has none."""
        count = self._pipeline.cancel_agent(agent)
        if not count:
            raise WrongUse(f"no call of {agent} is running or waiting")
        return await self._audited(action, at, f"{count} {'call' if count == 1 else 'calls'} of {agent} cancelled")

    async def rate(self, action: Action, at: datetime) -> Acted:
        if action.intent is not None and action.intent not in INTENTS:
            raise WrongUse(f"no intent {action.intent!r} is known: use one of {', '.join(INTENTS)}")
        corrections = (
            action.engine and f"{action.engine} would have been better",
            action.intent and f"it was {action.intent}",
        )
        rating = ", ".join(("good" if action.good else "bad", *filter(None, corrections)))
        if not action.good and action.id and (entry := await self._cache.report_wrong_hit(action.id)):
            rating += f", its cache entry {entry} killed"
        acted = Acted(at=at, action=action, detail=f"answer {action.id} rated {rating}")
        await self._ledger.rate(acted)
        return acted

    async def report_wrong_hit(self, action: Action, at: datetime, id: str) -> Acted:
        entry = await self._cache.report_wrong_hit(id)
        if entry is None:
            raise WrongUse(f"no request {id} was answered from the cache since the core started: use kill-entry")
        return await self._audited(action, at, f"entry {entry} killed: its answer to {id} was wrong")

    async def kill_entry(self, action: Action, at: datetime, id: str) -> Acted:
        killed = await self._cache.kill(id)
        if not killed:
            raise WrongUse(f"no entry {id} is stored: `claw cache inspect` lists those that are")
        if len(killed) > 1:
            raise WrongUse(f"{id} may be {', '.join(killed[:3])}: give more of it")
        return await self._audited(action, at, f"entry {killed[0]} killed")

    async def flush(self, action: Action, at: datetime) -> Acted:
        count = await self._cache.flush(action.agent)
        whose = f" of {action.agent}" if action.agent else ""
        return await self._audited(action, at, f"{count} cached answers{whose} flushed")

    async def _audited(self, action: Action, at: datetime, detail: str) -> Acted:
        acted = Acted(at=at, action=action, detail=detail)
        await self._ledger.audit(acted)
        return acted
