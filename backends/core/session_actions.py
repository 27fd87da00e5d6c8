"""Pausing and resuming an agent or a session: its requests are refused meanwhile, and what runs ends as it would."""

from collections.abc import Callable
from datetime import datetime

from backends.agent_names import spelled
from backends.envelope.sessions import Sessions
from backends.errors import WrongUse
from backends.ledger.store import Ledger
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.alerts import SESSION_PAUSED
from backends.pipeline.controls import Controls
from backends.pipeline.run_guard import BY_OPERATOR
from backends.settings.model import Settings
from backends.types import Acted, Action


class SessionActions:
    """`settings` returns those in force."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        *,
        controls: Controls,
        ledger: Ledger,
        sessions: Sessions,
        alerts: Alerts,
    ) -> None:
        self._settings = settings
        self._controls = controls
        self._ledger = ledger
        self._sessions = sessions
        self._alerts = alerts

    async def carry_out(self, action: Action, at: datetime) -> Acted:
        """Pause or resume what the action names. Raises WrongUse where that is not known, or not paused."""
        pause = action.verb == "pause"
        agent, session = self._target(action)
        who = f"agent {agent}" if session is None else f"session {session} of {agent}"
        if session is not None and not pause and not self._is_paused(agent, session):
            raise WrongUse(f"{who} is not paused")
        paused = self._controls.paused_agents if session is None else self._controls.paused_sessions
        if pause and (agent if session is None else (agent, session)) in paused:
            acted = Acted(at=at, action=action, detail=f"{who} is paused already")
            await self._ledger.audit(acted)
            return acted
        undo = Action(verb="resume" if pause else "pause", actor=action.actor, agent=agent, id=session)
        acted = Acted(at=at, action=action, detail=f"{who} {'paused' if pause else 'resumed'}", undo=undo)
        if session is None:
            await self._controls.pause_agent(agent, pause, acted)
            return acted
        await self._controls.pause_session(agent, session, pause, acted)
        if pause:
            self._sessions.pause(agent, session, BY_OPERATOR)
        else:
            self._sessions.resume(agent, session)
        self._alerts.clear(SESSION_PAUSED, agent=agent, session=session)
        return acted

    def _target(self, action: Action) -> tuple[str, str | None]:
        """The agent and, unless all of it is meant, its session. A word alone may be the name of either."""
        agents = self._settings().agents
        if action.agent is not None:
            return spelled(action.agent, agents) or action.agent, action.id
        word = action.id or ""
        if known := spelled(word, agents):
            return known, None
        found = dict.fromkeys((state.agent, state.id) for state in self._sessions.matching(word))
        found |= dict.fromkeys(each for each in self._controls.paused_sessions if each[1] == word)
        if not found:
            raise WrongUse(f"no agent or session {word!r} is known: the console lists them, and `claw report` does")
        if len(found) > 1:
            shown = ", ".join(sorted(f"{id} of {agent}" for agent, id in found)[:3])
            raise WrongUse(f"{word} may be {shown}: give more of it")
        return next(iter(found))

    def _is_paused(self, agent: str, session: str) -> bool:
        return bool(self._sessions.paused(agent, session)) or (agent, session) in self._controls.paused_sessions
