"""How sure a model was of what it wrote: the geometric mean of its tokens' probabilities."""

from math import exp, isfinite


class Confidence:
    """A token's log probability at a time; what is no number, or above 0, is passed over."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._tokens = 0

    def heard(self, logprob: object) -> None:
        if isinstance(logprob, int | float) and isfinite(logprob) and logprob <= 0:
            self._sum += logprob
            self._tokens += 1

    @property
    def mean(self) -> float | None:
        """0..1; None where the engine told nothing."""
        return exp(self._sum / self._tokens) if self._tokens else None
