"""Boosted trees in numpy: all trees of a forest go down one level at a time."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Forest:
    """`left` and `right` of a leaf are the leaf itself, so that every path may be walked to the deepest level."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], name: str) -> None:
        """The arrays `NAME.feature`, `.threshold`, `.left`, `.right`, `.value`, `.roots`, `.base`, `.depth`."""
        self._feature = arrays[f"{name}.feature"].astype(np.intp)
        self._threshold = arrays[f"{name}.threshold"].astype(np.float64)
        self._left = arrays[f"{name}.left"].astype(np.intp)
        self._right = arrays[f"{name}.right"].astype(np.intp)
        self._value = arrays[f"{name}.value"].astype(np.float64)
        self._roots = arrays[f"{name}.roots"].astype(np.intp)
        self._base = float(arrays[f"{name}.base"])
        self._depth = int(arrays[f"{name}.depth"])

    def raw(self, rows: Floats) -> Floats:
        """The sum over all trees for each row of features: a logit, or what a regression predicts."""
        lines = np.arange(len(rows))[:, None]
        at = np.broadcast_to(self._roots, (len(rows), len(self._roots)))
        for _ in range(self._depth):
            below = rows[lines, self._feature[at]] <= self._threshold[at]
            at = np.where(below, self._left[at], self._right[at])
        return np.asarray(self._value[at].sum(axis=1) + self._base)


def sigmoid(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))))
