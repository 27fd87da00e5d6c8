"""Pane 2: the stream of decisions, with a cursor; why, pin, cancel and filter."""

from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Blur, Click, Key, Paste
from textual.geometry import Size

from backends.types import Action, EngineName, Exchange
from console.messages import Act
from console.present import routing as present
from console.present.frame import Body
from console.present.rows import Row
from console.state import ViewState
from console.widgets.pane import Pane

FILTER_MAX = 40
_NEXT_PIN: dict[EngineName | None, EngineName | None] = {None: "local", "local": "cloud", "cloud": None}


class RoutingPane(Pane):
    NUMBER: ClassVar[int] = 2
    TITLE: ClassVar[str] = "Routing"
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("enter", "why"),
        ("p", "pin"),
        ("x", "cancel"),
        ("/", "filter"),
        ("+/-", "good/bad"),
        ("a", "agents"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "why", "why this decision"),
        Binding("p", "pin", "pin the agent: local, cloud, not"),
        Binding("x", "cancel", "cancel the call in flight"),
        Binding("plus", "rate(True)", "the answer was good"),
        Binding("minus", "rate(False)", "the answer was bad"),
        Binding("slash", "filter", "filter"),
        Binding("a", "agents", "one line an agent, or not"),
        Binding("escape", "all", "show all again"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view = present.View()

    @property
    def chosen(self) -> Exchange | None:
        """The exchange under the cursor."""
        shown = present.matching(self.state.exchanges, self._view.wanted)
        return shown[present.position(shown, self._view.chosen)] if shown else None

    def body(self, state: ViewState, size: Size) -> Body:
        body = present.routing(state, self._view, size.width, size.height)
        # a cursor that only follows the newest is not worth a highlight while the focus is elsewhere
        return body if self.has_focus or self._view.chosen else replace(body, selected=None)

    def summary(self, state: ViewState) -> Row:
        return present.summary(state)

    def action_move(self, rows: int) -> None:
        shown = present.matching(self.state.exchanges, self._view.wanted)
        at = max(0, min(len(shown) - 1, present.position(shown, self._view.chosen) + rows))
        self._look(replace(self._view, chosen=shown[at].id if at > 0 else None))

    def action_why(self) -> None:
        if (exchange := self.chosen) is not None:
            from console.screens.why import WhyScreen

            self.app.push_screen(WhyScreen(exchange))

    def action_pin(self) -> None:
        if (exchange := self.chosen) is None:
            return
        name = exchange.explanation.agent
        pinned = next((agent.pinned for agent in self.state.agents if agent.name == name), None)
        engine = _NEXT_PIN[pinned]
        action = Action(verb="pin" if engine else "unpin", actor="console", agent=name, engine=engine)
        self.post_message(Act(action))

    def action_cancel(self) -> None:
        exchange = self.chosen
        if exchange is not None and exchange.outcome is None:
            self.post_message(Act(Action(verb="cancel", actor="console", id=exchange.id)))

    def action_rate(self, good: bool) -> None:
        """Say of the answer under the cursor how it was; `claw route train` learns from that."""
        exchange = self.chosen
        if exchange is not None and exchange.outcome is not None:
            self.post_message(Act(Action(verb="rate", actor="console", id=exchange.id, good=good)))

    def action_agents(self) -> None:
        tall = self.size.height - 2 >= present.AGENTS_FROM
        shown = tall if self._view.agents is None else self._view.agents
        self._look(replace(self._view, agents=not shown))

    def action_filter(self) -> None:
        self._look(replace(self._view, typing=True))

    def action_all(self) -> None:
        self._look(replace(self._view, wanted="", typing=False, chosen=None))

    def on_key(self, event: Key) -> None:
        """While the filter is typed, keys are its text."""
        if not self._view.typing:
            return
        wanted = self._view.wanted
        if event.key == "enter":
            self._look(replace(self._view, typing=False))
        elif event.key == "escape":
            self.action_all()
        elif event.key == "backspace":
            self._look(replace(self._view, wanted=wanted[:-1], chosen=None))
        elif event.is_printable and event.character:
            self._look(replace(self._view, wanted=(wanted + event.character)[:FILTER_MAX], chosen=None))
        else:
            return
        event.stop()
        event.prevent_default()

    def on_paste(self, event: Paste) -> None:
        if self._view.typing:
            line = event.text[:FILTER_MAX].partition("\n")[0]
            self._look(replace(self._view, wanted=(self._view.wanted + line)[:FILTER_MAX], chosen=None))
            event.stop()

    def on_blur(self, _event: Blur) -> None:
        self._look(replace(self._view, typing=False))

    def on_click(self, event: Click) -> None:
        shown = present.matching(self.state.exchanges, self._view.wanted)
        at = self.row_at(event.y)
        if at is not None and 0 <= at < len(shown):
            self._look(replace(self._view, chosen=shown[at].id if at > 0 else None))

    def _look(self, view: present.View) -> None:
        self._view = view
        self.redraw()
