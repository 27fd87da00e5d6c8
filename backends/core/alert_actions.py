"""Acknowledging and silencing an alert: somebody has seen it, or wants to hear no more of it for a while."""

from datetime import datetime

from backends.errors import WrongUse
from backends.ledger.store import Ledger
from backends.monitoring.alert_lifecycle import Alerts
from backends.types import Acted, Action

USUAL_MINUTES = 60.0
OFF = "off"
"""The value that takes an acknowledgement or a silence back."""


class AlertActions:
    def __init__(self, alerts: Alerts, ledger: Ledger) -> None:
        self._alerts = alerts
        self._ledger = ledger

    async def carry_out(self, action: Action, at: datetime) -> Acted:
        """`action.id` is the alert's id or its key; a silence lasts for `minutes`, an hour where none are given.

        Raises WrongUse where no such alert stands.
        """
        which = action.id or action.key or ""
        if not which:
            raise WrongUse(f"{action.verb} needs the alert: `claw act {action.verb} ID`")
        if action.value == OFF:
            alert = self._alerts.renew(which)
            acted = Acted(at=at, action=action, detail=f"{alert.key} is new again")
        elif action.verb == "silence":
            minutes = USUAL_MINUTES if action.minutes is None else action.minutes
            alert = self._alerts.silence(which, minutes, action.actor)
            acted = _acted(action, at, alert.id, f"{alert.key} silenced for {minutes:g} minutes")
        else:
            alert = self._alerts.acknowledge(which, action.actor)
            acted = _acted(action, at, alert.id, f"{alert.key} acknowledged")
        await self._ledger.audit(acted)
        return acted


def _acted(action: Action, at: datetime, id: str, detail: str) -> Acted:
    undo = Action(verb=action.verb, actor=action.actor, id=id, value=OFF)
    return Acted(at=at, action=action, detail=detail, undo=undo)
