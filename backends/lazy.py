"""A value that is expensive to build: built once, in a thread, when it is first needed."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Lazy(Generic[T]):
    def __init__(self, build: Callable[[], T]) -> None:
        self._build = build
        self._lock = asyncio.Lock()
        self.built: T | None = None

    async def get(self) -> T:
        if self.built is None:
            async with self._lock:
                if self.built is None:
                    self.built = await asyncio.to_thread(self._build)
        return self.built
