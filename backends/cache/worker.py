"""One daemon thread for work that may be long: unlike an executor's, it never holds up the interpreter's end."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Worker:
    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Run `work` after what is queued before it; the future has its result, or what it raised."""
        job: Future[T] = Future()
        self._jobs.put((job, work))
        return asyncio.wrap_future(job)

    async def close(self, *, patience_s: float) -> None:
        """End the thread; one that is still busy after `patience_s` is left to end by itself."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join, patience_s)

    def _work(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, work = item
            if not job.set_running_or_notify_cancel():
                continue
            try:
                job.set_result(work())
            except BaseException as error:  # noqa: BLE001 — handed to the caller, as an executor does
                job.set_exception(error)
            del item, job, work
