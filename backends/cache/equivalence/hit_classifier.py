"""The score: a linear model and boosted trees over the features, trained by `benchmarks.training.train_semguard`."""

from collections.abc import Mapping, Sequence
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).with_name("hit_classifier.npz")
CLIP = 5.0  # standard deviations beyond which a feature says no more
DEEPEST = 7  # steps from a tree's root to its leaf
RISKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)


class HitClassifier:
    """`thresholds` are, for an embedding model's name, the scores from which each of `risks` is kept."""

    def __init__(self, path: Path = FILE) -> None:
        """Raises OSError where the file is missing, ValueError or KeyError where it is not whole."""
        with np.load(path, allow_pickle=False) as file:
            arrays: dict[str, NDArray[Any]] = dict(file)
        self.names = tuple(str(name) for name in arrays["names"])
        self._mean, self._scale, self._weights = (arrays[name] for name in ("mean", "scale", "weights"))
        self._bias = float(arrays["bias"])
        self._feature, self._cut, self._left, self._right, self._value = (
            arrays[name] for name in ("feature", "cut", "left", "right", "value")
        )
        self._trees = np.arange(len(self._feature))
        self._forests = int(arrays["forests"])
        self.risks = np.asarray(arrays["risks"], dtype=np.float64)
        models = [str(model) for model in arrays["models"]]
        self.thresholds = dict(zip(models, np.asarray(arrays["thresholds"], dtype=np.float64), strict=True))

    def scores(self, found: Sequence[Mapping[str, float]]) -> list[float]:
        """For each pair's features, 0 to 1: the higher the likelier one answer serves both questions."""
        rows = np.array([[pair[name] for name in self.names] for pair in found], dtype=np.float32)
        straight = ((rows - self._mean) / self._scale).clip(-CLIP, CLIP) @ self._weights
        return [_sigmoid(self._bias + (line + self._grown(row)) / 2) for line, row in zip(straight, rows, strict=True)]

    def threshold(self, risk: float, model: str) -> float:
        """The score from which about `risk` of the hits are wrong; above 1, which no score reaches, for none."""
        if risk <= 0:
            return 2.0
        scores = self.thresholds.get(model)
        scores = np.max(list(self.thresholds.values()), axis=0) if scores is None else scores
        return float(np.interp(np.log(risk), np.log(self.risks), scores))

    def _grown(self, row: NDArray[np.float32]) -> float:
        """The trees' sum, all walked at once; a leaf leads to itself."""
        at = np.zeros(len(self._trees), dtype=np.intp)
        for _ in range(DEEPEST):
            below = row[self._feature[self._trees, at]] <= self._cut[self._trees, at]
            at = np.where(below, self._left[self._trees, at], self._right[self._trees, at])
        return float(self._value[self._trees, at].sum()) / self._forests


def _sigmoid(value: float) -> float:
    return 1 / (1 + exp(-max(-30.0, min(30.0, value))))
