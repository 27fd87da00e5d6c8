"""Proof that the local engine is local: a loopback address, and a model that it does not relay to another machine."""

from collections.abc import Awaitable, Callable

from backends.clock import Clock
from backends.upstream.engine_slot import EngineSlot

HOLDS_S = 60.0


class LocalProof:
    """Asked for only when something sensitive comes. Anything short of proof is no proof."""

    def __init__(self, slot: EngineSlot, check: Callable[[], Awaitable[bool | None]], clock: Clock) -> None:
        """`check` says None where the engine does not answer, so that nothing can be known."""
        self._slot = slot
        self._check = check
        self._clock = clock
        self._until = clock.monotonic()

    async def renew(self) -> None:
        """Make sure that the slot's `local_proved` is no older than a minute, where it says yes."""
        if not self._slot.local_proved or self._clock.monotonic() >= self._until:
            here = await self._check()
            self._slot.local_proved = here is True
            self._slot.unproved = f"{self._slot.label.text} does not answer" if here is None else ""
            self._until = self._clock.monotonic() + HOLDS_S
