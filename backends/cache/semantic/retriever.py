"""What lives on the embedding thread: the model, the vectors, and the judge of neighbours. Every method blocks."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from backends.cache.equivalence.equivalence_judge import EquivalenceJudge, Judgement
from backends.cache.semantic.embedders import Embedded, Embedder
from backends.cache.semantic.vector_index import Neighbour, VectorIndex

NEAREST = 4  # neighbours that the judge is asked about
REMEMBERED = 256  # vectors of looked-up questions, kept for the store that may follow


class Neighbours(NamedTuple):
    """The nearest stored questions, nearest first. `read` is how many characters of the question the model read."""

    read: int = 0
    nearest: tuple[Neighbour, ...] = ()


class Retriever:
    """Call it on one thread; only the length of `index` and what is in it may be asked from any thread."""

    def __init__(self, embedder: Embedder) -> None:
        self.index = VectorIndex()
        self.model = embedder.model
        self._embedder = embedder
        self._judge = EquivalenceJudge(embedder)
        self._remembered: OrderedDict[str, Embedded] = OrderedDict()

    def clear(self) -> None:
        """Start again with an empty index."""
        self.index = VectorIndex()

    def neighbours(self, asked: Sequence[tuple[bytes, str]]) -> list[Neighbours]:
        """The neighbours of each (partition, question), embedded in one batch."""
        embedded = self.embed([question for _, question in asked])
        for (_, question), vector in zip(asked, embedded, strict=True):
            self._remembered[question] = vector
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        floor = self._embedder.floor
        return [
            Neighbours(each.read, tuple(self.index.nearest(partition, each.vector, floor=floor, limit=NEAREST)))
            for (partition, _), each in zip(asked, embedded, strict=True)
        ]

    def embed(self, texts: Sequence[str]) -> list[Embedded]:
        """One vector for each text; those of questions that were just looked up come from memory."""
        found = {text: self._remembered[text] for text in texts if text in self._remembered}
        if unknown := [text for text in dict.fromkeys(texts) if text not in found]:
            found |= dict(zip(unknown, self._embedder.embed(unknown), strict=True))
        return [found[text] for text in texts]

    def judge(self, asked: str, stored: Sequence[str], similarity: Sequence[float]) -> list[Judgement]:
        """As `EquivalenceJudge.judge`."""
        return self._judge.judge(asked, stored, similarity)

    def threshold(self, risk: float) -> float:
        """As `EquivalenceJudge.threshold`."""
        return self._judge.threshold(risk)

    def similarity(self, one: str, other: str) -> float:
        """The cosine of two texts, as far as the model reads them."""
        a, b = self.embed([one, other])
        return float(a.vector @ b.vector)
