"""A stored answer to the same question in other words: neighbours, the judge's word on each, and each one's record."""

import asyncio
from collections import OrderedDict, deque
from typing import NamedTuple

from backends.cache.database import Database
from backends.cache.disk_tier import DiskTier
from backends.cache.hit_policy import may_serve
from backends.cache.semantic.semantic_tier import SemanticTier
from backends.cache.stored_answer import StoredEntry

REMEMBERED = 256
"""Requests whose nearest neighbour is kept until it is asked for."""

JUDGED_S = 1.0  # longest wait for the judge, who stands behind what is being embedded

Record = list[tuple[float, bool]]


class NearMiss(NamedTuple):
    """A neighbour that was not served, and why; says nothing of either text."""

    agent: str
    similarity: float
    guard: str

    def __str__(self) -> str:
        return f"{self.agent} {f'{self.similarity:.2f}'.removeprefix('0')} stopped by {self.guard}"


class SemanticMatch(NamedTuple):
    """`similarity` is the questions' cosine, `score` the judge's."""

    entry: StoredEntry
    similarity: float
    score: float


class SemanticLookup:
    def __init__(self, disk: DiskTier, semantic: SemanticTier, *, risk: float) -> None:
        self._disk = disk
        self._semantic = semantic
        self._risk = risk
        self.near_misses: deque[NearMiss] = deque(maxlen=20)
        self._nearest: OrderedDict[str, NearMiss] = OrderedDict()

    def near_miss(self, request_id: str) -> NearMiss | None:
        """The neighbour nearest to a request that found none to serve it; asked for once, soon after."""
        return self._nearest.pop(request_id, None)

    async def find(self, partition: bytes, question: str, *, agent: str, request_id: str = "") -> list[SemanticMatch]:
        """What may be served, the most certain first."""
        near = await self._semantic.near(partition, question)
        if near is None:
            return []
        keys = [candidate.key for candidate in near.candidates]
        read = await self._disk.call(lambda database: _with_records(database, keys))
        entries, records = read or ([], {})
        self._semantic.drop(set(keys) - {entry.key for entry in entries})
        candidates = {candidate.key: candidate for candidate in near.candidates}
        whole = []
        for entry in entries:
            candidate = candidates[entry.key]
            if entry.partition != partition:
                continue
            # What the model cut off it did not compare, so it must be the same to the letter.
            if question[near.read :] == entry.question[candidate.read :]:
                whole.append((entry, candidate.similarity))
            else:
                self._missed(request_id, NearMiss(agent, candidate.similarity, "length"))
        return await self._judged(question, whole, records, agent=agent, request_id=request_id) if whole else []

    async def _judged(
        self,
        question: str,
        candidates: list[tuple[StoredEntry, float]],
        records: dict[bytes, Record],
        *,
        agent: str,
        request_id: str,
    ) -> list[SemanticMatch]:
        questions, similarities = [entry.question for entry, _ in candidates], [cosine for _, cosine in candidates]
        try:
            async with asyncio.timeout(JUDGED_S):
                judgements = await self._semantic.judged(question, questions, similarities)
        except TimeoutError:
            return []
        threshold, found = self._semantic.threshold(self._risk), []
        for (entry, similarity), judgement in zip(candidates, judgements or (), strict=False):
            score = judgement.hit_score
            guard = judgement.stopped_by
            if guard is None and score < threshold:
                guard = "risk"
            if guard is None and not may_serve(score, records.get(entry.key, ()), risk=self._risk):
                guard = "record"
            if guard is None:
                found.append(SemanticMatch(entry, similarity, score))
            else:
                self._missed(request_id, NearMiss(agent, similarity, guard))
        return sorted(found, key=lambda each: -each.score)

    def _missed(self, request_id: str, miss: NearMiss) -> None:
        self.near_misses.append(miss)
        before = self._nearest.get(request_id)
        if before is None or before.similarity < miss.similarity:
            self._nearest[request_id] = miss
        if len(self._nearest) > REMEMBERED:
            self._nearest.popitem(last=False)


def _with_records(database: Database, keys: list[bytes]) -> tuple[list[StoredEntry], dict[bytes, Record]]:
    return database.get(keys), database.reviews.records(keys)
