"""Who looks on during a self-test: at what the cloud's twins were sent, and at the budgets, again and again."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

from backends.self_test.invariants import Limit, overrun
from backends.self_test.stand import CLOUD_ENGINES, Stand

LOOK_S = 0.2


class Observer:
    """`looks` counts the looks, `leaked` the requests to the cloud with one of the `secrets` in them.

    `over` is the most USD that a budget was seen overrun by.
    """

    def __init__(self, it: Stand, limits: Sequence[Limit], secrets: Sequence[str]) -> None:
        self._stand = it
        self._limits = limits
        self._secrets = secrets
        self.looks = 0
        self.leaked = 0
        self.over = Decimal(0)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            self.over = max(self.over, await asyncio.to_thread(overrun, self._stand.ledger, self._limits))
            self.looks += 1
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Count and forget what came in since the last look."""
        for name, twin in self._stand.twins.items():
            if name in CLOUD_ENGINES:
                self.leaked += sum(
                    any(text.encode() in one.body or text in one.path for text in self._secrets) for one in twin.seen
                )
            twin.seen.clear()
