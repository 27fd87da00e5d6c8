"""The hit classifier's model, and its arrays as `HitClassifier` reads them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.cache.equivalence.hit_classifier import CLIP, DEEPEST

Rows = NDArray[np.float32]
TREES = {
    "learning_rate": 0.06,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 20,
    "l2_regularization": 5,
    "max_features": 0.3,
}
FORESTS, ROUNDS, MILDNESS = 3, 110, 0.1


class Fitted:
    """The mean of a logistic regression and of some forests of boosted trees."""

    def __init__(self, rows: Rows, same: NDArray[np.bool_], weights: NDArray[np.float64]) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.linear_model import LogisticRegression

        self.mean, self.scale = rows.mean(axis=0), rows.std(axis=0)
        self.scale[self.scale == 0] = 1.0
        self.line = LogisticRegression(C=MILDNESS, max_iter=3000).fit(self._scaled(rows), same, weights)
        self.forests = [
            HistGradientBoostingClassifier(max_iter=ROUNDS, random_state=seed, early_stopping=False, **TREES).fit(
                rows, same, weights
            )
            for seed in range(FORESTS)
        ]

    def scores(self, rows: Rows) -> NDArray[np.float64]:
        grown = np.mean([forest.decision_function(rows) for forest in self.forests], axis=0)
        values = (self.line.decision_function(self._scaled(rows)) + grown) / 2
        scores: NDArray[np.float64] = 1 / (1 + np.exp(-values))
        return scores

    def _scaled(self, rows: Rows) -> Rows:
        scaled: Rows = ((rows - self.mean) / self.scale).clip(-CLIP, CLIP)
        return scaled

    def arrays(self) -> dict[str, Any]:
        """The arrays that `HitClassifier` reads: one row of nodes for each tree; a leaf leads to itself."""
        trees = [tree.nodes for forest in self.forests for (tree,) in forest._predictors]
        if max(int(nodes["depth"].max()) for nodes in trees) > DEEPEST:
            raise ValueError("a tree is deeper than the classifier walks")
        shape = (len(trees), max(len(nodes) for nodes in trees))
        feature, cut = np.zeros(shape, np.int16), np.zeros(shape, np.float64)
        left, right = np.zeros(shape, np.int16), np.zeros(shape, np.int16)
        value = np.zeros(shape, np.float64)
        for row, nodes in enumerate(trees):
            count, leaf, own = len(nodes), nodes["is_leaf"].astype(bool), np.arange(len(nodes))
            feature[row, :count] = np.where(leaf, 0, nodes["feature_idx"])
            cut[row, :count] = np.where(leaf, 0, nodes["num_threshold"])
            left[row, :count] = np.where(leaf, own, nodes["left"])
            right[row, :count] = np.where(leaf, own, nodes["right"])
            value[row, :count] = np.where(leaf, nodes["value"], 0)
        base = float(np.mean([np.ravel(forest._baseline_prediction)[0] for forest in self.forests]))
        return {
            "mean": self.mean,
            "scale": self.scale,
            "weights": self.line.coef_[0].astype(np.float32),
            "bias": (float(self.line.intercept_[0]) + base) / 2,
            "feature": feature,
            "cut": cut,
            "left": left,
            "right": right,
            "value": value,
            "forests": len(self.forests),
        }
