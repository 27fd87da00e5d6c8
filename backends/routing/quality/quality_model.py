"""The quality model: P(local answers well) and P(cloud answers well), from a prompt's text alone."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from io import BytesIO
from math import exp
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backends.routing.quality import difficulty_features
from backends.routing.quality.posterior import Points, Posterior
from backends.routing.quality.text_embedding import TextEmbedding

FAR = 3.0
"""Standard deviations to which each number of a shape is clipped; one beyond would outweigh all others."""


LENGTH = difficulty_features.NAMES.index("length")
MOST = 0.99
"""The highest P(cloud answers well)."""

EVEN = np.array([0.0, 1.0], np.float32)
"""The scale of ease without reference prompts: every probability is equally common."""


class QualityEstimate(NamedTuple):
    """`complexity` is the share of our reference prompts that are easier for the local model. `familiar` is False where
    the prompt is unlike the questions that the model learned from: then length decides.
    """

    p_local: float
    p_cloud: float
    complexity: float
    familiar: bool


class QualityModel:
    """Immutable, deterministic and safe to share. 200 tokens take about 0.15 ms, 2,000 and more about 0.4 ms."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], embedding: TextEmbedding) -> None:
        """The arrays of quality.npz: the posterior's, `centre` and `spread` of the shapes, `local_line` and `gain_line`
        (raw outcomes to probabilities: slope, shift), `edge` (least likeness that is familiar), `by_length` (raw
        outcomes of the unfamiliar: at the mean length, and for a standard deviation of its logarithm), `ease` (P(local
        answers well) of our reference prompts, ascending, evenly spaced), `models` (whose labels it learned from),
        `version`.
        """
        self._embedding = embedding
        self._posterior = Posterior(arrays)
        self._centre, self._spread = arrays["centre"], arrays["spread"]
        self._local_line = tuple(map(float, arrays["local_line"]))
        self._gain_line = tuple(map(float, arrays["gain_line"]))
        self._edge, self._by_length = float(arrays["edge"]), arrays["by_length"]
        self._ease = arrays.get("ease", EVEN)
        self._places = np.linspace(0, 1, len(self._ease))
        self.models = tuple(map(str, arrays["models"]))
        self.version = str(arrays["version"])

    @classmethod
    def load(cls) -> "QualityModel":
        """The shipped weights; about 12 ms."""
        data = BytesIO(files(__package__).joinpath("quality.npz").read_bytes())
        with np.load(data, allow_pickle=False) as arrays:
            return cls(dict(arrays), TextEmbedding.load())

    def estimate(self, text: str, language: str | None = "en") -> QualityEstimate:
        """Never raises for any text; `p_cloud` is at least `p_local`. Other languages than English are unfamiliar."""
        point = self.points([text])
        raw, crowd = self._posterior.expected(point)
        familiar = language in ("en", None) and float(crowd[0]) >= self._edge
        if not familiar:
            raw = self._by_length[:1] + point.shapes[:, LENGTH] * self._by_length[1:]
        p_local, p_cloud = chances(raw[0], self._local_line, self._gain_line)
        complexity = 1 - float(np.interp(p_local, self._ease, self._places))
        return QualityEstimate(p_local, p_cloud, complexity, familiar)

    def gains(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """How much more each prompt needs the cloud, without a unit: finer than the difference of the probabilities."""
        raw, _ = self._posterior.expected(self.points(texts))
        return np.asarray(raw[:, 1] - raw[:, 0], np.float64)

    def points(self, texts: Sequence[str]) -> Points:
        """What the posterior takes of each text."""
        return points(texts, self._embedding, self._centre, self._spread)

    @property
    def scales(self) -> dict[str, NDArray[np.float32]]:
        """`centre` and `spread` of the shapes, for another fit."""
        return {"centre": self._centre, "spread": self._spread}


def points(
    texts: Sequence[str], embedding: TextEmbedding, centre: NDArray[np.float32], spread: NDArray[np.float32]
) -> Points:
    """What the posterior takes of each text; of long ones the head and the tail are read."""
    vectors, scaled, forms, priors = [], [], [], []
    for text in texts:
        part = difficulty_features.excerpt(text)
        numbers, form = difficulty_features.shape(part, len(text))
        place = np.minimum(np.maximum((numbers - centre) / spread, -FAR), FAR)
        vectors.append(embedding.vector(part))
        scaled.append(place)
        forms.append(form)
        priors.append(difficulty_features.prior(numbers, place, form))
    return Points(np.array(vectors), np.array(scaled), np.array(forms, np.int8), np.array(priors, np.float32))


def chances(
    raw: NDArray[np.float32], local_line: tuple[float, ...], gain_line: tuple[float, ...]
) -> tuple[float, float]:
    """Calibrated: the raw local outcome by a logistic curve, and the gain, which the dial compares, by another line."""
    p_local = 1 / (1 + exp(-(local_line[0] * centred(float(raw[0])) + local_line[1])))
    gain = max(gain_line[0] * float(raw[1] - raw[0]) + gain_line[1], 0.0)
    p_cloud = min(p_local + gain, MOST)
    return max(p_cloud - gain, 0.0), p_cloud


def centred(outcome: float) -> float:
    """A raw outcome, which may lie beyond 0 and 1, as a guess of a logit, by the logistic curve's slope at 1/2."""
    return 4 * (outcome - 0.5)
