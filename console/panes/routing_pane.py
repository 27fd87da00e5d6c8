"""Pane 2, the routing: what went where and why, newest first; above it the last decision of each agent.

The list follows the newest request until an arrow, a click or a key about a request puts a cursor on one, where it
stays. Its keys explain, cancel or rate it, and pin its agent. `s` shows the sessions instead, with a cursor on one of
them, which keys pause and resume.
"""

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace
from textual.binding import Binding, BindingType
from textual.events import Blur, Click, Key, Paste
from textual.geometry import Size

from backends.types import Action, Exchange, SessionState
from console.keys import Keys
from console.messages import RunAction
from console.present.agent_rows import agent_rows
from console.present.decision_rows import Listed, agent_of, answer_shares, decision_body, matching, position
from console.present.frame import PaneBody
from console.present.refusal_rows import refused_today
from console.present.session_rows import (
    SessionKey,
    at_cursor,
    key_of,
    listed,
    no_sessions,
    session_body,
    session_counts,
)
from console.present.spans import BLANK, Row, row, span
from console.state import ViewState
from console.widgets.pane import Pane

FILTER_MAX = 40
LAST_REFUSED = 14  # rows of room from which the last refused request has one
AGENTS_FROM = (84, 20)  # cells and rows of room from which the agents' table stands above the requests by itself


class RoutingView(Struct, frozen=True):
    """What the operator looks at: requests that match `wanted`, with the cursor on `chosen` or without one at the
    newest; or the sessions that match, with the cursor on `session` or else on the first.
    """

    chosen: str | None = None
    wanted: str = ""
    typing: bool = False
    agents: bool | None = None
    sessions: bool = False
    session: SessionKey | None = None


