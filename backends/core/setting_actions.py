"""Actions on settings: one set beside claw.toml, for a while or not; claw.toml read again; a budget's other limit."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from backends import events
from backends.core.overrides import BUDGET, MOST, SETTING, OperatorOverride, Overrides, end_of, stored
from backends.errors import WrongSettings, WrongUse
from backends.ledger.budget_override import override_budget
from backends.ledger.store import Ledger
from backends.monitoring.alerts import SETTINGS_REJECTED
from backends.monitoring.monitoring import Monitoring
from backends.pipeline.reload import Reload
from backends.settings.model import Settings
from backends.settings.overridden import live_key, privacy_lessened, value_of
from backends.types import Acted, Action

CLOCK = "clock"
"""The actor of what falls back by itself."""


class SettingActions:
    def __init__(self, *, reload: Reload, overrides: Overrides, ledger: Ledger, monitoring: Monitoring) -> None:
        self.overrides = overrides
        self._reload = reload
        self._ledger = ledger
        self._monitoring = monitoring

    @property
    def in_force(self) -> Settings:
        return self._reload.settings

    # ---- settings -----------------------------------------------------------------------------------------------

    async def set(self, action: Action, at: datetime, changes: Mapping[str, str | None]) -> Acted:
        """Give settings other values, all or none, checked as claw.toml's would be; None is claw.toml's own.

        Raises WrongUse and WrongSettings.
        """
        changes, until = {live_key(key, self.in_force): value for key, value in changes.items()}, end_of(action, at)
        values, old = self.overrides.settings(), {key: self.overrides.get(f"{SETTING}{key}") for key in changes}
        if all(each is None for each in (*changes.values(), *old.values())):
            raise WrongUse(f"{', '.join(changes)} is not set beside claw.toml")
        for key, value in changes.items():
            if value is None:
                values.pop(key, None)
            else:
                values[key] = value
        if len(values) > MOST:
            raise WrongUse(f"{MOST} settings are set beside claw.toml: write some to it, or unset them")
        settings = self._confirmed(action, self._reload.check(values))
        before = {key: value_of(self.in_force, key) for key in changes}
        after = {key: value_of(settings, key) for key in changes}
        acted = Acted(
            at=at,
            action=action if action.key is None else replace(action, key=next(iter(changes))),
            detail="; ".join(f"{key}: {before[key]} → {after[key]}" for key in changes) + _span(until, at),
            undo=_undo(action, old),
            before=", ".join(before.values()),
            after=", ".join(after.values()),
        )
        await self._store(
            {
                key: None
                if value is None
                else OperatorOverride.of(replace(acted, before=before[key]), value, until, old[key])
                for key, value in changes.items()
            },
            acted,
        )
        return acted

    async def unset(self, action: Action, at: datetime, key: str) -> Acted:
        """Take it back: what is beneath it is in force again, or claw.toml's. Raises WrongUse where it was not set."""
        key = live_key(key, self.in_force)
        control = f"{SETTING}{key}"
        old = self.overrides.get(control)
        if old is None:
            known = ", ".join(self.overrides.settings()) or "nothing is"
            raise WrongUse(f"{key} is not set beside claw.toml: {known}")
        values = {name: value for name, value in self.overrides.settings().items() if name != key}
        if old.beneath is not None:
            values[key] = old.beneath.value
        settings = self._confirmed(action, self._reload.check(values))
        before, after = value_of(self.in_force, key), value_of(settings, key)
        acted = Acted(
            at=at,
            action=replace(action, key=key),
            detail=f"{key}: {before} → {after}",
            undo=None if action.actor == CLOCK else _undo(action, {key: old}),
            before=before,
            after=after,
        )
        await self._store({key: old.beneath}, acted)
        return acted

    def _confirmed(self, action: Action, settings: Settings) -> Settings:
        """The settings that an action leads to. Raises WrongUse where they let more leave this machine than those in
        force, and nobody has confirmed that. What falls back by itself was agreed to when it was set.
        """
        lets_out = privacy_lessened(self.in_force, settings)
        if lets_out and not action.confirmed and action.actor != CLOCK:
            raise WrongUse(f"{lets_out}: that must be confirmed, as with --yes")
        return settings

    async def _store(self, overrides: Mapping[str, OperatorOverride | None], acted: Acted) -> None:
        controls = {f"{SETTING}{key}": override for key, override in overrides.items()}
        await self._ledger.set_controls({control: stored(override) for control, override in controls.items()}, acted)
        for control, override in controls.items():
            self.overrides.put(control, override)
        self._reload.override(self.overrides.settings())

    # ---- budgets ------------------------------------------------------------------------------------------------

    async def set_budget(self, action: Action, at: datetime) -> Acted:
        until, control = end_of(action, at), f"{BUDGET}{action.window}:{action.scope}"
        old = self.overrides.get(control)
        acted = override_budget(action, self._ledger.budgets(), at)
        acted = replace(
            acted,
            detail=f"{acted.detail}{_span(until, at)}",
            undo=None if action.actor == CLOCK or acted.undo is None else replace(acted.undo, until=old and old.until),
        )
        override = None
        if until is not None:
            override = OperatorOverride.of(acted, f"{action.limit_usd:f}", until, old or _lasting(acted))
        await self._ledger.set_budget(acted, also={control: stored(override)})
        self.overrides.put(control, override)
        self._monitoring.bus.publish(events.SpendSampled(spend=self._ledger.spend()))
        return acted

    # ---- what falls back, and what is read again ----------------------------------------------------------------

    def falling_back(self) -> tuple[Action, ...]:
        """The actions that take back what was set for a while, where that is over."""
        return tuple(map(self._fall_back, self.overrides.over()))

    def _fall_back(self, control: str) -> Action:
        if control.startswith(SETTING):
            return Action(verb="unset", actor=CLOCK, key=control.removeprefix(SETTING))
        window, _, scope = control.removeprefix(BUDGET).partition(":")
        override = self.overrides.get(control)
        beneath = override.beneath if override is not None else None
        limit = None if beneath is None else Decimal(beneath.value)
        return Action(verb="set-budget", actor=CLOCK, scope=scope, window=window, limit_usd=limit)

    async def drop(self, action: Action, at: datetime, error: WrongUse) -> None:
        """What was set for a while is gone by other ways: forget its end."""
        control = f"{SETTING}{action.key}" if action.verb == "unset" else f"{BUDGET}{action.window}:{action.scope}"
        acted = Acted(at=at, action=action, detail=f"nothing falls back: {error}")
        await self._ledger.set_control(control, None, acted)
        self.overrides.put(control, None)

    async def restore(self, at: datetime) -> None:
        """What an earlier core had set is in force again; what does not fit claw.toml any more is dropped."""
        while True:
            try:
                self._reload.override(self.overrides.settings())
            except (WrongSettings, WrongUse) as error:
                key = self._unfit()
                action = Action(verb="unset", actor=CLOCK, key=key)
                acted = Acted(at=at, action=action, detail=f"{key} is claw.toml's again: {error}")
                await self._ledger.set_control(f"{SETTING}{key}", None, acted)
                self.overrides.put(f"{SETTING}{key}", None)
            else:
                return

    def _unfit(self) -> str:
        """The first that cannot be in force beside those before it."""
        values: dict[str, str] = {}
        for key, value in self.overrides.settings().items():
            values[key] = value
            try:
                self._reload.check(values)
            except (WrongSettings, WrongUse):
                return key
        raise AssertionError("each of them fits, and all of them do not")

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


def _undo(action: Action, old: Mapping[str, OperatorOverride | None]) -> Action:
    """What gives settings back the overrides that they had, at whose first end all of them fall back."""
    ends = [override.until for override in old.values() if override is not None and override.until is not None]
    until = min(ends, default=None)
    if len(old) > 1:
        values = {key: None if override is None else override.value for key, override in old.items()}
        return Action(verb="set", actor=action.actor, values=values, until=until)
    ((key, override),) = old.items()
    if override is None:
        return Action(verb="unset", actor=action.actor, key=key)
    return Action(verb="set", actor=action.actor, key=key, value=override.value, until=until)


def _lasting(acted: Acted) -> OperatorOverride | None:
    """The limit that an operator had set for good before this action, as what comes back after it."""
    limit = acted.undo.limit_usd if acted.undo is not None else None
    return None if limit is None else OperatorOverride(value=f"{limit:f}", at=acted.at, actor="")


def _span(until: datetime | None, at: datetime) -> str:
    return "" if until is None else f" for {(until - at).total_seconds() / 60:.3g} min"
