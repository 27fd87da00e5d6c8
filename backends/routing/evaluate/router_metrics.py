"""Measures of a router, as RouteLLM (arXiv 2406.18665) defines them, and of a classifier."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def macro_f1(truth: Sequence[str], guess: Sequence[str]) -> float:
    """The mean of the classes' F1."""
    scores = []
    for label in sorted(set(truth)):
        hit = sum(a == b == label for a, b in zip(truth, guess, strict=True))
        wrong = sum((a == label) != (b == label) for a, b in zip(truth, guess, strict=True))
        scores.append(2 * hit / (2 * hit + wrong) if hit else 0.0)
    return sum(scores) / len(scores)


def auc(truth: Sequence[bool], score: Sequence[float]) -> float:
    """The chance that a true row scores above a false one; ties count half. NaN where all rows are alike."""
    yes = np.array([s for t, s in zip(truth, score, strict=True) if t])
    no = np.array([s for t, s in zip(truth, score, strict=True) if not t])
    if not (len(yes) and len(no)):
        return float("nan")
    return float((yes[:, None] > no).mean() + (yes[:, None] == no).mean() / 2)


def curve(score: Floats, weak: Floats, strong: Floats, dice: np.random.Generator) -> Floats:
    """Share of the quality gap closed (PGR) when 0, 1, … n prompts go to the strong model, highest score first."""
    order = np.lexsort((dice.random(len(score)), -score))
    gain = (strong - weak)[order]
    return np.concatenate([[0.0], np.cumsum(gain) / gain.sum()])


def apgr(score: Floats, weak: Floats, strong: Floats, dice: np.random.Generator) -> float:
    """The mean PGR over all shares of strong calls; random is .5."""
    gained = curve(score, weak, strong, dice)
    return float(((gained[1:] + gained[:-1]) / 2).mean())


def cpt(score: Floats, weak: Floats, strong: Floats, dice: np.random.Generator, share: float = 0.8) -> float:
    """The least share of strong calls that closes `share` of the gap."""
    gained = curve(score, weak, strong, dice)
    return float(np.argmax(gained >= share) / (len(gained) - 1))


def middle(spread: Sequence[float]) -> tuple[float, float]:
    """The ends of the middle 95 % of a measure's values over resampled rows (percentile bootstrap)."""
    low, high = np.quantile(spread, [0.025, 0.975])
    return float(low), float(high)