class RoutingPane(Pane):
    NUMBER: ClassVar[int] = 2
    TITLE: ClassVar[str] = "Routing"
    LIVE_ONLY: ClassVar[frozenset[str]] = frozenset(
        {"pin", "cancel", "rate", "resume", "pause", "cancel_agent", "rules"}
    )
    KEYS: ClassVar[Keys] = (
        ("enter", "why"),
        ("s", "sessions"),
        ("p", "pin"),
        ("x", "cancel"),
        ("/", "filter"),
        ("+/-", "good/bad"),
        ("a", "agents"),
        ("e", "rules"),
        ("P", "pause"),
        ("X", "cancel all"),
    )
    SESSION_KEYS: ClassVar[Keys] = (
        ("enter", "more"),
        ("s", "decisions"),
        ("r", "resume"),
        ("P", "pause"),
        ("/", "filter"),
        ("p", "pin"),
    )
    FILTER_KEYS: ClassVar[Keys] = (("↑ ↓", "choose"), ("enter", "keep the filter"), ("esc", "show all"))
    """While the filter is typed."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "why", "why this decision"),
        Binding("p", "pin", "pin the agent to an engine"),
        Binding("x", "cancel", "cancel the call in flight"),
        Binding("plus", "rate(True)", "the answer was good"),
        Binding("minus", "rate(False)", "the answer was bad"),
        Binding("slash", "filter", "filter"),
        Binding("a", "agents", "show or hide the agents"),
        Binding("s", "sessions", "sessions or decisions"),
        Binding("r", "resume", "resume the session"),
        Binding("P", "pause_requests", "pause the session, or the agent of the request"),
        Binding("X", "cancel_agent", "cancel all requests of the agent"),
        Binding("e", "rules", "the agent's policy, dial and model"),
        Binding("escape", "all", "clear the filter"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view = RoutingView()

    @property
    def chosen(self) -> Listed | None:
        """The request under the cursor, or the newest where there is no cursor, while requests are shown."""
        if self._view.sessions:
            return None
        shown = matching(self.state, self._view.wanted)
        return shown[position(shown, self._view.chosen)] if shown else None

    def row_left(self) -> bool:
        view = self._view
        if view.sessions:
            sessions = listed(self.state.sessions, self.state.at, view.wanted)
            left = view.session is not None and view.session not in map(key_of, sessions)
            if left:
                self._set_view(replace(view, session=key_of(sessions[0]) if sessions else None))
        else:
            shown = matching(self.state, view.wanted)
            left = view.chosen is not None and all(each.id != view.chosen for each in shown)
            if left:
                self._set_view(replace(view, chosen=None))
        return left

    @property
    def cursor(self) -> str | None:
        """The id of the request that the cursor stands on; None while the list follows the newest."""
        return self._view.chosen

    def _put_cursor(self) -> bool:
        """Whether the cursor stood on a request. If not, it is put on the newest, and the operator sees which one that
        is before the same key acts on it.
        """
        stood, request = self._view.chosen is not None, self.chosen
        if not stood and request is not None:
            self._set_view(replace(self._view, chosen=request.id))
        return stood

    @property
    def chosen_session(self) -> SessionState | None:
        """The session under the cursor, while sessions are shown."""
        if not self._view.sessions:
            return None
        shown = listed(self.state.sessions, self.state.at, self._view.wanted)
        return shown[at_cursor(shown, self._view.session)] if shown else None

    @property
    def keys(self) -> Keys:
        if self._view.typing:
            return self.FILTER_KEYS
        return self.SESSION_KEYS if self._view.sessions else self.KEYS

    @property
    def typing(self) -> bool:
        return self._view.typing

    @property
    def all_keys(self) -> Sequence[tuple[str, Keys]]:
        return (self.TITLE, self.KEYS), (f"{self.TITLE}, sessions", self.SESSION_KEYS)

    def body(self, state: ViewState, size: Size) -> PaneBody:
        return routing_body(state, self._view, size.width, size.height)

    def summary(self, state: ViewState) -> Row:
        return session_counts(state.sessions) if self._view.sessions else answer_shares(state)

    @property
    def shows_sessions(self) -> bool:
        return self._view.sessions

    def show_sessions(self) -> None:
        if not self._view.sessions:
            self.action_sessions()

    def action_sessions(self) -> None:
        """Show the sessions, or the decisions again."""
        shown = listed(self.state.sessions, self.state.at)
        first = self._view.session or (key_of(shown[0]) if shown else None)
        self._set_view(RoutingView(agents=self._view.agents, sessions=not self._view.sessions, session=first))

    def action_move(self, rows: int) -> None:
        if self._view.sessions:
            self._move_to_session(rows)
            return
        shown = matching(self.state, self._view.wanted)
        at = max(0, min(len(shown) - 1, position(shown, self._view.chosen) + rows))
        self._set_view(replace(self._view, chosen=shown[at].id if at > 0 else None))

    def _move_to_session(self, rows: int) -> None:
        shown = listed(self.state.sessions, self.state.at, self._view.wanted)
        if shown:
            at = max(0, min(len(shown) - 1, at_cursor(shown, self._view.session) + rows))
            self._set_view(replace(self._view, session=key_of(shown[at])))

    def action_why(self) -> None:
        if (session := self.chosen_session) is not None:
            from console.overlays.session_overlay import SessionOverlay

            self.app.push_screen(SessionOverlay(session, self.state.exchanges, self.state.at))
        elif (request := self.chosen) is not None:
            self._put_cursor()
            from console.overlays.why import RefusedOverlay, WhyOverlay

            self.app.push_screen(WhyOverlay(request) if isinstance(request, Exchange) else RefusedOverlay(request))

    def action_pin(self) -> None:
        if (name := self._put_on_agent()) is None:
            return
        from console.overlays.pin import PinOverlay

        pinned = next((agent.pinned for agent in self.state.agents if agent.name == name), None)
        self.app.push_screen(PinOverlay(name, self.state, pinned), self._run)

    def _run(self, action: Action | None) -> None:
        if action is not None:
            self.post_message(RunAction(action))

    def action_resume(self) -> None:
        if (session := self.chosen_session) is not None and session.paused:
            self._run(Action(verb="resume", actor="console", agent=session.agent, id=session.id))

    def action_pause_requests(self) -> None:
        """Pause the session under the cursor; among decisions, pause or resume the request's agent."""
        if (session := self.chosen_session) is not None:
            if not session.paused:
                self._run(Action(verb="pause", actor="console", agent=session.agent, id=session.id))
        elif (name := self._put_on_agent()) is not None:
            paused = next((agent.paused for agent in self.state.agents if agent.name == name), False)
            self._run(Action(verb="resume" if paused else "pause", actor="console", agent=name))

    def action_cancel_agent(self) -> None:
        if (name := self._put_on_agent()) is not None:
            self._run(Action(verb="cancel-agent", actor="console", agent=name))

    def action_rules(self) -> None:
        """Change the agent's policy, dial or model, for a while or for good."""
        name = self._put_on_agent()
        if (agent := next((each for each in self.state.agents if each.name == name), None)) is not None:
            from console.overlays.agent_rules import AgentRulesOverlay

            self.app.push_screen(AgentRulesOverlay(agent, self.state), self._run)

    def _put_on_agent(self) -> str | None:
        """The agent of what is under the cursor, which is put on the newest request where there was none."""
        session, request = self.chosen_session, self.chosen
        self._put_cursor()
        return session.agent if session else agent_of(request) if request else None

    def action_cancel(self) -> None:
        exchange = self.chosen
        if self._put_cursor() and isinstance(exchange, Exchange) and exchange.outcome is None:
            self.post_message(RunAction(Action(verb="cancel", actor="console", id=exchange.id)))

    def action_rate(self, good: bool) -> None:
        """Rate the answer under the cursor; `claw route train` learns from ratings."""
        exchange = self.chosen
        if self._put_cursor() and isinstance(exchange, Exchange) and exchange.outcome is not None:
            self.post_message(RunAction(Action(verb="rate", actor="console", id=exchange.id, good=good)))

    def action_agents(self) -> None:
        roomy = has_room(self.size.width - 4, self.size.height - 2)
        shown = roomy if self._view.agents is None else self._view.agents
        self._set_view(replace(self._view, agents=not shown))

    def action_filter(self) -> None:
        self._set_view(replace(self._view, typing=True))

    def action_all(self) -> None:
        """Clear the filter; from the sessions without one, go back to the decisions."""
        if self._view.sessions and not (self._view.wanted or self._view.typing):
            self.action_sessions()
            return
        self._set_view(replace(self._view, wanted="", typing=False, chosen=None))

    def on_key(self, event: Key) -> None:
        """While the filter is typed, keys are its text."""
        if not self._view.typing:
            return
        wanted = self._view.wanted
        if event.key in ("enter", "up", "down"):
            self._set_view(replace(self._view, typing=False))
            if event.key != "enter":
                return  # the arrow moves the cursor
        elif event.key == "escape":
            self.action_all()
        elif event.key == "backspace":
            self._set_view(replace(self._view, wanted=wanted[:-1], chosen=None))
        elif event.is_printable and event.character:
            self._set_view(replace(self._view, wanted=(wanted + event.character)[:FILTER_MAX], chosen=None))
        else:
            return
        event.stop()
        event.prevent_default()

    def on_paste(self, event: Paste) -> None:
        if self._view.typing:
            line = event.text[:FILTER_MAX].partition("\n")[0]
            self._set_view(replace(self._view, wanted=(self._view.wanted + line)[:FILTER_MAX], chosen=None))
            event.stop()

    def on_blur(self, _event: Blur) -> None:
        self._set_view(replace(self._view, typing=False))

    def on_click(self, event: Click) -> None:
        at = self.row_at(event.y)
        if self._view.sessions:
            sessions = listed(self.state.sessions, self.state.at, self._view.wanted)
            if at is not None and 0 <= at < len(sessions):
                self._set_view(replace(self._view, session=key_of(sessions[at])))
            return
        shown = matching(self.state, self._view.wanted)
        if at is not None and 0 <= at < len(shown):
            self._set_view(replace(self._view, chosen=shown[at].id))

    def _set_view(self, view: RoutingView) -> None:
        if view.chosen is None:
            self.scroll_to_top()
        if (view.sessions, view.typing) != (self._view.sessions, self._view.typing):
            self.post_message(self.KeysChanged())
        self._view = view
        self.redraw()


