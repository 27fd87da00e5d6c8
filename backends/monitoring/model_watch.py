"""Which model answers where another one was asked for: told once, with what adopts it, until that ends."""

from collections.abc import Iterable

from backends.catalogue import adopt
from backends.catalogue.model_identity import is_alias
from backends.monitoring.activity import ActivityFeed
from backends.types import Attempt, EngineName
from backends.upstream.costs import Costs

ENDING = "model-end"
"""The alert that the cloud's model comes to its end; who answers in its place, once one does, says more."""


class ModelWatch:
    """`model` is the one that the settings ask the cloud for."""

    def __init__(self, model: str, *, costs: Costs, activity: ActivityFeed) -> None:
        self._model = model
        self._costs = costs
        self._activity = activity

    def saw(self, attempts: Iterable[Attempt]) -> None:
        """Learn from a request's cloud calls that were answered."""
        for attempt in attempts:
            if attempt.engine == "cloud" and attempt.error is None:
                self._answered(attempt.engine, attempt.model_asked or attempt.model, attempt.model)

    def _answered(self, engine: EngineName, asked: str, model: str) -> None:
        self._costs.answered(asked, model)
        key = f"model:{asked}"
        if asked == model or is_alias(asked):
            self._activity.clear(key)
            return
        if asked == self._model:
            self._activity.clear(ENDING)
        price = "" if self._costs.knows(engine, model) else f", which has no price and is booked as {asked}"
        remedy = f"`{adopt(model)}`" if asked == self._model else f"ask for {model} instead"
        if price:
            remedy += f', and add [prices."{model}"] to claw.toml'
        self._activity.alert(key, f"{asked} is answered by {model}{price}", remedy=remedy, level="warning")
