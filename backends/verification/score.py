"""The learned score: from prompt and answer, P(the answer is right) and P(a strong model's would be).

For answers that are an option or a number: the training data has no others, so of the rest it says nothing. Weights are
made by `python -m benchmarks.training.train_verify`; card.json says from what, and how far they may be trusted.
"""

from collections.abc import Mapping
from importlib.resources import files
from io import BytesIO
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from backends.routing.classify.features import hashed
from backends.verification.evidence import Evidence, read
from backends.verification.features import features
from backends.verification.forest import Floats, Forest, sigmoid
from backends.verification.plausible import beside
from backends.verification.sample import short_answer
from backends.verification.word import Answered, Word, failed, passed, unknown

CHECK = "score"
MARGIN = 0.05
"""Nearer than this to what the dial lets go the score is not sure enough to speak."""


class Chances(Struct, frozen=True):
    """`right`: of this answer; `strong`: of a strong model on this prompt."""

    right: float
    strong: float


class Score:
    """Pure and safe to share; 1 to 3 ms an answer, whose first 8,000 characters are read."""

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """The arrays of weights.npz, as `benchmarks.training.train_verify.fitted` makes them."""
        self._options = Forest(weights, "options")
        self._boosted, self._random = Forest(weights, "boosted"), Forest(weights, "random")
        self._strong = Forest(weights, "strong")
        self._slope: Floats = weights["slope"].astype(np.float64)
        self._bias = float(weights["bias"])
        self._words: Floats = weights["words"].astype(np.float64) * float(weights["words_scale"])
        self._words_bias = float(weights["words_bias"])
        self.version = str(weights["version"])

    @classmethod
    def load(cls) -> "Score":
        """The shipped weights."""
        return cls(np.load(BytesIO(files(__package__).joinpath("weights.npz").read_bytes()), allow_pickle=False))

    def chances(self, prompt: str, answer: str, *, able: bool = True) -> Chances:
        """Never raises for any text. `able`: the answer is from the better one of the models that were learned from."""
        evidence = read(prompt, answer)
        row = self.row(evidence, able=able)
        wrong = (
            2 * float(sigmoid(self._boosted.raw(row))[0])
            + float(self._random.raw(row)[0])
            + float(sigmoid(row @ self._slope + self._bias)[0])
        ) / 4
        strong = (float(self._strong.raw(row)[0]) + self._by_words(evidence.question.stem)) / 2
        return Chances(1 - wrong, min(max(strong, 0.0), 1.0))

    def row(self, evidence: Evidence, *, able: bool) -> Floats:
        """All features of one answer, as a matrix of one row."""
        return np.array([[*features(evidence).values(), *standing(self._options, evidence), float(able)]])

    def word(self, answered: Answered) -> Word:
        """Would the cloud gain more than the dial lets go? Decide's own comparison, with the answer in hand; unknown
        near the dial, and for answers of another kind.
        """
        allowed = answered.allowed
        if allowed is None or answered.calls or short_answer(answered.prompt, answered.text) is None:
            return unknown(CHECK)
        chances = self.chances(answered.prompt, answered.text)
        gain = chances.strong - chances.right
        if gain > allowed + MARGIN:
            return failed(CHECK, f"right with {chances.right:.2f}, cloud {chances.strong:.2f}")
        return passed(CHECK) if gain < allowed - MARGIN else unknown(CHECK)

    def _by_words(self, stem: str) -> float:
        buckets, values = hashed(stem[:8_000])
        return float(values @ self._words[buckets]) + self._words_bias


def standing(options: Forest, evidence: Evidence) -> tuple[float, float, float, float]:
    """How the option that was taken stands among all by their looks: its share, its distance from the best, the share
    of options that look better, and the best one's share; zeros where none was taken.
    """
    place = evidence.taken.place
    if place is None:
        return 0.0, 0.0, 0.0, 0.0
    chances = sigmoid(options.raw(beside(evidence.question)))
    total, mine, best = float(chances.sum()), float(chances[place]), float(chances.max())
    return mine / total, float(np.log(mine / best)), float((chances > mine).mean()), best / total
