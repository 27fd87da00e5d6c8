"""Proof that an engine is local: a loopback or listed address, and a model that it does not relay elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from backends.clock import Clock
from backends.settings.model import Settings
from backends.upstream.engine_slot import EngineSlot
from backends.upstream.replicas import Replica

HOLDS_S = 60.0

Check = Callable[[EngineSlot, Replica, str], Awaitable[bool | None]]
"""Does a server answer a model's prompts itself? None where it is not reachable, so that nothing is known."""


class LocalityCheck:
    """Renewed only when a sensitive request arrives. Without a proof an engine does not count as local."""

    def __init__(self, slots: Iterable[EngineSlot], settings: Settings, check: Check, clock: Clock) -> None:
        """`slots` are the engines of the local zone; the settings name the models that agents have of their own."""
        self._slots = tuple(slots)
        self._check = check
        self._clock = clock
        self.reconfigure(settings)

    def reconfigure(self, settings: Settings) -> None:
        """Agents may have other models of their own: the next sensitive request checks each engine again."""
        self._own = tuple(agent.model for agent in settings.agents.values() if agent.model)
        self._until = {slot.name: self._clock.monotonic() for slot in self._slots}

    async def renew(self) -> None:
        """Check each engine whose proof is missing or older than a minute."""
        due = [slot for slot in self._slots if not slot.proved or self._clock.monotonic() >= self._until[slot.name]]
        if due:
            await asyncio.gather(*map(self._renew, due))

    async def _renew(self, slot: EngineSlot) -> None:
        models = tuple(dict.fromkeys((slot.model, *map(slot.model_for, self._own))))
        answers = await asyncio.gather(*(self._prove(slot, replica, models) for replica in slot.replicas))
        slot.unproved = "" if any(answers) else f"{slot.label.text} does not answer"
        self._until[slot.name] = self._clock.monotonic() + HOLDS_S

    async def _prove(self, slot: EngineSlot, replica: Replica, models: tuple[str, ...]) -> bool:
        """Does the server answer? Notes which models it answers itself."""
        here = await asyncio.gather(*(self._check(slot, replica, model) for model in models))
        replica.proved = frozenset(model for model, proved in zip(models, here, strict=True) if proved is True)
        return here[0] is not None
