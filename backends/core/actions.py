"""The operator's actions: each verb of `claw act`, carried out and written to the audit table, and taken back."""

import asyncio
import difflib
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import astuple, replace

from backends import events
from backends.agent_names import spelled
from backends.clock import Clock
from backends.core.alert_actions import AlertActions
from backends.core.answer_actions import AnswerActions
from backends.core.engine_actions import EngineActions
from backends.core.model_adoption import ModelAdoption
from backends.core.rehearsal_actions import RehearsalActions
from backends.core.session_actions import SessionActions
from backends.core.setting_actions import SettingActions
from backends.engine_names import known_engine
from backends.errors import LedgerError, WrongUse
from backends.ledger.store import Ledger
from backends.monitoring.monitoring import Monitoring
from backends.pipeline.controls import Controls
from backends.pipeline.pipeline import Pipeline
from backends.settings.section import dotted
from backends.text.times import ago
from backends.types import Acted, Action, AgentState, EngineName, Undoable

UNDO_WITHIN = timedelta(days=1)
"""Older actions are taken back by name: nobody has them in mind any more when undoing the last one."""

AT_ONCE = frozenset({"cancel", "cancel-agent", "load", "unload", "warm"})
"""Verbs that turn no switch: they wait for no other action, and none waits for them."""


LONGEST_TEXT = 2000
"""Characters of each text of an action: they are stored, and shown in alerts and lists."""

MOST_AT_ONCE = 20
"""Settings that one action sets."""

FALL_BACK_EVERY_S = 0.25
log = logging.getLogger(__name__)


class ActionGroups(Struct, frozen=True, kw_only=True):
    """The verbs by what they are about."""

    engines: EngineActions
    answers: AnswerActions
    sessions: SessionActions
    settings: SettingActions
    adoption: ModelAdoption
    alerts: AlertActions
    rehearsal: RehearsalActions


