"""Stored answers to the same question in other words: neighbours, what the judge says of them, and their records."""

from collections import OrderedDict, deque
from typing import NamedTuple

from backends.cache.database import Database
from backends.cache.disk_tier import DiskTier
from backends.cache.hit_policy import may_serve
from backends.cache.semantic.semantic_tier import SemanticTier
from backends.cache.stored_answer import StoredEntry

NEAR_MISSES = 20  # shown to watchers
REMEMBERED = 256  # requests whose nearest near miss is kept until the pipeline asks for it

Record = list[tuple[float, bool]]


class NearMiss(NamedTuple):
    """A neighbour that was not served, and what stopped it. It contains nothing of either text."""

    agent: str
    similarity: float
    guard: str

    def __str__(self) -> str:
        return f"{self.agent} {f'{self.similarity:.2f}'.removeprefix('0')} stopped by {self.guard}"


class SemanticMatch(NamedTuple):
    """An entry that may be served. `similarity` is the cosine of the questions, `score` the judge's score."""

    entry: StoredEntry
    similarity: float
    score: float


class SemanticLookup:
    """`risk` is the share of semantic hits that may be wrong, 0 to 1."""

    def __init__(self, disk: DiskTier, semantic: SemanticTier, *, risk: float) -> None:
        self._disk = disk
        self._semantic = semantic
        self._risk = risk
        self.near_misses: deque[NearMiss] = deque(maxlen=NEAR_MISSES)
        self._nearest: OrderedDict[str, NearMiss] = OrderedDict()

    def near_miss(self, request_id: str) -> NearMiss | None:
        """The nearest neighbour that could not serve this request. It is returned once."""
        return self._nearest.pop(request_id, None)

    async def find(self, partition: bytes, question: str, *, agent: str, request_id: str = "") -> list[SemanticMatch]:
        """The entries that may be served, the most certain first."""
        found = await self._semantic.neighbours(partition, question)
        if found is None:
            return []
        neighbours = {neighbour.key: neighbour for neighbour in found.nearest}
        read = await self._disk.call(lambda database: _with_records(database, list(neighbours)))
        entries, records = read or ([], {})
        self._semantic.drop(neighbours.keys() - {entry.key for entry in entries})
        comparable = []
        for entry in entries:
            neighbour = neighbours[entry.key]
            if entry.partition != partition:
                continue
            # The model did not compare what it cut off, so that must be the same to the letter.
            if question[found.read :] == entry.question[neighbour.read :]:
                comparable.append((entry, neighbour.similarity))
            else:
                self._note_miss(request_id, NearMiss(agent, neighbour.similarity, "length"))
        if not comparable:
            return []
        return await self._judge(question, comparable, records, agent=agent, request_id=request_id)

    async def _judge(
        self,
        question: str,
        comparable: list[tuple[StoredEntry, float]],
        records: dict[bytes, Record],
        *,
        agent: str,
        request_id: str,
    ) -> list[SemanticMatch]:
        questions, similarities = [entry.question for entry, _ in comparable], [cosine for _, cosine in comparable]
        judgements = await self._semantic.judge(question, questions, similarities)
        threshold, found = self._semantic.threshold(self._risk), []
        for (entry, similarity), judgement in zip(comparable, judgements or (), strict=False):
            score = judgement.hit_score
            guard = judgement.stopped_by
            if guard is None and score < threshold:
                guard = "risk"
            if guard is None and not may_serve(score, records.get(entry.key, ()), risk=self._risk):
                guard = "record"
            if guard is None:
                found.append(SemanticMatch(entry, similarity, score))
            else:
                self._note_miss(request_id, NearMiss(agent, similarity, guard))
        return sorted(found, key=lambda match: -match.score)

    def _note_miss(self, request_id: str, miss: NearMiss) -> None:
        self.near_misses.append(miss)
        before = self._nearest.get(request_id)
        if before is None or before.similarity < miss.similarity:
            self._nearest[request_id] = miss
        if len(self._nearest) > REMEMBERED:
            self._nearest.popitem(last=False)


def _with_records(database: Database, keys: list[bytes]) -> tuple[list[StoredEntry], dict[bytes, Record]]:
    return database.get(keys), database.reviews.records(keys)
