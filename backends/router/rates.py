"""What an engine has been measured to do: time to the first token, tokens a second, tokens an answer.

Moving averages that forget over about twenty calls. Unknown is None until the first measurement; nothing is assumed.
"""

WEIGHT = 0.1
TYPICAL_OUTPUT = 300  # tokens; what an answer is taken to have before any of its intent was seen

SHORTEST_S = 0.1
"""A stream over sooner says nothing of the engine's rate: its answer came in one piece."""


class Rates:
    def __init__(self) -> None:
        self.first_token_s: float | None = None
        self.tokens_per_s: float | None = None
        self.service_s: float | None = None
        self._output: dict[str, float] = {}

    def measured(self, *, intent: str, output: int, first_token_s: float | None, total_s: float) -> None:
        """Take in one finished call."""
        self.service_s = _moved(self.service_s, total_s)
        self._output[intent] = _moved(self._output.get(intent), output)
        if first_token_s is not None:
            self.first_token_s = _moved(self.first_token_s, first_token_s)
            if total_s - first_token_s >= SHORTEST_S:
                self.tokens_per_s = _moved(self.tokens_per_s, output / (total_s - first_token_s))

    def expected_output(self, intent: str, cap: int) -> int:
        """Tokens that an answer of this intent is likely to have, never above its cap."""
        return min(cap, round(self._output.get(intent, TYPICAL_OUTPUT)))

    def wait_s(self, *, waiting: int, in_flight: int, parallel: int) -> float | None:
        """Seconds a newcomer is likely to wait for a place; 0 where one is free, None where nothing was measured
        yet.
        """
        if in_flight < parallel and not waiting:
            return 0.0
        return None if self.service_s is None else (waiting + 1) / parallel * self.service_s

    def latency_s(self, *, output: int, wait_s: float | None) -> float | None:
        if self.first_token_s is None or self.tokens_per_s is None or wait_s is None:
            return None
        return wait_s + self.first_token_s + output / self.tokens_per_s


def _moved(average: float | None, value: float) -> float:
    return value if average is None else average + WEIGHT * (value - average)
