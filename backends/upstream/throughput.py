"""An engine's measured speed: time to the first token by the prompt's length, tokens a second, tokens an answer.

Moving averages over about twenty calls. What was not measured yet is None; nothing is assumed. What a server says that
it took for reading a prompt (its prefill) counts before the time to the first token, which holds loading and waiting.
"""

from backends.types import Tokens

WEIGHT = 0.1
TYPICAL_OUTPUT = 300
"""Tokens that are expected of an answer before any of its intent was measured."""


SHORTEST_S = 0.1
"""A shorter stream says nothing about the engine's rate: its answer came in one piece."""


LEAST_READ = 256
"""Tokens of a prompt whose reading tells a rate; shorter ones take as long as any."""

SHORTEST_READ_S = 1e-6
"""Of no reading is it believed that it took less."""

RISES = 1.02
"""How much faster a server is taken to be after a prompt that it read in less than half of its time."""

LONG_PROMPT = 4_096
"""Tokens of a prompt that may take as long as it likes, as long as no rate is known."""


class ThroughputEstimator:
    def __init__(self) -> None:
        self.prefill = PrefillRate()
        self.first_token_s: float | None = None
        self.tokens_per_s: float | None = None
        self.service_s: float | None = None
        self._other_s: float | None = None
        self._reading = LinearFit()
        self._output: dict[str, float] = {}

    def record(
        self,
        *,
        intent: str,
        output: int,
        first_token_s: float | None,
        total_s: float,
        fresh_input: int | None = None,
        prefill_s: float | None = None,
        load_s: float | None = None,
    ) -> None:
        """Take in a finished call; `fresh_input` are the prompt's tokens that were not cached, None where unknown.

        `prefill_s` and `load_s` are what the server took for reading them and for loading its model, where it says so.
        """
        self.service_s = _moving_average(self.service_s, total_s)
        self._output[intent] = _moving_average(self._output.get(intent), output)
        if first_token_s is not None:
            self.first_token_s = _moving_average(self.first_token_s, first_token_s)
            if fresh_input is not None:
                self._reading.add(fresh_input, first_token_s)
            if prefill_s is not None:
                self._other_s = _moving_average(self._other_s, max(0.0, first_token_s - prefill_s - (load_s or 0.0)))
            if total_s - first_token_s >= SHORTEST_S:
                self.tokens_per_s = _moving_average(self.tokens_per_s, output / (total_s - first_token_s))

    def first_token(self, tokens: int) -> float | None:
        """Seconds to the first token of a prompt with so many tokens that the engine has not read yet."""
        if (prefill_s := self.prefill.seconds(tokens)) is not None:
            return (self._other_s or 0.0) + prefill_s
        at = self._reading.at(tokens)
        return self.first_token_s if at is None else at

    def explains(self, waited_s: float, unread: int) -> bool:
        """May a first byte have taken this long because the server had so many tokens to read before it?

        While no server said how fast it reads, a long prompt explains any wait.
        """
        expected = self.prefill.seconds(unread)
        return unread >= LONG_PROMPT if expected is None else expected >= waited_s

    def expected_output(self, intent: str, cap: int) -> int:
        """Tokens that an answer of this intent is likely to have, never above its cap."""
        return min(cap, round(self._output.get(intent, TYPICAL_OUTPUT)))

    def wait_s(self, *, waiting: int, in_flight: int, parallel: int, running_s: float | None = None) -> float | None:
        """Seconds that a new call is likely to wait for a place; 0 where one is free, None where nothing was measured.

        No call is expected to take less time than the one that has been running for `running_s`.
        """
        if in_flight < parallel and not waiting:
            return 0.0
        known = [seconds for seconds in (self.service_s, running_s) if seconds is not None]
        return (waiting + 1) / parallel * max(known) if known else None

    def latency_s(self, *, output: int, wait_s: float | None) -> float | None:
        if self.first_token_s is None or self.tokens_per_s is None or wait_s is None:
            return None
        return wait_s + self.first_token_s + output / self.tokens_per_s


class PrefillRate:
    """How fast a server reads prompts, from what it says that it took for each."""

    def __init__(self) -> None:
        self.tokens_per_s: float | None = None

    def seconds(self, tokens: int) -> float | None:
        return None if self.tokens_per_s is None else tokens / self.tokens_per_s

    def learn(self, tokens: Tokens, prefill_s: float | None, *, warm: bool) -> int:
        """Take in a call's counts; returns the tokens that the server has read anew.

        Many servers do not say how much of a prompt their cache held. Then one that was read at more than twice the
        known rate is taken for cached. Where its beginning was not `warm`, the machine may have become faster: the rate
        follows slowly. It falls at once.
        """
        fresh = tokens.input - tokens.cached_input
        if not prefill_s or fresh < LEAST_READ:
            return fresh
        rate, known = fresh / max(prefill_s, SHORTEST_READ_S), self.tokens_per_s
        if known is None or rate < known / 2:
            self.tokens_per_s = rate
        elif tokens.cached_input or rate <= 2 * known:
            self.tokens_per_s = _moving_average(known, rate)
        else:
            self.tokens_per_s = known if warm else known * RISES
            fresh = round(prefill_s * known)
        return fresh


class LinearFit:
    """A straight line through points; later ones weigh more."""

    def __init__(self) -> None:
        self._x: float | None = None
        self._y = self._xx = self._xy = 0.0

    def add(self, x: float, y: float) -> None:
        first = self._x is None
        self._y, self._xx, self._xy = (
            value if first else _moving_average(average, value)
            for average, value in ((self._y, y), (self._xx, x * x), (self._xy, x * y))
        )
        self._x = _moving_average(self._x, x)

    def at(self, x: float) -> float | None:
        """Its height, never below 0; flat where it would fall. None before the first point."""
        if self._x is None:
            return None
        spread = self._xx - self._x * self._x
        slope = max(0.0, (self._xy - self._x * self._y) / spread) if spread > SAME else 0.0
        return max(0.0, self._y + slope * (x - self._x))


SAME = 1.0
"""Prompts whose lengths vary by no more than this, in tokens squared, do not show how length counts."""


def _moving_average(average: float | None, value: float) -> float:
    return value if average is None else average + WEIGHT * (value - average)
