"""The semantic tier: a question's nearest neighbours among those stored, found off the event loop in batches."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from backends.cache.disk_tier import DiskTier
from backends.cache.stored_answer import StoredEntry
from backends.cache.worker_thread import WorkerThread
from backends.off_loop import loaded
from backends.types import SemanticState

if TYPE_CHECKING:
    from backends.cache.equivalence.equivalence_judge import Judgement
    from backends.cache.semantic.embedders import Embedder
    from backends.cache.semantic.retriever import Neighbours, Retriever
    from backends.cache.semantic.vectors import Row

log = logging.getLogger(__name__)

BATCH = 16  # texts a step, so that a look-up never waits behind a long one
LOOKUPS_WAITING = 32  # more than this at once go on without the semantic tier
LOOKUP_S = 1.0
STORES_WAITING = 2048  # what is dropped beyond it is embedded at the next start
LONGEST = 4000  # characters of a question; longer ones are for the exact tier
LOADED_AT_ONCE = 4096  # vectors read from the file in a step
CLOSE_S = 0.5  # patience with a model that is still loading
RETRY_S = 30.0  # before an engine that did not embed is asked again


T = TypeVar("T")


class _Ask(NamedTuple):
    partition: bytes
    question: str
    answer: "asyncio.Future[Neighbours | None]"


class SemanticTier:
    def __init__(self, disk: DiskTier, load: "Callable[[], Embedder]") -> None:
        self._disk = disk
        self._load = load
        self._worker: WorkerThread | None = None
        self._task: asyncio.Task[None] | None = None
        self._finder: Retriever | None = None
        self._asks: deque[_Ask] = deque()
        self._stores: deque[StoredEntry] = deque(maxlen=STORES_WAITING)
        self._woken = asyncio.Event()
        self._looked_at: int | None = 0  # the last row that was looked at for a vector, None when all were
        self.state: SemanticState = "off"
        self.detail = ""

    @property
    def vectors(self) -> int:
        return len(self._finder.index) if self._finder else 0

    @property
    def nbytes(self) -> int:
        return self._finder.index.nbytes if self._finder else 0

    @property
    def model(self) -> str:
        """The embedding model's name, "" while there is none."""
        return self._finder.model if self._finder else ""

    def start(self) -> None:
        """Load the model in a thread; `state` and `detail` tell what came of it."""
        if self._task is None:
            self.state, self.detail = "loading", ""
            self._task = asyncio.create_task(self._run(), name="semantic cache")

    async def near(self, partition: bytes, question: str) -> "Neighbours | None":
        """Stored questions of `partition` that may be the same; None where there are none or the tier is not on."""
        finder = self._finder
        if finder is None or partition not in finder.index or not 0 < len(question) <= LONGEST:
            return None
        if len(self._asks) >= LOOKUPS_WAITING:
            return None
        ask = _Ask(partition, question, asyncio.get_running_loop().create_future())
        self._asks.append(ask)
        self._woken.set()
        try:
            async with asyncio.timeout(LOOKUP_S):
                near = await ask.answer
        except TimeoutError:
            return None
        return near if near is not None and near.candidates else None

    async def judged(self, asked: str, stored: Sequence[str], similarity: Sequence[float]) -> "list[Judgement] | None":
        """What the judge says of each candidate; None where it cannot be asked."""
        return await self._asked(lambda finder: finder.judged(asked, stored, similarity))

    async def similarity(self, one: str, other: str) -> float | None:
        """The cosine of two texts; None where there is no model."""
        return await self._asked(lambda finder: finder.similarity(one, other))

    def threshold(self, risk: float) -> float:
        """The judge's score from which on a hit may be served."""
        return self._finder.threshold(risk) if self._finder else 2.0

    def add(self, entry: StoredEntry) -> None:
        """Have an entry's question embedded when there is time."""
        if self.state in ("loading", "on") and 0 < len(entry.question) <= LONGEST and not entry.encrypted:
            self._stores.append(entry)
            self._woken.set()

    def drop(self, keys: Iterable[bytes]) -> None:
        gone = list(keys)
        if gone and self._finder is not None and self._worker is not None:
            self._worker.submit(partial(self._finder.index.drop, gone))

    async def close(self) -> None:
        """End the task and its thread; what was not embedded yet is at the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._worker is not None:
            await self._worker.close(patience_s=CLOSE_S)
        self._finder = None
        self._release()
        self.state = "off"

    async def _asked(self, question: "Callable[[Retriever], T]") -> "T | None":
        if (finder := self._finder) is None or self._worker is None:
            return None
        job = self._worker.submit(lambda: question(finder))
        if error := await _error(job):
            log.warning("the semantic cache could not judge: %s", type(error).__name__)
            return None
        return job.result()

    async def _run(self) -> None:
        """Load, then serve; an engine that does not answer is tried again, whatever else fails ends the tier."""
        self._worker = worker = WorkerThread("claw-embed")
        while True:
            error = await self._opened(worker)
            if error is None:
                while (error := await self._step(worker)) is None:
                    pass
            if not self._told(error):
                return
            await asyncio.sleep(RETRY_S)

    async def _opened(self, worker: WorkerThread) -> BaseException | None:
        """The model, and the file's vectors laid out step by step."""
        job = worker.submit(lambda: _finder(self._load))
        if error := await _error(job):
            return error
        finder = job.result()
        await self._disk.call(lambda database: database.vectors.made_by(finder.model))
        if not await self._laid_out(finder, worker):
            log.warning("the cache's vectors cannot be used and are made anew")
            await self._disk.call(lambda database: database.vectors.forget())
        self._finder, self._looked_at = finder, 0
        self.state, self.detail = "on", ""
        loaded()
        self._woken.set()
        return None

    async def _laid_out(self, finder: "Retriever", worker: WorkerThread) -> bool:
        """Read the file's vectors while the ones before them are laid out; whether they are sound."""
        rows = await self._vectors_after(0)
        while rows:
            laying = worker.submit(partial(finder.index.load, rows))
            rows = await self._vectors_after(rows[-1][-1])
            if isinstance(await _error(laying), ValueError):
                await worker.submit(finder.forget)
                return False
        return await _error(worker.submit(finder.index.learn)) is None

    async def _vectors_after(self, id: int) -> "list[Row]":
        return await self._disk.call(lambda database: database.vectors.after(id, limit=LOADED_AT_ONCE)) or []

    async def _step(self, worker: WorkerThread) -> BaseException | None:
        """One batch, look-ups before stores before what the file still lacks; an error ends it."""
        finder = self._finder
        assert finder is not None, "steps follow an opening"  # noqa: S101 — _run's own order
        asks = [self._asks.popleft() for _ in range(min(BATCH, len(self._asks)))]
        stores = [self._stores.popleft() for _ in range(min(BATCH - len(asks), len(self._stores)))]
        if not asks and not stores:
            stores = await self._next_missing()
        if asks:
            job = worker.submit(lambda: finder.near([(ask.partition, ask.question) for ask in asks]))
            if error := await _error(job):
                self._asks.extendleft(asks)
                return error
            for ask, near in zip(asks, job.result(), strict=True):
                if not ask.answer.done():
                    ask.answer.set_result(near)
        if stores:
            return await self._keep(stores, finder, worker)
        if not asks:
            self._woken.clear()
            if not self._asks and not self._stores and self._looked_at is None:
                await self._woken.wait()
        return None

    async def _next_missing(self) -> list[StoredEntry]:
        after = self._looked_at
        if after is None:
            return []
        rows = await self._disk.call(lambda database: database.vectors.missing(after, limit=BATCH)) or []
        self._looked_at = rows[-1][0] if rows else None
        return [entry for _, entry in rows if 0 < len(entry.question) <= LONGEST]

    async def _keep(
        self, entries: list[StoredEntry], finder: "Retriever", worker: WorkerThread
    ) -> BaseException | None:
        """Embed, write, and only then find: what the file no longer has is in no index."""
        from backends.cache.semantic import retriever as retrieval

        embedding = worker.submit(lambda: finder.embedded([entry.question for entry in entries]))
        if error := await _error(embedding):
            return error
        embedded = embedding.result()
        rows = retrieval.rows([entry.key for entry in entries], embedded)
        kept = await self._disk.call(lambda database: database.vectors.put(rows)) or set()
        for entry, each in zip(entries, embedded, strict=True):
            if entry.key in kept:
                worker.submit(partial(finder.index.add, entry.key, entry.partition, each.vector, each.read))
        return None

    def _told(self, error: BaseException) -> bool:
        """Say what failed and let waiting look-ups go; whether it is worth another try."""
        passing, absent = isinstance(error, ConnectionError), isinstance(error, ImportError)
        began = self._finder is None
        self.state = "off" if absent else "failed"
        what = "did not load" if began else "failed"
        self.detail = str(error) if absent or passing else f"the embedding model {what} ({type(error).__name__})"
        log.warning("the semantic cache is %s: %s", self.state, error)
        self._finder = None
        self._release()
        return passing

    def _release(self) -> None:
        while self._asks:
            ask = self._asks.popleft()
            if not ask.answer.done():
                ask.answer.set_result(None)


def _finder(load: "Callable[[], Embedder]") -> "Retriever":
    from backends.cache.semantic.retriever import Retriever

    return Retriever(load())


async def _error(job: "asyncio.Future[Any]") -> BaseException | None:
    """What `job` raised: a library that runs weights may raise anything, so nothing is caught by name."""
    try:
        await asyncio.wait({job})
    finally:
        job.cancel()
    return job.exception()
