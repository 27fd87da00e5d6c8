"""A model's confidence in its answer: the geometric mean of its tokens' probabilities."""

from math import exp, isfinite


class Confidence:
    """Takes one log probability at a time. A value that is not a number, or above 0, is ignored."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._tokens = 0

    def add(self, logprob: object) -> None:
        if isinstance(logprob, int | float) and isfinite(logprob) and logprob <= 0:
            self._sum += logprob
            self._tokens += 1

    @property
    def mean(self) -> float | None:
        """0..1; None where the engine reported no probabilities."""
        return exp(self._sum / self._tokens) if self._tokens else None
