"""Fit the quality model of `backends.routing.quality` on labelled questions: one linear solve, in numpy only."""

from collections.abc import Mapping, Sequence
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.routing.quality import platt_scaling
from backends.routing.quality.dial import Dial
from backends.routing.quality.posterior import Points, Posterior, likeness
from backends.routing.quality.quality_model import LENGTH, centred, points
from backends.routing.quality.text_embedding import TextEmbedding

NOISE = 30.0
"""The variance of a label against that of what is learned: labels of one run are mostly chance."""

SLOPE, SLOPE_ROWS = 0.04, 300.0
"""Gain for each unit of the prior difficulty, and how many rows that belief is worth."""

LEAST_SLOPE = 0.02
MOST = 1_500
"""Reference questions kept; of more, a sample of this size stands for all."""

FOLDS = 4
SEED = 20261124

Array = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]


def fitted(
    texts: Sequence[str],
    outcomes: Array,
    shapes: Mapping[str, NDArray[Any]],
    embedding: TextEmbedding,
    *,
    models: Sequence[str] = (),
    mass: Array | None = None,
    most: int = MOST,
) -> Arrays:
    """All arrays of a quality model, the dial's quantiles over the rows themselves.

    `outcomes` (rows x 2): did local and cloud answer well, 0..1. `shapes` has the `centre` and `spread` that scale the
    features; `mass` is how much each row counts; `models` are those that answered.
    """
    known = points(texts, embedding, shapes["centre"], shapes["spread"])
    mass = np.ones(len(texts)) if mass is None else mass
    raw, crowds = across(known, outcomes, mass, most)
    arrays = solved(known, outcomes, mass, most)
    guesses = [1 / (1 + exp(-centred(outcome))) for outcome in raw[:, 0].tolist()]
    local = platt_scaling.fit(zip(guesses, outcomes[:, 0].tolist(), strict=True))
    rise, level = np.polyfit(raw[:, 1] - raw[:, 0], outcomes[:, 1] - outcomes[:, 0], 1, w=np.sqrt(mass))
    rise = max(float(rise), 0.05)
    gains = np.maximum(rise * (raw[:, 1] - raw[:, 0]) + level, 0.0)
    return arrays | {
        "centre": shapes["centre"],
        "spread": shapes["spread"],
        "local_line": np.array([local.slope, local.shift], np.float32),
        "gain_line": np.array([rise, level], np.float32),
        "quantiles": np.array(Dial.over(gains).quantiles, np.float32),
        "edge": np.array(np.quantile(crowds, 0.02), np.float32),
        "by_length": by_length(known, outcomes, mass),
        "models": np.array(models),
        "version": np.array("fitted"),
    }


def by_length(known: Points, outcomes: Array, mass: Array) -> NDArray[np.float32]:
    """Raw outcomes where nothing but length is known (2 x 2): at the mean length, and for a standard deviation more."""
    length = np.column_stack([np.ones(len(outcomes)), known.shapes[:, LENGTH]])
    weighed = length.T * mass
    return np.linalg.solve(weighed @ length + np.diag([0.0, 100.0]), weighed @ outcomes).astype(np.float32)


def across(known: Points, outcomes: Array, mass: Array, most: int) -> tuple[Array, Array]:
    """Raw outcomes of each row, and its likeness to the rest, by a model that never saw it."""
    fold = np.random.default_rng(SEED).permutation(len(outcomes)) % FOLDS
    raw, crowds = np.zeros_like(outcomes), np.zeros(len(outcomes))
    for each in range(FOLDS):
        seen, unseen = np.flatnonzero(fold != each), np.flatnonzero(fold == each)
        if len(seen) and len(unseen):
            arrays = solved(known.at(seen), outcomes[seen], mass[seen], most)
            raw[unseen], crowds[unseen] = Posterior(arrays).expected(known.at(unseen))
    return raw, crowds


def solved(known: Points, outcomes: Array, mass: Array, most: int) -> Arrays:
    """The posterior's arrays. Beyond `most` rows a sample of them carries what all teach (Nyström)."""
    means = np.average(outcomes, axis=0, weights=mass)
    slopes = _slopes(known.priors.astype(float), outcomes, mass)
    rest = outcomes - means - known.priors[:, None] * slopes
    kept = np.arange(len(outcomes))
    if len(kept) > most:
        kept = np.sort(np.random.default_rng(SEED).choice(kept, most, replace=False, p=mass / mass.sum()))
    near = likeness(known, known.at(kept))[0].astype(float)
    among = near[kept]
    weights = np.linalg.solve(
        near.T @ (near * mass[:, None]) + NOISE * among + 1e-6 * np.eye(len(kept)), near.T @ (rest * mass[:, None])
    )
    home = np.argmax(known.vectors @ known.vectors[kept].T - (known.forms[:, None] != known.forms[kept]), axis=1)
    crowds, sums = np.zeros(len(kept)), np.zeros((len(kept), 2))
    np.add.at(crowds, home, mass)
    np.add.at(sums, home, (outcomes - means) * mass[:, None])
    return {
        "vectors": known.vectors[kept].astype(np.float16),
        "shapes": known.shapes[kept].astype(np.float16),
        "forms": known.forms[kept],
        "weights": weights.astype(np.float32),
        "crowds": crowds.astype(np.float32),
        "sums": sums.astype(np.float32),
        "slopes": slopes.astype(np.float32),
        "means": means.astype(np.float32),
    }


def _slopes(priors: Array, outcomes: Array, mass: Array) -> Array:
    """Of local and cloud: the gain's is drawn towards SLOPE and never below LEAST_SLOPE, the cloud's towards none."""
    centred = priors - np.average(priors, weights=mass)
    spread = (mass * centred**2).sum() + SLOPE_ROWS
    gain = outcomes[:, 1] - outcomes[:, 0]
    rise = ((mass * centred * (gain - np.average(gain, weights=mass))).sum() + SLOPE_ROWS * SLOPE) / spread
    cloud = (mass * centred * (outcomes[:, 1] - np.average(outcomes[:, 1], weights=mass))).sum() / spread
    return np.array([cloud - max(rise, LEAST_SLOPE), cloud])
