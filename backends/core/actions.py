"""The operator's actions: each verb of `claw act`, carried out and written to the audit table."""

import difflib
from collections.abc import Mapping
from datetime import datetime

from backends import events
from backends.agent_names import spelled
from backends.cache.response_cache import ResponseCache
from backends.core.alert_actions import AlertActions
from backends.core.rehearsal_actions import RehearsalActions
from backends.core.session_actions import SessionActions
from backends.engine_names import known_engine
from backends.errors import WrongSettings, WrongUse
from backends.ledger.budget_override import override_budget
from backends.ledger.store import Ledger
from backends.monitoring.alerts import SETTINGS_REJECTED
from backends.monitoring.monitoring import Monitoring
from backends.pipeline.controls import Controls
from backends.pipeline.pipeline import Pipeline
from backends.pipeline.reload import Reload
from backends.settings.section import dotted
from backends.types import CLOUD, INTENTS, Acted, Action, AgentState, EngineName
from backends.upstream.engine_slot import EngineSlot


class OperatorActions:
    def __init__(
        self,
        *,
        pipeline: Pipeline,
        slots: Mapping[EngineName, EngineSlot],
        controls: Controls,
        ledger: Ledger,
        cache: ResponseCache,
        reload: Reload,
        monitoring: Monitoring,
    ) -> None:
        self._pipeline = pipeline
        self._slots = slots
        self._controls = controls
        self._ledger = ledger
        self._cache = cache
        self._reload = reload
        self._monitoring = monitoring
        self._alert_actions = AlertActions(monitoring.alerts, ledger)
        self.rehearsal = RehearsalActions(slots, ledger)
        self._session_actions = SessionActions(
            lambda: self._reload.settings, controls=controls, sessions=monitoring.sessions, alerts=monitoring.alerts
        )

    def agents(self) -> tuple[AgentState, ...]:
        """Each configured agent with its policy and its pin."""
        return tuple(
            AgentState(
                name=name,
                policy=agent.policy,
                pinned=self._controls.pins.get(name),
                paused=name in self._controls.paused_agents,
                dial=agent.dial,
                model=agent.model,
            )
            for name, agent in self._reload.settings.agents.items()
        )

    async def carry_out(self, action: Action, at: datetime) -> Acted:
        """Do it and write its audit row. Raises WrongUse for an unknown target or a missing word."""
        acted = await self._carry_out(action, at)
        self._pipeline.retry_waiting()
        self._monitoring.bus.publish(
            events.ActionDone(acted=acted, cloud_stopped=self._controls.cloud_stopped, agents=self.agents())
        )
        return acted

    async def _carry_out(self, action: Action, at: datetime) -> Acted:  # noqa: PLR0911, PLR0912 — one a verb
        match action:
            case Action(verb="stop-cloud" | "resume-cloud"):
                return await self._stop_cloud(action, at, stopped=action.verb == "stop-cloud")
            case Action(verb="pin", agent=str(agent), engine=str(engine)):
                return await self._pin(action, at, self._agent(agent), known_engine(engine, self._slots))
            case Action(verb="unpin", agent=str(agent)):
                return await self._pin(action, at, self._agent(agent), None)
            case Action(verb="cancel", id=str(id)):
                return await self._cancel(action, at, id)
            case Action(verb="rate", id=str(), good=bool()):
                return await self._rate(action, at)
            case Action(verb="relearn"):
                calibration = await self._reload.read_calibration()
                return await self._audited(action, at, f"{calibration.name} in force")
            case Action(verb="wrong-hit", id=str(id)):
                return await self._audited(action, at, await self._report_wrong_hit(id))
            case Action(verb="kill-entry", id=str(id)):
                return await self._audited(action, at, await self._kill_entry(id))
            case Action(verb="reload"):
                return await self._read_settings(action, at)
            case Action(verb="flush-cache"):
                count = await self._cache.flush(action.agent)
                whose = f" of {action.agent}" if action.agent else ""
                return await self._audited(action, at, f"{count} cached answers{whose} flushed")
            case Action(verb="pause" | "resume") if action.agent or action.id:
                return await self._session_actions.carry_out(action, at)
            case Action(verb="acknowledge" | "silence"):
                return await self._alert_actions.carry_out(action, at)
            case Action(verb="rehearse", id=str(incident)):
                return await self.rehearsal.carry_out(action, incident, at)
            case Action(verb="set-budget"):
                return await self._set_budget(action, at)
            case Action(verb="allow" | "redact" | "keep-home" | "withdraw", agent=str(agent)):
                return await self._controls.privacy.carry_out(action, self._spelled(agent), at)
        raise WrongUse(f"{action.verb} needs more words: see `claw act --help`")

    # ---- engines and agents -------------------------------------------------------------------------------------

    async def _stop_cloud(self, action: Action, at: datetime, *, stopped: bool) -> Acted:
        undo = Action(verb="resume-cloud" if stopped else "stop-cloud", actor=action.actor)
        detail = "cloud spend stopped" if stopped else "cloud spend resumed"
        acted = Acted(at=at, action=action, detail=detail, undo=undo)
        await self._controls.stop_cloud(stopped, acted)
        for slot in self._slots.values():
            if slot.zone == CLOUD:
                slot.stopped = stopped
                slot.changed()
        return acted

    async def _pin(self, action: Action, at: datetime, agent: str, engine: EngineName | None) -> Acted:
        allowed = self._reload.settings.agents[agent].engines
        if engine is not None and allowed and engine not in allowed:
            raise WrongUse(
                f"{agent} may use only {', '.join(allowed)}: pin it to one of these, or change"
                f" {dotted('agents', agent, 'engines')} in claw.toml"
            )
        before = self._controls.pins.get(agent)
        undo = Action(verb="pin" if before else "unpin", actor=action.actor, agent=agent, engine=before)
        detail = f"{agent} pinned to {engine}" if engine else f"{agent} unpinned"
        acted = Acted(at=at, action=action, detail=detail, undo=undo if engine or before else None)
        await self._controls.pin(agent, engine, acted)
        return acted

    def _spelled(self, name: str) -> str:
        """The agent as it is configured, or, where it is not, as its requests name it."""
        return spelled(name, self._reload.settings.agents) or name

    def _agent(self, name: str) -> str:
        """The agent as it is configured. Raises WrongUse."""
        agents = self._reload.settings.agents
        if known := spelled(name, agents):
            return known
        nearest = difflib.get_close_matches(name, agents, n=1, cutoff=0.0)[0]
        raise WrongUse(f"no agent {name!r} is known: the nearest is {nearest}; others are added in claw.toml")

    # ---- requests and their answers -----------------------------------------------------------------------------

    async def _cancel(self, action: Action, at: datetime, id: str) -> Acted:
        if not self._pipeline.cancel(id):
            raise WrongUse(f"no call {id} is running: `claw` lists those that are")
        return await self._audited(action, at, f"call {id} cancelled")

    async def _rate(self, action: Action, at: datetime) -> Acted:
        if action.intent is not None and action.intent not in INTENTS:
            raise WrongUse(f"no intent {action.intent!r} is known: use one of {', '.join(INTENTS)}")
        corrections = (
            action.engine and f"{action.engine} would have been better",
            action.intent and f"it was {action.intent}",
        )
        rating = ", ".join(("good" if action.good else "bad", *filter(None, corrections)))
        if not action.good and action.id and (entry := await self._cache.report_wrong_hit(action.id)):
            rating += f", its cache entry {entry} killed"
        acted = Acted(at=at, action=action, detail=f"answer {action.id} rated {rating}")
        await self._ledger.rate(acted)
        return acted

    async def _report_wrong_hit(self, id: str) -> str:
        entry = await self._cache.report_wrong_hit(id)
        if entry is None:
            raise WrongUse(f"no request {id} was answered from the cache since the core started: use kill-entry")
        return f"entry {entry} killed: its answer to {id} was wrong"

    async def _kill_entry(self, id: str) -> str:
        killed = await self._cache.kill(id)
        if not killed:
            raise WrongUse(f"no entry {id} is stored: `claw cache inspect` lists those that are")
        if len(killed) > 1:
            raise WrongUse(f"{id} may be {', '.join(killed[:3])}: give more of it")
        return f"entry {killed[0]} killed"

    # ---- money and settings -------------------------------------------------------------------------------------

    async def _set_budget(self, action: Action, at: datetime) -> Acted:
        acted = override_budget(action, self._ledger.budgets(), at)
        await self._ledger.set_budget(acted)
        self._monitoring.bus.publish(events.SpendSampled(spend=self._ledger.spend()))
        return acted

    async def _read_settings(self, action: Action, at: datetime) -> Acted:
        """Use claw.toml as it is now. Where it is wrong, the settings in force stay, and an alert says so."""
        alerts = self._monitoring.alerts
        try:
            summary = await self._reload.read_settings()
        except WrongSettings as error:
            alerts.show(SETTINGS_REJECTED, error=error)
            raise
        alerts.clear(SETTINGS_REJECTED)
        self._monitoring.bus.publish(events.Resync())
        return await self._audited(action, at, summary)

    async def _audited(self, action: Action, at: datetime, detail: str) -> Acted:
        acted = Acted(at=at, action=action, detail=detail)
        await self._ledger.audit(acted)
        return acted
