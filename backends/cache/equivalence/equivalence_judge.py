"""Whether the stored answer to one question may serve another: guards rule hits out, a score says how likely one is."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from backends.cache.equivalence.guards import differing_sign, same_words, stopped_by
from backends.cache.equivalence.parsed_question import parse
from backends.cache.hit_policy import UNREACHABLE

if TYPE_CHECKING:
    from backends.cache.equivalence.embedded_question import EmbeddedQuestion
    from backends.cache.semantic.embedders import Embedder, TokenEmbedder

REMEMBERED = 256  # embedded questions that are kept for the next look-ups, some 30 kB each
STOPPED = 1e-3  # factor of the score of a pair that a guard stops: enough to keep such pairs in order
COSINE = 0.80  # the threshold where the embedder gives no token vectors, so that the cosine is the score


class Judgement(Struct, frozen=True):
    """`hit_score`, 0 to 1, is compared with `threshold`. `stopped_by` names the guard that forbids a hit."""

    hit_score: float
    stopped_by: str | None = None


class EquivalenceJudge:
    """It embeds with the model that found the neighbours; call it on that model's thread."""

    def __init__(self, embedder: "Embedder") -> None:
        from backends.cache.equivalence.hit_classifier import HitClassifier
        from backends.cache.semantic.embedders import TokenEmbedder

        self._embedder: TokenEmbedder | None = embedder if isinstance(embedder, TokenEmbedder) else None
        self._classifier = HitClassifier()
        self._remembered: OrderedDict[str, EmbeddedQuestion] = OrderedDict()

    def judge(self, asked: str, stored: Sequence[str], similarity: Sequence[float]) -> list[Judgement]:
        """One judgement for each stored question; `similarity` is its cosine to `asked`.

        Blocks for the embedding of questions that no guard stops, 5 to 13 ms each, and some 0.6 ms for each score.
        """
        judged = [self._by_rules(asked, text, cosine) for text, cosine in zip(stored, similarity, strict=True)]
        unsure = [index for index, judgement in enumerate(judged) if judgement is None]
        if unsure and self._embedder:
            texts, cosines = [stored[index] for index in unsure], [similarity[index] for index in unsure]
            scored = dict(zip(unsure, self._by_score(self._embedder, asked, texts, cosines), strict=True))
        else:
            scored = {index: Judgement(similarity[index], differing_sign(asked, stored[index])) for index in unsure}
        return [judgement or scored[index] for index, judgement in enumerate(judged)]

    def threshold(self, risk: float) -> float:
        """The score from which about `risk` of the hits are wrong; at no risk one that no score reaches."""
        if self._embedder is None:
            return COSINE if risk > 0 else UNREACHABLE
        return self._classifier.threshold(risk, self._embedder.model)

    def _by_rules(self, asked: str, stored: str, cosine: float) -> Judgement | None:
        if asked == stored:
            return Judgement(1.0)
        if guard := stopped_by(asked, stored):
            return Judgement(STOPPED * max(0.0, cosine), guard)
        return Judgement(1.0) if same_words(parse(asked), parse(stored)) else None

    def _by_score(
        self, embedder: "TokenEmbedder", asked: str, stored: Sequence[str], similarity: Sequence[float]
    ) -> list[Judgement]:
        from backends.cache.equivalence.embedded_question import LONGEST
        from backends.cache.equivalence.pair_features import pair_features

        question, *others = self._embed(embedder, [asked, *stored])
        fit = [max(len(question.content), len(other.content)) <= LONGEST for other in others]
        pairs = zip(others, similarity, fit, strict=True)
        rows = [pair_features(question, other, cosine) for other, cosine, fits in pairs if fits]
        scores = iter(self._classifier.scores(rows) if rows else ())
        return [Judgement(next(scores)) if fits else Judgement(0.0, "length") for fits in fit]

    def _embed(self, embedder: "TokenEmbedder", texts: Sequence[str]) -> "list[EmbeddedQuestion]":
        from backends.cache.equivalence.embedded_question import EmbeddedQuestion

        if unknown := [text for text in dict.fromkeys(texts) if text not in self._remembered]:
            pairs = zip(unknown, embedder.token_vectors(unknown), strict=True)
            self._remembered.update((text, EmbeddedQuestion(text, tokens)) for text, tokens in pairs)
        found = [self._remembered[text] for text in texts]
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return found
