"""Whether one question's stored answer may serve another: guards say no, a score says how likely yes."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from backends.cache.equivalence.guards import differing, same_words, stopped_by
from backends.cache.equivalence.parsed_question import read

if TYPE_CHECKING:
    from backends.cache.equivalence.embedded_question import EmbeddedQuestion
    from backends.cache.semantic.embedders import Embedder, TokenEmbedder

SENTENCES = 256  # kept for the questions that come again, some 30 kB each

STOPPED = 1e-3  # what a score counts for where a guard says no: enough to put such pairs in order
COSINE = 0.80  # the threshold where the embedder shows no words, so that the cosine is the score


class Judgement(Struct, frozen=True):
    """`hit_score`, 0 to 1, is to be held against `threshold`; `stopped_by` names the guard that forbids a hit."""

    hit_score: float
    stopped_by: str | None = None


class EquivalenceJudge:
    """Judges with the model that found the candidates; call it on that model's thread, where it embeds again."""

    def __init__(self, embedder: "Embedder") -> None:
        from backends.cache.equivalence.hit_classifier import HitClassifier
        from backends.cache.semantic.embedders import TokenEmbedder

        self._reader: TokenEmbedder | None = embedder if isinstance(embedder, TokenEmbedder) else None
        self._head = HitClassifier()
        self._sentences: OrderedDict[str, EmbeddedQuestion] = OrderedDict()

    def judge(self, asked: str, stored: Sequence[str], similarity: Sequence[float]) -> list[Judgement]:
        """One judgement a candidate; `similarity` is their cosine to `asked`.

        Blocks for the embedding of those that no guard stops, 5 to 13 ms each, and some 0.6 ms a candidate.
        """
        judged = [self._at_sight(asked, text, cosine) for text, cosine in zip(stored, similarity, strict=True)]
        unsure = [index for index, judgement in enumerate(judged) if judgement is None]
        if unsure and self._reader:
            texts, cosines = [stored[index] for index in unsure], [similarity[index] for index in unsure]
            weighed = dict(zip(unsure, self._weighed(self._reader, asked, texts, cosines), strict=True))
        else:
            weighed = {index: Judgement(similarity[index], differing(asked, stored[index])) for index in unsure}
        return [judgement or weighed[index] for index, judgement in enumerate(judged)]

    def threshold(self, risk: float) -> float:
        """The score from which about `risk` of the hits are wrong; above 1, which no score reaches, for no risk."""
        if self._reader is None:
            return COSINE if risk > 0 else 2.0
        return self._head.threshold(risk, self._reader.model)

    def _at_sight(self, asked: str, stored: str, cosine: float) -> Judgement | None:
        if asked == stored:
            return Judgement(1.0)
        if guard := stopped_by(asked, stored):
            return Judgement(STOPPED * max(0.0, cosine), guard)
        return Judgement(1.0) if same_words(read(asked), read(stored)) else None

    def _weighed(
        self, reader: "TokenEmbedder", asked: str, stored: Sequence[str], similarity: Sequence[float]
    ) -> list[Judgement]:
        from backends.cache.equivalence.embedded_question import LONGEST
        from backends.cache.equivalence.pair_features import features

        question, *others = self._laid_out(reader, [asked, *stored])
        fit = [max(len(question.content), len(other.content)) <= LONGEST for other in others]
        pairs = zip(others, similarity, fit, strict=True)
        rows = [features(question, other, cosine) for other, cosine, fits in pairs if fits]
        scores = iter(self._head.scores(rows) if rows else ())
        return [Judgement(next(scores)) if fits else Judgement(0.0, "length") for fits in fit]

    def _laid_out(self, reader: "TokenEmbedder", texts: Sequence[str]) -> "list[EmbeddedQuestion]":
        from backends.cache.equivalence.embedded_question import EmbeddedQuestion

        if unknown := [text for text in dict.fromkeys(texts) if text not in self._sentences]:
            read_ = zip(unknown, reader.states(unknown), strict=True)
            self._sentences.update((text, EmbeddedQuestion(text, states)) for text, states in read_)
        found = [self._sentences[text] for text in texts]
        while len(self._sentences) > SENTENCES:
            self._sentences.popitem(last=False)
        return found
