"""The semantic tier: a question's nearest neighbours among those stored, embedded off the event loop in batches."""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from backends.cache.database import Database
from backends.cache.disk import Disk
from backends.cache.entry import Entry
from backends.cache.worker import Worker
from backends.types import SemanticState

if TYPE_CHECKING:
    from backends.cache.embedders import Embedded, Embedder
    from backends.cache.index import Candidate, Index

log = logging.getLogger(__name__)

BATCH = 16  # texts a step, so that a look-up never waits behind a long one
CANDIDATES = 4  # neighbours that the guards look at
LOOKUPS_WAITING = 32  # more than this at once go on without the semantic tier
LOOKUP_S = 1.0
STORES_WAITING = 2048  # what is dropped beyond it is embedded at the next start
LONGEST = 4000  # characters of a question; longer ones are for the exact tier
LOADED_AT_ONCE = 1000  # vectors read from the file in a step, some 3 ms
KNOWN = 256  # vectors of looked-up questions kept for the store that may follow
CLOSE_S = 0.5  # patience with a model that is still loading


class Near(NamedTuple):
    """Neighbours, nearest first; `read` is how many characters of the question the model read."""

    read: int = 0
    candidates: "tuple[Candidate, ...]" = ()


class NearMiss(NamedTuple):
    """A neighbour that a guard stopped; says nothing of either text."""

    agent: str
    similarity: float
    guard: str

    def __str__(self) -> str:
        return f"{self.agent} {f'{self.similarity:.2f}'.removeprefix('0')} stopped by {self.guard}"


