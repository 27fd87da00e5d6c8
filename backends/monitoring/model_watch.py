"""Which model answers in place of the one that was asked for: an alert with the command that adopts it."""

from collections.abc import Iterable

from backends.catalogue import adopt
from backends.catalogue.model_identity import is_alias
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.alerts import MODEL_ENDS, MODEL_REPLACED
from backends.settings.engines import CLOUD_ENGINE
from backends.types import CLOUD, Action, Attempt, Choice, EngineName
from backends.upstream.costs import Costs


class ModelWatch:
    """`model` is the one that the settings name for the built-in cloud engine."""

    def __init__(self, model: str, *, costs: Costs, alerts: Alerts) -> None:
        self._model = model
        self._costs = costs
        self._alerts = alerts

    def successor(self, model: str) -> str | None:
        """What answers in its place, or will; None where that is not known."""
        expected = self._costs.expected(model)
        return None if expected == model else expected

    def priced(self, engine: EngineName, model: str) -> bool:
        """Has the model a price at that engine?"""
        return self._costs.knows(engine, model)

    def adopt(self, engine: EngineName, old: str, model: str) -> None:
        """The engine asks for another model from now on."""
        self._alerts.clear(MODEL_REPLACED, asked=old)
        if engine == CLOUD_ENGINE:
            self._model = self._costs.cloud_model = model
            self._alerts.clear(MODEL_ENDS)

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
        adopts = Action(verb="adopt", actor="operator", engine=engine, model=model)
        choices = (Choice(label=f"adopt {model}", action=adopts),) if asked == self._model and not unpriced else ()
        self._alerts.show(MODEL_REPLACED, choices=choices, asked=asked, model=model, unpriced=unpriced, remedy=remedy)