class OperatorActions:
    def __init__(
        self,
        groups: ActionGroups,
        *,
        pipeline: Pipeline,
        controls: Controls,
        ledger: Ledger,
        monitoring: Monitoring,
        clock: Clock,
    ) -> None:
        self.rehearsal = groups.rehearsal
        self._groups = groups
        self._pipeline = pipeline
        self._controls = controls
        self._ledger = ledger
        self._monitoring = monitoring
        self._clock = clock
        self._in_turn = asyncio.Lock()

    def agents(self) -> tuple[AgentState, ...]:
        """Each configured agent with the rules that hold for it now."""
        settings = self._groups.settings
        changed = settings.overrides.of_agents()
        states = []
        for name, agent in settings.in_force.agents.items():
            fields = changed.get(name, {})
            states.append(
                AgentState(
                    name=name,
                    policy=agent.policy,
                    pinned=self._controls.pins.get(name),
                    paused=name in self._controls.paused_agents,
                    dial=agent.dial,
                    model=agent.model,
                    changed=tuple(fields),
                    until=min(filter(None, (override.until for override in fields.values())), default=None),
                )
            )
        return tuple(states)

    async def restore(self) -> None:
        """What an earlier core had set is in force again."""
        await self._groups.settings.restore(self._clock.now())

    async def run(self) -> None:
        """Take back what was set for a while, once that is over."""
        settings = self._groups.settings
        while True:
            await settings.overrides.any_temporary()
            await asyncio.sleep(FALL_BACK_EVERY_S)
            for action in settings.falling_back():
                try:
                    await self.carry_out(action, self._clock.now())
                except WrongUse as error:
                    await settings.drop(action, self._clock.now(), error)
                except LedgerError as error:
                    log.warning("%s %s does not fall back yet: %s", action.verb, action.key or action.scope, error)

    async def undoable(self, at: datetime) -> Undoable | None:
        """The last action that can be taken back; None where none can, or where the ledger cannot be read."""
        try:
            return await self._ledger.undoable(at - UNDO_WITHIN)
        except LedgerError:
            return None

    async def carry_out(self, action: Action, at: datetime) -> Acted:
        """Do it and write its audit row. Of several at once, one after the other.

        Raises WrongUse for an unknown target, a missing word, a text that is too long, and where nothing would change.
        """
        if any(isinstance(text, str) and len(text) > LONGEST_TEXT for text in _texts(action)):
            raise WrongUse(f"a text of an action has at most {LONGEST_TEXT} characters")
        if len(action.values or ()) > MOST_AT_ONCE:
            raise WrongUse(f"an action sets at most {MOST_AT_ONCE} settings")
        if action.verb in AT_ONCE:
            acted = await self._carry_out(action, at)
        else:
            async with self._in_turn:
                acted = await (self._undo(action, at) if action.verb == "undo" else self._carry_out(action, at))
        self._pipeline.retry_waiting()
        self._monitoring.bus.publish(
            events.ActionDone(
                acted=acted,
                cloud_stopped=self._controls.cloud_stopped,
                agents=self.agents(),
                undoable=await self.undoable(at),
            )
        )
        return acted

    async def _carry_out(self, action: Action, at: datetime) -> Acted:  # noqa: PLR0911, PLR0912 — one a verb
        engines, answers, settings = self._groups.engines, self._groups.answers, self._groups.settings
        match action:
            case Action(verb="stop-cloud" | "resume-cloud"):
                return await engines.stop_cloud(action, at)
            case Action(verb="drain" | "undrain", engine=str(engine)):
                return await engines.drain(action, at, engine)
            case Action(verb="load" | "unload" | "warm", engine=str(engine)):
                return await engines.load(action, at, engine)
            case Action(verb="adopt", engine=str(engine)):
                return await self._groups.adoption.carry_out(action, at, engine)
            case Action(verb="pin", agent=str(agent), engine=str(engine)):
                return await self._pin(action, at, self._agent(agent), engine)
            case Action(verb="unpin", agent=str(agent)):
                return await self._pin(action, at, self._agent(agent), None)
            case Action(verb="pause" | "resume") if action.agent or action.id:
                return await self._groups.sessions.carry_out(action, at)
            case Action(verb="cancel", id=str(id)):
                return await answers.cancel(action, at, id)
            case Action(verb="cancel-agent", agent=str(agent)):
                return await answers.cancel_agent(action, at, self._spelled(agent))
            case Action(verb="rate", id=str(), good=bool()):
                return await answers.rate(action, at)
            case Action(verb="wrong-hit", id=str(id)):
                return await answers.report_wrong_hit(action, at, id)
            case Action(verb="kill-entry", id=str(id)):
                return await answers.kill_entry(action, at, id)
            case Action(verb="flush-cache"):
                return await answers.flush(action, at)
            case Action(verb="acknowledge" | "silence"):
                return await self._groups.alerts.carry_out(action, at)
            case Action(verb="rehearse", id=str(incident)):
                return await self._groups.rehearsal.carry_out(action, incident, at)
            case Action(verb="relearn"):
                return await settings.relearn(action, at)
            case Action(verb="reload"):
                return await settings.read_again(action, at)
            case Action(verb="set", key=str(key), value=str(value)):
                return await settings.set(action, at, {key: value})
            case Action(verb="set", values=dict(values)) if values:
                return await settings.set(action, at, values)
            case Action(verb="unset", key=str(key)):
                return await settings.unset(action, at, key)
            case Action(verb="set-budget"):
                return await settings.set_budget(action, at)
            case Action(verb="allow" | "redact" | "keep-home" | "withdraw", agent=str(agent)):
                return await self._controls.privacy.carry_out(action, self._spelled(agent), at)
        raise WrongUse(f"{action.verb} needs more words: see `claw act --help`")

    async def _undo(self, action: Action, at: datetime) -> Acted:
        """Take back the last action that can be and is not, whoever took it."""
        reason = f"undo: {action.reason}" if action.reason else "undo"
        while (last := await self._ledger.undoable(at - UNDO_WITHIN)) is not None:
            if action.undoes is not None and last.number > action.undoes:
                raise WrongUse(f"another action came meanwhile: {last.detail} ({last.actor})")
            try:
                done = await self._carry_out(
                    replace(last.undo, actor=action.actor, reason=reason, undoes=last.number, confirmed=True), at
                )
            except WrongUse as error:  # what it was about is gone: it is not in force any more
                gone = replace(action, undoes=last.number)
                await self._ledger.audit(Acted(at=at, action=gone, detail=f"passed over {last.detail}: {error}"))
            else:
                detail = f"undone: {last.detail} ({last.actor}, {ago(at - last.at)})"
                return replace(done, detail=detail, undo=None)
        raise WrongUse("nothing to undo: no action of the last day is still in force")

    # ---- pins ---------------------------------------------------------------------------------------------------

    async def _pin(self, action: Action, at: datetime, agent: str, engine: str | None) -> Acted:
        settings = self._groups.settings.in_force
        to: EngineName | None = None if engine is None else known_engine(engine, settings.engines)
        allowed = settings.agents[agent].engines
        if to is not None and allowed and to not in allowed:
            raise WrongUse(
                f"{agent} may use only {', '.join(allowed)}: pin it to one of these, or change"
                f" {dotted('agents', agent, 'engines')} in claw.toml"
            )
        before = self._controls.pins.get(agent)
        if to is not None and to == before:
            acted = Acted(at=at, action=action, detail=f"{agent} is pinned to {to} already")
            await self._ledger.audit(acted)
            return acted
        undo = Action(verb="pin" if before else "unpin", actor=action.actor, agent=agent, engine=before)
        acted = Acted(
            at=at,
            action=action,
            detail=f"{agent} pinned to {to}" if to else f"{agent} unpinned",
            undo=undo,
            before=before or "",
            after=to or "",
        )
        await self._controls.pin(agent, to, acted)
        return acted

    def _spelled(self, name: str) -> str:
        """The agent as it is configured, or, where it is not, as its requests name it."""
        return spelled(name, self._groups.settings.in_force.agents) or name

    def _agent(self, name: str) -> str:
        """The agent as it is configured. Raises WrongUse."""
        agents = self._groups.settings.in_force.agents
        if known := spelled(name, agents):
            return known
        nearest = difflib.get_close_matches(name, agents, n=1, cutoff=0.0)[0]
        raise WrongUse(f"no agent {name!r} is known: the nearest is {nearest}; others are added in claw.toml")


def _texts(action: Action) -> Iterator[object]:
    """Every field, and what is in the one that holds several settings."""
    yield from astuple(action)
    for setting in (action.values or {}).items():
        yield from setting
