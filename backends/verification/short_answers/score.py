"""The learned score: from prompt and answer, P(the answer is right) and P(a strong model's would be).

Only for answers that are an option or a number: the training data has no others.
`benchmarks.training.train_verification` makes the weights.
"""

from collections.abc import Mapping
from importlib.resources import files
from io import BytesIO
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from backends.routing.classify.hashed_words import hashed
from backends.tree_ensemble import TreeEnsemble, sigmoid
from backends.verification.check_result import CheckedAnswer, CheckResult, failed, passed, unknown
from backends.verification.short_answers.answer_features import answer_features
from backends.verification.short_answers.derivation_features import derivation_features
from backends.verification.short_answers.option_prior import option_features
from backends.verification.short_answers.parsed_answer import ParsedAnswer, parse
from backends.verification.short_answers.question_features import question_features
from backends.verification.short_answers.short_answer import short_answer

Floats = NDArray[np.float64]

MARGIN = 0.05
"""Within this distance of the gain that the dial gives up, the score is unknown."""


class Chances(Struct, frozen=True):
    """`right`: of this answer; `strong`: of a strong model on this prompt."""

    right: float
    strong: float


class Score:
    """Pure and safe to share; 1 to 3 ms an answer, whose first 8,000 characters are read."""

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """The arrays of weights.npz, as `benchmarks.training.train_verification.fitted` makes them."""
        self._options = TreeEnsemble(weights, "options.")
        self._boosted, self._random = TreeEnsemble(weights, "boosted."), TreeEnsemble(weights, "random.")
        self._strong = TreeEnsemble(weights, "strong.")
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
        """Never raises for any text. `able`: the answer is from the better of the models that were learned from."""
        parsed = parse(prompt, answer)
        row = self.row(parsed, able=able)
        wrong = (
            2 * float(sigmoid(self._boosted.sums(row))[0])
            + float(self._random.sums(row)[0])
            + float(sigmoid(row @ self._slope + self._bias)[0])
        ) / 4
        strong = (float(self._strong.sums(row)[0]) + self._by_words(parsed.question.stem)) / 2
        return Chances(1 - wrong, min(max(strong, 0.0), 1.0))

    def row(self, parsed: ParsedAnswer, *, able: bool) -> Floats:
        """All features of one answer, as a matrix of one row."""
        return np.array([[*features(parsed).values(), *prior_features(self._options, parsed), float(able)]])

    def check(self, answer: CheckedAnswer) -> CheckResult:
        """Fail where the cloud would gain more than the dial gives up: the router's own comparison, now with the answer
        at hand. Unknown near that limit, and for answers of another kind.
        """
        allowed = answer.allowed
        if allowed is None or answer.calls or short_answer(answer.prompt, answer.text) is None:
            return unknown("score")
        chances = self.chances(answer.prompt, answer.text)
        gain = chances.strong - chances.right
        if gain > allowed + MARGIN:
            return failed("score", f"right with {chances.right:.2f}, cloud {chances.strong:.2f}")
        return passed("score") if gain < allowed - MARGIN else unknown("score")

    def _by_words(self, stem: str) -> float:
        buckets, values = hashed(stem[:8_000])
        return float(values @ self._words[buckets]) + self._words_bias


def features(parsed: ParsedAnswer) -> dict[str, float]:
    """All features of a prompt and its answer but those of the prior, by name and in a fixed order."""
    return answer_features(parsed) | derivation_features(parsed) | question_features(parsed)


def prior_features(options: TreeEnsemble, parsed: ParsedAnswer) -> tuple[float, float, float, float]:
    """The prior of the option that was chosen: its share, its log distance from the likeliest, the share of the options
    that are likelier, and the share of the likeliest; zeros where none was chosen.
    """
    index = parsed.chosen.index
    if index is None:
        return 0.0, 0.0, 0.0, 0.0
    chances = sigmoid(options.sums(option_features(parsed.question)))
    total, mine, best = float(chances.sum()), float(chances[index]), float(chances.max())
    return mine / total, float(np.log(mine / best)), float((chances > mine).mean()), best / total
