"""Decision trees in numpy: the trees of an ensemble are walked together, one level at a time."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


class TreeEnsemble:
    """Boosted trees or a random forest, as `benchmarks.training` exports them. Immutable and safe to share."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], prefix: str = "") -> None:
        """The arrays, each named with `prefix`: `feature`, `threshold`, `left`, `right` and `value` have an entry for
        each node, over all trees; `roots` has each tree's first node; `base` is added to the sum; `depth` is the number
        of steps from a root to the deepest leaf. A leaf is its own `left` and `right`, so that every path can be walked
        to the deepest level.
        """
        self._feature, self._left, self._right, self._roots = (
            arrays[f"{prefix}{name}"].astype(np.intp) for name in ("feature", "left", "right", "roots")
        )
        self._threshold, self._value = (arrays[f"{prefix}{name}"].astype(np.float64) for name in ("threshold", "value"))
        self._base = float(arrays[f"{prefix}base"])
        self._depth = int(arrays[f"{prefix}depth"])

    def sums(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """For each row of features, the sum of the leaves that its paths end in: a logit, or a regression's value."""
        lines = np.arange(len(rows))[:, None]
        node = np.broadcast_to(self._roots, (len(rows), len(self._roots)))
        for _ in range(self._depth):
            below = rows[lines, self._feature[node]] <= self._threshold[node]
            node = np.where(below, self._left[node], self._right[node])
        return np.asarray(self._value[node].sum(axis=1) + self._base)


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))))
