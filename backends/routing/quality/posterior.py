"""The outcomes expected of both engines on a prompt, from questions whose outcomes are known.

A Gaussian process: the prior mean (`difficulty_features.prior`), moved by known questions as far as they resemble this
one in subject (vectors), shape (numbers) and form. Far from all of them nothing moves it, so a prompt unlike the
training data falls back to its length. A kernel average over subjects (Nadaraya-Watson) is added, which follows crowded
subjects sooner than the process does.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SHARPNESS = 10.0
"""Two texts' likeness in subject is exp(SHARPNESS x (cosine - 1))."""

WIDTH = 1.5
"""Two shapes' likeness is Gaussian in their root mean square distance, of this standard deviation."""

LINEAR = 0.5
OTHER_FORM = 0.05
"""The factor of likeness between two questions where one has options and the other has none, or many more."""

CROWD = 1.0
"""The likeness to known questions at which the kernel average counts half."""

Vector = NDArray[np.float32]


class Points(NamedTuple):
    """Prompts in rows: `vectors` (64), `shapes` in standard deviations (one for each NAMES), `forms`, `priors`."""

    vectors: Vector
    shapes: Vector
    forms: NDArray[np.int8]
    priors: Vector

    def at(self, rows: NDArray[np.intp]) -> "Points":
        """Some of the rows."""
        return Points(self.vectors[rows], self.shapes[rows], self.forms[rows], self.priors[rows])


class Posterior:
    """Immutable and safe to share."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Of m reference questions: `vectors` (m x 64), `shapes` (m x features), `forms` (m), `weights` (m x 2, of the
        process), `crowds` (m, how many questions each stands for), `sums` (m x 2, their outcomes less the mean);
        `slopes` and `means` (2). Of each pair the first is local, the second cloud.
        """
        self._known = Points(
            arrays["vectors"].astype(np.float32),
            arrays["shapes"].astype(np.float32),
            arrays["forms"],
            np.empty(0, np.float32),
        )
        self._squares = squares(self._known)
        self._weights = arrays["weights"].astype(np.float32)
        self._crowds = np.column_stack([arrays["crowds"], arrays["sums"]]).astype(np.float32)
        self._slopes, self._means = arrays["slopes"], arrays["means"]

    def expected(self, points: Points) -> tuple[Vector, Vector]:
        """Raw outcomes of local and cloud (rows x 2), and each row's likeness to all known questions, as a number of
        questions.
        """
        near, subject = likeness(points, self._known, self._squares)
        crowd = subject @ self._crowds
        average = crowd[:, 1:] / (crowd[:, :1] + CROWD)
        return self.prior_mean(points) + near @ self._weights + average, crowd[:, 0]

    def prior_mean(self, points: Points) -> Vector:
        """The raw outcomes by the prior alone, which is mostly length."""
        return np.asarray(self._means + points.priors[:, None] * self._slopes, np.float32)


def squares(points: Points) -> Vector:
    """The squared length of each shape."""
    return np.asarray((points.shapes**2).sum(1), np.float32)


def likeness(ones: Points, others: Points, known: Vector | None = None) -> tuple[Vector, Vector]:
    """The likeness of each of `ones` to each of `others`: overall, and in subject alone.

    `known` are the `squares` of the others; without them a single prompt takes twice as long.
    """
    form = np.where(ones.forms[:, None] == others.forms, np.float32(1), np.float32(OTHER_FORM))
    cosine = ones.vectors @ others.vectors.T
    subject = np.exp(SHARPNESS * (cosine - 1))
    width = ones.shapes.shape[1] * 2 * WIDTH**2
    lengths = squares(others) if known is None else known
    apart = squares(ones)[:, None] + lengths - 2 * (ones.shapes @ others.shapes.T)
    return form * (subject + np.exp(-apart / width) + LINEAR * cosine), form * subject
