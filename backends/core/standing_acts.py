"""What operators have done and what stands until it is taken back, as alerts: who, since when, to what effect."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from backends.core.overrides import BUDGET, SETTING, OperatorOverride, Overrides
from backends.monitoring.alerts import (
    AGENT_PAUSED,
    BUDGET_OVERRIDDEN,
    CLOUD_STOPPED,
    ENGINE_DRAINED,
    SETTING_OVERRIDDEN,
)
from backends.monitoring.touched import Touches
from backends.monitoring.watch import Holding
from backends.pipeline.controls import Controls, Standing
from backends.settings.edit import parts_of
from backends.types import CLOUD, Action, Choice, EngineName
from backends.upstream.engine_slot import EngineSlot

MOST_SHOWN = 100
"""Paused agents that have an alert."""


class StandingActs:
    """A watcher of `backends.monitoring.watch`."""

    def __init__(self, controls: Controls, overrides: Overrides, slots: Mapping[EngineName, EngineSlot]) -> None:
        self._controls = controls
        self._overrides = overrides
        self._slots = slots

    def __call__(self) -> Iterator[Holding]:
        controls = self._controls
        if controls.stopped is not None:
            yield Holding(
                condition=CLOUD_STOPPED,
                fields={"by": _by(controls.stopped)},
                since=controls.stopped.at,
                choices=(_choice("resume cloud spend", Action(verb="resume-cloud", actor="operator")),),
                touches=Touches(engines=self._cloud(), rules=frozenset({"stopped"})),
            )
        for engine, standing in controls.drained.items():
            if engine in self._slots:
                yield self._drained(engine, standing)
        for agent, standing in list(controls.paused_agents.items())[:MOST_SHOWN]:
            yield Holding(
                condition=AGENT_PAUSED,
                fields={"agent": agent, "by": _by(standing)},
                since=standing.at,
                choices=(_choice(f"resume {agent}", Action(verb="resume", actor="operator", agent=agent)),),
                touches=Touches(agent=agent, kinds=frozenset({"paused"})),
            )

        for control, override in self._overrides:
            yield _set(control, override) if control.startswith(SETTING) else _limited(control, override)

    def _drained(self, engine: EngineName, standing: Standing) -> Holding:
        limiter = self._slots[engine].limiter
        counts = ((limiter.in_flight, "still run"), (limiter.waiting, "wait"))
        left = [f"{count} {what}" for count, what in counts if count]
        return Holding(
            condition=ENGINE_DRAINED,
            fields={"engine": engine, "by": _by(standing)},
            since=standing.at,
            detail=", ".join(left) or "nothing runs there",
            choices=(_choice(f"undrain {engine}", Action(verb="undrain", actor="operator", engine=engine)),),
            touches=Touches(engines=frozenset({engine}), rules=frozenset({"drained"})),
        )

    def _cloud(self) -> frozenset[EngineName]:
        return frozenset(name for name, slot in self._slots.items() if slot.zone == CLOUD)


def _set(control: str, override: OperatorOverride) -> Holding:
    key = control.removeprefix(SETTING)
    table, name, *_ = parts_of(key)
    return Holding(
        condition=SETTING_OVERRIDDEN,
        fields={"key": key, "value": override.value, "before": override.before, "by": _by(override)},
        since=override.at,
        retry_at=override.until,
        choices=(_choice(f"unset {key}", Action(verb="unset", actor="operator", key=key)),),
        touches=Touches(agent=name) if table == "agents" else None,
    )


def _limited(control: str, override: OperatorOverride) -> Holding:
    window, _, scope = control.removeprefix(BUDGET).partition(":")
    limit = None if override.beneath is None else Decimal(override.beneath.value)
    back = Action(verb="set-budget", actor="operator", scope=scope, window=window, limit_usd=limit)
    return Holding(
        condition=BUDGET_OVERRIDDEN,
        fields={
            "scope": scope,
            "window": window,
            "limit": f"${override.value}",
            "before": override.before or "none",
            "by": _by(override),
        },
        since=override.at,
        retry_at=override.until,
        choices=(_choice("the limit before", back),),
    )


def _by(standing: Standing | OperatorOverride) -> str:
    by = f" by {standing.actor}" if standing.actor else ""
    return f"{by} ({standing.reason})" if standing.reason else by


def _choice(label: str, action: Action) -> Choice:
    return Choice(label=label, action=action)