def has_room(cells: int, rows: int) -> bool:
    """Whether the agents' table leaves enough for the requests."""
    return cells >= AGENTS_FROM[0] and rows >= AGENTS_FROM[1]


def routing_body(state: ViewState, view: RoutingView, cells: int, room: int) -> PaneBody:
    return _sessions(state, view, cells) if view.sessions else _decisions(state, view, cells, room)


def _sessions(state: ViewState, view: RoutingView, cells: int) -> PaneBody:
    shown = listed(state.sessions, state.at, view.wanted)
    head = _filter(view)
    if not shown:
        return PaneBody([*head, *no_sessions(view.wanted, cells)])
    return session_body(shown, at_cursor(shown, view.session), state, cells, head)


def _filter(view: RoutingView) -> list[Row]:
    if not (view.wanted or view.typing):
        return []
    return [row(span("/", "focus"), span(view.wanted, "strong"), span("▏" if view.typing else "", "focus"))]


def _decisions(state: ViewState, view: RoutingView, cells: int, room: int) -> PaneBody:
    agents = view.agents if view.agents is not None else has_room(cells, room)
    above = [*agent_rows(state, cells), BLANK] if agents and state.agents else []
    head = [*above, *refused_today(state, cells, last=room >= LAST_REFUSED), *_filter(view)]
    return decision_body(state, head, cells, room, wanted=view.wanted, chosen=view.chosen)
