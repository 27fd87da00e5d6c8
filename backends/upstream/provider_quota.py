"""What counts against a provider's quotas: requests and input tokens by model, in the last minute and in its own day.

Google publishes no limits. Those that it named when it refused a call are kept beside the counts.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from msgspec import Struct

from backends.catalogue.quota_day import day_of, reset_after
from backends.clock import Clock
from backends.errors import QuotaHit
from backends.types import EngineName, Outcome, QuotaLimit, QuotaState

MINUTE_S = 60.0
MODELS = 32
"""The most models that are counted; the settings never name so many."""


class _Sent(Struct):
    """One call: when it was sent (monotonic seconds), and its input tokens once they are known."""

    at: float
    input: int = 0


class _Model(Struct, kw_only=True):
    day: date
    requests: int = 0
    input: int = 0
    minute: deque[_Sent]
    limits: dict[tuple[str, str], QuotaLimit]


class ProviderQuota:
    """`before` are the day's requests and input tokens by model, as the ledger has them at the start."""

    def __init__(self, clock: Clock, before: Mapping[str, tuple[int, int]] | None = None) -> None:
        self._clock = clock
        self._models: dict[str, _Model] = {}
        for model, (requests, tokens) in (before or {}).items():
            if (counted := self._model(model)) is not None:
                counted.requests, counted.input = requests, tokens

    def sent(self, model: str, input_tokens: int) -> None:
        """A call is sent; its input is an estimate."""
        if (counted := self._model(model)) is not None:
            counted.requests += 1
            counted.minute.append(_Sent(self._clock.monotonic()))
            self._add(counted, input_tokens)

    def counted(self, model: str, *, estimated: int, reported: int) -> None:
        """The provider answered a call and counted its input. A limit below what it has accepted is forgotten.

        Its minutes do not begin with ours, so two of them can be within the last one here.
        """
        if (counted := self._model(model)) is not None:
            self._add(counted, reported - estimated)
            used = {
                ("minute", "requests"): len(counted.minute) // 2,
                ("minute", "input_tokens"): sum(sent.input for sent in counted.minute) // 2,
                ("day", "requests"): counted.requests,
                ("day", "input_tokens"): counted.input,
            }
            for key, limit in tuple(counted.limits.items()):
                if limit.limit is not None and used.get(key, 0) > limit.limit:
                    del counted.limits[key]

    @staticmethod
    def _add(model: _Model, tokens: int) -> None:
        model.input = max(0, model.input + tokens)
        if model.minute:
            model.minute[-1].input += tokens

    def refused(self, model: str, hit: QuotaHit | None) -> None:
        """The provider refused a call and named a quota; None where it named none."""
        counted = self._model(model)
        if counted is not None and hit is not None:
            limit = QuotaLimit(window=hit.window, metric=hit.metric, limit=hit.limit, at=self._clock.now())
            counted.limits[hit.window, hit.metric] = limit

    def states(self) -> tuple[QuotaState, ...]:
        """By model, in the order of their first calls."""
        return tuple(self._state(model) for model in tuple(self._models))

    def _state(self, name: str) -> QuotaState:
        model = self._up_to_date(self._models[name])
        return QuotaState(
            model=name,
            minute_requests=len(model.minute),
            minute_input_tokens=max(0, sum(sent.input for sent in model.minute)),
            day_requests=model.requests,
            day_input_tokens=model.input,
            limits=tuple(model.limits.values()),
            resets_at=reset_after(self._clock.now()),
        )

    def _model(self, name: str) -> _Model | None:
        """None where too many models are counted already."""
        model = self._models.get(name)
        if model is None and len(self._models) < MODELS:
            model = self._models[name] = _Model(day=day_of(self._clock.now()), minute=deque(), limits={})
        return None if model is None else self._up_to_date(model)

    def _up_to_date(self, model: _Model) -> _Model:
        """Forget what is older. A wall clock that jumps back begins no new day."""
        today, before = day_of(self._clock.now()), self._clock.monotonic() - MINUTE_S
        if today > model.day:
            model.day, model.requests, model.input = today, 0, 0
        while model.minute and model.minute[0].at <= before:
            model.minute.popleft()
        return model


def last_of_the_day(outcomes: Sequence[Outcome], engine: EngineName) -> tuple[str, datetime] | None:
    """The error and time of the newest call to an engine, where the day's quota was used up.

    `outcomes` are the oldest first; calls that failed otherwise say nothing about the quota.
    """
    for outcome in reversed(outcomes):
        for attempt in reversed(outcome.attempts):
            if attempt.engine != engine:
                continue
            kind, _, line = (attempt.error or "").partition(": ")
            if kind == "daily-quota":
                return line, outcome.started_at
            if attempt.error is None:
                return None
    return None
