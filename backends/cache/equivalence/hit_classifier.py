"""The score: a linear model and boosted trees over the features, by `benchmarks.training.train_hit_classifier`."""

from collections.abc import Mapping, Sequence
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.tree_ensemble import TreeEnsemble

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
        self._trees = TreeEnsemble(_nodes(arrays))
        self._forests = int(arrays["forests"])
        self.risks = np.asarray(arrays["risks"], dtype=np.float64)
        models = [str(model) for model in arrays["models"]]
        self.thresholds = dict(zip(models, np.asarray(arrays["thresholds"], dtype=np.float64), strict=True))

    def scores(self, found: Sequence[Mapping[str, float]]) -> list[float]:
        """For each pair's features, 0 to 1: the higher the likelier one answer serves both questions."""
        rows = np.array([[pair[name] for name in self.names] for pair in found], dtype=np.float32)
        straight = ((rows - self._mean) / self._scale).clip(-CLIP, CLIP) @ self._weights
        grown = (self._trees.sums(rows) / self._forests).tolist()
        return [_sigmoid(self._bias + (line + trees) / 2) for line, trees in zip(straight, grown, strict=True)]

    def threshold(self, risk: float, model: str) -> float:
        """The score from which about `risk` of the hits are wrong; above 1, which no score reaches, for none."""
        if risk <= 0:
            return 2.0
        scores = self.thresholds.get(model)
        scores = np.max(list(self.thresholds.values()), axis=0) if scores is None else scores
        return float(np.interp(np.log(risk), np.log(self.risks), scores))


def _nodes(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """What TreeEnsemble takes, from a row of nodes for each tree whose `left` and `right` are places in that row."""
    trees, size = arrays["feature"].shape
    roots = np.arange(trees) * size
    return {
        "feature": arrays["feature"].ravel(),
        "threshold": arrays["cut"].ravel(),
        "left": (arrays["left"] + roots[:, None]).ravel(),
        "right": (arrays["right"] + roots[:, None]).ravel(),
        "value": arrays["value"].ravel(),
        "roots": roots,
        "base": np.array(0.0),
        "depth": np.array(DEEPEST),
    }


def _sigmoid(value: float) -> float:
    return 1 / (1 + exp(-max(-30.0, min(30.0, value))))
