"""Pane 7, the timeline: requests, failures, latency, waits and spend over the last hour or day, with the incidents.

It asks the core for them once a minute while it is on screen. A mark on the time axis shows the past moment that all
panes show.
"""

from datetime import timedelta
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Show
from textual.geometry import Size

from backends.types import Timeline
from console.keys import Keys
from console.messages import MoveInTime, RequestTimeline, StateChanged, TimelineLoaded
from console.present.frame import PaneBody
from console.present.spans import Row, row, span
from console.present.timeline_rows import timeline_rows
from console.state import ViewState
from console.widgets.pane import Pane

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class TimelinePane(Pane):
    NUMBER: ClassVar[int] = 7
    TITLE: ClassVar[str] = "Timeline"
    KEYS: ClassVar[Keys] = (
        ("← →", "a minute"),
        ("⇧← ⇧→", "ten"),
        ("g", "a time"),
        ("t", "last incident"),
        ("d", "hour or day"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "span", "the last hour or the last day"),
        Binding("left", "travel(-1)", "a minute back"),
        Binding("right", "travel(1)", "a minute forth"),
        Binding("shift+left", "travel(-10)", "ten minutes back"),
        Binding("shift+right", "travel(10)", "ten minutes forth"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._span = HOUR
        self._timeline: Timeline | None = None
        self._problem = ""
        self._asked: RequestTimeline | None = None

    @property
    def keys(self) -> Keys:
        return (("d", "hour or day"),) if self.state.past else self.KEYS

    def body(self, state: ViewState, size: Size) -> PaneBody:
        return PaneBody(timeline_rows(state, self._timeline, self._problem, size.width, size.height))

    def summary(self, state: ViewState) -> Row:
        return row(span("last hour" if self._span == HOUR else "last day", "dim"))

    def on_show(self, _event: Show) -> None:
        self._ask()

    def on_state_changed(self, message: StateChanged) -> None:
        if self.size and self.display:
            self._ask(message.state)

    def on_timeline_loaded(self, message: TimelineLoaded) -> None:
        self._timeline, self._problem = message.timeline or self._timeline, message.line
        self.redraw()

    def action_span(self) -> None:
        """The last hour, or the last day."""
        self._span = DAY if self._span == HOUR else HOUR
        self._ask()
        self.redraw()

    def action_travel(self, minutes: int) -> None:
        self.post_message(MoveInTime(minutes))

    def _ask(self, state: ViewState | None = None) -> None:
        """Ask for what is to be shown, unless that was asked for before: it changes once a minute."""
        state = state or self.state
        if not state.live or state.now is None:
            self._asked = None
            return
        until = state.now.replace(second=0, microsecond=0) + timedelta(minutes=1)
        if state.past and state.live_at is not None:
            until = min(state.live_at, until + self._span / 2)
            if (
                self._asked is not None
                and self._asked.until - self._span <= state.now < self._asked.until <= state.live_at
            ):
                until = self._asked.until
        wanted = RequestTimeline(until - self._span, until)
        if self._asked is None or (wanted.since, wanted.until) != (self._asked.since, self._asked.until):
            self._asked = wanted
            self.post_message(wanted)
