"""The semantic tier: the stored questions nearest to one that is asked, found off the event loop in batches."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from backends.cache.disk_tier import DiskTier
from backends.cache.hit_policy import UNREACHABLE
from backends.cache.limits import CacheLimits
from backends.cache.stored_answer import StoredEntry
from backends.cache.worker_thread import WorkerThread
from backends.off_loop import loaded
from backends.types import SemanticState

if TYPE_CHECKING:
    from backends.cache.equivalence.equivalence_judge import Judgement
    from backends.cache.semantic.embedders import Embedder
    from backends.cache.semantic.retriever import Neighbours, Retriever
    from backends.cache.semantic.vectors import VectorRow

log = logging.getLogger(__name__)

BATCH = 16  # texts a step, so that a look-up never waits behind a long one
STORES_WAITING = 2048  # entries beyond it are embedded at the next start
LONGEST = 4000  # characters of a question; longer ones are left to the exact tier
LOADED_AT_ONCE = 4096  # vectors read from the file in a step

T = TypeVar("T")


class _Lookup(NamedTuple):
    partition: bytes
    question: str
    answer: "asyncio.Future[Neighbours | None]"


class SemanticTier:
    """`load` returns the embedding model. It blocks, and runs on the tier's own thread."""

    def __init__(self, disk: DiskTier, load: "Callable[[], Embedder]", limits: CacheLimits) -> None:
        self._disk = disk
        self._load = load
        self._limits = limits
        self._worker: WorkerThread | None = None
        self._task: asyncio.Task[None] | None = None
        self._retriever: Retriever | None = None
        self._lookups: deque[_Lookup] = deque()
        self._stores: deque[StoredEntry] = deque(maxlen=STORES_WAITING)
        self._wake = asyncio.Event()
        self._scanned: int | None = 0  # the last row that was checked for a missing vector; None once all were
        self.state: SemanticState = "off"
        self.detail = ""
        self._on_demand = False

    @property
    def vectors(self) -> int:
        return len(self._retriever.index) if self._retriever else 0

    @property
    def nbytes(self) -> int:
        return self._retriever.index.nbytes if self._retriever else 0

    @property
    def model(self) -> str:
        """The name of the embedding model, "" while none is loaded."""
        return self._retriever.model if self._retriever else ""

    def start(self) -> None:
        """Load the model in a thread. `state` and `detail` then say whether that worked."""
        if self._task is None:
            self.state, self.detail = "loading", ""
            self._task = asyncio.create_task(self._run(), name="semantic cache")

    def await_demand(self) -> None:
        """Load the model with the first look-up."""
        if self._task is None:
            self.state, self.detail, self._on_demand = "loading", "it loads with the first prompt", True

    async def neighbours(self, partition: bytes, question: str) -> "Neighbours | None":
        """Stored questions of `partition` near to this one; None if there are none or the tier is not on."""
        if self._on_demand:
            self._on_demand = False
            self.start()
        retriever = self._retriever
        if retriever is None or partition not in retriever.index or not 0 < len(question) <= LONGEST:
            return None
        if len(self._lookups) >= self._limits.lookups_waiting:
            return None
        lookup = _Lookup(partition, question, asyncio.get_running_loop().create_future())
        self._lookups.append(lookup)
        self._wake.set()
        try:
            async with asyncio.timeout(self._limits.lookup_s):
                found = await lookup.answer
        except TimeoutError:
            return None
        return found if found is not None and found.nearest else None

    async def judge(self, asked: str, stored: Sequence[str], similarity: Sequence[float]) -> "list[Judgement] | None":
        """A judgement for each stored question; None if it cannot be asked in time."""
        try:
            async with asyncio.timeout(self._limits.judge_s):
                return await self._ask(lambda retriever: retriever.judge(asked, stored, similarity))
        except TimeoutError:
            return None

    async def similarity(self, one: str, other: str) -> float | None:
        """The cosine of two texts; None if no model is loaded."""
        return await self._ask(lambda retriever: retriever.similarity(one, other))

    def threshold(self, risk: float) -> float:
        """The score from which a hit may be served at this risk."""
        return self._retriever.threshold(risk) if self._retriever else UNREACHABLE

    def add(self, entry: StoredEntry) -> None:
        """Embed an entry's question when there is time."""
        if self.state in ("loading", "on") and 0 < len(entry.question) <= LONGEST and not entry.encrypted:
            self._stores.append(entry)
            self._wake.set()

    def drop(self, keys: Iterable[bytes]) -> None:
        """Remove the vectors of these entries from memory."""
        gone = list(keys)
        if gone and self._retriever is not None and self._worker is not None:
            self._worker.submit(partial(self._retriever.index.drop, gone))

    async def close(self) -> None:
        """End the task and its thread. Questions that were not embedded yet are embedded at the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._worker is not None:
            await self._worker.close(patience_s=self._limits.close_s)
        self._retriever = None
        self._release_lookups()
        self.state = "off"

    async def _ask(self, question: "Callable[[Retriever], T]") -> "T | None":
        if (retriever := self._retriever) is None or self._worker is None:
            return None
        job = self._worker.submit(lambda: question(retriever))
        if error := await _error(job):
            log.warning("the semantic cache could not judge: %s", type(error).__name__)
            return None
        return job.result()

    async def _run(self) -> None:
        """Load, then serve. An engine that does not answer is tried again; any other failure ends the tier."""
        self._worker = worker = WorkerThread("claw-embed")
        while True:
            error = await self._open(worker)
            if error is None:
                while (error := await self._step(worker)) is None:
                    pass
            if not self._fail(error):
                return
            await asyncio.sleep(self._limits.retry_s)

    async def _open(self, worker: WorkerThread) -> BaseException | None:
        """Load the model and the file's vectors; the error where that failed."""
        job = worker.submit(lambda: _retriever(self._load))
        if error := await _error(job):
            return error
        retriever = job.result()
        await self._disk.call(lambda database: database.vectors.use_model(retriever.model))
        if not await self._load_vectors(retriever, worker):
            log.warning("the cache's stored vectors cannot be used: they are computed again")
            await self._disk.call(lambda database: database.vectors.delete_all())
        self._retriever, self._scanned = retriever, 0
        self.state, self.detail = "on", ""
        loaded()
        self._wake.set()
        return None

    async def _load_vectors(self, retriever: "Retriever", worker: WorkerThread) -> bool:
        """Read the next vectors of the file while the last ones are indexed. False where they are not sound."""
        rows = await self._vectors_after(0)
        while rows:
            loading = worker.submit(partial(retriever.index.load, rows))
            rows = await self._vectors_after(rows[-1][-1])
            if isinstance(await _error(loading), ValueError):
                await worker.submit(retriever.clear)
                return False
        return await _error(worker.submit(retriever.index.learn)) is None

    async def _vectors_after(self, id: int) -> "list[VectorRow]":
        return await self._disk.call(lambda database: database.vectors.after(id, limit=LOADED_AT_ONCE)) or []

    async def _step(self, worker: WorkerThread) -> BaseException | None:
        """One batch: look-ups, then stores, then entries of the file without a vector. Returns what ended it."""
        retriever = self._retriever
        assert retriever is not None, "steps follow an opening"  # noqa: S101 — the order of _run
        lookups = [self._lookups.popleft() for _ in range(min(BATCH, len(self._lookups)))]
        stores = [self._stores.popleft() for _ in range(min(BATCH - len(lookups), len(self._stores)))]
        if not lookups and not stores:
            stores = await self._next_missing()
        if lookups:
            job = worker.submit(lambda: retriever.neighbours([(each.partition, each.question) for each in lookups]))
            if error := await _error(job):
                self._lookups.extendleft(lookups)
                return error
            for lookup, found in zip(lookups, job.result(), strict=True):
                if not lookup.answer.done():
                    lookup.answer.set_result(found)
        if stores:
            return await self._embed(stores, retriever, worker)
        if not lookups:
            self._wake.clear()
            if not self._lookups and not self._stores and self._scanned is None:
                await self._wake.wait()
        return None

    async def _next_missing(self) -> list[StoredEntry]:
        after = self._scanned
        if after is None:
            return []
        rows = await self._disk.call(lambda database: database.vectors.missing(after, limit=BATCH)) or []
        self._scanned = rows[-1][0] if rows else None
        return [entry for _, entry in rows if 0 < len(entry.question) <= LONGEST]

    async def _embed(
        self, entries: list[StoredEntry], retriever: "Retriever", worker: WorkerThread
    ) -> BaseException | None:
        """Embed and write, and index only what the file still has."""
        embedding = worker.submit(lambda: retriever.embed([entry.question for entry in entries]))
        if error := await _error(embedding):
            return error
        embedded = embedding.result()
        rows = [(entry.key, each.as_bytes(), each.read) for entry, each in zip(entries, embedded, strict=True)]
        kept = await self._disk.call(lambda database: database.vectors.put(rows)) or set()
        for entry, each in zip(entries, embedded, strict=True):
            if entry.key in kept:
                worker.submit(partial(retriever.index.add, entry.key, entry.partition, each.vector, each.read))
        return None

    def _fail(self, error: BaseException) -> bool:
        """Report what failed and release waiting look-ups. True where another try may work."""
        passing, absent = isinstance(error, ConnectionError), isinstance(error, ImportError)
        starting = self._retriever is None
        self.state = "off" if absent else "failed"
        what = "did not load" if starting else "failed"
        self.detail = str(error) if absent or passing else f"the embedding model {what} ({type(error).__name__})"
        log.warning("the semantic cache is %s: %s", self.state, error)
        self._retriever = None
        self._release_lookups()
        return passing

    def _release_lookups(self) -> None:
        while self._lookups:
            lookup = self._lookups.popleft()
            if not lookup.answer.done():
                lookup.answer.set_result(None)


def _retriever(load: "Callable[[], Embedder]") -> "Retriever":
    from backends.cache.semantic.retriever import Retriever

    return Retriever(load())


async def _error(job: "asyncio.Future[Any]") -> BaseException | None:
    """What `job` raised. Nothing is caught by name, because a library that runs weights may raise anything."""
    try:
        await asyncio.wait({job})
    finally:
        job.cancel()
    return job.exception()
