"""The disk tier: the one thread that uses the cache's file. When the file fails, requests go on without it."""

import builtins
import logging
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from backends.cache import cache_file
from backends.cache.database import Database
from backends.cache.encryption import BodyCipher
from backends.cache.stored_answer import StoredEntry
from backends.cache.worker_thread import WorkerThread
from backends.clock import Clock

log = logging.getLogger(__name__)

RETRY_S = 5.0  # a file that failed is not used for so long, so that a lock or a full disk delays no request

T = TypeVar("T")


class DiskTier:
    """Calls reach the thread in order; cancelling a caller never interrupts a transaction."""

    def __init__(self, path: Path, *, max_bytes: int, clock: Clock, cipher: BodyCipher | None = None) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._clock = clock
        self._cipher = cipher
        self._worker = WorkerThread("claw-cache")
        self._database: Database | None = None
        self._retry_at = clock.monotonic()
        self.problem = ""

    @property
    def entries(self) -> int:
        return self._database.entries if self._database else 0

    @property
    def bytes(self) -> int:
        return self._database.bytes if self._database else 0

    @property
    def reviews(self) -> tuple[int, int, int]:
        """Rechecked semantic hits, how many of them were wrong, and complaints."""
        return self._database.reviews.counts if self._database else (0, 0, 0)

    def may_have(self, key: builtins.bytes) -> bool:
        """Whether `key` may be in the file. It saves a miss the round trip to the thread."""
        database = self._database
        return database is not None and database.may_have(key)

    async def get(self, key: builtins.bytes) -> StoredEntry | None:
        """The entry of `key`. This is the hot path."""
        if self._clock.monotonic() < self._retry_at:
            return None
        return await self._worker.submit(partial(self._guarded, partial(Database.get_one, key=key)))

    async def call(self, work: Callable[[Database], T]) -> T | None:
        """Run `work` on the thread and return its result; None if the file cannot be used now."""
        if self._clock.monotonic() < self._retry_at:
            return None
        return await self._worker.submit(partial(self._guarded, work))

    async def close(self) -> None:
        """Finish queued calls, close the file and end the thread."""
        await self._worker.submit(self._close)
        await self._worker.close()

    def _guarded(self, work: Callable[[Database], T]) -> T | None:
        try:
            if self._database is None:
                self._database = Database(self._path, max_bytes=self._max_bytes, cipher=self._cipher)
            result = work(self._database)
        except (sqlite3.Error, OSError) as error:
            self._fail(error)
            return None
        if self.problem:
            log.warning("the cache file can be used again")
            self.problem = ""
        return result

    def _fail(self, error: sqlite3.Error | OSError) -> None:
        if not self.problem:
            log.warning("the cache file cannot be used, requests go on without it: %s", error)
        self.problem = f"the cache file cannot be used ({error}): free space or fix its permissions"
        self._retry_at = self._clock.monotonic() + RETRY_S
        database, self._database = self._database, None
        if database is None:
            return
        database.close()
        if isinstance(error, sqlite3.DatabaseError) and not cache_file.is_passing(error):
            try:
                cache_file.set_aside(self._path, str(error))
            except OSError as stuck:
                log.warning("the corrupt cache file cannot be moved: %s", stuck)

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None
