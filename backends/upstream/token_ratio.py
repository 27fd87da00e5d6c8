"""How an engine counts an agent's prompts, as a ratio to the estimate; learned from each finished call.

Tokenizers count differently, and so do chat templates, which write out tools and add instructions. An agent's
prompts look alike from one to the next, so the ratio of its last calls holds for its next one: after five it is within
some hundredths. It corrects what must be near the truth (does the prompt fit the window, how much room has the answer,
what will it cost), and never what must hold for any prompt, such as a reservation.

It is kept in memory only: a new core learns it again in a call or two.
"""

from msgspec import Struct

from backends.lru import LruDict

LEAST, MOST = 0.4, 2.5
"""Bounds of a ratio: no tokenizer is further from the estimate, so a report beyond counts something else."""

FORGETS = 0.7
"""Weight of all earlier calls against the newest; five calls make up five sixths of the ratio."""

TRUSTED = 100.0
"""Tokens of agreement that are assumed at the start, so that a short prompt changes the ratio little."""

AGENTS = 512
"""Pairs of an agent and a model that are remembered, those used last."""


class _Sums(Struct):
    estimated: float = TRUSTED
    reported: float = TRUSTED


class TokenRatios:
    """One engine's, by agent and model."""

    def __init__(self) -> None:
        self._sums = LruDict[tuple[str, str], _Sums](AGENTS)

    def learn(self, agent: str, model: str, *, estimated: int, reported: int) -> None:
        """Take in a call: what its prompt was estimated at, uncorrected, and what the engine counted."""
        if estimated <= 0 or reported <= 0:
            return
        sums = self._sums.get((agent, model)) or _Sums()
        self._sums.put((agent, model), sums)
        ratio = min(max(reported / estimated, LEAST), MOST)
        sums.estimated = FORGETS * sums.estimated + estimated
        sums.reported = FORGETS * sums.reported + ratio * estimated

    def ratio(self, agent: str, model: str) -> float:
        """Counted tokens for an estimated one, 1 where nothing was learned."""
        sums = self._sums.get((agent, model))
        return sums.reported / sums.estimated if sums is not None else 1.0

    def corrected(self, agent: str, model: str, estimated: int) -> int:
        """The estimate as this engine would count it."""
        return round(self.ratio(agent, model) * estimated)
