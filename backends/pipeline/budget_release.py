"""How often money may have become free, by a settled request or an operator's word, and who waits for it."""

import asyncio


class BudgetRelease:
    def __init__(self) -> None:
        self.count = 0
        self._news = asyncio.Event()

    def notify(self) -> None:
        """A row is committed and its reservation released, or a limit is another now."""
        self.count += 1
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def wait_past(self, count: int) -> None:
        """Wait until there are more than `count`."""
        while self.count <= count:
            await self._news.wait()
