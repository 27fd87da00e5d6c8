"""Who may send nothing now: agents and sessions that the operator paused, and sessions that got nowhere."""

from collections import OrderedDict

from backends.envelope.loop_detector import Loop, find_loop
from backends.envelope.sessions import Sessions
from backends.errors import SessionPaused
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.alerts import SESSION_PAUSED
from backends.pipeline.controls import Controls
from backends.settings.model import Settings
from backends.types import Action, Choice, Request

BY_OPERATOR = "by the operator"

MOST_ALERTS = 100
"""Paused sessions that have an alert; of more, the last ones."""


class RunGuard:
    """Asked before any engine, so that nothing of a paused session's work is lost: the same request passes later."""

    def __init__(self, settings: Settings, *, sessions: Sessions, controls: Controls, alerts: Alerts) -> None:
        self._settings = settings
        self._sessions = sessions
        self._controls = controls
        self._alerts = alerts
        self._shown: OrderedDict[tuple[str, str], None] = OrderedDict()

    def reconfigure(self, settings: Settings) -> None:
        """Use other settings from the next request on."""
        self._settings = settings

    def loop(self, request: Request) -> Loop | None:
        """The loop that the request shows, where its agent's loops are looked for. Safe to call from any thread."""
        agent = self._settings.rules(request.agent, request.rules)
        watched = self._settings.sessions.detect_loops if agent.detect_loops is None else agent.detect_loops
        return find_loop(request, self._settings.sessions.repeats) if watched else None

    def check(self, request: Request, loop: Loop | None) -> None:
        """Raises SessionPaused where the request may not go on; changes nothing."""
        for agent in (request.agent, *request.rules):
            if agent in self._controls.paused_agents:
                raise _paused(f"agent {agent} is paused by the operator", agent)
        if phrase := self._phrase(request, loop):
            raise _paused(f"this session is paused ({phrase})", request.session)

    def admit(self, request: Request, loop: Loop | None) -> None:
        """As `check`; a session that gets nowhere is paused, and an alert says so. One that begins anew is not any
        more.
        """
        try:
            self.check(request, loop)
        except SessionPaused:
            if (phrase := self._phrase(request, loop)) and not self._sessions.paused(request.agent, request.session):
                self._pause(request, phrase, loop)
            raise
        if self._sessions.begins_anew(request):
            self._sessions.begin_anew(request)
            self._alerts.clear(SESSION_PAUSED, agent=request.agent, session=request.session)

    def _phrase(self, request: Request, loop: Loop | None) -> str:
        """Why the session may not go on, "" where it may."""
        if (request.agent, request.session) in self._controls.paused_sessions:
            return BY_OPERATOR
        paused = self._sessions.paused(request.agent, request.session)
        if paused and not self._sessions.begins_anew(request):
            return paused
        if loop is not None and self._sessions.goes_round(request, loop, self._settings.sessions.repeats):
            return loop.phrase
        limit, rate = self._settings.sessions.usd_per_hour, self._sessions.usd_per_hour(request)
        return f"spends ${rate:.2f} an hour" if 0 < limit < rate else ""

    def _pause(self, request: Request, phrase: str, loop: Loop | None) -> None:
        agent, session = request.agent, request.session
        self._sessions.pause(agent, session, phrase, loop)
        if phrase == BY_OPERATOR:
            return
        resume, end = (Action(verb=verb, actor="operator", agent=agent, id=session) for verb in ("resume", "pause"))
        self._alerts.show(
            SESSION_PAUSED,
            agent=agent,
            session=session,
            why=phrase,
            choices=(Choice(label="let it go on", action=resume), Choice(label="end it", action=end)),
        )
        self._shown[agent, session] = None
        self._shown.move_to_end((agent, session))
        if len(self._shown) > MOST_ALERTS:
            (agent, session), _ = self._shown.popitem(last=False)
            self._alerts.clear(SESSION_PAUSED, agent=agent, session=session)


def _paused(line: str, name: str) -> SessionPaused:
    return SessionPaused(f"{line}: the operator lets it go on with `claw act resume {name}`")
