"""Trains the score that says whether one question's answer may serve another, and says how well it does.

    nice python -m benchmarks.train_semguard --data ../shared/data/semcache

Writes `backends/cache/head.npz` and its card `head.json`. Every figure of the card is out of fold: of five models, each
judges the fifth that it has not seen; pairs that share a text or an intent are in one fold. PAWS (Google LLC) and the
other sets serve as they are described in the data's README; none of their rows are kept.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.cache import embedders
from backends.cache.guards import GUARDS
from backends.cache.head import CLIP, DEEPEST, FILE, RISKS
from benchmarks.semguard_data import STREAMS, Model, Pair, fold, labelled, neighbours, texts, usable, written

FOLDS = 5
PER_LABEL = 1200  # neighbours of a stream that are trained on, of each label
WEIGHTS: dict[str, tuple[float, float]] = {
    "own": (6, 7),
    "written": (1, 1),
    "paws": (13, 3),
    "gptcache": (1, 2),
    "gptcache-stream": (1, 0),
    "clinc150-stream": (3, 0.12),
    "banking77-stream": (1, 0.1),
}
"""Of a pair whose answers differ, and of one whose answer is the same. An intent is wider than an answer."""

DIFFERENT = 0.14
"""Share of a question's near neighbours that want another answer, of which the risk is reckoned: on the dev half .03 of
CLINC150's, .17 of Banking77's, .11 of both."""

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
        """As `backends.cache.head` reads them: each tree's nodes in a row, a leaf leading to itself."""
        trees = [tree.nodes for forest in self.forests for (tree,) in forest._predictors]
        if max(int(nodes["depth"].max()) for nodes in trees) > DEEPEST:
            raise ValueError("a tree is deeper than the head walks")
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


class Sample:
    """Pairs with their features; `open` are those that no guard stops, the only ones that the score is asked of."""

    def __init__(self, pairs: Sequence[Pair], model: Model) -> None:
        self.pairs = [pair for pair in pairs if usable(pair, model)]
        found = [model.features(pair.a, pair.b) for pair in self.pairs]
        self.names = tuple(found[0])
        self.rows = np.array([list(pair.values()) for pair in found], dtype=np.float32)
        self.same = np.array([pair.same for pair in self.pairs])
        self.source = np.array([pair.source for pair in self.pairs])
        guards = [self.names.index(f"guard_{name}") for name, _ in GUARDS]
        self.open = ~self.rows[:, guards].any(axis=1)
        self.weights = np.array([WEIGHTS[pair.source][pair.same] for pair in self.pairs])
        self.folds = np.array([fold(pair.cluster, FOLDS) for pair in self.pairs])

    def fit(self, chosen: NDArray[np.bool_]) -> Fitted:
        chosen = chosen & self.open & (self.weights > 0)
        return Fitted(self.rows[chosen], self.same[chosen], self.weights[chosen])


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_semguard", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the semantic cache's evaluation data")
    data = parser.parse_args(argv).data
    models = {kind: embedders.load(kind) for kind in ("sentence-transformers", "onnx")}
    known = {kind: Model(embedder, texts(data)) for kind, embedder in models.items()}
    first = known["sentence-transformers"]
    pairs = written() + [pair for name in ("own", "paws", "gptcache") for pair in labelled(data, name)]
    for name in STREAMS:
        pairs += _some(neighbours(data, name, first, embedders.FLOOR), same=name != "gptcache")
    samples = {kind: Sample(pairs, model) for kind, model in known.items()}
    sample = samples["sentence-transformers"]
    fitted = [sample.fit(sample.folds != number) for number in range(FOLDS)]
    scores = {kind: _out_of_fold(other, fitted) for kind, other in samples.items()}
    thresholds = {models[kind].model: risk_thresholds(samples[kind], scores[kind]) for kind in models}
    final = sample.fit(np.ones(len(sample.pairs), dtype=bool))
    np.savez_compressed(
        FILE,
        names=np.array(sample.names),
        risks=np.array(RISKS),
        models=np.array(list(thresholds)),
        thresholds=np.array(list(thresholds.values())),
        **final.arrays(),
    )
    card = {
        "what": "whether one stored answer may serve another question: logistic regression and boosted trees",
        "features": len(sample.names),
        "trained_on": {name: _counts(sample, name) for name in WEIGHTS},
        "thresholds": {
            model: dict(zip(map(str, RISKS), map(float, found), strict=True)) for model, found in thresholds.items()
        },
        "out_of_fold": {models[kind].model: _figures(samples[kind], scores[kind]) for kind in models},
        "sources": {
            "written, own": "ours",
            "paws": "PAWS-Wiki, Google LLC, free for any use",
            "gptcache": "zilliztech/GPTCache, MIT",
            "clinc150": "clinc/oos-eval, CC BY 3.0",
            "banking77": "PolyAI-LDN/task-specific-datasets, CC BY 4.0",
            "lexicon.tsv.gz": "WordNet 3.0, Princeton University, free with its notice",
        },
    }
    FILE.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(card["out_of_fold"], indent=1))
    print(json.dumps(card["thresholds"]), FILE.stat().st_size)
    return 0


