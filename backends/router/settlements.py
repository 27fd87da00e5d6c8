"""How many requests have been settled, for those who wait for what a settlement frees."""

import asyncio


class Settlements:
    def __init__(self) -> None:
        self.count = 0
        self._news = asyncio.Event()

    def one_more(self) -> None:
        """A row is committed, and its reservation released."""
        self.count += 1
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def more_than(self, count: int) -> None:
        """Wait until there are more than `count`."""
        while self.count <= count:
            await self._news.wait()
