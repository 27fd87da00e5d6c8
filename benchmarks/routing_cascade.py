"""Routing with the weak model's answer in hand: how much each prompt needs the strong one, P(weak wrong) + P(strong
right).
"""

from collections.abc import Callable, Sequence

import numpy as np

from backends.router.verify.score import Score
from benchmarks.routing_data import Row
from benchmarks.routing_scores import Floats
from benchmarks.train_verify import ABLE, fitted

Scorer = Callable[[Sequence[Row]], Floats]


def fit(train_rows: Sequence[Row], weak: str, strong: str) -> Scorer:
    """Learn from rows with answers and labels. Scores rows by `weak`'s answer; their labels are never read.

    All answers of the training rows teach what a wrong one looks like, and all models without answers, `strong` among
    them, what a strong one can.
    """
    usable = [row for row in train_rows if row.answers and {weak, strong} <= row.labels.keys()]
    arrays = fitted(usable, able=weak) | {"version": np.array("fitted")}
    return _scorer(Score(arrays), weak, able=True)


def shipped(weak: str | None = None) -> Scorer:
    """The shipped weights. `weak` None: rows carry one answer each."""
    return _scorer(Score.load(), weak, able=weak in (None, ABLE))


def _scorer(score: Score, weak: str | None, *, able: bool) -> Scorer:
    def scores(rows: Sequence[Row]) -> Floats:
        chances = [score.chances(row.prompt, _answer(row, weak), able=able) for row in rows]
        return np.array([each.strong - each.right for each in chances])

    return scores


def _answer(row: Row, weak: str | None) -> str:
    return row.answers[weak] if weak is not None else next(iter(row.answers.values()))