def risk_thresholds(sample: Sample, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The score for each of `RISKS`, of shares of wrong hits that never rise with the score."""
    names = [name for name in WEIGHTS if name != "written"]  # near misses by the dozen are no traffic
    grid = np.linspace(0.005, 0.995, 397)
    wrong, right = (_mean_share(sample, scores, names, grid, same=same) for same in (False, True))
    risk = wrong * DIFFERENT / np.maximum(1e-9, wrong * DIFFERENT + right * (1 - DIFFERENT))
    risk = np.minimum.accumulate(risk)
    return np.array([float(grid[np.argmax(risk <= each)]) if (risk <= each).any() else 1.0 for each in RISKS])


def _mean_share(
    sample: Sample, scores: NDArray[np.float64], names: Sequence[str], grid: NDArray[np.float64], *, same: bool
) -> NDArray[np.float64]:
    """Of the sets' pairs, each set counting as much, the share that reaches each score."""
    sets = [scores[(sample.source == name) & (sample.same == same)] for name in names]
    shares: NDArray[np.float64] = np.mean(
        [(of[None, :] >= grid[:, None]).mean(axis=1) for of in sets if len(of)], axis=0
    )
    return shares


def _some(pairs: list[Pair], *, same: bool) -> list[Pair]:
    random = np.random.default_rng(0)
    kept = []
    for label in (True, False) if same else (False,):
        of = [pair for pair in pairs if pair.same == label]
        kept += [of[index] for index in random.permutation(len(of))[:PER_LABEL]]
    return kept


def _out_of_fold(sample: Sample, fitted: Sequence[Fitted]) -> NDArray[np.float64]:
    scores = np.zeros(len(sample.pairs))
    for number, model in enumerate(fitted):
        chosen = (sample.folds == number) & sample.open
        scores[chosen] = model.scores(sample.rows[chosen])
    sure = sample.open & (sample.rows[:, sample.names.index("same_words")] > 0)
    scores[sure] = 1.0
    return scores


def _counts(sample: Sample, name: str) -> dict[str, int]:
    of = sample.source == name
    return {"same": int((of & sample.same).sum()), "different": int((of & ~sample.same).sum())}


def _figures(sample: Sample, scores: NDArray[np.float64]) -> dict[str, Any]:
    """For each set, the shares of wrong and right hits at a few scores, and the area under the curve."""
    from sklearn.metrics import roc_auc_score

    figures: dict[str, Any] = {}
    for name in WEIGHTS:
        of = sample.source == name
        figures[name] = {
            f"{at:.2f}": [
                f"{int((scores[of & (sample.same == label)] >= at).sum())}/{int((of & (sample.same == label)).sum())}"
                for label in (False, True)
            ]
            for at in np.arange(0.5, 0.96, 0.05)
        }
        if len(set(sample.same[of])) == 2:
            figures[name]["area"] = round(float(roc_auc_score(sample.same[of], scores[of])), 3)
    return figures


if __name__ == "__main__":
    sys.exit(main())
