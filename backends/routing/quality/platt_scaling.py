"""Platt scaling: a line on the logit that corrects probabilities by outcomes; few labels correct little."""

from collections.abc import Iterable
from math import exp, log
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

SLOPE_SPREAD, SHIFT_SPREAD = 0.25, 0.7
"""The priors' standard deviations: how far slope and shift lie from 1 and 0 before any label is seen."""

LEAST_SLOPE = 0.05
"""A positive slope keeps the order of prompts, whatever the labels say."""

NEAREST = 1e-4
"""Probabilities are clipped to this distance from 0 and 1."""


class Correction(Struct, frozen=True, kw_only=True):
    """p' = 1 / (1 + exp(-(slope x logit(p) + shift))). The default changes nothing; `labels` counts the outcomes that
    it was fitted to.
    """

    slope: float = 1.0
    shift: float = 0.0
    labels: int = 0

    def apply(self, p: float) -> float:
        """Rises with `p`, within 0..1."""
        if self.slope == 1.0 and self.shift == 0.0:
            return p
        return probability(self.slope * logit(p) + self.shift)


def fit(pairs: Iterable[tuple[float, float]]) -> Correction:
    """The likeliest correction of (predicted probability, outcome 0..1) pairs; the default for none.

    The Gaussian priors are worth some ten labels: with five the correction is slight, with fifty it follows them.
    """
    import numpy as np

    labelled = list(pairs)
    if not labelled:
        return Correction()
    logits = np.array([logit(p) for p, _ in labelled])
    outcomes = np.array([min(max(outcome, 0.0), 1.0) for _, outcome in labelled])
    design = np.column_stack([logits, np.ones_like(logits)])
    prior, precision = np.array([1.0, 0.0]), np.diag([SLOPE_SPREAD**-2, SHIFT_SPREAD**-2])
    line = prior
    for _ in range(50):
        line, moved = _step(line, design, outcomes, prior, precision)
        if moved < 1e-9:
            break
    return Correction(slope=max(float(line[0]), LEAST_SLOPE), shift=float(line[1]), labels=len(labelled))


def _step(
    line: "Array", design: "Array", outcomes: "Array", prior: "Array", precision: "Array"
) -> "tuple[Array, float]":
    """One Newton step, halved until the loss no longer rises. The loss is convex, so the steps end at its minimum."""
    import numpy as np

    def loss(at: "Array") -> float:
        scores = design @ at
        return float(np.sum(np.logaddexp(0, scores) - outcomes * scores) + (at - prior) @ precision @ (at - prior) / 2)

    chances = 1 / (1 + np.exp(-np.clip(design @ line, -500, 500)))
    slope = design.T @ (chances - outcomes) + precision @ (line - prior)
    bend = design.T @ (design * (chances * (1 - chances))[:, None]) + precision
    step = np.linalg.solve(bend, slope)
    size = 1.0
    while size > 1e-6 and loss(line - size * step) > loss(line):
        size /= 2
    return line - size * step, float(np.abs(size * step).max())


def logit(p: float) -> float:
    """The log-odds of a probability, which is read no nearer to 0 and 1 than NEAREST."""
    inside = min(max(p, NEAREST), 1 - NEAREST)
    return log(inside / (1 - inside))


def probability(score: float) -> float:
    """The probability of log-odds."""
    return 1 / (1 + exp(-max(min(score, 500.0), -500.0)))
