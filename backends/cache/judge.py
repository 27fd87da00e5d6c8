"""Whether one question's stored answer may serve another: guards say no, a score says how likely yes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from backends.cache.guards import stopped_by

if TYPE_CHECKING:
    from backends.cache.embedders import Embedder


class Judgement(Struct, frozen=True):
    """`hit_score`, 0 to 1, is to be held against `threshold`; `stopped_by` names the guard that forbids a hit."""

    hit_score: float
    stopped_by: str | None = None


class Judge:
    """Judges with the model that found the candidates; call it on that model's thread, where it may embed again."""

    def __init__(self, embedder: "Embedder") -> None:
        self._embedder = embedder

    def judge(self, asked: str, stored: Sequence[str], similarity: Sequence[float]) -> list[Judgement]:
        """One judgement a candidate; `similarity` is their cosine to `asked`. Blocks for some 20 ms."""
        guards = [stopped_by(asked, text) for text in stored]
        return [Judgement(0.0 if guard else cosine, guard) for guard, cosine in zip(guards, similarity, strict=True)]

    def threshold(self, risk: float) -> float:
        """The score from which at most `risk` of the hits are wrong; above 1, which no score reaches, for no risk."""
        return self._embedder.floor if risk > 0 else 2.0
