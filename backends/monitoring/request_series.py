"""The history's series of requests: how many ended in a step, how many of them failed, how long answers took, and what
all of it cost.
"""

from collections import Counter

from backends.monitoring.touched import EndedRequest, How
from backends.telemetry.history import History
from backends.types import Outcome


class RequestSeries:
    """Told of each request by the activity feed. `rowless` counts those that ended without a row in the ledger."""

    def __init__(self, history: History) -> None:
        self.rowless: Counter[How] = Counter()
        self._history = history
        for name in ("requests", "failed", "refused", "spend_usd"):
            history.count(name, 0.0)

    def settled(self, outcome: Outcome, ended: EndedRequest | None) -> None:
        """A request ended; `ended` is None for one that nobody waited for, which costs all the same."""
        self._history.count("spend_usd", float(outcome.cost_usd))
        if ended is None:
            return
        self._count(ended.how)
        if outcome.finish not in ("error", "cancelled"):
            self._history.rank("latency_p{}_ms", outcome.latency_ms)

    def refused(self, ended: EndedRequest) -> None:
        """A request ended before any engine was called."""
        self._count(ended.how)
        self.rowless[ended.how] += 1

    def _count(self, how: How) -> None:
        self._history.count("requests")
        if how in ("failed", "refused"):
            self._history.count(how)
