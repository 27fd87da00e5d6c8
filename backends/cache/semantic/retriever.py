"""What lives on the embedding thread: the model, the vectors, and the judge of what they find. Every method blocks."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from backends.cache.equivalence.equivalence_judge import EquivalenceJudge, Judgement
from backends.cache.semantic.embedders import Embedded, Embedder
from backends.cache.semantic.vector_index import Neighbour, VectorIndex, to_bytes

CANDIDATES = 4  # neighbours that the judge looks at
KNOWN = 256  # vectors of looked-up questions kept for the store that may follow


class Neighbours(NamedTuple):
    """Neighbours, nearest first; `read` is how many characters of the question the model read."""

    read: int = 0
    candidates: tuple[Neighbour, ...] = ()


class Retriever:
    """`index` may be asked for its length and what it has from any thread."""

    def __init__(self, embedder: Embedder) -> None:
        self.index = VectorIndex()
        self.model = embedder.model
        self._embedder = embedder
        self._judge = EquivalenceJudge(embedder)
        self._known: OrderedDict[str, Embedded] = OrderedDict()

    def forget(self) -> None:
        """Begin with no vectors."""
        self.index = VectorIndex()

    def near(self, asks: Sequence[tuple[bytes, str]]) -> list[Neighbours]:
        """The neighbours of each (partition, question), embedded in one batch."""
        embedded = self.embedded([question for _, question in asks])
        for question, vector in zip((question for _, question in asks), embedded, strict=True):
            self._known[question] = vector
        while len(self._known) > KNOWN:
            self._known.popitem(last=False)
        floor = self._embedder.floor
        return [
            Neighbours(each.read, tuple(self.index.nearest(partition, each.vector, floor=floor, limit=CANDIDATES)))
            for (partition, _), each in zip(asks, embedded, strict=True)
        ]

    def embedded(self, texts: Sequence[str]) -> list[Embedded]:
        """One for each text, those that were just looked up from memory."""
        found = {text: self._known[text] for text in texts if text in self._known}
        if unknown := [text for text in dict.fromkeys(texts) if text not in found]:
            found |= dict(zip(unknown, self._embedder.embed(unknown), strict=True))
        return [found[text] for text in texts]

    def judged(self, asked: str, stored: Sequence[str], similarity: Sequence[float]) -> list[Judgement]:
        return self._judge.judge(asked, stored, similarity)

    def threshold(self, risk: float) -> float:
        return self._judge.threshold(risk)

    def similarity(self, one: str, other: str) -> float:
        """The cosine of two texts, as far as the model reads them."""
        a, b = self.embedded([one, other])
        return float(a.vector @ b.vector)


def rows(keys: Sequence[bytes], embedded: Sequence[Embedded]) -> list[tuple[bytes, bytes, int]]:
    """(key, half floats, read), as they are written."""
    return [(key, to_bytes(each.vector), each.read) for key, each in zip(keys, embedded, strict=True)]
