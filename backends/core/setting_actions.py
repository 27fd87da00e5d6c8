"""Actions on settings: claw.toml and the calibration read again, a budget given another limit."""

from datetime import datetime

from backends import events
from backends.errors import WrongSettings
from backends.ledger.budget_override import override_budget
from backends.ledger.store import Ledger
from backends.monitoring.alerts import SETTINGS_REJECTED
from backends.monitoring.monitoring import Monitoring
from backends.pipeline.reload import Reload
from backends.settings.model import Settings
from backends.types import Acted, Action


class SettingActions:
    def __init__(self, *, reload: Reload, ledger: Ledger, monitoring: Monitoring) -> None:
        self._reload = reload
        self._ledger = ledger
        self._monitoring = monitoring

    @property
    def in_force(self) -> Settings:
        return self._reload.settings

    async def set_budget(self, action: Action, at: datetime) -> Acted:
        acted = override_budget(action, self._ledger.budgets(), at)
        await self._ledger.set_budget(acted)
        self._monitoring.bus.publish(events.SpendSampled(spend=self._ledger.spend()))
        return acted

    async def relearn(self, action: Action, at: datetime) -> Acted:
        """Use the calibration that another process has put in force."""
        calibration = await self._reload.read_calibration()
        return await self._audited(action, at, f"{calibration.name} in force")

    async def read_again(self, action: Action, at: datetime) -> Acted:
        """Use claw.toml as it is now. Where it is wrong, the settings in force stay, and an alert says so."""
        alerts = self._monitoring.alerts
        try:
            summary = await self._reload.read_settings()
        except WrongSettings as error:
            alerts.show(SETTINGS_REJECTED, error=error)
            raise
        alerts.clear(SETTINGS_REJECTED)
        self._monitoring.watch.reconfigure(self.in_force.alerts)
        self._monitoring.bus.publish(events.Resync())
        return await self._audited(action, at, summary)

    async def _audited(self, action: Action, at: datetime, detail: str) -> Acted:
        acted = Acted(at=at, action=action, detail=detail)
        await self._ledger.audit(acted)
        return acted
