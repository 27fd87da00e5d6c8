"""The hit classifier: logistic regression and boosted trees over the features of two questions.

`benchmarks.training.train_hit_classifier` trains it; the card beside the weights says on what.
"""

from collections.abc import Mapping, Sequence
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.cache.hit_policy import UNREACHABLE
from backends.tree_ensemble import TreeEnsemble

FILE = Path(__file__).with_name("hit_classifier.npz")
CLIP = 5.0  # standard deviations at which a feature is cut off
DEEPEST = 7  # steps at most from a tree's root to a leaf
RISKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)


class HitClassifier:
    """`thresholds` gives, by the name of the embedding model, the score from which each of `risks` is kept."""

    def __init__(self, path: Path = FILE) -> None:
        """Raises OSError if the file is missing, ValueError or KeyError if it is incomplete."""
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

    def scores(self, pairs: Sequence[Mapping[str, float]]) -> list[float]:
        """For the features of each pair: 0 to 1, the higher the likelier one answer serves both questions."""
        rows = np.array([[pair[name] for name in self.names] for pair in pairs], dtype=np.float32)
        linear = ((rows - self._mean) / self._scale).clip(-CLIP, CLIP) @ self._weights
        trees = (self._trees.sums(rows) / self._forests).tolist()
        return [_sigmoid(self._bias + (line + tree) / 2) for line, tree in zip(linear, trees, strict=True)]

    def threshold(self, risk: float, model: str) -> float:
        """The score from which about `risk` of the hits are wrong; UNREACHABLE at no risk.

        An unknown model gets the strictest threshold of the known ones.
        """
        if risk <= 0:
            return UNREACHABLE
        scores = self.thresholds.get(model)
        scores = np.max(list(self.thresholds.values()), axis=0) if scores is None else scores
        return float(np.interp(np.log(risk), np.log(self.risks), scores))


def _nodes(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays of `TreeEnsemble`. The file has a row of nodes for each tree; `left` and `right` are places in it."""
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