class Semantic:
    def __init__(self, disk: Disk, load: "Callable[[], Embedder] | None" = None) -> None:
        self._disk = disk
        self._load = load or _load
        self._worker: Worker | None = None
        self._task: asyncio.Task[None] | None = None
        self._index: Index | None = None
        self._floor = 1.0
        self._lookups: deque[tuple[str, asyncio.Future[Embedded | None]]] = deque()
        self._stores: deque[Entry] = deque(maxlen=STORES_WAITING)
        self._known: OrderedDict[str, Embedded] = OrderedDict()
        self._woken = asyncio.Event()
        self._looked_at: int | None = 0  # the last row that was looked at for a vector, None when all were
        self.state: SemanticState = "off"
        self.detail = ""
        self.near_misses: deque[NearMiss] = deque(maxlen=20)

    def start(self) -> None:
        """Load the model in a thread; `state` and `detail` tell what came of it."""
        if self._task is not None:
            return
        self.state, self.detail = "loading", ""
        self._task = asyncio.create_task(self._run(), name="semantic cache")

    async def nearest(self, partition: bytes, question: str) -> Near:
        """Stored questions of `partition` that may be the same; none while the tier is not on."""
        index = self._index
        if index is None or partition not in index or not 0 < len(question) <= LONGEST:
            return Near()
        embedded = await self._embedded(question)
        if embedded is None:
            return Near()
        near = index.nearest(partition, embedded.vector, floor=self._floor, limit=CANDIDATES)
        return Near(embedded.read, tuple(near))

    def add(self, entry: Entry) -> None:
        """Have an entry's question embedded when there is time."""
        if self.state in ("loading", "on") and 0 < len(entry.question) <= LONGEST:
            self._stores.append(entry)
            self._woken.set()

    def drop(self, keys: Iterable[bytes]) -> None:
        if self._index is not None:
            self._index.drop(keys)

    async def close(self) -> None:
        """End the task and its thread; what was not embedded yet is at the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._worker is not None:
            await self._worker.close(patience_s=CLOSE_S)
        self._index = None
        self.state = "off"

    async def _run(self) -> None:
        self._worker = worker = Worker("claw-embed")
        job = worker.submit(self._load)
        if error := await _error(job):
            absent = isinstance(error, ImportError)
            self.state = "off" if absent else "failed"
            self.detail = str(error) if absent else f"the embedding model did not load ({type(error).__name__})"
            log.warning("the semantic cache is %s: %s", self.state, error)
            return
        embedder = job.result()
        self._floor = embedder.floor
        self._index = await self._loaded(embedder)
        self.state = "on"
        self._woken.set()
        while await self._step(embedder, worker):
            pass

    async def _loaded(self, embedder: "Embedder") -> "Index":
        """The file's vectors, read and laid out on the file's thread, with a turn for look-ups after each step."""
        from backends.cache.index import Index

        index, after = Index(), 0
        await self._disk.call(lambda database: database.embedded_by(embedder.model))
        while last := await self._disk.call(partial(_read_vectors, index=index, after=after)):
            after = last
        return index

    async def _step(self, embedder: "Embedder", worker: Worker) -> bool:
        """Embed one batch, look-ups before stores before what the file still lacks; False ends the tier."""
        lookups = [self._lookups.popleft() for _ in range(min(BATCH, len(self._lookups)))]
        stores = [self._stores.popleft() for _ in range(min(BATCH - len(lookups), len(self._stores)))]
        if not lookups and not stores:
            stores = await self._next_unembedded()
        if not lookups and not stores:
            self._woken.clear()
            if not self._lookups and not self._stores and self._looked_at is None:
                await self._woken.wait()
            return True
        texts = list(dict.fromkeys(text for text in [q for q, _ in lookups] + [e.question for e in stores]))
        unknown = [text for text in texts if text not in self._known]
        job = worker.submit(lambda: dict(zip(unknown, embedder.embed(unknown), strict=True)))
        if error := await _error(job):
            self._fail(error, [waiting for _, waiting in lookups])
            return False
        found = {text: self._known[text] for text in texts if text in self._known}
        found |= job.result()
        for question, waiting in lookups:
            self._remember(question, found[question])
            if not waiting.done():
                waiting.set_result(found[question])
        await self._keep(stores, found)
        return True

    async def _embedded(self, question: str) -> "Embedded | None":
        if known := self._known.get(question):
            return known
        if len(self._lookups) >= LOOKUPS_WAITING:
            return None
        waiting: asyncio.Future[Embedded | None] = asyncio.get_running_loop().create_future()
        self._lookups.append((question, waiting))
        self._woken.set()
        try:
            async with asyncio.timeout(LOOKUP_S):
                return await waiting
        except TimeoutError:
            return None

    async def _next_unembedded(self) -> list[Entry]:
        after = self._looked_at
        if after is None:
            return []
        rows = await self._disk.call(lambda database: database.unembedded(after, limit=BATCH)) or []
        self._looked_at = rows[-1][0] if rows else None
        return [entry for _, entry in rows if 0 < len(entry.question) <= LONGEST]

    async def _keep(self, entries: list[Entry], found: "dict[str, Embedded]") -> None:
        from backends.cache.index import to_bytes

        vectors = [(entry.key, to_bytes(found[entry.question].vector), found[entry.question].read) for entry in entries]
        kept = (await self._disk.call(lambda database: database.set_vectors(vectors)) if vectors else None) or set()
        for entry in entries:
            if entry.key in kept and self._index is not None:
                embedded = found[entry.question]
                self._index.add(entry.key, entry.partition, embedded.vector, embedded.read)

    def _remember(self, question: str, embedded: "Embedded") -> None:
        """A question that is looked up in vain is stored a moment later."""
        self._known[question] = embedded
        if len(self._known) > KNOWN:
            self._known.popitem(last=False)

    def _fail(self, error: BaseException, waiting: "list[asyncio.Future[Embedded | None]]") -> None:
        log.warning("the semantic cache failed: %s", error)
        self.state, self.detail = "failed", f"the embedding model failed ({type(error).__name__})"
        self._index = None
        for future in waiting + [future for _, future in self._lookups]:
            if not future.done():
                future.set_result(None)


def _read_vectors(database: Database, *, index: "Index", after: int) -> int | None:
    """Add the next vectors past the row `after`; the last one's row, None where there are no more."""
    from backends.cache.index import from_bytes

    rows = database.vectors(after, limit=LOADED_AT_ONCE)
    for _, key, partition, vector, read in rows:
        index.add(key, partition, from_bytes(vector), read)
    return rows[-1][0] if rows else None


def _load() -> "Embedder":
    from backends.cache import embedders

    return embedders.load()


async def _error(job: "asyncio.Future[Any]") -> BaseException | None:
    """What `job` raised: a library that runs weights may raise anything, so nothing is caught by name."""
    try:
        await asyncio.wait({job})
    finally:
        job.cancel()
    return job.exception()
