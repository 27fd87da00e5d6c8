"""Which model answers in place of the one that was asked for: an alert with the command that adopts it."""

from collections.abc import Iterable

from backends.catalogue import adopt
from backends.catalogue.model_identity import is_alias
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.alerts import MODEL_ENDS, MODEL_REPLACED
from backends.types import CLOUD, Attempt, EngineName
from backends.upstream.costs import Costs


class ModelWatch:
    """`model` is the one that the settings name for the built-in cloud engine."""

    def __init__(self, model: str, *, costs: Costs, alerts: Alerts) -> None:
        self._model = model
        self._costs = costs
        self._alerts = alerts

    def record(self, attempts: Iterable[Attempt]) -> None:
        """Learn from the cloud calls of a request that were answered."""
        for attempt in attempts:
            if attempt.zone == CLOUD and attempt.error is None:
                self._answered(attempt.engine, attempt.model_asked or attempt.model, attempt.model)

    def _answered(self, engine: EngineName, asked: str, model: str) -> None:
        self._costs.answered(asked, model)
        if asked == model or is_alias(asked):
            self._alerts.clear(MODEL_REPLACED, asked=asked)
            return
        if asked == self._model:
            self._alerts.clear(MODEL_ENDS)  # what answers in its place says more
        unpriced = "" if self._costs.knows(engine, model) else f", which has no price and is booked as {asked}"
        remedy = f"`{adopt(model)}`" if asked == self._model else f"ask for {model} instead"
        if unpriced:
            remedy += f', and add [prices."{model}"] to claw.toml'
        self._alerts.show(MODEL_REPLACED, asked=asked, model=model, unpriced=unpriced, remedy=remedy)
